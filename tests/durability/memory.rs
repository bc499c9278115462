//! Memory that the system does not give: a message and an exit code, not a crash.

use crate::harness::process::Outcome;
use crate::harness::{Sandbox, binary};

/// The limit of the address space, in KiB.
const MOST: u64 = 1 << 20;
const STEP: u64 = 32;
const BELOW: u64 = 3 << 10;
const JITTER: u64 = 256;

fn run_within(sandbox: &Sandbox, limit: u64) -> Outcome {
    let line = format!("ulimit -v {limit}; exec \"$0\" get-secret-value --secret-id a");
    let program = binary().to_str().unwrap().to_owned();
    sandbox.invocation("sh", &["-c".to_owned(), line, program]).run()
}

/// It once ended in a panic of the runtime or an abort, without a word that names the reason.
#[test]
fn its_end_is_told() {
    let sandbox = Sandbox::with_vault();
    super::done(&sandbox, "create-secret --name a --secret-string one");
    let (mut too_little, mut enough) = (STEP, MOST);
    assert_eq!(run_within(&sandbox, enough).code, 0);
    while enough - too_little > STEP {
        let limit = u64::midpoint(too_little, enough);
        let is_enough = run_within(&sandbox, limit).code == 0;
        *(if is_enough { &mut enough } else { &mut too_little }) = limit;
    }
    let mut first_told = None;
    for limit in (enough - BELOW..enough).step_by(usize::try_from(STEP).unwrap()) {
        let outcome = run_within(&sandbox, limit);
        let said = outcome.stderr_text();
        assert!(
            !said.contains("panicked") && !said.contains("memory allocation"),
            "{limit}: {said}"
        );
        if said.contains("An error occurred (") {
            first_told.get_or_insert(limit);
            assert!(matches!(outcome.code, 253 | 255), "{limit}: {said}");
        } else {
            // Less than the system itself needs to start the program, which is not always the same.
            let is_little = first_told.is_none_or(|first| limit < first + JITTER);
            assert!(is_little || outcome.code == 0, "{limit}: {} {said}", outcome.code);
        }
    }
    assert!(first_told.is_some());
}
