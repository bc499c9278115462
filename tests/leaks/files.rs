//! What is left in files, and what is handed to other programs.

use std::fs;

use super::{LeakFixture, Needle, all_files, found, keys};
use crate::harness::process::tool;

impl LeakFixture {
    /// Everything that must be in no file but those that were given or asked for.
    fn everything(&self) -> Vec<Needle> {
        let mut out = self.secrets();
        out.extend(self.hidden());
        out.extend(keys::of(&self.vault(), &self.keyfile()));
        out
    }
}

#[test]
fn no_file_has_anything_in_the_clear() {
    let fixture = LeakFixture::new();
    let before = fixture.everything();
    for command in [
        "get-secret-value --secret-id own",
        "list-secrets",
        "delete-secret --secret-id own --force-delete-without-recovery",
        "backup ../home/copy",
        "check --repair",
        "rekey --drop-other-slots --no-recovery",
    ] {
        fixture.done(&format!("{command} --keyfile key"));
    }
    let mut seen = 0;
    let mut needles = fixture.everything();
    needles.extend(before);
    let root = fixture.sandbox.home().parent().unwrap().to_owned();
    let given = fixture.sandbox.work();
    for file in all_files(&root).iter().filter(|file| file.is_file() && !file.starts_with(&given)) {
        if file.starts_with(root.join("bin")) {
            continue;
        }
        let bytes = fs::read(file).unwrap();
        assert_eq!(found(&needles, &bytes), Vec::<&str>::new(), "{}", file.display());
        seen += 1;
    }
    assert!(seen >= 3, "the vault, its copy and what the machine remembers of it");
    // The control: the file that was given has it.
    let phrase = fs::read(given.join("phrase")).unwrap();
    assert!(found(&needles, &phrase).contains(&"the passphrase"));
}

/// A journal that a power cut leaves has pages as they were: sealed.
#[test]
fn a_journal_has_nothing_in_the_clear() {
    let Some(strace) = tool("strace") else { return };
    let fixture = LeakFixture::new();
    fixture.give("new", &super::random());
    let journal = fixture.vault().with_file_name("vault-journal");
    let binary = crate::harness::binary();
    let put = "put-secret-value --secret-id own --secret-string file://new --keyfile key";
    let cut = "-f -o /dev/null -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when=12";
    let words = cut.split(' ').chain([binary.to_str().unwrap()]).chain(put.split(' '));
    let words: Vec<String> = words.map(str::to_owned).collect();
    let outcome = fixture.sandbox.invocation(strace.to_str().unwrap(), &words).run();
    assert_ne!(outcome.code, 0, "it was not cut short");
    for file in [journal, fixture.vault()] {
        let bytes = fs::read(&file).unwrap();
        assert!(bytes.len() > 1024, "{}", file.display());
        assert_eq!(found(&fixture.everything(), &bytes), Vec::<&str>::new(), "{}", file.display());
    }
}

/// Arguments can be read by everybody, and variables by every process of the user.
#[test]
fn no_program_is_given_a_secret() {
    let Some(strace) = tool("strace") else { return };
    let fixture = LeakFixture::new();
    let binary = crate::harness::binary();
    let trace = fixture.sandbox.work().join("trace");
    fixture.give("new", &super::long());
    fixture.give("phrase2", &super::random());
    for command in [
        "get-secret-value --secret-id own --keyfile key",
        "get-secret-value --secret-id own --passphrase-file phrase",
        "get-secret-value --secret-id own --passphrase-command",
        "put-secret-value --secret-id own --secret-string file://new --keyfile key",
        "change-passphrase --passphrase-file phrase --new-passphrase-file phrase2 --kdf-memory 64",
        "rekey --drop-other-slots --no-recovery --keyfile key",
    ] {
        let traced = ["-f", "-v", "-s", "1000000", "-e", "trace=execve,execveat", "-o"];
        let program = [trace.to_str().unwrap(), binary.to_str().unwrap()];
        let words = traced.into_iter().chain(program).chain(command.split(' '));
        let mut words: Vec<String> = words.map(str::to_owned).collect();
        if command.ends_with("command") {
            words.push("cat phrase".to_owned());
        }
        let outcome = fixture.sandbox.invocation(strace.to_str().unwrap(), &words).run();
        assert_eq!(outcome.code, 0, "{command}: {}", outcome.stderr_text());
        let seen = fs::read(&trace).unwrap();
        assert!(seen.starts_with(b"1") || seen.len() > 100);
        assert_eq!(found(&fixture.everything(), &seen), Vec::<&str>::new(), "{command}");
    }
}
