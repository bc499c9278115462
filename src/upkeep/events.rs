//! The audit log, read and filtered, and written into a file of its own.

use std::collections::VecDeque;
use std::io::Read;

use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::vault::archive::{Archived, Junction};
use crate::vault::audit::Event;
use crate::vault::transaction::{Access, RequestContext, Transaction};
use crate::vault::{self, Vault};

/// Which events to show; what is not given matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventFilter {
    /// The secret's name.
    pub(crate) secret: Option<String>,
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

impl EventFilter {
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

/// The events that are wanted so far, newest first.
struct Sieve<'a> {
    wanted: &'a EventFilter,
    home: String,
    events: VecDeque<Value>,
}

impl<'a> Sieve<'a> {
    fn new(wanted: &'a EventFilter, transaction: &Transaction<'_>) -> Self {
        let home = transaction.state().settings.region().to_owned();
        Self { wanted, home, events: VecDeque::new() }
    }

    fn take(&mut self, seq: u64, event: Event) {
        if self.wanted.matches(&event, &self.home) {
            self.events.push_front(shown(seq, event, &self.home));
            if self.wanted.most.is_some_and(|most| self.events.len() > most) {
                self.events.pop_back();
            }
        }
    }

    fn finish(self) -> (String, Value) {
        ("Events".to_owned(), Value::List(self.events.into()))
    }
}

/// Lists events, newest first. The whole log is verified on the way.
pub(crate) fn list(
    vault: &mut Vault,
    wanted: &EventFilter,
    context: RequestContext<'_>,
) -> Result<Value, vault::Error> {
    let transaction = vault.begin(Access::Read, context)?;
    let mut sieve = Sieve::new(wanted, &transaction);
    transaction.events(|seq, event| {
        sieve.take(seq, event);
        Ok(())
    })?;
    Ok(Value::Map(vec![sieve.finish()]))
}

/// Members of an answer.
type Members = Vec<(String, Value)>;

/// Returns the whole log as it is written into a file, and what to say of it.
pub(crate) fn archive(
    vault: &mut Vault,
    context: RequestContext<'_>,
) -> Result<(Vec<u8>, Members), vault::Error> {
    let transaction = vault.begin(Access::Read, context)?;
    let log = transaction.state().log;
    Ok((transaction.archive()?, range(log.first, log.next)))
}

/// Lists the events of an archive, newest first, once all of it is verified.
pub(crate) fn list_archive(
    vault: &mut Vault,
    file: &mut dyn Read,
    wanted: &EventFilter,
    context: RequestContext<'_>,
) -> Result<(Members, Junction), vault::Error> {
    let transaction = vault.begin(Access::Read, context)?;
    let mut sieve = Sieve::new(wanted, &transaction);
    let Archived { first, next, junction } =
        transaction.read_archive(file, |seq, event| sieve.take(seq, event))?;
    let chain = match junction {
        Junction::Joined => "joined",
        Junction::Gap => "gap",
        Junction::Contradicted => "contradicted",
    };
    let chain = ("Chain".to_owned(), Value::Text(chain.to_owned()));
    let mut members = range(first, next);
    members.extend([chain, sieve.finish()]);
    Ok((members, junction))
}

fn range(first: u64, next: u64) -> Members {
    vec![number("FirstEventId", first), number("LastEventId", next.saturating_sub(1))]
}

fn number(name: &str, number: u64) -> (String, Value) {
    (name.to_owned(), Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn shown(seq: u64, event: Event, home: &str) -> Value {
    // An event about no secret has a region only if one other than home was asked for.
    let has_region = !event.subject.name.is_empty() || !event.subject.region.is_empty();
    let region = if has_region { region_of(&event, home).to_owned() } else { String::new() };
    let mut members = vec![number("EventId", seq), number("Generation", event.generation)];
    members.push(("EventTime".to_owned(), Value::Timestamp(event.time)));
    let mut text = |name: &str, text: String| {
        if !text.is_empty() {
            members.push((name.to_owned(), Value::Text(text)));
        }
    };
    text("EventName", event.operation);
    text("Outcome", event.outcome);
    text("Region", region);
    text("SecretName", event.subject.name);
    text("Version", event.subject.version);
    text("ClientRequestToken", event.subject.token);
    text("OldName", event.trace.and_then(|trace| trace.renamed_from).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::entropy::CountingEntropy;
    use crate::vault::Origin;
    use crate::vault::audit::Subject;

    #[test]
    fn the_region_is_shown_of_what_is_about_no_secret_too() {
        // It used to be left out, though it is stored: a list of another region looked like one of
        // home.
        let (entropy, origin) = (CountingEntropy::default(), Origin::default());
        let context = RequestContext { now: Timestamp(1), entropy: &entropy, origin: &origin };
        let mut vault = Vault::testing(context);
        let mut transaction = vault.begin(Access::Write, context).unwrap();
        let about = |name: &str, region: &str| Subject {
            name: name.to_owned(),
            region: region.to_owned(),
            ..Subject::default()
        };
        for (name, region) in [("", ""), ("", "eu-west-1"), ("db", ""), ("db", "eu-west-1")] {
            transaction.record("ListSecrets", Event::SUCCESS, about(name, region)).unwrap();
        }
        transaction.commit().unwrap();
        let wanted =
            EventFilter { operation: Some("list-secrets".to_owned()), ..EventFilter::default() };
        let Value::Map(members) = list(&mut vault, &wanted, context).unwrap() else { panic!() };
        let Value::List(events) = &members[0].1 else { panic!() };
        let region = |event: &Value| {
            let Value::Map(members) = event else { panic!() };
            let found = members.iter().find(|(name, _)| name == "Region").map(|(_, value)| value);
            found.map(|region| matches!(region, Value::Text(text) if text == "eu-west-1"))
        };
        let regions: Vec<Option<bool>> = events.iter().rev().map(region).collect();
        assert_eq!(regions, [None, Some(true), Some(false), Some(true)]);
    }
}
