//! The audit log, read and filtered.

use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::vault::audit::Event;
use crate::vault::transaction::{Access, Occasion};
use crate::vault::{self, Vault};

/// Which events to show; what is not given matches all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The secret's name.
    pub(crate) secret: Option<String>,
    /// The region.
    pub(crate) region: Option<String>,
    /// The operation's name, in letters of either case, with or without hyphens.
    pub(crate) operation: Option<String>,
    /// `Success` or an error code.
    pub(crate) outcome: Option<String>,
    /// Not before.
    pub(crate) since: Option<Timestamp>,
    /// Not after.
    pub(crate) until: Option<Timestamp>,
    /// At most so many, the newest.
    pub(crate) most: Option<usize>,
}

impl Wanted {
    fn matches(&self, event: &Event, home: &str) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        is(&self.secret, &event.subject.name)
            && is(&self.region, region_of(event, home))
            && self.operation.as_ref().is_none_or(|wanted| plain(wanted) == plain(&event.operation))
            && is(&self.outcome, &event.outcome)
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time <= until)
    }
}

fn region_of<'e>(event: &'e Event, home: &'e str) -> &'e str {
    if event.subject.region.is_empty() { home } else { &event.subject.region }
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

/// Lists events, newest first. The whole log is verified on the way.
pub(crate) fn list(
    vault: &mut Vault,
    wanted: &Wanted,
    occasion: Occasion<'_>,
) -> Result<Value, vault::Error> {
    let transaction = vault.begin(Access::Read, occasion)?;
    let home = transaction.state().settings.region().to_owned();
    let mut events = std::collections::VecDeque::new();
    transaction.events(|seq, event| {
        if wanted.matches(&event, &home) {
            let region = region_of(&event, &home).to_owned();
            events.push_front(shown(seq, event, region));
            if wanted.most.is_some_and(|most| events.len() > most) {
                events.pop_back();
            }
        }
        Ok(())
    })?;
    Ok(Value::Map(vec![("Events".to_owned(), Value::List(events.into()))]))
}

fn shown(seq: u64, event: Event, region: String) -> Value {
    let mut members = Vec::new();
    let mut number = |name: &str, number: u64| {
        members.push((name.to_owned(), Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))));
    };
    number("EventId", seq);
    number("Generation", event.generation);
    members.push(("EventTime".to_owned(), Value::Timestamp(event.time)));
    let mut text = |name: &str, text: String| {
        if !text.is_empty() {
            members.push((name.to_owned(), Value::Text(text)));
        }
    };
    text("EventName", event.operation);
    text("Outcome", event.outcome);
    if !event.subject.name.is_empty() {
        text("Region", region);
    }
    text("SecretName", event.subject.name);
    text("Version", event.subject.version);
    text("ClientRequestToken", event.subject.token);
    text("Detail", event.detail);
    text("Via", event.via);
    text("User", event.actor.user);
    text("Uid", event.actor.uid.to_string());
    text("ProcessId", event.actor.pid.to_string());
    text("ParentProcessId", event.actor.ppid.to_string());
    text("Program", event.actor.exe);
    text("Terminal", event.actor.tty);
    text("Host", event.actor.host);
    Value::Map(members)
}
