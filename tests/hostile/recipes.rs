//! What `docs/rotation.md` tells its reader to type, to install and to schedule, taken from the page.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{ALL, GOOD, HostileFixture, NEW};
use crate::harness::files::{files_below, make_dirs, write};
use crate::harness::process::{Outcome, tool};
use crate::harness::repository;

fn page() -> String {
    fs::read_to_string(repository().join("docs/rotation.md")).unwrap()
}

/// Returns the page's fenced blocks: their kinds and texts, in order. Some are inside a list.
fn blocks() -> Vec<(String, String)> {
    let page = page();
    let mut out = Vec::new();
    let mut inside: Option<(String, String)> = None;
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), &mut inside) {
            (Some(kind), None) => inside = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => out.extend(inside.take()),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    out
}

/// Returns the one block that has a text in it.
fn block(part: &str) -> String {
    let mut found = blocks().into_iter().filter(|(_, text)| text.contains(part));
    let (_, text) = found.next().unwrap_or_else(|| panic!("no block has {part}"));
    assert_eq!(found.next(), None, "{part}");
    text
}

impl HostileFixture {
    /// Runs a line as cron would, in a home where nothing names a vault or its key.
    fn shell(&self, script: &str) -> Outcome {
        let mut shell = self.sandbox.invocation("sh", &["-c".to_owned(), script.to_owned()]);
        for name in ["STRONGROOM_VAULT", "STRONGROOM_KEYFILE"] {
            shell.environment.remove(name);
        }
        shell.run()
    }

    /// Has a rotation begin that is not finished, so that one is due.
    fn begin(&self) {
        let outcome = self.rotate(&format!(
            "{GOOD}if [ $step = setSecret ] && ! [ -e \"$HOME/died\" ]; then : >\"$HOME/died\"; \
             kill -9 $PPID; while :; do sleep 1; done; fi\n"
        ));
        assert_eq!(outcome.code, 137);
        self.steps();
    }

    /// Adds the key as the page says.
    fn add_key(&self) {
        self.done(&["status"]);
        let added = self.sandbox.invocation(
            "sh",
            &["-ec".to_owned(), block("--new-keyfile ~/.config/strongroom/rotate.key")],
        );
        let added = added.run();
        assert_eq!(added.code, 0, "{}", added.stderr_text());
    }

    /// Requires that a line finishes the rotation that was begun, is silent when nothing is due, and
    /// ends with this code where the vault stays locked.
    fn must_schedule(&self, line: &str, when_locked: i32) {
        self.begin();
        self.add_key();
        let line = line.replace("/usr/local/bin/", "").replace("--jitter 10m", "--jitter 0s");
        let due = self.shell(&line);
        assert_eq!(due.code, 0, "{line}: {}", due.stderr_text());
        assert_eq!(self.steps(), ALL, "{line}");
        assert!(self.value("AWSCURRENT").starts_with(NEW));
        let idle = self.shell(&line);
        let said = (idle.code, idle.stdout_text(), idle.stderr_text());
        assert_eq!(said, Default::default(), "{line}");
        // A vault that stays locked is no trouble; a key that went away is.
        let (before, rest) = line.split_once("--keyfile ").unwrap();
        let keyless = format!("{before}{}", rest.split_once(' ').map_or("", |(_, after)| after));
        let locked = self.shell(&keyless);
        assert_eq!(locked.code, when_locked, "{keyless}: {}", locked.stderr_text());
        fs::remove_file(self.sandbox.home().join(".config/strongroom/rotate.key")).unwrap();
        let keyless = self.shell(&line);
        assert!(![0, 75].contains(&keyless.code), "{line}: {}", keyless.stderr_text());
        assert!(keyless.stderr_text().contains("(NoFile)"), "{}", keyless.stderr_text());
    }
}

#[test]
fn the_line_for_cron_rotates_what_is_due() {
    let line = block("7 * * * *");
    // The date comes first; a percent sign would be a line's end.
    assert!(!line.contains('%') && line.lines().count() == 1, "{line}");
    let command = line.splitn(6, ' ').nth(5).unwrap();
    HostileFixture::new().must_schedule(command, 0);
}

#[test]
fn the_units_of_systemd_are_accepted() {
    let (service, timer) = (block("Type=oneshot"), block("OnCalendar="));
    let sealed = block("LoadCredentialEncrypted=");
    let start = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="));
        line.unwrap().to_owned()
    };
    let fixture = HostileFixture::new();
    let home = fixture.sandbox.home();
    let command = start(&service).replace("%h", home.to_str().unwrap());
    // 75 is a success by SuccessExitStatus.
    assert!(service.contains("SuccessExitStatus=75\n"));
    fixture.must_schedule(&command, 75);

    let Some(analyze) = tool("systemd-analyze") else { return };
    let place = fixture.sandbox.work();
    // The check looks for the program; the settings of the last block take the place of others.
    let installed = |text: &str| text.replace("/usr/local/bin/strongroom", "/bin/true");
    let system = service.lines().filter(|line| !line.starts_with("ExecStart="));
    let system = format!("{}\n{sealed}", system.collect::<Vec<_>>().join("\n"));
    for (manager, text) in [("--user", &service), ("--system", &system)] {
        for (name, text) in
            [("strongroom-rotate.service", text), ("strongroom-rotate.timer", &timer)]
        {
            write(&place.join(name), installed(text).as_bytes());
        }
        for name in ["strongroom-rotate.service", "strongroom-rotate.timer"] {
            let unit = place.join(name);
            let words = [manager, "--man=no", "verify", unit.to_str().unwrap()];
            let words = words.map(str::to_owned);
            let checked = fixture.sandbox.invocation(analyze.to_str().unwrap(), &words).run();
            let told = checked.stderr_text();
            let ours = told.lines().any(|line| line.contains("strongroom"));
            assert!(checked.code == 0 && !ours, "{manager} {name}: {told}");
        }
    }
}

#[test]
fn the_list_of_launchd_starts_what_is_due() {
    let fixture = HostileFixture::new();
    write(&fixture.sandbox.work().join("list"), block("org.strongroom.rotate-due").as_bytes());
    let Some(python) = tool("python3") else { return };
    let script = "import plistlib, shlex\nlist = plistlib.load(open('list', 'rb'))\n\
                  assert list['RunAtLoad'] is True and list['Umask'] == 0o77\n\
                  assert list['StartCalendarInterval'] == {'Minute': 7}\n\
                  assert list['Label'] == 'org.strongroom.rotate-due'\n\
                  print(shlex.join(list['ProgramArguments']))";
    let words = ["-c".to_owned(), script.to_owned()];
    let read = fixture.sandbox.invocation(python.to_str().unwrap(), &words).run();
    assert_eq!(read.code, 0, "{}", read.stderr_text());
    let home = fixture.sandbox.home();
    let line = read.stdout_text().replace("/Users/ada", home.to_str().unwrap());
    fixture.must_schedule(line.trim_end(), 75);
}

/// Comes before each block: programs of the page's servers, which have tests of their own, are
/// replaced by one that makes a value; and programs may be found and leave notes.
const PRELUDE: &str = r#"
template() {
    strongroom rotation template "$1" >"$HOME/printed" || return
    case $1 in lambda-adapter) cat "$HOME/printed" ;; *) cat "$HOME/stand-in" ;; esac
}
rotate() {
    case $* in
    *builtin*) strongroom rotate-secret "$@"; return ;;
    esac
    strongroom rotate-secret --rotation-env "PATH=$PATH" --rotation-grant "write=$HOME" \
        --rotation-grant "read=$BIN" "$@"
}
"#;

const HANDLER: &str = "import boto3
def lambda_handler(event, context):
    if event['Step'] == 'createSecret':
        boto3.client('secretsmanager').put_secret_value(
            SecretId=event['SecretId'], ClientRequestToken=event['ClientRequestToken'],
            SecretString='made by a function', VersionStages=['AWSPENDING'])
";

const DEVICE: &str = "#!/bin/sh
case $1 in
set-password) cat >\"$HOME/device\" ;;
check-password) [ \"$(cat)\" = \"$(cat \"$HOME/device\")\" ] ;;
esac
";

/// The page from its beginning to its end, in one home, as somebody who tries it.
#[test]
fn what_the_page_shows_works() {
    let mut fixture = HostileFixture::new();
    if tool("python3").is_none() {
        return;
    }
    let (home, bin) = (fixture.sandbox.home(), fixture.sandbox.root().join("bin"));
    let of_bin = ("BIN".to_owned(), bin.to_str().unwrap().to_owned());
    fixture.sandbox.environment.extend([of_bin]);
    let stand_in = fs::read_to_string(fixture.program("stand-in", GOOD)).unwrap();
    for directory in ["srv/web", "rotators"] {
        make_dirs(&home.join(directory));
    }
    for (path, text, mode) in [
        (home.join("stand-in"), stand_in.as_str(), 0o600),
        (home.join("program"), &stand_in, 0o700),
        (home.join("rotators/lambda_function.py"), HANDLER, 0o600),
        (bin.join("device-tool"), DEVICE, 0o700),
    ] {
        write(&path, text.as_bytes());
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    for name in ["shop/db-admin", "web/htpasswd", "web/alice", "device"] {
        fixture.done(&["create-secret", "--name", name, "--secret-string", "old"]);
    }
    let mut tried = 0;
    // One begins where something else has already gone wrong: it has its own test.
    let shells =
        blocks().into_iter().filter(|(kind, text)| kind == "sh" && !text.contains("VERSION"));
    for (_, text) in shells {
        let script = if text.starts_with("#!") {
            let path = home.join(".local/lib/rotators/device");
            write(&path, text.as_bytes());
            fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
            "rotate --secret-id device -- ~/.local/lib/rotators/device".to_owned()
        } else {
            replaced(&text, home.to_str().unwrap())
        };
        let shell = ["-ec".to_owned(), format!("{PRELUDE}{script}")];
        let outcome = fixture.sandbox.invocation("sh", &shell).run();
        assert_eq!(outcome.code, 0, "{script}\n{}", outcome.stderr_text());
        // The later blocks have a program that they do not make.
        fs::copy(home.join(".local/lib/rotators/postgresql-single"), home.join("copy")).unwrap();
        for name in ["htpasswd", "postgresql-alternating"] {
            fs::copy(home.join("copy"), home.join(".local/lib/rotators").join(name)).unwrap();
        }
        tried += 1;
    }
    assert_eq!(tried, 10, "blocks");
    let read = |name: &str| {
        let words = ["get-secret-value", "--secret-id", name, "--query", "SecretString"];
        fixture.done(&[&words[..], &["--output", "text"]].concat())
    };
    assert_eq!(read("shop/db"), "made by a function");
    assert_eq!(read("device"), fixture.note("device"));
    assert!(read("web/alice").starts_with(NEW) && read("web/htpasswd").starts_with(NEW));
    let signing: serde_json::Value = serde_json::from_str(&read("shop/signing")).unwrap();
    let key = signing["key"].as_str().unwrap();
    assert!(signing["algorithm"] == "HS256" && key.len() == 48, "{signing}");
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{signing}");
}

/// A server may have the password of a version that lost its label when another was stored by hand.
#[test]
fn what_was_stored_by_hand_in_the_middle_is_undone() {
    let fixture = HostileFixture::new();
    fixture.begin();
    let version = fixture.version("AWSPENDING");
    fixture.done(&["put-secret-value", "--secret-id", "db", "--secret-string", "by hand"]);
    assert_eq!(fixture.version("AWSPENDING"), "None");
    let script = block("--include-deprecated")
        .replace("--secret-id ID", "--secret-id db")
        .replace("VERSION", &version)
        .replace("CURRENT\n", &format!("{}\n", fixture.version("AWSCURRENT")));
    let shell = ["-ec".to_owned(), script];
    let outcome = fixture.sandbox.invocation("sh", &shell).run();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    // The list names it as one without labels.
    let listed = outcome.stdout_text();
    assert!(listed.split_once(&version).is_some_and(|(_, after)| !after.is_empty()), "{listed}");
    assert_eq!(fixture.value("AWSCURRENT"), format!("{NEW}-{version}"));
    assert_eq!(fixture.value("AWSPREVIOUS"), "by hand");
}

/// A program's whole environment and its working directory are on the page.
#[test]
fn what_a_program_gets_is_on_the_page() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] || exit 0\nenv | sed 's/=.*//' >\"$HOME/names\"\n\
         pwd >\"$HOME/where\"\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    let page = page();
    let names = fixture.note("names");
    assert!(names.contains("STRONGROOM_STEP") && names.contains("TMPDIR"), "{names}");
    // The shell adds the last two itself.
    for name in names.lines().filter(|name| !["PWD", "OLDPWD", "_", "SHLVL"].contains(name)) {
        let shown = if name.starts_with("LC_") { "LC_\u{2026}" } else { name };
        assert!(page.contains(&format!("`{shown}`")), "{name}");
    }
    assert_eq!(fixture.note("where"), "/");
    assert!(page.contains("| working directory | `/` |"));
}

/// What the page says you will see is what is printed.
#[test]
fn texts_on_the_page_are_printed() {
    let page = page();
    let (_, table) = page.split_once("| what you see | what to do |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let seen = rows.filter_map(|row| row.split('|').nth(1));
    let quoted: Vec<&str> = seen.flat_map(|cell| cell.split('"').skip(1).step_by(2)).collect();
    assert!(quoted.len() >= 10, "{quoted:?}");
    let mut sources = String::new();
    for place in ["src/rotation", "src/gateway", "src/programs", "src/service", "src/cli"] {
        for path in files_below(&repository().join(place)) {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    // A text may be broken over lines.
    let parts: Vec<&str> = sources.split("\\\n").collect();
    let sources = parts.iter().map(|part| part.trim_start()).collect::<String>();
    for text in quoted {
        // What stands for a number or comes from elsewhere is not in the source.
        let pattern = match text {
            "exit status 1" => "exit status {code}",
            "timed out after 60 s" => "timed out after {} s",
            "could not connect" => continue,
            text => text,
        };
        assert!(sources.contains(pattern), "{text}");
    }
}

/// Fills in what a reader fills in.
fn replaced(text: &str, home: &str) -> String {
    [
        ("strongroom rotation template", "template"),
        ("strongroom rotate-secret", "rotate"),
        ("--secret-id ID", "--secret-id shop/db"),
        (" [settings]", ""),
        ("/path/to/program", &format!("{home}/program")),
        ("/srv/web", &format!("{home}/srv/web")),
        ("-- \u{2026}", "-- ~/.local/lib/rotators/htpasswd"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
