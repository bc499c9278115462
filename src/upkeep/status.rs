//! What can be told of a vault: some without a key, the rest with one.

use std::path::Path;

use super::{settings, slots};
use crate::model::value::Value;
use crate::store::Table;
use crate::sys::files;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, LockedVault, Vault};

/// Tells what needs no key.
pub(crate) fn locked(path: &Path, vault: &LockedVault) -> Vec<(String, Value)> {
    let bytes = path.metadata().ok().and_then(|metadata| i64::try_from(metadata.len()).ok());
    let mut members = vec![
        text("VaultPath", &path.display().to_string()),
        text("VaultId", &vault.vault_id().to_string()),
        number("Format", FORMAT),
        number("KeyEpoch", vault.header().key_epoch.into()),
        ("ReadOnly".to_owned(), Value::Boolean(vault.is_read_only())),
        ("NetworkFileSystem".to_owned(), Value::Boolean(files::is_network_file_system(path))),
    ];
    let free = files::free_space(path).and_then(|bytes| i64::try_from(bytes).ok());
    members.extend(free.map(|bytes| number("FreeSpace", bytes)));
    members.extend(bytes.map(|bytes| number("FileSize", bytes)));
    members.push(("KeySlots".to_owned(), slots::public(vault)));
    members
}

/// Counts secrets and access keys without a key, as rows whatever is in them; `None` if the file
/// does not let.
pub(crate) fn secrets(vault: &mut LockedVault) -> Option<u64> {
    vault.store_mut().read().ok()?.count(Table::Secret).ok()
}

/// Tells what an unlocked vault says.
pub(crate) fn unlocked(
    vault: &mut Vault,
    anchors: Option<&Path>,
    context: RequestContext<'_>,
) -> Result<Vec<(String, Value)>, vault::Error> {
    let remembered = anchors.and_then(|anchors| vault.remembered_in(anchors));
    let is_unwritable = vault.is_anchor_unwritable();
    let is_read_only = vault.is_read_only();
    let transaction = vault.begin(Access::Read, context)?;
    let state = transaction.state();
    let anchor = match remembered {
        _ if anchors.is_none() => "no place",
        _ if is_unwritable => "unwritable",
        None => "missing",
        Some(seen) if seen.generation == state.generation => "current",
        Some(_) => "behind",
    };
    let mut members =
        vec![text("AccountId", state.settings.account()), text("Region", state.settings.region())];
    members.extend(settings::shown(&state.settings));
    members.extend([
        ("ReadsLogged".to_owned(), Value::Boolean(state.settings.audits_reads() && !is_read_only)),
        count("Generation", state.generation),
        text("Checkpoint", &transaction.checkpoint().to_string()),
        text("Anchor", anchor),
        ("LastCommitDate".to_owned(), Value::Timestamp(state.time)),
        text("Clock", transaction.clock_state().name()),
        count("Secrets", state.secrets),
        count("Values", state.values),
        count("ValueBytes", state.value_bytes),
        count("AuditEntries", state.log.next.saturating_sub(state.log.first)),
    ]);
    Ok(members)
}

fn text(name: &str, text: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(text.to_owned()))
}

fn number(name: &str, number: i64) -> (String, Value) {
    (name.to_owned(), Value::Integer(number))
}

fn count(name: &str, count: u64) -> (String, Value) {
    number(name, i64::try_from(count).unwrap_or(i64::MAX))
}

/// The format this program reads and writes.
const FORMAT: i64 = 1;
