//! What can be chosen about a vault after it was made.

use crate::model::value::Value;
use crate::vault::state::Settings;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Vault};

/// Changes settings: names and values. What is as it was is not written again.
pub(crate) fn configure(
    vault: &mut Vault,
    changes: &[(String, String)],
    context: RequestContext<'_>,
) -> Result<Vec<(String, Value)>, vault::Error> {
    let mut transaction = vault.begin(Access::Write, context)?;
    let mut told = Vec::new();
    for (name, value) in changes {
        if transaction.state().settings.get(name) != Some(value) {
            transaction.set(name, value);
            told.push(format!("{name} {value}"));
        }
    }
    if !told.is_empty() {
        transaction.record_own("Configure", &told.join(", "))?;
    }
    let shown = shown(&transaction.state().settings);
    transaction.commit()?;
    Ok(shown)
}

/// Shows what can be changed.
pub(crate) fn shown(settings: &Settings) -> Vec<(String, Value)> {
    let reads = if settings.audits_reads() { "on" } else { "off" };
    let keep = i64::try_from(settings.audit_keep()).unwrap_or(i64::MAX);
    vec![
        ("AuditReads".to_owned(), Value::Text(reads.to_owned())),
        ("AuditKeep".to_owned(), Value::Integer(keep)),
        ("AuditKeepDays".to_owned(), Value::Integer(settings.audit_keep_days())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::sys::entropy::CountingEntropy;
    use crate::vault::Origin;

    #[test]
    fn a_setting_is_logged_once_and_one_that_nobody_can_choose_counts_as_none() {
        let (entropy, origin) = (CountingEntropy::default(), Origin::default());
        let context = RequestContext { now: Timestamp(1), entropy: &entropy, origin: &origin };
        let mut vault = Vault::testing(context);
        let mut set = |name: &str, value: &str| {
            configure(&mut vault, &[(name.to_owned(), value.to_owned())], context).unwrap();
            let transaction = vault.begin(Access::Read, context).unwrap();
            let state = transaction.state();
            (state.settings.audit_keep(), state.settings.audit_keep_days(), state.generation)
        };
        assert_eq!(set(Settings::AUDIT_KEEP, "60"), (60, 400, 2));
        assert_eq!(set(Settings::AUDIT_KEEP, "60"), (60, 400, 2));
        assert_eq!(set(Settings::AUDIT_KEEP_DAYS, "7"), (60, 7, 3));
        // Nobody writes these, but someone who has the keys could.
        for (value, generation) in [("0", 4), ("-1", 5), ("18446744073709551616", 6), ("", 7)] {
            assert_eq!(set(Settings::AUDIT_KEEP, value), (500, 7, generation), "{value}");
        }
        assert_eq!(set(Settings::AUDIT_KEEP_DAYS, "36501"), (500, 400, 8));
    }
}
