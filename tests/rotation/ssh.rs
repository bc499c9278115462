//! SSH: a real server for each connection, on no port.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::course::Course;
use super::fixture::{RotationFixture, write};
use super::server;
use crate::harness::files::make_dirs;

/// A host that knows two keys: ours, which has options, and another.
struct Host<'a> {
    fixture: &'a RotationFixture,
    ssh: PathBuf,
    user: String,
    /// How the server is reached.
    client: String,
    reach: String,
    /// The keys that the user may log in with.
    keys: String,
    other: String,
}

impl<'a> Host<'a> {
    fn new(fixture: &'a RotationFixture) -> Option<Self> {
        let [sshd, ssh, keygen] = server::tools(["sshd", "ssh", "ssh-keygen"])?;
        if server::is_root() {
            // sshd, as root, insists on a directory that only its service makes.
            make_dirs(Path::new("/run/sshd"));
        }
        let ((_, own), (private, public)) =
            (made(&keygen, fixture, "host"), made(&keygen, fixture, "first"));
        let (_, other) = made(&keygen, fixture, "other");
        let (keys, server, client) = (fixture.at("keys"), fixture.at("sshd"), fixture.at("client"));
        // The last line has no newline.
        write(&keys, &format!("# by hand\n{OPTIONS}{public}\n{other}"));
        let host = fixture.at("host");
        let settings = format!(
            "HostKey {host}\nAuthorizedKeysFile {keys}\nUsePAM no\nPidFile none\nStrictModes no\n\
             PermitRootLogin yes\n"
        );
        write(&server, &settings);
        let reach = format!("Host *\n    ProxyCommand {} -i -f {server}\n", sshd.display());
        write(&client, &reach);
        let user = Command::new("id").arg("-un").output().ok()?.stdout;
        let user = String::from_utf8(user).ok()?.trim_end().to_owned();
        let value = json!({ "host": "box", "username": user, "private_key": private,
            "public_key": public, "known_hosts": format!("box {own}") });
        fixture.store("ssh", &value);
        Some(Self { fixture, ssh, user, client, reach, keys, other })
    }

    fn accepts(&self, login: &Value) -> bool {
        let key = self.fixture.at("key");
        write(&key, login["private_key"].as_str().unwrap());
        let mut command = Command::new(&self.ssh);
        command.args(["-F", &self.client, "-i", &key, "-o", "BatchMode=yes"]);
        command.args(["-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no"]);
        command.args(["-o", "UserKnownHostsFile=/dev/null", "-l", &self.user, "box", "echo in"]);
        command.stdin(Stdio::null()).output().unwrap().stdout == b"in\n"
    }
}

/// Makes a pair of keys.
fn made(keygen: &Path, fixture: &RotationFixture, name: &str) -> (String, String) {
    let path = fixture.at(name);
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", "by hand", "-f", &path];
    assert!(Command::new(keygen).args(words).status().unwrap().success());
    let public = fs::read_to_string(format!("{path}.pub")).unwrap();
    (fs::read_to_string(path).unwrap(), public.trim_end().to_owned())
}

#[test]
fn a_key_is_replaced() {
    let fixture = RotationFixture::new();
    let Some(host) = Host::new(&fixture) else { return };
    let variables =
        [format!("SSH_CONFIG={}", host.client), format!("AUTHORIZED_KEYS={}", host.keys)];
    let options = variables.iter().flat_map(|v| ["--rotation-env".to_owned(), v.clone()]);
    let course = Course {
        fixture: &fixture,
        secret: "ssh",
        options: options.collect(),
        command: vec![fixture.template("ssh-key").to_str().unwrap().to_owned()],
        accepts: &|value| host.accepts(value),
        grace: 0,
        hidden: "private_key",
    };
    course.rotates_three_times();
    course.survives_crashes();

    // Ours took over the options of the one before; nothing else changed.
    let current = fixture.value("ssh", "AWSCURRENT").unwrap();
    let public = current["public_key"].as_str().unwrap();
    let keys = fs::read_to_string(&host.keys).unwrap();
    assert_eq!(keys, format!("# by hand\n{}\n{OPTIONS}{public}\n", host.other));

    let mut wrong = current.clone();
    wrong["private_key"] = Value::from(fs::read_to_string(fixture.at("other")).unwrap());
    write(&host.keys, &keys.replace(&host.other, ""));
    course.refuses_a_wrong_value(&wrong);
    course.waits_for_the_server(
        || write(&host.client, "Host *\n    ProxyCommand false\n"),
        || write(&host.client, &host.reach),
    );

    // Another host key may be another host.
    let mut elsewhere = fixture.value("ssh", "AWSCURRENT").unwrap();
    elsewhere["known_hosts"] = Value::from(format!("box {}", host.other));
    fixture.store("ssh", &elsewhere);
    course.fails("setSecret: exit status 78");
}

/// What a line may have before its key.
const OPTIONS: &str = "no-pty,environment=\"A=b c\" ";
