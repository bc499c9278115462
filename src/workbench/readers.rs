//! Who else reads messages that the agent, or whoever asks it, wrote.

use serde_json::Value as Json;

use crate::agent::long_work::Said;
use crate::agent::messages::Reply;
use crate::gateway::json::{from_json, tagged, untagged};
use crate::gateway::refusal::Explained;
use crate::model::shape::Shaped;
use crate::model::time::Timestamp;
use crate::rotation::remote::{self, Explain};
use crate::service::grants::GrantSpec;
use crate::service::rules::arn::Place;

/// Has a message read by whoever else reads some. What is read is written as it was.
pub(super) fn read_elsewhere(message: &[u8]) {
    let _reply = Reply::read(message);
    let _said = Said::read(message);
    let Ok(json) = serde_json::from_slice::<Json>(message) else { return };
    let members = ["asked", "machine", "spec", "ok", "outcomes", "fault", "error"];
    let members = members.into_iter().filter_map(|name| json.get(name));
    for json in std::iter::once(&json).chain(members) {
        read_by_rotation(json);
        if let Some(value) = untagged(json) {
            assert!(untagged(&tagged(&value)) == Some(value), "a value is read otherwise");
        }
        let spec = from_json(GrantSpec::SHAPE, json).ok();
        if let Some(spec) = spec.and_then(|spec| GrantSpec::from_value(spec).ok()) {
            let home = Place { account: "000000000000", region: "local-1" };
            let granted = spec.grant(String::new(), home, Timestamp(i64::MAX));
            assert!(spec.check().is_ok() || granted.is_err(), "what cannot be granted is");
        }
    }
}

fn read_by_rotation(json: &Json) {
    if let Some(asked) = remote::request_from_json(json) {
        let written = remote::request_to_json(&asked);
        let again =
            remote::request_from_json(&written).map(|asked| remote::request_to_json(&asked));
        assert_eq!(again, Some(written));
    }
    if let Some(asked) = remote::due_from_json(json) {
        let written = remote::due_to_json(&asked);
        let again = remote::due_from_json(&written).map(|asked| remote::due_to_json(&asked));
        assert_eq!(again, Some(written));
    }
    if let Some(machine) = remote::machine_from_json(json, None) {
        let written = remote::machine_to_json(&machine);
        let again = remote::machine_from_json(&written, None);
        assert_eq!(again.map(|machine| remote::machine_to_json(&machine)), Some(written));
    }
    if let Some(error) = remote::error_from_json(json) {
        let written = remote::error_to_json(&error, &EXPLAIN);
        let again = remote::error_from_json(&written);
        assert_eq!(again.map(|error| remote::error_to_json(&error, &EXPLAIN)), Some(written));
    }
    if let Some(outcomes) = remote::outcomes_from_json(json) {
        let written = remote::outcomes_to_json(&outcomes, &EXPLAIN);
        let again = remote::outcomes_from_json(&written);
        let again = again.map(|outcomes| remote::outcomes_to_json(&outcomes, &EXPLAIN));
        assert_eq!(again, Some(written));
    }
    let _fault = remote::fault_of_due_from_json(json);
}

pub(super) const EXPLAIN: Explain = Explain {
    vault: |error| told(error.name(), error.to_string()),
    file: |fault| told(fault.name(), fault.to_string()),
};

fn told(name: &str, message: String) -> Explained {
    Explained { name: name.to_owned(), message, hint: None, exit_code: 255 }
}
