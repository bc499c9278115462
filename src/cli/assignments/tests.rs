use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::cli::references::dotenv;

const ALL: [Format; 8] = [
    Format::Shell,
    Format::Fish,
    Format::Powershell,
    Format::Dotenv,
    Format::Json,
    Format::Docker,
    Format::Systemd,
    Format::Github,
];

fn variables(values: &[&[u8]]) -> Vec<Variable> {
    let one =
        |(number, value): (usize, &&[u8])| (format!("V_{number}"), Secret::new(value.to_vec()));
    values.iter().enumerate().map(one).collect()
}

fn written(format: Format, values: &[&[u8]]) -> Result<Vec<u8>, Unfit> {
    write(format, &variables(values)).map(|written| written.expose().clone())
}

fn one(format: Format, value: &str) -> Result<String, &'static str> {
    let written = written(format, &[value.as_bytes()]).map_err(|unfit| unfit.why)?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

/// What a shell has in its variables after it took over an answer.
fn evaluated(shell: &str, values: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut script = written(Format::Shell, values).unwrap();
    let names: Vec<String> = (0..values.len()).map(|number| format!("\"$V_{number}\"")).collect();
    script.extend(format!("printf '%s\\0' {}", names.join(" ")).into_bytes());
    let script = std::os::unix::ffi::OsStringExt::from_vec(script);
    let script: std::ffi::OsString = script;
    let shown = Command::new(shell).arg("-c").arg(script).output().unwrap();
    assert!(shown.status.success() && shown.stderr.is_empty());
    let mut shown: Vec<Vec<u8>> =
        shown.stdout.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    shown.pop();
    shown
}

/// Reads what systemd.exec(5) says of `EnvironmentFile=`, where the values are in double quotes.
fn systemd_reads(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut letters = text.chars().peekable();
    while letters.peek().is_some() {
        let name: String = letters.by_ref().take_while(|c| *c != '=').collect();
        assert_eq!(letters.next(), Some('"'));
        let mut value = String::new();
        loop {
            match letters.next().unwrap() {
                '"' => break,
                '\\' => match letters.next().unwrap() {
                    '\n' => {}
                    c @ ('"' | '\\' | '`' | '$') => value.push(c),
                    c => value.extend(['\\', c]),
                },
                c => value.push(c),
            }
        }
        assert_eq!(letters.next(), Some('\n'));
        out.push((name, value));
    }
    out
}

/// Reads as GitHub's runner does: up to the line that was named.
fn github_reads(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut lines = text.split('\n');
    while let Some((name, end)) = lines.next().and_then(|line| line.split_once("<<")) {
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
        out.push((name.to_owned(), value.join("\n")));
    }
    out
}

#[test]
fn each_form_has_its_quotes() {
    let value = "a'b\"c\\d $e\n#";
    for (format, expected) in [
        (Format::Shell, "export V_0='a'\\''b\"c\\d $e\n#'\n"),
        (Format::Fish, "set -gx V_0 'a\\'b\"c\\\\d $e\n#'\n"),
        (Format::Powershell, "$env:V_0 = 'a''b\"c\\d $e' + [char]10 + '#'\n"),
        (Format::Dotenv, "V_0='a\\'b\"c\\\\d $e\n#'\n"),
        (Format::Json, "{\n    \"V_0\": \"a'b\\\"c\\\\d $e\\n#\"\n}\n"),
        (Format::Systemd, "V_0=\"a'b\\\"c\\\\d \\$e\n#\"\n"),
        (Format::Github, "V_0<<END_OF_VALUE\na'b\"c\\d $e\n#\nEND_OF_VALUE\n"),
    ] {
        assert_eq!(one(format, value).as_deref(), Ok(expected), "{format:?}");
    }
    assert_eq!(one(Format::Docker, " \"x\" #").as_deref(), Ok("V_0= \"x\" #\n"));
    // PowerShell takes these for quotes as well.
    let typographic = one(Format::Powershell, "\u{2018}\u{2019}\u{201a}\u{201b}\u{201c}");
    let doubled = "\u{2018}\u{2018}\u{2019}\u{2019}\u{201a}\u{201a}\u{201b}\u{201b}\u{201c}";
    assert_eq!(typographic, Ok(format!("$env:V_0 = '{doubled}'\n")));
    // Who writes the value does not know where it ends.
    let github = one(Format::Github, "x\nEND_OF_VALUE\nPATH=/evil").unwrap();
    assert_eq!(github, "V_0<<END_OF_VALUE_\nx\nEND_OF_VALUE\nPATH=/evil\nEND_OF_VALUE_\n");
}

#[test]
fn what_a_form_cannot_hold_is_refused() {
    for format in ALL {
        assert_eq!(one(format, "a\0b").is_ok(), format == Format::Json, "{format:?}");
        let holds_bytes = [Format::Shell, Format::Fish].contains(&format);
        assert_eq!(written(format, &[b"\xff"]).is_ok(), holds_bytes, "{format:?}");
        assert_eq!(one(format, "").is_ok(), format != Format::Powershell, "{format:?}");
        assert_eq!(one(format, "a\nb\r").is_ok(), format != Format::Docker, "{format:?}");
        assert_eq!(one(format, "${HOME}").is_ok(), format != Format::Dotenv, "{format:?}");
        let odd =
            [("A.B".to_owned(), Secret::new(Vec::new())), ("1".to_owned(), Secret::new(vec![]))];
        let holds_names = [Format::Json, Format::Docker].contains(&format);
        assert_eq!(write(format, &odd).is_ok(), holds_names, "{format:?}");
    }
    for value in ["\u{feff}", "\u{fdd0}", "\u{1fffe}", "\u{ffff}"] {
        assert!(one(Format::Systemd, value).is_err(), "{value:?}");
    }
    assert!(one(Format::Docker, &"x".repeat(65_536)).is_err());
    let spaced = [("A B".to_owned(), Secret::new(vec![]))];
    assert_eq!(
        write(Format::Docker, &spaced).err().map(|unfit| unfit.name),
        Some("A B".to_owned())
    );
}

#[test]
fn the_last_of_a_name_counts() {
    let value = |text: &str| Secret::new(text.as_bytes().to_vec());
    let all =
        [("A".to_owned(), value("1")), ("B".to_owned(), value("2")), ("A".to_owned(), value("3"))];
    let written = write(Format::Docker, &all).unwrap();
    assert_eq!(written.expose(), b"B=2\nA=3\n");
    assert_eq!(write(Format::Json, &[]).unwrap().expose(), b"{}\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_shell_has_every_value(values in prop::collection::vec(prop::collection::vec(
        prop_oneof![1..=255_u8, prop::sample::select(b"'\"\\$`!\n\r #".to_vec())], 0..40), 1..20),
    ) {
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(evaluated("sh", &values), values);
    }
}

proptest! {
    #[test]
    fn who_reads_a_file_has_every_value(
        values in prop::collection::vec("(\\PC|['\"\\\\$`!\n\r #={}]|END_OF_VALUE){0,12}", 1..4),
    ) {
        let bytes: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
        let expected: Vec<(String, String)> =
            values.iter().enumerate().map(|(n, value)| (format!("V_{n}"), value.clone())).collect();
        let text = |format| written(format, &bytes).map(|text| String::from_utf8(text).unwrap());
        if let Ok(text) = text(Format::Systemd) {
            prop_assert_eq!(systemd_reads(&text), expected.clone());
        }
        prop_assert_eq!(github_reads(&text(Format::Github).unwrap()), expected.clone());
        let object: std::collections::BTreeMap<String, String> =
            serde_json::from_str(&text(Format::Json).unwrap()).unwrap();
        prop_assert_eq!(object, expected.iter().cloned().collect());
        if let Ok(text) = text(Format::Dotenv) {
            let read = dotenv::parse(&text).unwrap();
            let value = |read: dotenv::Variable| (read.name, read.value.unwrap().expose().clone());
            prop_assert_eq!(read.into_iter().map(value).collect::<Vec<_>>(), expected.clone());
        }
        if let Ok(text) = text(Format::Docker) {
            let read = text.lines().map(|line| line.split_once('=').unwrap());
            let read = read.map(|(name, value)| (name.to_owned(), value.to_owned()));
            prop_assert_eq!(read.collect::<Vec<_>>(), expected);
        }
    }
}
