//! A password file as Apache and nginx read it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::course::Course;
use super::fixture::{RotationFixture, write};
use super::server::{self, Server};

#[test]
fn a_line_is_replaced() {
    let fixture = RotationFixture::new();
    let Some([program]) = server::tools(["htpasswd"]) else { return };
    let file = fixture.at("passwords");
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
    fixture.store("htpasswd", &first);
    let variable = format!("HTPASSWD_FILE={file}");
    let accepts = |value: &Value| run(&["-v", "-i"], value);
    let course = Course {
        fixture: &fixture,
        secret: "htpasswd",
        options: ["--rotation-env", &variable, "--rotation-env", "EXCLUDE_CHARACTERS="]
            .map(str::to_owned)
            .to_vec(),
        command: vec![fixture.template("htpasswd").to_str().unwrap().to_owned()],
        accepts: &accepts,
        grace: 0,
        hidden: "password",
    };
    course.rotates_three_times();
    course.survives_crashes();
    assert!(accepts(&other), "the other line stays");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::metadata(format!("{file}.new")).is_err());

    fs::rename(&file, fixture.at("away")).unwrap();
    course.fails("setSecret: exit status 78");
    fs::rename(fixture.at("away"), &file).unwrap();
    assert_eq!(fixture.rotate("htpasswd").code, 0);
    assert!(accepts(&fixture.value("htpasswd", "AWSCURRENT").unwrap()));
}

/// A server in front of a page that needs the password, asked by the rotator and by the test.
#[test]
fn a_web_server_asks_for_the_new_password() {
    let fixture = RotationFixture::new();
    let Some([htpasswd, nginx, curl]) = server::tools(["htpasswd", "nginx", "curl"]) else {
        return;
    };
    let place = fixture.place().join("www");
    server::directory(&place);
    fs::set_permissions(&place, fs::Permissions::from_mode(0o711)).unwrap();
    // The server's workers run as nobody; the file belongs to root.
    let (file, socket) = (fixture.at("passwords"), fixture.at("www/s"));
    let made = Command::new(htpasswd).args(["-c", "-b", "-B", &file, "ada", "first"]).output();
    assert!(made.unwrap().status.success());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    write(place.join("page"), "the page");
    server::hand_over(&place.join("page"));
    let settings = NGINX.replace("PLACE", place.to_str().unwrap()).replace("FILE", &file);
    write(place.join("conf"), &settings);
    server::hand_over(&place.join("conf"));
    let fetch = |value: &Value| status(&curl, &socket, value);
    let mut web = Server::new(&nginx, &["-e", "stderr", "-c", &fixture.at("www/conf")], &place);
    web.start(|| fetch(&Value::Null) == "401");

    let first = json!({ "username": "ada", "password": "first" });
    assert_eq!(fetch(&first), "200");
    fixture.store("web", &first);
    // curl finds the socket in the settings of the user who runs it.
    write(fixture.at(".curlrc"), &format!("unix-socket = {socket}\n"));
    let rotator = fixture.template("htpasswd").to_str().unwrap().to_owned();
    let variables = [
        format!("HTPASSWD_FILE={file}"),
        "HTPASSWD_URL=http://localhost/page".to_owned(),
        format!("CURL_HOME={}", fixture.place().display()),
    ];
    let options: Vec<&str> =
        variables.iter().flat_map(|variable| ["--rotation-env", variable]).collect();
    let rotated = fixture.register("web", &options, &[&rotator]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr_text());
    let second = fixture.value("web", "AWSCURRENT").unwrap();
    assert_eq!([fetch(&first), fetch(&second)], ["401", "200"]);
    assert_eq!(fixture.rotate("web").code, 0);
    let third = fixture.value("web", "AWSCURRENT").unwrap();
    assert_eq!([fetch(&second), fetch(&third)], ["401", "200"]);

    // testSecret asks the server, and notices that it is away.
    web.stop(Signal::QUIT);
    let failed = fixture.rotate("web");
    let told = failed.stderr_text();
    assert!(failed.code == 254 && told.contains("during testSecret step"), "{told}");
    let pending = fixture.value("web", "AWSPENDING").unwrap();
    drop(fs::remove_file(&socket));
    web.start(|| fetch(&Value::Null) == "401");
    assert_eq!(fixture.rotate("web").code, 0);
    assert_eq!(fixture.value("web", "AWSCURRENT"), Some(pending.clone()));
    assert_eq!([fetch(&third), fetch(&pending)], ["401", "200"]);
}

/// Asks for the page, and returns the server's status; the login is not on the command line.
fn status(curl: &Path, socket: &str, value: &Value) -> String {
    let mut command = Command::new(curl);
    command.args(["-q", "--config", "-", "--silent", "--output", "/dev/null"]);
    command.args(["--unix-socket", socket, "--write-out", "%{http_code}", "http://localhost/page"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let user = |value: &Value| {
        let password = value["password"].as_str()?.replace('\\', "\\\\").replace('"', "\\\"");
        Some(format!("user = \"{}:{password}\"\n", value["username"].as_str()?))
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(user(value).unwrap_or_default().as_bytes()).unwrap();
    drop(stdin);
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

/// A server on a socket alone, which writes nothing outside its place.
const NGINX: &str = "daemon off;
master_process off;
pid PLACE/pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path PLACE/body;
    proxy_temp_path PLACE/proxy;
    fastcgi_temp_path PLACE/fastcgi;
    uwsgi_temp_path PLACE/uwsgi;
    scgi_temp_path PLACE/scgi;
    server {
        listen unix:PLACE/s;
        root PLACE;
        auth_basic vault;
        auth_basic_user_file FILE;
    }
}
";
