//! Completions in the shells themselves: a line is typed, the shell says what it offers.
//!
//! bash is everywhere, so `tests/script/completions.txt` asks it.

use crate::harness::process::tool;
use crate::harness::{Sandbox, files};

/// What is typed, and what is offered for it.
const LINES: &[(&str, &[&str])] = &[
    ("strongroom get-s", &["get-secret-value"]),
    ("strongroom get-secret-value --version-s", &["--version-stage"]),
    ("strongroom list-secrets --output y", &["yaml", "yaml-stream"]),
    ("strongroom key-slot a", &["add"]),
    ("strongroom get-secret-value --secret-id ", &["app/cache", "app/db", "app/login", "web/key"]),
    ("strongroom describe-secret --secret-id app/d", &["app/db"]),
    ("strongroom batch-get-secret-value --secret-id-list w", &["web/key"]),
    ("strongroom restore-secret --secret-id ", &["gone"]),
    // The line says where to look.
    ("strongroom get-secret-value --region eu-west-1 --secret-id ", &["elsewhere"]),
    ("strongroom --region=eu-west-1 get-secret-value --secret-id e", &["elsewhere"]),
    ("strongroom get-secret-value --vault nowhere --secret-id ", &[]),
    ("strongroom --vault 'an other' --keyfile ~/other get-secret-value --secret-id ", &["there"]),
    ("strongroom describe-secret --secret-id=w", &["web/key"]),
    // Words that are no option's.
    ("strongroom get app/", &["app/cache", "app/db", "app/login"]),
    ("strongroom get app/login ", &["password", "username"]),
    ("strongroom set app/login password u", &["username"]),
    ("strongroom get app/login:", &["app/login:AWSCURRENT"]),
    ("strongroom restore ", &["gone"]),
    ("strongroom mv w", &["web/"]),
    ("strongroom peer remove ", &["stick"]),
];

/// Makes secrets to be offered, and a second vault.
fn furnished() -> Sandbox {
    let sandbox = Sandbox::with_vault();
    let home = sandbox.home();
    let other = home.join("other");
    let other = ["--vault", "an other", "--keyfile", other.to_str().unwrap()];
    for line in [
        "create-secret --name app/db",
        "create-secret --name app/cache",
        "create-secret --name web/key",
        "set app/login username=ada password=hunter2",
        "create-secret --name gone",
        "delete-secret --secret-id gone",
        "create-secret --name elsewhere --region eu-west-1",
    ] {
        done(&sandbox, &line.split(' ').collect::<Vec<_>>());
    }
    let account = ["init", "--keyfile-only", "--account-id", "222222222222"];
    done(&sandbox, &[&account, &other[..]].concat());
    done(&sandbox, &[&["create-secret", "--name", "there"], &other[..]].concat());
    done(&sandbox, &["peer", "add", "an other", "--name", "stick", "--peer-keyfile", other[3]]);
    done(&sandbox, &[&["unlock"], &other[..]].concat());
    done(&sandbox, &["unlock"]);
    sandbox
}

fn done(sandbox: &Sandbox, words: &[&str]) -> String {
    let outcome = sandbox.strongroom(words);
    assert_eq!(outcome.code, 0, "{words:?}: {}", outcome.stderr_text());
    outcome.stdout_text()
}

/// Types each line at a shell, which reads the completions from `script` and is asked by `ask`.
fn check(shell: &str, script: &str, ask: &str, offers: impl Fn(&str) -> String) {
    let Some(program) = tool(shell) else { return };
    let sandbox = furnished();
    let work = sandbox.work();
    files::write(&work.join(script), done(&sandbox, &["completions", shell]).as_bytes());
    files::write(&work.join("ask"), ask.as_bytes());
    for (line, expected) in LINES {
        let words = ["ask", *line].map(str::to_owned);
        let asked = sandbox.invocation(program.to_str().unwrap(), &words).run();
        let mut offered: Vec<String> = asked.stdout_text().lines().map(&offers).collect();
        offered.sort();
        offered.dedup();
        assert_eq!(&offered, expected, "{shell}: {line}: {}", asked.stderr_text());
    }
}

#[test]
fn zsh_offers_what_there_is() {
    check("zsh", "_strongroom", ZSH, str::to_owned);
}

#[test]
fn fish_offers_what_there_is() {
    // It says what a word is for behind a tab, and repeats the option that the word is of.
    let word = |line: &str| {
        let word = line.split('\t').next().unwrap_or_default();
        word.strip_prefix("--secret-id=").unwrap_or(word).to_owned()
    };
    check("fish", "strongroom.fish", "source strongroom.fish\ncomplete -C $argv[1]\n", word);
}

/// zsh completes only at a terminal: it gets its own, and each word it offers is recorded.
/// What the outer shell waits for is spelled so that the line itself, echoed, is not taken for it.
const ZSH: &str = r#"
export TERM=xterm
zmodload zsh/zpty
zpty shell zsh -f -i
type_line() { zpty -w shell "$1" }
type_line 'PS1= RPS1= PS2=; stty -echo; fpath=($PWD $fpath); : >offers'
type_line 'autoload -U compinit; compinit -u -D; bindkey "^I" complete-word'
type_line 'note() { local -a found; builtin compadd -O found "$@"; print -rl -- $found >>offers; builtin compadd "$@"; }'
type_line 'functions[compadd]=$functions[note]; finish() { print -r DO"NE"; }; comppostfuncs=(finish); print -r REA"DY"'
zpty -r shell heard '*READY*'
zpty -w -n shell "$1"$'\t'
zpty -r shell heard '*DONE*'
grep . offers
zpty -d shell
"#;
