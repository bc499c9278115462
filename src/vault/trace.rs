//! What a change did to a secret: member 15 of an audit entry, docs/format.md "The audit log". It says
//! enough to show the change and to take it back, and never a value.

use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use super::record::Record;
use crate::model::order;

/// What a change did to a secret. One that is empty changed nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The labels that were moved: member 0, a list of maps.
    pub(crate) labels: Vec<Moved>,
    /// Whether it was scheduled for deletion before, where that was changed: member 1, 0 or 1.
    pub(crate) was_scheduled: Option<bool>,
    /// What it was called before: member 2, text.
    pub(crate) renamed_from: Option<String>,
    /// Whether there was a secret only after it, or only before it: member 3, a number.
    pub(crate) fate: Option<Fate>,
    /// Whether anything else of it was changed, of which nobody kept what it was: member 4, a number
    /// that is 1.
    pub(crate) has_others: bool,
    /// The number of the entry whose change it took back: member 5, a number.
    pub(crate) undid: Option<u64>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// A label that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Member 0, text.
    pub(crate) label: String,
    /// The version that had it before: member 1, text.
    pub(crate) from: Option<String>,
    /// The version that has it since: member 2, text.
    pub(crate) to: Option<String>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// What became of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was made: 0.
    Made,
    /// It was erased, with all its values: 1.
    Erased,
}

impl Trace {
    /// Says what a change did, by the records before and after it.
    pub(crate) fn between(before: Option<&Record>, after: &Record) -> Self {
        let labels_of = |record: Option<&Record>| {
            let versions = record.map_or(&[][..], |record| record.versions.as_slice());
            let labels = versions.iter().flat_map(|version| {
                version.stages.iter().map(|stage| (stage.clone(), version.id.clone()))
            });
            order::map_of(labels)
        };
        let (mut old, new) = (labels_of(before), labels_of(Some(after)));
        let mut labels = Vec::new();
        for (label, to) in new {
            let from = old.remove(&label);
            if from.as_ref() != Some(&to) {
                labels.push(Moved { label, from, to: Some(to), unknown: Unknown::default() });
            }
        }
        let gone = old.into_iter();
        labels.extend(gone.map(|(label, from)| Moved {
            label,
            from: Some(from),
            to: None,
            unknown: Unknown::default(),
        }));
        let mut trace = Self { labels, ..Self::default() };
        let Some(before) = before else {
            trace.fate = Some(Fate::Made);
            return trace;
        };
        let was_scheduled = before.deletion.is_some();
        trace.was_scheduled = (was_scheduled != after.deletion.is_some()).then_some(was_scheduled);
        trace.renamed_from = (before.name != after.name).then(|| before.name.clone());
        trace.has_others = before.description != after.description
            || before.kms_key_id != after.kms_key_id
            || before.tags != after.tags
            || before.policy != after.policy
            || before.replication != after.replication
            || before.secret_type != after.secret_type
            || before.rotation.is_some() != after.rotation.is_some()
            || before.rotation.as_ref().zip(after.rotation.as_ref()).is_some_and(|(old, new)| {
                old.enabled != new.enabled
                    || old.function != new.function
                    || old.command != new.command
                    || old.rules != new.rules
                    || old.external != new.external
            });
        trace
    }

    /// A secret that is erased at once.
    pub(crate) fn erased() -> Self {
        Self { fate: Some(Fate::Erased), ..Self::default() }
    }

    /// Whether it changed nothing.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns how a label was moved.
    pub(crate) fn moved(&self, label: &str) -> Option<&Moved> {
        self.labels.iter().find(|moved| moved.label == label)
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        if !self.labels.is_empty() {
            let writer = map.member(0).list(self.labels.len());
            for moved in &self.labels {
                let mut label = MapWriter::with(&moved.unknown);
                label.member(0).text(&moved.label);
                label.optional(1, moved.from.as_ref(), |w, id| w.text(id));
                label.optional(2, moved.to.as_ref(), |w, id| w.text(id));
                writer.map(label);
            }
        }
        map.optional(1, self.was_scheduled, |w, was| w.number(u64::from(was)));
        map.optional(2, self.renamed_from.as_ref(), |w, name| w.text(name));
        map.optional(3, self.fate, |w, fate| {
            w.number(match fate {
                Fate::Made => 0,
                Fate::Erased => 1,
            })
        });
        map.optional(4, self.has_others.then_some(1), |w, one| w.number(one));
        map.optional(5, self.undid, |w, seq| w.number(seq));
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut trace = Self::default();
        trace.unknown = reader.map(|r, key| {
            match key {
                0 => trace.labels = r.list(Moved::decode)?,
                1 => {
                    trace.was_scheduled = Some(match r.number()? {
                        0 => false,
                        1 => true,
                        _ => return Err(Malformed),
                    });
                }
                2 => trace.renamed_from = Some(r.text()?),
                3 => {
                    trace.fate = Some(match r.number()? {
                        0 => Fate::Made,
                        1 => Fate::Erased,
                        _ => return Err(Malformed),
                    });
                }
                4 if r.number()? == 1 => trace.has_others = true,
                4 => return Err(Malformed),
                5 => trace.undid = Some(r.count()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(trace)
    }
}

impl Moved {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut label, mut from, mut to) = (None, None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => label = Some(r.text()?),
                1 => from = Some(r.text()?),
                2 => to = Some(r.text()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { label: label.ok_or(Malformed)?, from, to, unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Deletion, Namespace, Version};
    use super::*;
    use crate::model::time::Timestamp;

    fn record(labels: &[(&str, &[&str])]) -> Record {
        let namespace = Namespace { account: "000000000000".into(), region: "local-1".into() };
        let mut record = Record::new(namespace, "a".into(), "a1B2c3".into(), Timestamp(1));
        record.versions = labels
            .iter()
            .map(|(id, stages)| {
                let mut version = Version::new((*id).to_owned(), None, Timestamp(1));
                version.stages = stages.iter().map(|&stage| stage.to_owned()).collect();
                version
            })
            .collect();
        record
    }

    fn moved(label: &str, from: Option<&str>, to: Option<&str>) -> Moved {
        let owned = |id: Option<&str>| id.map(str::to_owned);
        let unknown = Unknown::default();
        Moved { label: label.to_owned(), from: owned(from), to: owned(to), unknown }
    }

    #[test]
    fn a_change_is_told_by_what_was_before_and_after_it() {
        let before = record(&[("1", &["AWSCURRENT", "x"]), ("2", &["y"])]);
        let mut after = record(&[("1", &["AWSPREVIOUS"]), ("2", &["AWSCURRENT", "y"])]);
        let trace = Trace::between(Some(&before), &after);
        let expected = [
            moved("AWSCURRENT", Some("1"), Some("2")),
            moved("AWSPREVIOUS", None, Some("1")),
            moved("x", Some("1"), None),
        ];
        assert_eq!(trace.labels, expected);
        assert_eq!((trace.fate, trace.was_scheduled, trace.has_others), (None, None, false));
        assert!(Trace::between(Some(&before), &before).is_empty());
        assert_eq!(Trace::between(None, &before).fate, Some(Fate::Made));
        after.deletion = Some(Deletion { requested: Timestamp(1), due: Timestamp(2) });
        after.name = "b".to_owned();
        after.tags = Some(vec![]);
        let trace = Trace::between(Some(&before), &after);
        assert_eq!(trace.was_scheduled, Some(false));
        assert_eq!(trace.renamed_from.as_deref(), Some("a"));
        assert!(trace.has_others);
    }

    #[test]
    fn a_trace_is_read_back_as_written() {
        let full = Trace {
            labels: vec![moved("a", None, Some("1")), moved("b", Some("1"), None)],
            was_scheduled: Some(true),
            renamed_from: Some("old".to_owned()),
            fate: Some(Fate::Erased),
            has_others: true,
            undid: Some(7),
            unknown: Unknown::default(),
        };
        for trace in [full, Trace::default(), Trace::erased()] {
            let bytes = trace.encode().finish();
            assert_eq!(Trace::decode(&mut Reader::new(&bytes)).ok(), Some(trace));
        }
    }
}
