//! What a rotation program cannot reach of files, processes and keys, where the kernel sees to it.

use super::{GOOD, Stage};
use crate::harness::files;
use crate::harness::process::{is_there, tool};

/// Rotates by a script that says on standard error what it can, and fails in setSecret.
fn told_by(stage: &Stage, script: &str, options: &[&str]) -> String {
    // The steps that the common beginning notes go where they may.
    let program = stage
        .program("rotate", &format!("{GOOD}[ $step = setSecret ] || exit 0\n{script}\nexit 1\n"));
    let path = format!("PATH={}", stage.sandbox.environment["PATH"]);
    let mut words = vec!["rotate-secret", "--secret-id", "db", "--rotation-env", &path];
    words.extend(options);
    words.extend(["--", &program]);
    let outcome = stage.run(&words);
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 254, "{told}");
    assert!(told.contains("during setSecret step: exit status 1"), "{told}");
    told
}

/// Whether this machine's kernel holds programs in; said aloud where it does not.
fn is_confined(stage: &Stage) -> bool {
    let words =
        ["rotate-secret", "--secret-id", "db", "--no-rotate-immediately", "--", "/bin/true"];
    stage.done(&words);
    let shown = stage.done(&["rotation", "show", "--secret-id", "db", "--query", "Protections"]);
    is_there("Landlock of Linux 6.12", shown.contains("cannot send signals to others"))
}

#[test]
fn files_of_the_user_are_out_of_reach() {
    let stage = Stage::new();
    if !is_confined(&stage) {
        return;
    }
    stage.put("diary", "dear diary");
    let vault = stage.sandbox.home().join(".local/share/strongroom/default.vault");
    let before = std::fs::read(&vault).unwrap();
    let told = told_by(
        &stage,
        r#"
can() { echo "can $*" >&2; }
vault=$HOME/.local/share/strongroom/default.vault
for file in "$vault" "$HOME/keyfile" "$HOME/diary"; do
    (: <"$file") 2>/dev/null && can read "$file"
    (: >>"$file") 2>/dev/null && can write "$file"
    truncate -s 0 "$file" 2>/dev/null && can empty "$file"
    rm -f "$file" 2>/dev/null && can remove "$file"
done
(: >"$HOME/new") 2>/dev/null && can make "$HOME/new"
ls "$HOME" >/dev/null 2>&1 && can list "$HOME"
ls /tmp >/dev/null 2>&1 && can list /tmp
ls "$XDG_RUNTIME_DIR/" >/dev/null 2>&1 && can list the runtime directory
owner list-secrets >/dev/null 2>&1 && can open the vault
(: <"/proc/$PPID/environ") 2>/dev/null && can read the variables of strongroom
(: <"/proc/$PPID/mem") 2>/dev/null && can read the memory of strongroom
echo 'echo "may run its own" >&2' >"$TMPDIR/own" && chmod 700 "$TMPDIR/own" && "$TMPDIR/own"
mkdir "$TMPDIR/a" && mv "$TMPDIR/own" "$TMPDIR/a/" && rm -r "$TMPDIR/a" && echo "may tidy up" >&2
: >/dev/null </dev/urandom && echo "may use devices" >&2
cat /etc/passwd >/dev/null && echo "may read the system" >&2
true
"#,
        &[],
    );
    assert!(!told.contains("can "), "{told}");
    for part in ["may run its own", "may tidy up", "may use devices", "may read the system"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(std::fs::read(vault).unwrap().len(), before.len());
}

#[test]
fn processes_of_others_get_no_signals() {
    let stage = Stage::new();
    if !is_confined(&stage) {
        return;
    }
    let script = "kill -0 \"$PPID\" 2>/dev/null && echo 'can kill' >&2\n\
                  sleep 1000 & kill $! && echo 'may kill its own' >&2";
    let told = told_by(&stage, script, &[]);
    assert!(!told.contains("can kill") && told.contains("may kill its own"), "{told}");
    let told = told_by(&stage, script, &["--rotation-grant", "signals"]);
    assert!(told.contains("can kill"), "{told}");
}

#[test]
fn what_is_granted_by_name_is_in_reach() {
    let stage = Stage::new();
    if !is_confined(&stage) {
        return;
    }
    files::write(&stage.sandbox.home().join("conf/read"), b"x");
    files::write(&stage.sandbox.home().join("data/write"), b"x");
    let script = r#"
(: <"$HOME/conf/read") 2>/dev/null && echo "may read" >&2
(: >"$HOME/conf/read") 2>/dev/null && echo "can write" >&2
(: >"$HOME/data/write" && : >"$HOME/data/more") 2>/dev/null && echo "may write" >&2
(: <"$HOME/keyfile") 2>/dev/null && echo "all is open" >&2
true"#;
    let read = format!("read={}", stage.sandbox.home().join("conf").display());
    let write = format!("write={}", stage.sandbox.home().join("data").display());
    let options = ["--rotation-grant", &read, "--rotation-grant", &write];
    let told = told_by(&stage, script, &options);
    assert!(told.contains("may read") && told.contains("may write"), "{told}");
    assert!(!told.contains("can write") && !told.contains("all is open"), "{told}");
    assert!(told.contains("hint: a rotation program reaches only some files"), "{told}");
    let show = ["rotation", "show", "--secret-id", "db", "--output", "text", "--query"];
    let show = |query: &str| stage.done(&[&show[..], &[query]].concat());
    assert!(show("MayReadFiles").contains(read.trim_start_matches("read=")));
    assert_eq!(show("MayWriteFiles"), write.trim_start_matches("write="));

    let told = told_by(&stage, script, &["--rotation-grant", "none"]);
    assert!(!told.contains("may read") && !told.contains("all is open"), "{told}");

    let stage = Stage::new();
    files::write(&stage.sandbox.home().join("conf/read"), b"x");
    files::write(&stage.sandbox.home().join("data/write"), b"x");
    let told = told_by(&stage, script, &["--rotation-grant", "files"]);
    assert!(told.contains("all is open") && told.contains("can write"), "{told}");
    let show = stage.done(&["rotation", "show", "--secret-id", "db", "--query", "NotProtected"]);
    assert!(show.contains("the system's\": \"granted\""), "{show}");
}

#[test]
fn grants_are_known_and_are_there() {
    let stage = Stage::new();
    let program = stage.program("rotate", GOOD);
    for grant in ["everything", "read=", "read=here", "write", ""] {
        let outcome = stage.rotate_by(&program, &["--rotation-grant", grant]);
        let told = outcome.stderr_text();
        assert_eq!(outcome.code, 254, "{grant}: {told}");
        assert!(told.contains(&format!("there is no grant \"{grant}\"")), "{grant}: {told}");
    }
    if is_confined(&stage) {
        let outcome = stage.rotate_by(&program, &["--rotation-grant", "read=/not/there"]);
        let told = outcome.stderr_text();
        assert!(told.contains("it cannot be started: /not/there: No such file"), "{told}");
    }
}

/// Keys of the session that `strongroom` was started in are not its programs'.
#[test]
fn keys_of_the_session_are_out_of_reach() {
    let stage = Stage::new();
    let Some(python) = tool("python3") else { return };
    if !is_confined(&stage) {
        return;
    }
    let program = stage.program(
        "rotate",
        &format!(
            "{GOOD}[ $step = setSecret ] || exit 0\n/usr/bin/env python3 -c '{KEYCTL}\n\
             if call(SEARCH, SESSION, b\"user\", b\"strongroom-test\", 0) >= 0: print(\"found\")\n\
             else: print(\"no such key\")' >&2\nexit 1\n"
        ),
    );
    let path = format!("PATH={}", stage.sandbox.environment["PATH"]);
    let owner = format!(
        "{KEYCTL}\nimport os, sys\ncall(JOIN, None)\n\
         add(b\"user\", b\"strongroom-test\", b\"x\", 1, SESSION)\n\
         assert call(SEARCH, SESSION, b\"user\", b\"strongroom-test\", 0) >= 0\n\
         os.execvp(sys.argv[1], sys.argv[1:])"
    );
    let words = ["-c", &owner, "strongroom", "rotate-secret", "--secret-id", "db"];
    let words = [&words[..], &["--rotation-env", &path, "--", &program]].concat();
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let outcome = stage.sandbox.invocation(python.to_str().unwrap(), &words).run();
    let told = outcome.stderr_text();
    assert!(told.contains("rotation: no such key") && !told.contains("found"), "{told}");
}

/// keyctl(2) for Python, which has none. The numbers are those of x86-64 and of the rest.
const KEYCTL: &str = r#"
import ctypes, platform
libc = ctypes.CDLL(None)
old = platform.machine() == "x86_64"
JOIN, SEARCH, SESSION = 1, 10, -3
call = lambda *words: libc.syscall(250 if old else 219, *words)
add = lambda *words: libc.syscall(248 if old else 217, *words)
"#;
