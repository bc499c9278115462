//! What a program is given: arguments and variables, to the byte and however many.

use std::fs;
use std::path::Path;

use super::{Desk, words};
use crate::harness::done;
use crate::harness::files::write;
use crate::harness::process::tool;

/// Arguments that are no text were refused, and what is wrong with a full disk was not said.
#[test]
fn what_a_program_is_given_and_writes_is_not_changed_or_lost() {
    let desk = Desk::new();
    for how in ["--redact", "--no-redact"] {
        let script = format!("run {how} -- printf %s $'a\\377\\376' | od -An -tx1");
        assert_eq!(desk.shell(&script, None).stdout_text(), " 61 ff fe\n", "{how}");
    }
    let outcome = desk.shell("strongroom get -- $'\\377'", None);
    assert_eq!(outcome.code, 252, "{}", outcome.stderr_text());
    if Path::new("/dev/full").exists() {
        let outcome = desk.shell("run --redact -- echo x >/dev/full", None);
        assert_eq!(outcome.code, 255, "{}", outcome.stderr_text());
        let outcome = desk.shell("run --redact -- sh -c 'echo x; exit 3' >/dev/full", None);
        assert_eq!(outcome.code, 3);
    }
    for (program, code) in [("''", 127), ("/etc/passwd/x", 127), ("/etc/passwd", 126)] {
        for how in ["--redact", "--no-redact"] {
            let outcome = desk.shell(&format!("run {how} -- {program}"), None);
            assert_eq!(outcome.code, code, "{program} {how}");
        }
    }
}

/// The shells that are there read what is written for them, to the byte.
#[test]
fn each_shell_reads_its_variables() {
    let desk = Desk::new();
    let values: [&[u8]; 10] = [
        b" lead, 'quote' \"quotes\" and trail ",
        b"$HOME `id` $(id) ${x} !hist! ~ *? #c ;|&<>(){}[]",
        b"two\nlines\n\n",
        b"back\\slash \\n \\' \\",
        b"\x01\x1b[31m\x7f\r\t",
        b"-n",
        b"'",
        "Z\u{fc}rich \u{1f511} \u{2028}\u{a0}".as_bytes(),
        b"\xff\xfe\x80",
        b"=%s%n",
    ];
    let names: Vec<String> =
        (0..values.len()).map(|number| format!("V{number}=v{number}")).collect();
    for (number, value) in values.iter().enumerate() {
        write(&desk.0.work().join("v"), value);
        done(&desk.0, &format!("create-secret --name v{number} --secret-binary fileb://v"));
    }
    for (shell, form, begin) in [
        ("sh", "shell", "eval \"$(cat vars)\""),
        ("bash", "shell", "eval \"$(cat vars)\""),
        ("dash", "shell", ". ./vars"),
        ("zsh", "shell", "eval \"$(cat vars)\""),
        ("zsh", "shell", ". ./vars"),
        ("fish", "fish", "cat vars | source"),
    ] {
        let Some(program) = tool(shell) else { continue };
        let line = [words(&["env", "--format", form, "--out", "vars"]), names.clone()].concat();
        assert_eq!(desk.0.invocation("strongroom", &line).run().code, 0);
        let script = format!("{begin}; env -0");
        let invocation = desk.0.invocation(program.to_str().unwrap(), &words(&["-c", &script]));
        let shown = invocation.run().stdout;
        for (number, value) in values.iter().enumerate() {
            let wanted = [format!("V{number}=").as_bytes(), value].concat();
            let is_there = shown.split(|byte| *byte == 0).any(|pair| pair == wanted);
            assert!(is_there, "{shell}: {}", value.escape_ascii());
        }
        fs::remove_file(desk.0.work().join("vars")).unwrap();
    }
}

/// Of 90,000 variables each was compared with all before it.
#[test]
fn many_variables_take_no_longer_than_they_should() {
    let desk = Desk::new();
    let member = |number: u32| format!("\"k{number}\":\"{number:04x}\"");
    let object = format!("{{{}}}", (0..4_000).map(member).collect::<Vec<_>>().join(","));
    write(&desk.0.work().join("object"), object.as_bytes());
    done(&desk.0, "create-secret --name many --secret-string file://object");
    let lines: Vec<String> = (0..90_000).map(|number| format!("V{number}=1\n")).collect();
    let plain = lines.concat();
    write(&desk.0.work().join("plain.env"), plain.as_bytes());
    // Seconds of the processor's: it takes less than one.
    for (line, code) in
        [("run --env-file plain.env -- true", "0"), ("strongroom env many >/dev/null", "0")]
    {
        let script = format!("ulimit -t 15; ( {line} ); echo $?");
        let outcome = desk.shell(&script, None);
        assert_eq!(outcome.stdout_text().trim(), code, "{line}");
    }
}
