//! What a rotation program cannot reach of files, processes and keys, where the kernel sees to it.

use super::{GOOD, HostileFixture};
use crate::harness::files;
use crate::harness::process::{is_there, tool};

/// Rotates by a script that says on standard error what it can, and fails in setSecret.
fn told_by(fixture: &HostileFixture, script: &str, options: &[&str]) -> String {
    // The steps that the common beginning notes go where they may.
    let program = fixture
        .program("rotate", &format!("{GOOD}[ $step = setSecret ] || exit 0\n{script}\nexit 1\n"));
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let mut words = vec!["rotate-secret", "--secret-id", "db", "--rotation-env", &path];
    words.extend(options);
    words.extend(["--", &program]);
    let outcome = fixture.run(&words);
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 254, "{told}");
    assert!(told.contains("during setSecret step: exit status 1"), "{told}");
    told
}

/// Whether this machine's kernel holds programs in; said aloud where it does not.
fn is_confined(fixture: &HostileFixture) -> bool {
    let words =
        ["rotate-secret", "--secret-id", "db", "--no-rotate-immediately", "--", "/bin/true"];
    fixture.done(&words);
    let shown = fixture.done(&["rotation", "show", "--secret-id", "db", "--query", "Protections"]);
    is_there("Landlock of Linux 6.12", shown.contains("cannot send signals to others"))
}

#[test]
fn files_of_the_user_are_out_of_reach() {
    let fixture = HostileFixture::new();
    if !is_confined(&fixture) {
        return;
    }
    fixture.put("diary", "dear diary");
    let vault = fixture.sandbox.home().join(".local/share/strongroom/default.vault");
    let before = std::fs::read(&vault).unwrap();
    let told = told_by(
        &fixture,
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
    let fixture = HostileFixture::new();
    if !is_confined(&fixture) {
        return;
    }
    let script = "kill -0 \"$PPID\" 2>/dev/null && echo 'can kill' >&2\n\
                  sleep 1000 & kill $! && echo 'may kill its own' >&2";
    let told = told_by(&fixture, script, &[]);
    assert!(!told.contains("can kill") && told.contains("may kill its own"), "{told}");
    let told = told_by(&fixture, script, &["--rotation-grant", "signals"]);
    assert!(told.contains("can kill"), "{told}");
}

#[test]
fn what_is_granted_by_name_is_in_reach() {
    let fixture = HostileFixture::new();
    if !is_confined(&fixture) {
        return;
    }
    files::write(&fixture.sandbox.home().join("conf/read"), b"x");
    files::write(&fixture.sandbox.home().join("data/write"), b"x");
    let script = r#"
(: <"$HOME/conf/read") 2>/dev/null && echo "may read" >&2
(: >"$HOME/conf/read") 2>/dev/null && echo "can write" >&2
(: >"$HOME/data/write" && : >"$HOME/data/more") 2>/dev/null && echo "may write" >&2
(: <"$HOME/keyfile") 2>/dev/null && echo "all is open" >&2
true"#;
    let read = format!("read={}", fixture.sandbox.home().join("conf").display());
    let write = format!("write={}", fixture.sandbox.home().join("data").display());
    let options = ["--rotation-grant", &read, "--rotation-grant", &write];
    let told = told_by(&fixture, script, &options);
    assert!(told.contains("may read") && told.contains("may write"), "{told}");
    assert!(!told.contains("can write") && !told.contains("all is open"), "{told}");
    let show = ["rotation", "show", "--secret-id", "db", "--output", "text", "--query"];
    let show = |query: &str| fixture.done(&[&show[..], &[query]].concat());
    assert!(show("MayReadFiles").contains(read.trim_start_matches("read=")));
    assert_eq!(show("MayWriteFiles"), write.trim_start_matches("write="));

    let told = told_by(&fixture, script, &["--rotation-grant", "none"]);
    assert!(!told.contains("may read") && !told.contains("all is open"), "{told}");

    let fixture = HostileFixture::new();
    files::write(&fixture.sandbox.home().join("conf/read"), b"x");
    files::write(&fixture.sandbox.home().join("data/write"), b"x");
    let told = told_by(&fixture, script, &["--rotation-grant", "files"]);
    assert!(told.contains("all is open") && told.contains("can write"), "{told}");
    let show = fixture.done(&["rotation", "show", "--secret-id", "db", "--query", "NotProtected"]);
    assert!(show.contains("the system's\": \"granted\""), "{show}");
}

#[test]
fn grants_are_known_and_are_there() {
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", GOOD);
    for grant in ["everything", "read=", "read=here", "write", ""] {
        let outcome = fixture.rotate_by(&program, &["--rotation-grant", grant]);
        let told = outcome.stderr_text();
        assert_eq!(outcome.code, 254, "{grant}: {told}");
        assert!(told.contains(&format!("there is no grant \"{grant}\"")), "{grant}: {told}");
    }
    if is_confined(&fixture) {
        let outcome = fixture.rotate_by(&program, &["--rotation-grant", "read=/not/there"]);
        let told = outcome.stderr_text();
        assert!(told.contains("it cannot be started: /not/there: No such file"), "{told}");
    }
}

/// Landlock says nothing of modes, owners, times and attributes: a program that could read nothing
/// could open the vault and the keyfile to everybody.
#[test]
fn modes_owners_and_times_are_out_of_reach() {
    let fixture = HostileFixture::new();
    if tool("python3").is_none() || !is_confined(&fixture) {
        return;
    }
    fixture.put("diary", "dear diary");
    files::write(&fixture.sandbox.work().join("attack.py"), ATTACK.as_bytes());
    let script = "python3 \"${0%/*}/attack.py\" >&2";
    let told = told_by(&fixture, script, &[]);
    assert!(told.contains("all was tried") && !told.contains("can "), "{told}");

    // What is next to the program may be read, but not changed.
    let beside = ["--rotation-env", "VICTIMS=attack.py"];
    let told = told_by(&fixture, script, &beside);
    assert!(told.contains("all was tried") && !told.contains("can "), "{told}");

    let told = told_by(&fixture, script, &["--rotation-grant", "file-modes"]);
    let keyfile = told.lines().find(|line| line.contains("can keyfile:")).unwrap_or_default();
    for call in [": chmod,", "fchmodat2,", "utimensat,", "fchown by a descriptor,"] {
        assert!(keyfile.contains(call), "{call}: {told}");
    }
}

/// The ready-made `htpasswd` and many others set modes where they may write.
#[test]
fn modes_may_be_set_where_files_may_be_written() {
    let fixture = HostileFixture::new();
    if tool("python3").is_none() || !is_confined(&fixture) {
        return;
    }
    files::write(&fixture.sandbox.home().join("data/file"), b"x");
    files::write(&fixture.sandbox.home().join("data/sub/file"), b"x");
    let write = format!("write={}", fixture.sandbox.home().join("data").display());
    let told = told_by(&fixture, ORDINARY, &["--rotation-grant", &write]);
    assert!(told.contains("all is well"), "{told}");
}

/// Keys of the session that `strongroom` was started in are not its programs', nor are the user's.
#[test]
fn keys_of_the_session_are_out_of_reach() {
    let fixture = HostileFixture::new();
    let Some(python) = tool("python3") else { return };
    if !is_confined(&fixture) {
        return;
    }
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}[ $step = setSecret ] || exit 0\n/usr/bin/env python3 -c '{KEYCTL}\n\
             if call(SEARCH, SESSION, b\"user\", b\"strongroom-test\", 0) >= 0: print(\"found\")\n\
             elif call(LINK, USER, SESSION) >= 0: print(\"found those of the user\")\n\
             else: print(\"no such key\")' >&2\nexit 1\n"
        ),
    );
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let owner = format!(
        "{KEYCTL}\nimport os, sys\ncall(JOIN, None)\n\
         add(b\"user\", b\"strongroom-test\", b\"x\", 1, SESSION)\n\
         assert call(SEARCH, SESSION, b\"user\", b\"strongroom-test\", 0) >= 0\n\
         os.execvp(sys.argv[1], sys.argv[1:])"
    );
    let words = ["-c", &owner, "strongroom", "rotate-secret", "--secret-id", "db"];
    let words = [&words[..], &["--rotation-env", &path, "--", &program]].concat();
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let outcome = fixture.sandbox.invocation(python.to_str().unwrap(), &words).run();
    let told = outcome.stderr_text();
    assert!(told.contains("rotation: no such key") && !told.contains("found"), "{told}");
}

/// keyctl(2) for Python, which has none. The numbers are those of x86-64 and of the rest.
const KEYCTL: &str = r#"
import ctypes, platform
libc = ctypes.CDLL(None)
old = platform.machine() == "x86_64"
JOIN, LINK, SEARCH, SESSION, USER = 1, 8, 10, -3, -4
call = lambda *words: libc.syscall(250 if old else 219, *words)
add = lambda *words: libc.syscall(248 if old else 217, *words)
"#;

/// What ordinary programs do with files of their own.
const ORDINARY: &str = r#"
set -e
for place in "$TMPDIR" "$HOME/data"; do
    cd "$place"
    mkdir new old
    touch new/a
    touch -d 2001-02-03 new/a
    chmod 640 new/a
    cp -p new/a new/b
    chown "$(id -u):$(id -g)" new/b
    ln -s b new/c
    touch -h -d 2001-02-03 new/c
    install -m 600 new/a new/d
    tar -cf t.tar new
    tar -xpf t.tar -C old
    stat -c '%a %Y' old/new/b | grep -q '^640 9811'
    python3 -c '
import os, shutil, tempfile
descriptor, path = tempfile.mkstemp()
os.fchmod(descriptor, 0o640)
os.utime(path, (1, 2))
os.utime(descriptor, (3, 4))
assert os.stat(path).st_mtime == 4
shutil.copy2(path, "copy")
os.chmod("copy", 0o444)
os.chmod("/proc/self/fd/%d" % os.open("copy", os.O_PATH), 0o400)
assert os.stat("copy").st_mode & 0o777 == 0o400 and os.stat("copy").st_mtime == 4
os.unlink(path)
os.fchmod(descriptor, 0o600)
'
done
echo "all is well" >&2
"#;

/// Every way to change what Landlock does not guard, on files that do not belong to the program.
const ATTACK: &str = r#"
import ctypes, os, platform, resource, struct
libc = ctypes.CDLL(None, use_errno=True)
old = platform.machine() == "x86_64"
OLD = dict(chmod=90, lchown=94, chown=92, utime=132, utimes=235, futimesat=261)
BOTH = dict(
    fchmod=(91, 52), fchmodat=(268, 53), fchown=(93, 55), fchownat=(260, 54), utimensat=(280, 88),
    setxattr=(188, 5), lsetxattr=(189, 6), fsetxattr=(190, 7), removexattr=(197, 14),
    lremovexattr=(198, 15), fremovexattr=(199, 16), name_to_handle_at=(303, 264),
    open_by_handle_at=(304, 265), openat2=(437, 437), truncate=(76, 45), fchmodat2=(452, 452),
    setxattrat=(463, 463), removexattrat=(466, 466), file_setattr=(469, 469),
    io_uring_setup=(425, 425), openat=(257, 56), open=(2, None), open_tree=(428, 428),
)
HERE, EMPTY, NOFOLLOW, ACCESS = -100, 0x1000, 0x100, 3
own, group = os.getuid(), os.getgid()
home = os.environ["HOME"]
work = os.path.dirname(os.path.abspath(__file__))
if "VICTIMS" in os.environ:
    victims = [work + "/" + name for name in os.environ["VICTIMS"].split()]
else:
    victims = [home + "/.local/share/strongroom/default.vault", home + "/keyfile", home + "/diary"]

def call(name, *words, flags=0):
    number = OLD.get(name) if name in OLD else BOTH[name][0 if old else 1]
    if number is None or name in OLD and not old:
        return -1
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
    return libc.syscall(ctypes.c_long(number | flags), *words)

def look(path):
    found = os.stat(path)
    try:
        attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except OSError:
        attributes = {}
    return found.st_mode, found.st_ctime_ns, found.st_mtime_ns, found.st_size, attributes

def compat(path, number, argument):
    """A call of 32-bit programs, in a process that may be killed for it."""
    if not old:
        return -1
    child = os.fork()
    if child:
        return 0 if os.waitpid(child, 0)[1] == 0 else -1
    libc.mmap.restype = ctypes.c_void_p
    place = libc.mmap(None, ctypes.c_size_t(8192), 7, 0x62, -1, ctypes.c_long(0))
    code = b"\x53\xb8" + struct.pack("<I", number) + b"\xbb" + struct.pack("<I", place + 4096)
    code += b"\xb9" + struct.pack("<I", argument) + b"\xcd\x80\x5b\xc3"
    ctypes.memmove(place, code, len(code))
    ctypes.memmove(place + 4096, path + b"\0", len(path) + 1)
    os._exit(0 if ctypes.CFUNCTYPE(ctypes.c_int)(place)() == 0 else 1)

now, zero = struct.pack("<4q", 1, 0, 1, 0), b"\0" * 64
for victim in victims:
    name, path = os.path.basename(victim), victim.encode()
    handle = os.open(victim, os.O_PATH)
    ajar = os.open(victim, ACCESS | os.O_CLOEXEC) if "VICTIMS" not in os.environ else None
    try:
        ajar = os.open(victim, os.O_RDONLY)
    except OSError:
        pass
    link = os.environ["TMPDIR"] + "/" + name
    os.symlink(victim, link)
    through = b"/proc/self/fd/%d" % handle
    os.chdir(os.path.dirname(victim))
    directory = os.open(".", os.O_PATH)
    short, soft = name.encode(), link.encode()
    flag = ctypes.c_long(0x40)
    ways = {
        "chmod": lambda: call("chmod", path, 0o644),
        "chmod of a link": lambda: call("chmod", soft, 0o644),
        "chmod of a descriptor": lambda: call("chmod", through, 0o644),
        "chmod from here": lambda: call("chmod", short, 0o644),
        "chmod up": lambda: call("chmod", b"../" + os.path.dirname(path).split(b"/")[-1] + b"/" + short, 0o644),
        "fchmod": lambda: call("fchmod", handle, 0o644),
        "fchmod of an open file": lambda: call("fchmod", ajar, 0o644),
        "fchmodat": lambda: call("fchmodat", HERE, path, 0o644),
        "fchmodat from there": lambda: call("fchmodat", directory, short, 0o644),
        "fchmodat2": lambda: call("fchmodat2", HERE, path, 0o644, 0),
        "fchmodat2 of a descriptor": lambda: call("fchmodat2", handle, b"", 0o644, EMPTY),
        "chown": lambda: call("chown", path, own, group),
        "lchown": lambda: call("lchown", path, own, group),
        "fchown": lambda: call("fchown", ajar, own, group),
        "fchownat": lambda: call("fchownat", HERE, path, own, group, 0),
        "fchown by a descriptor": lambda: call("fchownat", handle, b"", own, group, EMPTY),
        "utime": lambda: call("utime", path, now),
        "utimes": lambda: call("utimes", path, now),
        "utimes now": lambda: call("utimes", path, None),
        "futimesat": lambda: call("futimesat", HERE, path, now),
        "futimesat of a descriptor": lambda: call("futimesat", ajar, None, now),
        "utimensat": lambda: call("utimensat", HERE, path, now, 0),
        "utimensat now": lambda: call("utimensat", HERE, path, None, 0),
        "utimensat of a link": lambda: call("utimensat", HERE, soft, now, 0),
        "utimensat of an open file": lambda: call("utimensat", ajar, None, now, 0),
        "utimensat of a descriptor": lambda: call("utimensat", handle, b"", now, EMPTY),
        "setxattr": lambda: call("setxattr", path, b"user.a", b"1", 1, 0),
        "lsetxattr": lambda: call("lsetxattr", path, b"user.b", b"1", 1, 0),
        "fsetxattr": lambda: call("fsetxattr", ajar, b"user.c", b"1", 1, 0),
        "setxattrat": lambda: call(
            "setxattrat", HERE, path, 0, b"user.d", struct.pack("<QII", ctypes.addressof(flag), 1, 0), 16),
        "removexattr": lambda: call("removexattr", path, b"user.kept"),
        "lremovexattr": lambda: call("lremovexattr", path, b"user.kept"),
        "fremovexattr": lambda: call("fremovexattr", ajar, b"user.kept"),
        "removexattrat": lambda: call("removexattrat", HERE, path, 0, b"user.kept"),
        "file_setattr": lambda: call("file_setattr", HERE, path, zero, 24, 0),
        "flags": lambda: libc.ioctl(ajar, ctypes.c_ulong(0x40086602), ctypes.byref(flag)),
        "more flags": lambda: libc.ioctl(ajar, ctypes.c_ulong(0x401C5820), zero),
        "verity": lambda: libc.ioctl(ajar, ctypes.c_ulong(0x40806685), zero * 2),
        "truncate": lambda: call("truncate", path, 0),
        "empty on opening": lambda: call("open", path, os.O_TRUNC),
        "chmod of x32": lambda: call("chmod", path, 0o644, flags=0x40000000),
        "chmod of 32 bits": lambda: compat(path, 15, 0o644),
        # In a namespace of its own, a copy of what is above a victim gave that another path.
        "a tree that hangs nowhere": lambda: call("open_tree", HERE, os.path.dirname(path), 0),
        "io_uring_setup": lambda: call("io_uring_setup", 1, ctypes.create_string_buffer(120)),
    }
    can = []
    for way, run in ways.items():
        before = look(victim)
        done = run()
        if done >= 0 or look(victim) != before:
            can.append(way)
    if can:
        print("can", name + ":", ", ".join(can))

# A limit of its time or its files ends a process as surely as a signal does.
resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))
resource.prlimit(os.getppid(), resource.RLIMIT_CORE)
try:
    resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))
    print("can limit others")
except PermissionError:
    pass
print("all was tried")
"#;
