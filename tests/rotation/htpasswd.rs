//! A password file as Apache and nginx read it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::course::Course;
use super::server;
use super::stage::Stage;

#[test]
fn a_line_is_replaced() {
    let stage = Stage::new();
    let Some([program]) = server::tools(["htpasswd"]) else { return };
    let file = stage.at("passwords");
    let run = |options: &[&str], login: &Value| {
        let mut command = Command::new(&program);
        command.args(options).args([&file, login["username"].as_str().unwrap()]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(login["password"].as_str().unwrap().as_bytes())
            .unwrap();
        child.wait().unwrap().success()
    };
    let other = json!({ "username": "bob", "password": "bob's" });
    let first = json!({ "username": "ada", "password": "first" });
    assert!(run(&["-c", "-i", "-B"], &other) && run(&["-i", "-B"], &first));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    stage.store("htpasswd", &first);
    let variable = format!("HTPASSWD_FILE={file}");
    let accepts = |value: &Value| run(&["-v", "-i"], value);
    let course = Course {
        stage: &stage,
        secret: "htpasswd",
        options: ["--rotation-env", &variable, "--rotation-env", "EXCLUDE_CHARACTERS="]
            .map(str::to_owned)
            .to_vec(),
        command: vec![stage.template("htpasswd").to_str().unwrap().to_owned()],
        accepts: &accepts,
        grace: 0,
        hidden: "password",
    };
    course.rotates_three_times();
    course.survives_crashes();
    assert!(accepts(&other), "the other line stays");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::metadata(format!("{file}.new")).is_err());

    fs::rename(&file, stage.at("away")).unwrap();
    course.fails("setSecret: exit status 78");
    fs::rename(stage.at("away"), &file).unwrap();
    assert_eq!(stage.rotate("htpasswd").code, 0);
    assert!(accepts(&stage.value("htpasswd", "AWSCURRENT").unwrap()));
}
