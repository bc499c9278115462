//! The commands that the documents show a reader: they work, and print what is shown.
//!
//! A `console` block is a session at a terminal: commands after `$ `, and below them what they
//! print. An `sh` block is a script, in its own home; a `bash` block makes `aws` known to scripts.
//! What cannot be had here is replaced: cargo, a stick, a password store.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::files::{make_dirs, write};
use crate::harness::pattern::{Bindings, difference};
use crate::harness::process::Outcome;
use crate::harness::pty::Typing;
use crate::harness::{Sandbox, repository};

/// What the person in these examples types for a passphrase.
const PASSPHRASE: &str = "Lapislazuli 42 gondola";

#[test]
fn the_readme_does_not_lie() {
    let mut session = None;
    let mut sessions = 0;
    for (kind, text) in blocks(&page("README.md")) {
        match kind.as_str() {
            "sh" if !text.contains("create-secret") => {
                assert!(
                    text.starts_with("cargo ") || text.starts_with(".ci/prepare && cargo "),
                    "{text}"
                );
            }
            "sh" => {
                let sandbox = home(Sandbox::empty());
                succeed(&sandbox, &text, &["hunter2", PASSPHRASE, PASSPHRASE]);
                session.get_or_insert(sandbox);
            }
            "bash" => {
                // Without the name that the harness has for the tests of AWS's form.
                let sandbox = Sandbox::with_vault();
                fs::remove_file(sandbox.home().join("../bin/aws")).unwrap();
                let script = format!("{text}\nprintf '%s\\n' 'aws --version' >script\nbash script");
                let words = ["-ec".to_owned(), script];
                let outcome = sandbox.invocation("bash", &words).run();
                assert_eq!(outcome.code, 0, "{text}\n{}", outcome.stderr_text());
                assert!(outcome.stdout_text().starts_with("aws-cli/2"), "{text}");
            }
            "console" => {
                run_session(session.as_mut().expect("a first secret"), &text);
                sessions += 1;
            }
            other => panic!("nobody knows how to try {other}"),
        }
    }
    assert_eq!(sessions, 3, "README's sessions");
}

/// One session from its beginning to its end: what a step made, the next one uses.
#[test]
fn the_steps_to_a_peer_lead_there() {
    let sandbox = home(Sandbox::empty());
    make_dirs(&sandbox.home().join("desktop"));
    let page = page("docs/peers.md").replace("/mnt/desktop", "~/desktop");
    let steps = blocks(&page).into_iter().map(|(kind, text)| {
        assert_eq!(kind, "sh", "{text}");
        text
    });
    let first = "printf hunter2 | strongroom create-secret --name app/db \\
        --secret-string file:///dev/stdin";
    let said =
        succeed(&sandbox, &format!("{first}\n{}", steps.collect::<String>()), &[PASSPHRASE; 16]);
    let printed = said.stdout_text();
    for told in ["InSync", "is locked", "\"Synced\": 1", "\"SecretString\": \"hunter2\""] {
        assert!(printed.contains(told), "{told} is not in\n{printed}");
    }
    let read = "strongroom get-secret-value --vault ~/stick/vault.db --secret-id app/db";
    assert!(succeed(&sandbox, read, &[PASSPHRASE]).stdout_text().contains("hunter4"));
}

/// Three days, one after the other, in one vault.
#[test]
fn the_days_with_programs_are_as_they_are_told() {
    let sandbox = home(Sandbox::with_vault());
    let page = page("docs/programs.md");
    let (_, days) = page.split_once("## A web developer's day").unwrap();
    let steps = blocks(days).into_iter().map(|(_, text)| text);
    let said = succeed(&sandbox, &steps.collect::<String>(), &[]).stdout_text();
    let hidden = "[strongroom:shop/dev/db]";
    let told = [
        "serving on 8080 as shop",
        &format!("token {hidden}"),
        "none",
        &format!("API_KEY={hidden}"),
        "shop/dev/db",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), told);
}

/// All but those of rotation, which have their program's own tests.
#[test]
fn the_examples_of_the_help_work() {
    let mut sandbox = home(Sandbox::with_vault());
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal":
        "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}]}"#;
    write(&sandbox.work().join("policy.json"), policy.as_bytes());
    for (name, value) in [("json", "{\"password\": 1}"), ("password", "hunter2")] {
        sandbox.environment.insert(name.to_owned(), value.to_owned());
    }
    succeed(&sandbox, "strongroom create-secret --name app/db --secret-string hunter2", &[]);
    succeed(&sandbox, "strongroom create-secret --name app/cache --secret-string hunter3", &[]);
    let page = page("docs/commands.md");
    let mut tried = 0;
    for section in page.split("\n### ").skip(1) {
        let name = section.lines().next().unwrap_or_default();
        if name.contains("rotat") {
            continue;
        }
        let (_, example) = blocks(section).into_iter().next().expect(name);
        let before = PREPARED.iter().find(|(command, _)| *command == name);
        let script = format!("{}\n{example}", before.map_or("", |(_, script)| script));
        let answers = if script.contains("--ask") { "hunter2" } else { PASSPHRASE };
        succeed(&sandbox, &script, &[answers, PASSPHRASE, PASSPHRASE]);
        tried += 1;
    }
    assert!(tried > 30, "{tried} examples");
}

/// What has to be done for an example that the one before it did not do. A passphrase is asked for
/// in its own vault.
const PREPARED: &[(&str, &str)] = &[
    (
        "create-secret",
        "strongroom delete-secret --secret-id app/db --force-delete-without-recovery",
    ),
    ("describe-secret", "strongroom restore-secret --secret-id app/db"),
    ("restore-secret", "strongroom delete-secret --secret-id app/db"),
    ("update-secret-version-stage", VERSIONS),
    ("associate-cross-account-replica", REPLICA),
    (
        "remove-regions-from-replication",
        "strongroom replicate-secret-to-regions --secret-id app/db \
         --add-replica-regions Region=eu-west-1",
    ),
    ("get", "strongroom set example/login username=ada password=secret"),
    // What is typed at a terminal comes from a pipe here.
    ("set", "strongroom() { echo new | command strongroom \"$@\"; }"),
    ("edit", "export EDITOR=true"),
    ("find", "strongroom set bank/giro password=secret"),
    // Somebody types words that fit nothing, and leaves.
    ("pick", "strongroom() { TERM=xterm command strongroom \"$@\" </dev/tty >/dev/tty; }"),
    ("mv", "strongroom set staging/db password=secret"),
    ("log", "strongroom rename web/login example/login"),
    (
        "diff",
        "strongroom set example/login password=second; strongroom set example/login password=third",
    ),
    ("doctor", "strongroom() { command strongroom \"$@\" || [ $? -eq 1 ]; }"),
    ("otp", "strongroom set example/login totp=GEZDGNBVGY3TQOJQ"),
    // It answers where it is, and is told to end.
    (
        "serve",
        "strongroom() { command strongroom \"$@\" >at & until test -s at; do :; done; kill $!; wait $!; }",
    ),
    ("import", "printf 'name,url,username,password\\na,,ada,secret\\n' > passwords.csv"),
    ("grant", "strongroom unlock"),
    (
        "peer",
        "strongroom init --vault ~/stick/vault.db --keyfile-only --keyfile ~/stick.key \
             --no-recovery --account-id 333333333333
         strongroom unlock --vault ~/stick/vault.db --keyfile ~/stick.key",
    ),
    ("init", "unset STRONGROOM_KEYFILE; export STRONGROOM_VAULT=person"),
    ("change-passphrase", "unset STRONGROOM_KEYFILE; export STRONGROOM_VAULT=person"),
    ("completions", "mkdir -p ~/.local/share/bash-completion/completions"),
    ("man", "man() { cat; }"),
];

/// The example's OLD is the version that has the label, and its NEW the one before.
const VERSIONS: &str = "
    strongroom put-secret-value --secret-id app/db --secret-string again \
        --client-request-token 11111111-2222-4333-8444-555555555555
    strongroom put-secret-value --secret-id app/db --secret-string again2 \
        --client-request-token 21111111-2222-4333-8444-555555555555";

/// The vault of another account, where a replica waits.
const REPLICA: &str = "
    other='--vault ~/other.vault --keyfile ~/other.key'
    eval strongroom init $other --keyfile-only --no-recovery --account-id 222222222222
    primary=$(strongroom describe-secret --secret-id app/db --query ARN --output text)
    eval strongroom create-secret $other --name app/db --kms-key-id alias/other \
        --cross-account-primary-arn $primary --query ARN --output text >~/replica
    eval strongroom unlock $other
    strongroom peer add ~/other.vault";

/// Reads a page of the repository, and replaces what does not exist here.
fn page(name: &str) -> String {
    let text = fs::read_to_string(repository().join(name)).unwrap();
    [
        ("cargo run --release --", "strongroom"),
        ("/media/stick", "~/stick"),
        // Nobody else may be there.
        ("--port 4600", "--port 0"),
        ("arn:aws:secretsmanager:local-1:222222222222:secret:app/db-a1B2c3", "$(cat ~/replica)"),
        ("--move-to-version-id NEW", "--move-to-version-id 11111111-2222-4333-8444-555555555555"),
        (
            "--remove-from-version-id OLD",
            "--remove-from-version-id 21111111-2222-4333-8444-555555555555",
        ),
    ]
    .iter()
    .fold(text, |text, (from, to)| text.replace(from, to))
}

/// Returns the fenced blocks of a page that are commands: their kinds and texts.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut inside = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut inside) {
            (Some(kind), None) => inside = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => out.extend(inside.take()),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    out.retain(|(kind, _)| ["sh", "bash", "console"].contains(&kind.as_str()));
    out
}

/// Puts into a home what the examples take for granted.
fn home(sandbox: Sandbox) -> Sandbox {
    make_dirs(&sandbox.home().join("stick"));
    let store = sandbox.home().join("../bin/pass");
    write(&store, format!("#!/bin/sh\necho '{PASSPHRASE}'\n").as_bytes());
    fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
    sandbox
}

/// Plays the commands of a session, with what a person types where one is asked.
fn run_session(sandbox: &mut Sandbox, text: &str) {
    let text = text.replace("\\\n", " ");
    for part in format!("\n{text}").split("\n$ ").skip(1) {
        let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
        if let Some(settings) = command.strip_prefix("export ") {
            let pairs = settings.split(' ').filter_map(|setting| setting.split_once('='));
            let work = sandbox.work().to_str().unwrap().to_owned();
            let plain = |value: &str| value.trim_matches('"').replace("$PWD", &work);
            let pairs = pairs.map(|(name, value)| (name.to_owned(), plain(value)));
            sandbox.environment.extend(pairs);
            continue;
        }
        let first = if command.contains("--ask") { "hunter2" } else { PASSPHRASE };
        let outcome = succeed(sandbox, command, &[first, PASSPHRASE]);
        let actual = String::from_utf8(outcome.stdout).unwrap();
        let mut bindings = Bindings::default();
        let expected = expected.trim_end();
        let is_right = expected.is_empty() || bindings.accept(expected, actual.trim_end());
        assert!(is_right, "{command}\n{}", difference(expected, &actual, &bindings));
    }
}

/// Runs a script, which must succeed, at a terminal where these lines are typed.
fn succeed(sandbox: &Sandbox, script: &str, lines: &[&str]) -> Outcome {
    let lines = lines.iter().map(|&line| line.to_owned()).collect();
    let mut shell = sandbox.invocation("sh", &["-ec".to_owned(), script.to_owned()]);
    shell.terminal = Some(Typing { lines, streams: Vec::new() });
    let outcome = shell.run();
    assert_eq!(outcome.code, 0, "{script}\n{}\n{}", outcome.stderr_text(), outcome.screen);
    outcome
}
