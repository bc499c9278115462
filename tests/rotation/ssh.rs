//! SSH: a real server for each connection, on no port.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::course::Course;
use super::server;
use super::stage::Stage;

#[test]
fn a_key_is_replaced() {
    let stage = Stage::new();
    let Some([sshd, ssh, keygen]) = server::tools(["sshd", "ssh", "ssh-keygen"]) else { return };
    if server::is_root() {
        // Where sshd, as root, insists on a directory that only its service makes.
        let _there_already = fs::create_dir("/run/sshd");
    }
    let make = |name: &str| {
        let path = stage.at(name);
        let words = ["-q", "-t", "ed25519", "-N", "", "-C", "by hand", "-f", &path];
        assert!(Command::new(&keygen).args(words).status().unwrap().success());
        let read = |path: String| fs::read_to_string(path).unwrap();
        (read(path.clone()), read(format!("{path}.pub")).trim_end().to_owned())
    };
    let ((_, host), (private, public), (_, other)) = (make("host"), make("first"), make("other"));
    let (keys, server, client) = (stage.at("keys"), stage.at("sshd"), stage.at("client"));
    // The other line has no newline, ours has options.
    let lines = format!("# by hand\nno-pty,environment=\"A=b c\" {public}\n{other}");
    fs::write(&keys, lines).unwrap();
    let settings = format!(
        "HostKey {}\nAuthorizedKeysFile {keys}\nUsePAM no\nPidFile none\nStrictModes no\n\
         PermitRootLogin yes\n",
        stage.at("host")
    );
    fs::write(&server, settings).unwrap();
    let reach = format!("Host *\n    ProxyCommand {} -i -f {server}\n", sshd.display());
    fs::write(&client, &reach).unwrap();

    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap().trim_end().to_owned();
    let known = format!("box {host}");
    stage.store(
        "ssh",
        &json!({ "host": "box", "username": user, "private_key": private,
        "public_key": public, "known_hosts": known }),
    );
    let accepts = |value: &Value| {
        let key = stage.write("key", value["private_key"].as_str().unwrap());
        fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut command = Command::new(&ssh);
        command.args(["-F", &client, "-i", key.to_str().unwrap(), "-o", "BatchMode=yes"]);
        command.args(["-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no"]);
        command.args(["-o", "UserKnownHostsFile=/dev/null", "-l", &user, "box", "echo in"]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        output.stdout == b"in\n"
    };
    let variables = [format!("SSH_CONFIG={client}"), format!("AUTHORIZED_KEYS={keys}")];
    let options = variables.iter().flat_map(|v| ["--rotation-env".to_owned(), v.clone()]);
    let course = Course {
        stage: &stage,
        secret: "ssh",
        options: options.collect(),
        command: vec![stage.template("ssh-key").to_str().unwrap().to_owned()],
        accepts: &accepts,
        grace: 0,
        hidden: "private_key",
    };
    course.rotates_three_times();
    course.survives_crashes();

    let current = stage.value("ssh", "AWSCURRENT").unwrap();
    let lines = fs::read_to_string(&keys).unwrap();
    let expected = format!(
        "# by hand\nno-pty,environment=\"A=b c\" {}\n",
        current["public_key"].as_str().unwrap()
    );
    assert_eq!(sorted(&lines), sorted(&format!("{expected}{other}\n")), "{lines}");

    let mut wrong = current.clone();
    wrong["private_key"] = Value::from(fs::read_to_string(stage.at("other")).unwrap());
    wrong["public_key"] = Value::from("ssh-ed25519 AAAAnobody");
    fs::write(&keys, lines.replace(&other, "")).unwrap();
    course.refuses_a_wrong_value(&wrong);
    course.waits_for_the_server(
        || fs::write(&client, "Host *\n    ProxyCommand false\n").unwrap(),
        || fs::write(&client, &reach).unwrap(),
    );

    // Another host key may be another host.
    let mut other_host = stage.value("ssh", "AWSCURRENT").unwrap();
    other_host["known_hosts"] = Value::from(format!("box {other}"));
    stage.store("ssh", &other_host);
    course.fails("setSecret: exit status 78");
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
