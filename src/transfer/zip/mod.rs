//! ZIP archives (APPNOTE.TXT), read as a whole in memory, within bounds that are checked before
//! anything is inflated. The names of members are compared and shown; no path is made of one.

use std::collections::BTreeMap;

use rawzip::{CompressionMethod, ZipArchive};

use super::reading::Error;
use crate::sys::secret::Secret;

/// An archive, taken apart: the files in it, by their names.
pub(crate) struct Archive {
    members: BTreeMap<String, Secret<Vec<u8>>>,
}

/// What an archive may have.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// So many members.
    pub(crate) members: usize,
    /// So many bytes in all of them together.
    pub(crate) bytes: u64,
}

impl Limits {
    /// More than any export has.
    pub(crate) const DEFAULT: Self = Self { members: 100_000, bytes: 256 * 1024 * 1024 };
}

/// Whether bytes begin as an archive does.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

impl Archive {
    /// Reads an archive.
    ///
    /// # Errors
    /// What is damaged, encrypted, compressed in a way that no exporting program uses, there twice, or
    /// too much.
    pub(crate) fn read(bytes: &[u8], limits: Limits) -> Result<Self, Error> {
        let damaged = |_error| Error::malformed("the archive", "is damaged or not complete");
        let archive = ZipArchive::from_slice(bytes).map_err(damaged)?;
        let mut members = BTreeMap::new();
        // What is left of what is allowed; and of the archive itself, for members that share their
        // bytes, which no program writes, would be inflated again and again.
        let (mut inflated, mut stored) = (limits.bytes, len(bytes));
        let mut count: u64 = 0;
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry().map_err(damaged)? {
            count = count.saturating_add(1);
            if members.len() >= limits.members {
                let what = format!("the archive has more than {} files", limits.members);
                return Err(Error::TooMuch(what));
            }
            if entry.is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
            if entry.flags().is_encrypted() {
                return Err(encrypted(&name));
            }
            inflated = inflated
                .checked_sub(entry.uncompressed_size_hint())
                .ok_or_else(|| too_large(limits))?;
            stored =
                stored.checked_sub(entry.compressed_size_hint()).ok_or_else(|| overlap(&name))?;
            let wants = rawzip::ZipVerification {
                crc: entry.crc32(),
                uncompressed_size: entry.uncompressed_size_hint(),
            };
            let data = archive.get_entry(entry.wayfinder()).map_err(damaged)?.data();
            let content = inflate(data, entry.compression_method(), &wants)
                .map_err(|what| Error::malformed(&name, what))?;
            if members.insert(name.clone(), content).is_some() {
                return Err(Error::malformed(&name, "is in the archive twice"));
            }
        }
        if count != archive.entries_hint() {
            return Err(Error::malformed(
                "the archive",
                "has another number of files than it says",
            ));
        }
        Ok(Self { members })
    }

    /// Whether a file is in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Returns a file.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn file(&self, name: &str) -> Result<&[u8], Error> {
        let content = self.members.get(name).map(|content| content.expose().as_slice());
        content.ok_or_else(|| Error::malformed(name, "is not in the archive"))
    }

    /// Returns the files whose names begin so, each with the rest of its name.
    pub(super) fn below(&self, prefix: &str) -> impl Iterator<Item = (&str, &[u8])> {
        self.members.iter().filter_map(move |(name, content)| {
            Some((name.strip_prefix(prefix)?, content.expose().as_slice()))
        })
    }
}

/// Inflates a member and compares it with what the archive says of it.
fn inflate(
    data: &[u8],
    method: CompressionMethod,
    wants: &rawzip::ZipVerification,
) -> Result<Secret<Vec<u8>>, &'static str> {
    let content = if method == CompressionMethod::STORE {
        data.to_vec()
    } else if method == CompressionMethod::DEFLATE {
        let most = usize::try_from(wants.uncompressed_size).unwrap_or(usize::MAX);
        miniz_oxide::inflate::decompress_to_vec_with_limit(data, most)
            .map_err(|_error| "is damaged")?
    } else {
        return Err("is compressed in a way that is not known");
    };
    let content = Secret::new(content);
    let is_whole = len(content.expose()) == wants.uncompressed_size
        && rawzip::crc32(content.expose()) == wants.crc;
    if is_whole { Ok(content) } else { Err("is damaged") }
}

fn encrypted(name: &str) -> Error {
    Error::Unreadable {
        why: format!("{name}: is encrypted within the archive"),
        remedy: "export again without a password for the archive, or unpack it first",
    }
}

fn too_large(limits: Limits) -> Error {
    let most = limits.bytes / 1024 / 1024;
    Error::TooMuch(format!("the archive unpacks to more than {most} MiB"))
}

fn overlap(name: &str) -> Error {
    Error::malformed(name, "shares its bytes with other files of the archive")
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
