//! A disk that fails to read: that is said, and nothing is called damaged for it.

use std::fs;

use super::strike::ChangeFixture;

#[test]
fn a_read_that_fails_is_not_taken_for_damage() {
    // SQLite calls a page that the disk did not give "malformed", and so did we.
    let Some(fixture) = ChangeFixture::set(&["create-secret --name a --secret-string one"]) else {
        return;
    };
    let vault = fixture.sandbox.home().join(".local/share/strongroom/default.vault");
    let vault = vault.to_str().unwrap();
    for command in ["get-secret-value --secret-id a", "list-secrets", "check", "backup ../copy"] {
        fixture.reset();
        let counted = fixture.trace(&["-P", vault, "-e", "trace=pread64"], command);
        assert_eq!(counted.code, 0, "{command}: {}", counted.stderr_text());
        let trace = fs::read_to_string(fixture.sandbox.work().join("trace")).unwrap();
        for ordinal in 1..=trace.matches("pread64(").count() {
            fixture.reset();
            drop(fs::remove_file(fixture.sandbox.home().join("../copy")));
            let inject = format!("inject=pread64:error=EIO:when={ordinal}");
            let way = ["-P", vault, "-e", "trace=pread64", "-e", &inject];
            let outcome = fixture.trace(&way, command);
            let said = outcome.stderr_text();
            let is_told = said.contains("(IoError): ");
            assert!(outcome.code == 0 || is_told, "{command}, read {ordinal}: {said}");
        }
    }
}
