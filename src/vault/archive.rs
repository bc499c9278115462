//! The audit log in a file of its own: its entries, sealed as they are, between the chain before and
//! after them. docs/format.md, "Outside the file".
//!
//! Does not know where the file is, and drops nothing from the log.

use std::io::Read;

use super::audit::Event;
use super::error::{Error, decoded, opened};
use super::transaction::Transaction;
use crate::crypto::header::VaultId;
use crate::crypto::history;

/// What an archive begins with.
const MAGIC: [u8; 8] = *b"SRMAUDIT";

/// The format that this program writes and reads.
const FORMAT: u32 = 1;

/// The largest box, in bytes: that of a row.
const MAX_BYTES: u32 = 8 << 20;

/// How the log in an archive relates to the vault's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Junction {
    /// One continues the other: it is the same log.
    Joined,
    /// There are entries between them that neither has, so nothing proves that it is the same log.
    Gap,
    /// Where both have entries they are not the same: one was repaired, or comes from a fork.
    Contradicted,
}

/// What was found in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Archived {
    /// The number of its first entry.
    pub(crate) first: u64,
    /// The number after its last.
    pub(crate) next: u64,
    /// How it relates to the vault's log.
    pub(crate) junction: Junction,
}

/// What precedes the boxes.
struct Head {
    epoch: u32,
    vault_id: VaultId,
    first: u64,
    next: u64,
    before: [u8; 32],
    after: [u8; 32],
}

impl Transaction<'_> {
    /// Returns the whole log as an archive.
    pub(crate) fn archive(&self) -> Result<Vec<u8>, Error> {
        let (log, header) = (self.state.log, &self.keyring.header);
        let mut archive = Head {
            epoch: header.key_epoch,
            vault_id: header.vault_id,
            first: log.first,
            next: log.next,
            before: log.base,
            after: log.head,
        }
        .encode();
        self.links(&mut |link| {
            let length = u32::try_from(link.sealed.len()).unwrap_or(u32::MAX);
            archive.extend_from_slice(&length.to_be_bytes());
            archive.extend_from_slice(link.sealed);
            Ok(())
        })?;
        Ok(archive)
    }

    /// Calls `visit` with every entry of an archive of this vault's log, oldest first. Nothing that it
    /// was told is to be believed before this returns.
    ///
    /// # Errors
    /// [`Error::BadArchive`] if it is not an archive, is incomplete, or is sealed under other keys.
    pub(crate) fn read_archive(
        &self,
        file: &mut dyn Read,
        mut visit: impl FnMut(u64, Event),
    ) -> Result<Archived, Error> {
        let head = Head::read(file)?;
        self.check_keys(&head)?;
        let meeting = head.next.min(self.state.log.next);
        let ours = self.chain_at(meeting)?;
        let (keyring, mut chain) = (self.keyring, head.before);
        let mut theirs = (meeting == head.first).then_some(chain);
        for seq in head.first..head.next {
            let sealed = take_box(file, seq)?;
            let what = || format!("entry {seq}");
            let data = opened(keyring.keys.audit.open(keyring.vault_id(), seq, &sealed), what);
            let data = data.map_err(|_forged| bad(format!("entry {seq} does not authenticate")))?;
            chain = history::link(&chain, seq, data.expose());
            visit(seq, decoded(Event::decode(data.expose()), what)?);
            theirs = theirs.or((meeting == seq.saturating_add(1)).then_some(chain));
        }
        let mut rest = [0];
        if chain != head.after || file.read(&mut rest).map_err(|error| unread(&error))? != 0 {
            return Err(bad("it does not end as it says"));
        }
        let junction = match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours == theirs => Junction::Joined,
            (Some(_), Some(_)) => Junction::Contradicted,
            (None, _) | (_, None) => Junction::Gap,
        };
        Ok(Archived { first: head.first, next: head.next, junction })
    }

    fn check_keys(&self, head: &Head) -> Result<(), Error> {
        let header = &self.keyring.header;
        if head.vault_id != header.vault_id {
            return Err(bad(format!("it belongs to another vault, {}", head.vault_id)));
        }
        if head.epoch != header.key_epoch {
            return Err(bad(format!(
                "it is sealed under the keys of epoch {}, and a rekey gave this vault those of epoch \
                 {}; a backup from that time reads it",
                head.epoch, header.key_epoch
            )));
        }
        Ok(())
    }

    /// Returns the chain before the entry `seq`, where the log reaches to it.
    fn chain_at(&self, seq: u64) -> Result<Option<[u8; 32]>, Error> {
        let log = self.state.log;
        let mut found = (seq == log.first).then_some(log.base);
        self.links(&mut |link| {
            if link.seq.saturating_add(1) == seq {
                found = Some(link.after);
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        let count = self.next.saturating_sub(self.first);
        [
            &MAGIC[..],
            &FORMAT.to_be_bytes(),
            &self.epoch.to_be_bytes(),
            &self.vault_id.0,
            &self.first.to_be_bytes(),
            &count.to_be_bytes(),
            &self.before,
            &self.after,
        ]
        .concat()
    }

    fn read(file: &mut dyn Read) -> Result<Self, Error> {
        if take(file)? != MAGIC {
            return Err(bad("it does not begin as one does"));
        }
        let format = u32::from_be_bytes(take(file)?);
        if format != FORMAT {
            return Err(bad(format!("its format is {format}, not {FORMAT}")));
        }
        let epoch = u32::from_be_bytes(take(file)?);
        let vault_id = VaultId(take(file)?);
        let (first, count) = (u64::from_be_bytes(take(file)?), u64::from_be_bytes(take(file)?));
        let next = first.checked_add(count).filter(|next| i64::try_from(*next).is_ok());
        let next = next.ok_or_else(|| bad("its entries have impossible numbers"))?;
        let (before, after) = (take(file)?, take(file)?);
        Ok(Self { epoch, vault_id, first, next, before, after })
    }
}

fn take<const N: usize>(file: &mut dyn Read) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(|error| unread(&error))?;
    Ok(bytes)
}

/// Reads one box. What it says of its length allocates nothing.
fn take_box(file: &mut dyn Read, seq: u64) -> Result<Vec<u8>, Error> {
    let length = u32::from_be_bytes(take(file)?);
    if length > MAX_BYTES {
        return Err(bad(format!("entry {seq} is too large")));
    }
    let mut sealed = Vec::new();
    file.take(length.into()).read_to_end(&mut sealed).map_err(|error| unread(&error))?;
    if u32::try_from(sealed.len()) != Ok(length) {
        return Err(bad("it ends too early"));
    }
    Ok(sealed)
}

fn unread(error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        return bad("it ends too early");
    }
    bad(format!("it cannot be read: {error}"))
}

fn bad(why: impl Into<String>) -> Error {
    Error::BadArchive(why.into())
}
