//! What commands of our own have an unlocked vault do, wherever it is open: in the agent, or in the
//! process of the command. None of it changes a key.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::paths::{decoded, encoded};
use crate::gateway::json::{tagged, untagged};
use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::service::failure::Failure;
use crate::service::history;
use crate::service::jobs::review::{self, Review};
use crate::service::jobs::{self, Unfinished, progress, settings as rotations};
use crate::service::keys::errand::Errand;
use crate::service::names::{self, Wanted, Which};
use crate::service::rename::{self, Renaming};
use crate::service::together;
use crate::service::undo::{self, Reach};
use crate::upkeep::events::{self, EventFilter};
use crate::upkeep::{purge, settings, status};
use crate::vault::Vault;
use crate::vault::rotation::Pin;
use crate::vault::transaction::{Access, RequestContext};

/// One such piece of work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Do something about access keys.
    AccessKey(Errand),
    /// Note that a person approved a rotation's program, and with which new pins, and show the rotation.
    ApproveRotation { secret: String, region: Option<String>, pins: Option<Vec<Pin>> },
    /// Say the code of the state.
    Checkpoint,
    /// Change settings, if any are named, and show all.
    Configure(Vec<(String, String)>),
    /// Say which version of a secret was current at some time.
    CurrentAt { region: Option<String>, id: String, at: Timestamp },
    /// Show events.
    Events(EventFilter),
    /// Say which of these rows no secret has any more.
    Gone(Vec<u64>),
    /// Show what became of a secret.
    History { region: Option<String>, id: String },
    /// Say what a word can become that begins so; `None` as region is the vault's home.
    Offer { region: Option<String>, wanted: Wanted, prefix: String },
    /// Erase what is past its recovery window.
    Purge,
    /// Read several values at one moment; they are no sooner in the log than other reads.
    ReadTogether { region: Option<String>, wanted: Vec<together::Wanted> },
    /// Give secrets other names.
    Rename { region: Option<String>, renaming: Renaming },
    /// Show how a secret rotates.
    ReviewRotation { secret: String, region: Option<String> },
    /// Say how the vault stands, and what this machine remembers of it.
    Status { anchors: Option<PathBuf> },
    /// Take back the last change, of a secret or of the vault.
    Undo { region: Option<String>, id: Option<String>, reach: Reach },
}

impl Chore {
    /// Does it.
    pub(crate) fn run(
        self,
        vault: &mut Vault,
        context: RequestContext<'_>,
    ) -> Result<Value, Failure> {
        // What is shown includes the reads before it. What is offered or read shows none.
        if !matches!(self, Self::Offer { .. } | Self::ReadTogether { .. }) {
            vault.write_waiting_reads(context)?;
        }
        Ok(match self {
            Self::AccessKey(errand) => errand.run(vault, context)?,
            Self::ApproveRotation { secret, region, pins } => {
                let (id, region) = (SecretId(secret), region.as_deref());
                rotations::approve(vault, &id, region, pins, context)?;
                Review::of(vault, &id, region, context)?.into_value()
            }
            Self::Checkpoint => {
                let transaction = vault.begin(Access::Read, context)?;
                let checkpoint = transaction.checkpoint().to_string();
                Value::Map(vec![("Checkpoint".to_owned(), Value::Text(checkpoint))])
            }
            Self::Configure(changes) if changes.is_empty() => {
                let transaction = vault.begin(Access::Read, context)?;
                Value::Map(settings::shown(&transaction.state().settings))
            }
            Self::Configure(changes) => Value::Map(settings::configure(vault, &changes, context)?),
            Self::CurrentAt { region, id, at } => {
                history::current_at(vault, region.as_deref(), &id, at, context)?
            }
            Self::Events(filter) => events::list(vault, &filter, context)?,
            Self::Gone(rows) => {
                let gone = review::gone(vault, rows, context)?;
                Value::List(gone.iter().map(|row| Value::Text(row.to_string())).collect())
            }
            Self::History { region, id } => {
                history::history(vault, region.as_deref(), &id, context)?
            }
            Self::Offer { region, wanted, prefix } => {
                let about = (&wanted, prefix.as_str());
                let offered = names::offer(vault, region.as_deref(), about, context)?;
                Value::List(offered.into_iter().map(Value::Text).collect())
            }
            Self::Purge => {
                let erased = purge::purge(vault, context)?;
                let erased = erased.into_iter().map(Value::Text).collect();
                Value::Map(vec![("Erased".to_owned(), Value::List(erased))])
            }
            Self::ReadTogether { region, wanted } => {
                together::read(vault, region.as_deref(), &wanted, context)?
            }
            Self::Rename { region, renaming } => {
                rename::rename(vault, region.as_deref(), &renaming, context)?
            }
            Self::Undo { region, id, reach } => {
                undo::undo(vault, region.as_deref(), id.as_deref(), reach, context)?
            }
            Self::ReviewRotation { secret, region } => {
                let id = SecretId(secret);
                Review::of(vault, &id, region.as_deref(), context)?.into_value()
            }
            Self::Status { anchors } => status_of(vault, anchors.as_deref(), context)?,
        })
    }

    /// Whether it may change the vault, so that it is not asked for twice.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::AccessKey(errand) => errand.changes(),
            Self::ApproveRotation { .. }
            | Self::Configure(_)
            | Self::Purge
            | Self::Rename { .. }
            | Self::Undo { .. } => true,
            Self::Checkpoint
            | Self::CurrentAt { .. }
            | Self::Events(_)
            | Self::Gone(_)
            | Self::History { .. }
            | Self::Offer { .. }
            | Self::ReadTogether { .. }
            | Self::ReviewRotation { .. }
            | Self::Status { .. } => false,
        }
    }

    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::AccessKey(errand) => errand_to_json(errand),
            Self::ApproveRotation { secret, region, pins } => {
                let pins = pins.as_ref().map(|pins| pins.iter().map(pin_to_json).collect());
                let pins: Option<Vec<Json>> = pins;
                json!({ "name": "approve", "secret": secret, "region": region, "pins": pins })
            }
            Self::Checkpoint => json!({ "name": "checkpoint" }),
            Self::Configure(changes) => {
                let changes = changes.iter().map(|(name, to)| (name.clone(), to.clone().into()));
                let changes: Map<String, Json> = changes.collect();
                json!({ "name": "configure", "changes": changes })
            }
            Self::CurrentAt { region, id, at } => {
                json!({ "name": "current-at", "region": region, "id": id, "at": at.0 })
            }
            Self::Events(filter) => filter_to_json(filter),
            Self::Gone(rows) => json!({ "name": "gone", "rows": rows }),
            Self::History { region, id } => {
                json!({ "name": "history", "region": region, "id": id })
            }
            Self::Offer { region, wanted, prefix } => {
                let (what, of) = wanted_to_json(wanted);
                json!({
                    "name": "offer", "region": region, "prefix": prefix, "what": what, "of": of,
                })
            }
            Self::Purge => json!({ "name": "purge" }),
            Self::ReadTogether { region, wanted } => {
                let wanted: Vec<Json> =
                    wanted.iter().map(|wanted| tagged(&wanted.to_value())).collect();
                json!({ "name": "read-together", "region": region, "wanted": wanted })
            }
            Self::Rename { region, renaming } => {
                let (from, to, is_of_all) = match renaming {
                    Renaming::One { id, to } => (id, to, false),
                    Renaming::All { prefix, to } => (prefix, to, true),
                };
                json!({
                    "name": "rename", "region": region, "from": from, "to": to, "all": is_of_all,
                })
            }
            Self::ReviewRotation { secret, region } => {
                json!({ "name": "review", "secret": secret, "region": region })
            }
            Self::Status { anchors } => {
                json!({ "name": "status", "anchors": anchors.as_deref().map(encoded) })
            }
            Self::Undo { region, id, reach } => json!({
                "name": "undo", "region": region, "id": id, "further": *reach == Reach::Further,
            }),
        }
    }

    pub(super) fn from_json(json: &Json) -> Option<Self> {
        let pins = |pins: &Json| {
            pins.as_array()?.iter().map(pin_from_json).collect::<Option<_>>().map(Some)
        };
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let time = |name: &str| json.get(name).and_then(Json::as_i64).map(Timestamp);
        Some(match json.get("name")?.as_str()? {
            "access-key" => Self::AccessKey(errand_from_json(json)?),
            "approve" => Self::ApproveRotation {
                secret: text("secret")?,
                region: text("region"),
                pins: json.get("pins").filter(|pins| !pins.is_null()).map_or(Some(None), pins)?,
            },
            "checkpoint" => Self::Checkpoint,
            "configure" => {
                let changes = json.get("changes")?.as_object()?.iter();
                let change =
                    |(name, to): (&String, &Json)| Some((name.clone(), to.as_str()?.to_owned()));
                Self::Configure(changes.map(change).collect::<Option<_>>()?)
            }
            "current-at" => {
                Self::CurrentAt { region: text("region"), id: text("id")?, at: time("at")? }
            }
            "events" => Self::Events(EventFilter {
                secret: text("secret"),
                region: text("region"),
                operation: text("operation"),
                outcome: text("outcome"),
                since: time("since"),
                until: time("until"),
                most: json.get("most").and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok()),
            }),
            "gone" => {
                let rows = json.get("rows")?.as_array()?.iter();
                Self::Gone(rows.map(Json::as_u64).collect::<Option<_>>()?)
            }
            "history" => Self::History { region: text("region"), id: text("id")? },
            "offer" => Self::Offer {
                region: text("region"),
                wanted: wanted_from_json(&text("what")?, text("of"))?,
                prefix: text("prefix")?,
            },
            "purge" => Self::Purge,
            "read-together" => wanted(text("region"), json.get("wanted")?)?,
            "rename" => {
                let (from, to) = (text("from")?, text("to")?);
                let renaming = if json.get("all")?.as_bool()? {
                    Renaming::All { prefix: from, to }
                } else {
                    Renaming::One { id: from, to }
                };
                Self::Rename { region: text("region"), renaming }
            }
            "review" => Self::ReviewRotation { secret: text("secret")?, region: text("region") },
            "status" => Self::Status { anchors: text("anchors").and_then(|path| decoded(&path)) },
            "undo" => {
                let reach = reach(json.get("further")?.as_bool()?);
                Self::Undo { region: text("region"), id: text("id"), reach }
            }
            _ => return None,
        })
    }
}

fn status_of(
    vault: &mut Vault,
    anchors: Option<&Path>,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut members = status::unlocked(vault, anchors, context)?;
    let row = |Unfinished { name, region, progress }: Unfinished| {
        let text = |name: &str, text| (name.to_owned(), Value::Text(text));
        let mut row = vec![text("Name", name), text("Region", region)];
        row.extend(progress::shown(&progress));
        Value::Map(row)
    };
    let rows = jobs::unfinished(vault, context)?.into_iter().map(row).collect();
    members.push(("UnfinishedRotations".to_owned(), Value::List(rows)));
    Ok(Value::Map(members))
}

fn errand_to_json(errand: &Errand) -> Json {
    json!({ "name": "access-key", "errand": tagged(&errand.to_value()) })
}

fn errand_from_json(json: &Json) -> Option<Errand> {
    Errand::of_value(&untagged(json.get("errand")?)?)
}

fn filter_to_json(filter: &EventFilter) -> Json {
    json!({
        "name": "events",
        "secret": filter.secret,
        "region": filter.region,
        "operation": filter.operation,
        "outcome": filter.outcome,
        "since": filter.since.map(|time| time.0),
        "until": filter.until.map(|time| time.0),
        "most": filter.most,
    })
}

fn wanted_to_json(wanted: &Wanted) -> (&'static str, Option<&str>) {
    match wanted {
        Wanted::Name(Which::Active) => ("active", None),
        Wanted::Name(Which::Scheduled) => ("scheduled", None),
        Wanted::Folder => ("folder", None),
        Wanted::Field(of) => ("field", Some(of)),
        Wanted::Label(of) => ("label", Some(of)),
        Wanted::Peer => ("peer", None),
    }
}

fn wanted_from_json(what: &str, of: Option<String>) -> Option<Wanted> {
    Some(match what {
        "active" => Wanted::Name(Which::Active),
        "scheduled" => Wanted::Name(Which::Scheduled),
        "folder" => Wanted::Folder,
        "field" => Wanted::Field(of?),
        "label" => Wanted::Label(of?),
        "peer" => Wanted::Peer,
        _ => return None,
    })
}

fn pin_to_json(pin: &Pin) -> Json {
    json!([pin.path, STANDARD.encode(pin.sha256)])
}

fn pin_from_json(json: &Json) -> Option<Pin> {
    let text = |index: usize| json.get(index)?.as_str();
    let sha256 = STANDARD.decode(text(1)?).ok()?.try_into().ok()?;
    Some(Pin { path: text(0)?.to_owned(), sha256 })
}

fn wanted(region: Option<String>, json: &Json) -> Option<Chore> {
    let wanted =
        json.as_array()?.iter().map(|wanted| together::Wanted::of_value(&untagged(wanted)?));
    Some(Chore::ReadTogether { region, wanted: wanted.collect::<Option<_>>()? })
}

fn reach(is_further: bool) -> Reach {
    if is_further { Reach::Further } else { Reach::Last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::grants::GrantSpec;
    use crate::service::keys::question::Question;
    use crate::service::together::WantedVersion;
    use crate::vault::access_key::Status;

    #[test]
    fn a_chore_is_read_as_it_was_written() {
        let renaming = |renaming| Chore::Rename { region: None, renaming };
        let filter = EventFilter {
            secret: Some("a".to_owned()),
            region: None,
            operation: Some("b".to_owned()),
            outcome: None,
            since: Some(Timestamp(-5)),
            until: None,
            most: Some(3),
        };
        let secret = || "s".to_owned();
        let offer =
            |wanted| Chore::Offer { region: Some("r".to_owned()), wanted, prefix: "p".to_owned() };
        let pins = vec![Pin { path: "/p".to_owned(), sha256: [7; 32] }];
        for chore in [
            Chore::ApproveRotation { secret: secret(), region: None, pins: None },
            Chore::ApproveRotation { secret: secret(), region: Some(secret()), pins: Some(pins) },
            Chore::Gone(vec![1, u64::MAX]),
            Chore::ReviewRotation { secret: secret(), region: None },
            Chore::Checkpoint,
            Chore::Configure(vec![("a".to_owned(), "b".to_owned())]),
            Chore::Events(filter),
            offer(Wanted::Name(Which::Active)),
            offer(Wanted::Name(Which::Scheduled)),
            offer(Wanted::Folder),
            offer(Wanted::Field(secret())),
            offer(Wanted::Label(secret())),
            offer(Wanted::Peer),
            Chore::Purge,
            Chore::ReadTogether {
                region: None,
                wanted: vec![together::Wanted {
                    secret: "a".to_owned(),
                    version: WantedVersion::Back(2),
                }],
            },
            Chore::CurrentAt { region: None, id: "a".to_owned(), at: Timestamp(5) },
            Chore::History { region: Some("r".to_owned()), id: "a".to_owned() },
            renaming(Renaming::One { id: "a".to_owned(), to: "b".to_owned() }),
            renaming(Renaming::All { prefix: "a/".to_owned(), to: "b/".to_owned() }),
            Chore::Undo { region: None, id: Some("a".to_owned()), reach: Reach::Further },
            Chore::Undo { region: None, id: None, reach: Reach::Last },
            Chore::Status { anchors: Some("/a".into()) },
        ] {
            assert_eq!(Chore::from_json(&chore.to_json()), Some(chore));
        }
        assert_eq!(Chore::from_json(&json!({ "name": "rekey" })), None);
    }

    #[test]
    fn an_errand_about_access_keys_is_read_as_it_was_written() {
        let text = || "s".to_owned();
        let id = || "AKIA2222222222222222".to_owned();
        let (user_name, secrets) = (Some(text()), vec![text()]);
        let operations = vec!["Get*".to_owned()];
        let spec = GrantSpec { operations, secrets, user_name, ..GrantSpec::default() };
        for chore in [
            Chore::AccessKey(Errand::create(spec).unwrap()),
            Chore::AccessKey(Errand::List),
            Chore::AccessKey(Errand::Explain {
                id: id(),
                question: Question {
                    action: text(),
                    region: Some(text()),
                    secret_id: Some(text()),
                    version_stage: Some(text()),
                    source_ip: Some([127, 0, 0, 1].into()),
                },
            }),
            Chore::AccessKey(Errand::Delete { id: id() }),
            Chore::AccessKey(Errand::Rotate { id: id(), grace_s: None }),
            Chore::AccessKey(Errand::Rotate { id: id(), grace_s: Some(60) }),
            Chore::AccessKey(Errand::Update { id: id(), status: Status::Inactive }),
        ] {
            assert_eq!(Chore::from_json(&chore.to_json()), Some(chore));
        }
    }
}
