//! What surrounds a rotation: full disks, timers, other users, rude clients, keys that change.

use super::meanwhile::two_unfinished;
use super::{ALL, GOOD, HostileFixture, NEW, OLD};
use crate::harness::files::write;
use crate::harness::process::{Outcome, tool};

/// The version that a rotation makes here, wherever the disk fills up.
const TOKEN: &str = "11111111-1111-4111-8111-111111111111";

/// A program that does all that one written for AWS does; `"$full" STEP WHEN` has no file of its
/// rotation grow any more.
const FILLED: &str = r#"full() {
    [ "$(cat "$HOME/full")" = "$1" ] || return 0
    prlimit --pid "$PPID" --fsize=1: || exit 9
    : >"$HOME/is-full"
}
full "$step before"
case $step in
createSecret) create || exit 3 ;;
finishSecret)
    current=$(strongroom get-secret-value --secret-id "$id" --query VersionId --output text) || exit 4
    strongroom update-secret-version-stage --secret-id "$id" --version-stage AWSCURRENT \
        --move-to-version-id "$token" --remove-from-version-id "$current" >/dev/null || exit 5 ;;
esac
full "$step after"
"#;

/// Rotates under a version that is named, by a Strongroom that is told of a full disk instead of
/// being killed for it.
fn rotate_where_full(fixture: &HostileFixture) -> Outcome {
    let program = fixture.program("rotate", FILLED);
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let grants = fixture.grants();
    let mut words = vec!["-c", "trap '' XFSZ; exec \"$@\"", "sh", "strongroom", "rotate-secret"];
    words.extend(["--secret-id", "db", "--client-request-token", TOKEN, "--rotation-env", &path]);
    words.extend(grants.iter().map(String::as_str));
    words.extend(["--", &program]);
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    fixture.sandbox.invocation("sh", &words).run()
}

/// The disk is full from some point of a rotation on; when there is room again, it goes on.
#[test]
fn a_full_disk_leaves_a_rotation_that_goes_on() {
    if tool("prlimit").is_none() {
        return;
    }
    for step in ALL.split(' ') {
        for when in ["before", "after"] {
            let told = format!("{step} {when}");
            let fixture = HostileFixture::new();
            fixture.put("full", &told);
            let outcome = rotate_where_full(&fixture);
            let said = outcome.stderr_text();
            assert!([254, 255].contains(&outcome.code), "{told}: {} {said}", outcome.code);
            assert_eq!(outcome.crash(), None, "{told}");
            assert!(fixture.sandbox.home().join("is-full").exists(), "{told}: {said}");
            assert!(said.contains("no space left"), "{told}: {said}");
            assert!(!said.contains(OLD) && !said.contains(NEW), "{told}: {said}");
            fixture.must_be_tidy();
            assert_eq!(fixture.done(&["check", "--query", "Status", "--output", "text"]), "clean");
            assert_eq!(fixture.version("AWSPENDING"), TOKEN, "{told}");
            let is_moved = told == "finishSecret after";
            if !is_moved {
                fixture.must_be_unchanged();
            }
            // What was stored before is not made anew.
            let pending = fixture.value("AWSPENDING");
            let is_stored = told != "createSecret before";
            assert_eq!(pending.is_empty(), !is_stored, "{told}");
            fixture.steps();

            fixture.put("full", "never");
            let named = ["rotate-secret", "--secret-id", "db", "--client-request-token", TOKEN];
            let outcome = fixture.run(&named);
            assert_eq!(outcome.code, 0, "{told}: {}", outcome.stderr_text());
            assert_eq!(fixture.steps(), if is_moved { "" } else { ALL }, "{told}");
            fixture.must_be_rotated_to(TOKEN);
            assert_eq!(fixture.done(&["check", "--query", "Status", "--output", "text"]), "clean");
        }
    }
}

/// No room for the very first write: nothing is run, and nothing is kept.
#[test]
fn a_disk_that_was_full_before_begins_nothing() {
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", GOOD);
    let words = ["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh", "strongroom"];
    let words = [&words[..], &["rotate-secret", "--secret-id", "db", "--", &program]].concat();
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let outcome = fixture.sandbox.invocation("sh", &words).run();
    let told = outcome.stderr_text();
    assert!(outcome.code == 255 && told.contains("no space left"), "{}: {told}", outcome.code);
    assert_eq!(fixture.steps(), "");
    fixture.must_be_unchanged();
    assert_eq!(fixture.version("AWSPENDING"), "None");
    assert_eq!(fixture.describe("RotationEnabled"), "None");
    assert_eq!(fixture.rotate(GOOD).code, 0);
}

/// While a timer's run is at work, another one and a person leave its secret alone.
#[test]
fn a_second_timer_stands_back() {
    let fixture = two_unfinished(
        "owner rotate-due 2>\"$HOME/due\"; echo $? >>\"$HOME/codes\"\n\
         owner rotate-secret --secret-id a 2>\"$HOME/told\"; echo $? >>\"$HOME/codes\"\n",
    );
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.note("codes"), "75\n254");
    let due = fixture.note("due");
    assert!(due.contains("another rotate-due is at work on this vault"), "{due}");
    let told = fixture.note("told");
    assert!(told.contains("A previous rotation isn't complete."), "{told}");
    assert_eq!(fixture.steps(), format!("{ALL} {ALL}"));
}

/// What a person is rotating is unfinished meanwhile, but the timer leaves it alone.
#[test]
fn a_timer_leaves_alone_what_a_person_rotates() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] || exit 0\nowner rotate-due 2>\"$HOME/due\"\n\
         echo $? >\"$HOME/code\"\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.steps(), ALL, "{}", fixture.note("due"));
    assert_eq!(fixture.note("code"), "0", "{}", fixture.note("due"));
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
}

#[test]
fn a_timer_that_cannot_unlock_comes_again() {
    let mut fixture = HostileFixture::new();
    fixture.sandbox.environment.remove("STRONGROOM_KEYFILE");
    let outcome = fixture.run(&["rotate-due", "--no-input"]);
    let told = outcome.stderr_text();
    assert!(outcome.code == 75 && outcome.stdout.is_empty() && !told.is_empty(), "{told}");
}

/// Asks once as it is, and once as nobody; both with the right token.
const OTHER: &str = r#"
import json, os, socket
def ask():
    line = {"v": 1, "token": os.environ["STRONGROOM_ROTATION_TOKEN"], "op": "DescribeSecret",
            "params": {"SecretId": os.environ["STRONGROOM_SECRET_ID"]}}
    with socket.socket(socket.AF_UNIX) as talk:
        talk.connect(os.environ["STRONGROOM_ROTATION_SOCKET"])
        try:
            talk.sendall(json.dumps(line).encode() + b"\n")
            answer = talk.makefile().read()
        except OSError:
            answer = ""
    print(answer[:10] or "nothing")
ask()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
ask()
"#;

/// Another user who has the token, and for whom somebody opened the way to the socket, is refused.
/// Only root can become another user, so only root can try this.
#[test]
fn another_user_is_not_answered() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can ask as another user");
        return;
    }
    let Some(python) = tool("python3") else { return };
    let fixture = HostileFixture::new();
    write(&fixture.sandbox.home().join("other.py"), OTHER.as_bytes());
    let script = format!(
        "{GOOD}[ $step = setSecret ] || exit 0\nplace=${{STRONGROOM_ROTATION_SOCKET%/*}}\n\
         chmod 666 \"$STRONGROOM_ROTATION_SOCKET\" || exit 7\n\
         while [ \"$place\" != /tmp ] && [ -n \"$place\" ]; do chmod a+x \"$place\" || exit 8; \
         place=${{place%/*}}; done\n{} \"$HOME/other.py\" >\"$HOME/answers\" || exit 9\n",
        python.display()
    );
    let grants = fixture.grants();
    let grants = grants.iter().map(String::as_str).chain(["--rotation-grant", "file-modes"]);
    let program = fixture.program("rotate", &script);
    let outcome = fixture.rotate_by(&program, &grants.collect::<Vec<_>>());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.note("answers"), "{\"ok\":true\nnothing");
}

/// The vault's data key changes in the middle of a rotation.
#[test]
fn a_vault_that_is_rekeyed_meanwhile_is_rotated() {
    for step in ALL.split(' ') {
        let fixture = HostileFixture::new();
        let outcome = fixture.rotate(&format!(
            "{GOOD}[ $step != {step} ] || [ -e \"$HOME/is\" ] || {{ : >\"$HOME/is\"; owner rekey \
             >/dev/null || exit 7; }}\n"
        ));
        finish(&fixture, &outcome, step);
    }
}

/// The vault gets another passphrase, and loses the key that opened it.
#[test]
fn a_passphrase_that_is_changed_meanwhile_does_not_matter() {
    let fixture = HostileFixture::new();
    for (name, text) in [("first", "Lapislazuli 42 gondola"), ("second", "Malachit 43 gondola")] {
        fixture.put(name, text);
    }
    let first = fixture.sandbox.home().join("first");
    let quick = "--allow-weak-kdf --kdf-memory 19 --kdf-passes 2 --kdf-lanes 1";
    let quick_words: Vec<&str> = quick.split(' ').collect();
    let words = ["key-slot", "add", "--kind", "passphrase", "--new-passphrase-file"];
    fixture.done(&[&words[..], &[first.to_str().unwrap()], &quick_words].concat());
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] && ! [ -e \"$HOME/is\" ] || exit 0\n: >\"$HOME/is\"\n\
         env -u STRONGROOM_ROTATION_SOCKET -u STRONGROOM_ROTATION_TOKEN strongroom --vault \
         \"$HOME/.local/share/strongroom/default.vault\" change-passphrase --passphrase-file \
         \"$HOME/first\" --new-passphrase-file \"$HOME/second\" {quick} >/dev/null || exit 7\n"
    ));
    finish(&fixture, &outcome, "change-passphrase");
}

/// A passphrase that is read from a file beside the program was as open to it as the program itself.
#[test]
fn the_file_of_the_passphrase_is_not_beside() {
    let fixture = HostileFixture::new();
    let file = fixture.sandbox.work().join("passphrase");
    write(&file, b"Lapislazuli 42 gondola");
    let file = file.to_str().unwrap();
    let add = ["key-slot", "add", "--kind", "passphrase", "--new-passphrase-file", file];
    let quick = ["--allow-weak-kdf", "--kdf-memory", "19", "--kdf-passes", "2", "--kdf-lanes", "1"];
    fixture.done(&[&add[..], &quick].concat());
    assert_eq!(fixture.rotate(GOOD).code, 0);
    let show = ["rotation", "show", "--secret-id", "db", "--query", "MayReadFiles"];
    let work = format!("{:?}", fixture.sandbox.work());
    assert!(fixture.done(&show).contains(&work));
    let with = ["--passphrase-file", file, "--allow-weak-kdf"];
    let shown = fixture.done(&[&show[..], &with].concat());
    assert!(!shown.contains(&work), "{shown}");
}

/// Requires a rotation that was completed, or that is when it is run again.
fn finish(fixture: &HostileFixture, outcome: &Outcome, told: &str) {
    assert!(fixture.sandbox.home().join("is").exists(), "{told}: {}", outcome.stderr_text());
    assert!(!outcome.stderr_text().contains("exit status 7"), "{told}: {}", outcome.stderr_text());
    if outcome.code != 0 {
        assert_eq!(outcome.code, 254, "{told}: {}", outcome.stderr_text());
        fixture.must_be_unchanged();
        let version = fixture.version("AWSPENDING");
        let again = fixture.again();
        assert_eq!(again.code, 0, "{told}: {}", again.stderr_text());
        assert_eq!(fixture.version("AWSCURRENT"), version, "{told}");
    }
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
    assert_eq!(
        fixture.done(&["check", "--query", "Status", "--output", "text"]),
        "clean",
        "{told}"
    );
}

/// Talks to the socket as none of our clients does: half a line, too long a line, nine at once.
const RUDE: &str = r#"
import json, os, socket
path, token = os.environ["STRONGROOM_ROTATION_SOCKET"], os.environ["STRONGROOM_ROTATION_TOKEN"]
def connect():
    talk = socket.socket(socket.AF_UNIX)
    talk.connect(path)
    return talk
def say(talk, line):
    try:
        talk.sendall(line)
        talk.shutdown(socket.SHUT_WR)
        return talk.makefile().read()
    except OSError:
        return ""
good = json.dumps({"v": 1, "token": token, "op": "DescribeSecret",
                   "params": {"SecretId": os.environ["STRONGROOM_SECRET_ID"]}}).encode() + b"\n"
assert "AccessDenied" in say(connect(), good[:40])
assert say(connect(), b" " * (2 << 20) + good) == ""
assert "AccessDenied" in say(connect(), good.replace(token.encode(), token.upper().encode() + b"x"))
# Eight are heard at once. One that says nothing gives its place up.
kept = [connect() for _ in range(8)]
assert say(connect(), good).startswith('{"ok":true')
assert say(kept[7], good).startswith('{"ok":true')
"#;

#[test]
fn rude_clients_are_refused() {
    let Some(python) = tool("python3") else { return };
    let fixture = HostileFixture::new();
    fixture.put("rude.py", RUDE);
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] || exit 0\n{} \"$HOME/rude.py\"\n",
        python.display()
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
}
