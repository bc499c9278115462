use super::options::BlobFormat;
use super::*;

const NAMES: Names<'_> =
    Names { operations: &["get-secret-value", "list-secrets"], own: &["init", "run"] };

fn line(form: Form, words: &str) -> Result<CommandLine, Error> {
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    split(&words, form, NAMES)
}

fn show(form: Form, words: &str) -> String {
    match line(form, words) {
        Ok(line) => match line.command {
            Command::Version => "version".to_owned(),
            Command::Help(words) => format!("help {}", words.join(" ")),
            Command::Operation { name, words } => {
                format!("{:?} {name}: {}", line.form, words.join(" "))
            }
            Command::Own { name, words } => format!("own {name}: {}", words.join(" ")),
            Command::Identity { words } => format!("identity: {}", words.join(" ")),
            Command::Configure { name, words } => {
                format!("configure {name}: {}", words.join(" "))
            }
        },
        Err(error) => error.message().to_owned(),
    }
}

#[test]
fn finds_the_command_among_the_options() {
    for (words, expected) in [
        ("secretsmanager get-secret-value --secret-id x", "Aws get-secret-value: --secret-id x"),
        (
            "--region r secretsmanager --output=text get-secret-value --secret-id --debug x",
            "Aws get-secret-value: --secret-id x",
        ),
        ("secretsmanager list-secrets --filters a --query q b", "Aws list-secrets: --filters a b"),
        ("secretsmanager help", "help "),
        ("help", "help "),
        ("--version", "version"),
        ("secretsmanager list-secrets --vers", "version"),
        // The first parser sees all words before anybody knows that a value is wanted.
        ("secretsmanager get-secret-value --secret-id --version", "version"),
        ("", "the following arguments are required: command"),
        ("secretsmanager", "the following arguments are required: operation"),
        ("secretsmanager --secret-id get-secret-value", "Aws get-secret-value: --secret-id"),
        (
            "secretsmanager --secret-id x get-secret-value",
            "argument operation: Found invalid choice '***'\n",
        ),
        (
            "get-secret-value",
            "argument command: this aws is Strongroom, which knows secretsmanager, sts \
             get-caller-identity and configure, but not get-secret-value",
        ),
        (
            "secretmanager x",
            "argument command: Found invalid choice 'secretmanager'\n\nMaybe you meant:\n\n  * secretsmanager",
        ),
        ("sts get-caller-identity --output text", "identity: "),
        ("--query x configure get region", "configure get: region"),
        (
            "sts assume-role",
            "argument operation: this aws is Strongroom, which knows its \
             get-caller-identity, but not assume-role",
        ),
        ("secretsmanager --help", "the following arguments are required: operation"),
        (
            "secretsmanager list-secrets --output xml",
            "argument --output: Found invalid choice 'xml'\n",
        ),
        ("secretsmanager list-secrets --region", "argument --region: expected one argument"),
        (
            "secretsmanager list-secrets --cli",
            "ambiguous option: --cli could match --cli-read-timeout, --cli-connect-timeout, \
             --cli-binary-format, --cli-auto-prompt, --cli-error-format",
        ),
        // Our own options take no abbreviation away.
        ("secretsmanager list-secrets --p x --q y --v", "version"),
    ] {
        assert_eq!(show(Form::Aws, words), expected, "{words}");
    }
}

#[test]
fn takes_its_own_commands_too() {
    for (words, expected) in [
        ("get-secret-value --secret-id x", "Plain get-secret-value: --secret-id x"),
        ("secretsmanager get-secret-value", "Plain get-secret-value: "),
        ("aws secretsmanager get-secret-value a", "Aws get-secret-value: a"),
        ("--vault v aws --region r secretsmanager list-secrets", "Aws list-secrets: "),
        (
            "aws init",
            "argument command: this aws is Strongroom, which knows secretsmanager, sts \
             get-caller-identity and configure, but not init",
        ),
        ("init --slot 1 --vault v", "own init: --slot 1"),
        ("run -- printenv --region --version", "own run: -- printenv --region --version"),
        ("run --as x -- printenv", "own run: --as x -- printenv"),
        ("help get-secret-value", "help get-secret-value"),
        ("get-secret-value --help", "help get-secret-value"),
        ("-h", "help "),
        (
            "getsecret-value",
            "argument command: Found invalid choice 'getsecret-value'\n\nMaybe you meant:\n\n  * get-secret-value",
        ),
    ] {
        assert_eq!(show(Form::Plain, words), expected, "{words}");
    }
}

#[test]
fn knows_the_form_of_a_wrong_command_line() {
    for (words, expected) in [
        ("aws lst-secrets", Form::Aws),
        ("--region r aws --output xml", Form::Aws),
        ("list-secrets --output aws", Form::Plain),
        ("", Form::Plain),
    ] {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        assert_eq!(form(&words, Form::Plain, NAMES), expected, "{words:?}");
        assert_eq!(form(&words, Form::Aws, NAMES), Form::Aws, "{words:?}");
    }
}

#[test]
fn keeps_the_last_of_each_option() {
    let words = "list-secrets --region a --vault v --region b --no-pag --ask --passphrase-fd 3 \
                 --cli-binary-format raw-in-base64-out --expect 7:ABCD";
    let Ok(CommandLine { globals, .. }) = line(Form::Plain, words) else { panic!() };
    assert_eq!(globals.region.as_deref(), Some("b"));
    assert_eq!(globals.vault.as_deref(), Some("v"));
    assert_eq!(globals.passphrase_fd, Some(3));
    assert_eq!(globals.expect.as_deref(), Some("7:ABCD"));
    assert_eq!(globals.blob_format, BlobFormat::Raw);
    assert!(globals.no_paginate && globals.ask);
    assert_eq!(
        show(Form::Plain, "init --passphrase-fd -1"),
        "argument --passphrase-fd: invalid file descriptor: '-1'"
    );
    assert_eq!(show(Form::Plain, "init --vau x"), "own init: --vau x");
}

#[test]
fn refuses_words_that_are_not_text() {
    use std::os::unix::ffi::OsStringExt as _;
    let word = std::ffi::OsString::from_vec(b"hunter\xff".to_vec());
    let error = text([std::ffi::OsString::from("a"), word]).err();
    assert_eq!(
        error.map(|error| error.message().to_owned()).as_deref(),
        Some("argument 2 of the command line is not UTF-8")
    );
}
