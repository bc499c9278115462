//! The shape of the keyed hash tree: which bucket a name is in, and what a bucket holds or
//! node. Digests are made by `crypto::keys::TreeKey`; rows are read and written by `transaction`.
//!
//! docs/format.md, "The tree". 64 nodes of 64 buckets; an empty one has no row and no bit.

use super::cbor::MAX_COUNTED;
use crate::crypto::sealed::Pin;

/// The first 16 bytes of the keyed hash of a name in its namespace.
pub(crate) type NameHash = [u8; 16];

/// One secret's place: its name's hash, its row and the pin of its sealed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The name's hash.
    pub(crate) name_hash: NameHash,
    /// The record's row.
    pub(crate) rid: u64,
    /// The pin of the sealed record.
    pub(crate) pin: Pin,
}

/// The bytes of one entry: 16 of hash, 8 of row, 32 of pin.
const ENTRY_BYTES: usize = 56;

/// How many buckets there are.
pub(crate) const BUCKETS: u16 = 4096;

/// How many nodes there are, and how many buckets each has.
pub(crate) const FANOUT: u16 = 64;

/// Returns the bucket of a name: the first twelve bits of its hash.
pub(crate) fn bucket_of(name_hash: &NameHash) -> u16 {
    let [first, second, ..] = *name_hash;
    u16::from_be_bytes([first, second]) >> 4
}

/// Reads a bucket's entries. `None` if the bytes are no bucket: entries must ascend by hash.
pub(crate) fn decode_bucket(body: &[u8]) -> Option<Vec<Entry>> {
    let (chunks, rest) = body.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() || chunks.is_empty() {
        return None;
    }
    let entries: Vec<Entry> = chunks.iter().map(decode_entry).collect();
    let ascending = entries.is_sorted_by(|a, b| a.name_hash < b.name_hash);
    let numbered = entries.iter().all(|entry| (1..=MAX_COUNTED).contains(&entry.rid));
    (ascending && numbered).then_some(entries)
}

/// Returns the rows that whole entries in a bucket name, authentic or not: where a record may be
/// found when nothing else leads there.
pub(crate) fn rows_named_in(body: &[u8]) -> impl Iterator<Item = u64> + '_ {
    body.as_chunks::<ENTRY_BYTES>().0.iter().map(|chunk| decode_entry(chunk).rid)
}

/// Writes a bucket's entries.
pub(crate) fn encode_bucket(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    for entry in entries {
        body.extend_from_slice(&entry.name_hash);
        body.extend_from_slice(&entry.rid.to_be_bytes());
        body.extend_from_slice(&entry.pin);
    }
    body
}

fn decode_entry(chunk: &[u8; ENTRY_BYTES]) -> Entry {
    let mut entry = Entry { name_hash: [0; 16], rid: 0, pin: [0; 32] };
    let (hash, rest) = chunk.split_at(16);
    let (rid, pin) = rest.split_at(8);
    entry.name_hash.copy_from_slice(hash);
    entry.rid = rid.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    entry.pin.copy_from_slice(pin);
    entry
}

/// Up to 64 children and their digests: a node's body, and the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Branch {
    /// Bit *i*, least significant first, says that child *i* is there.
    pub(crate) bitmap: u64,
    /// The digests of the children that are there, in ascending order.
    pub(crate) digests: Vec<[u8; 32]>,
}

impl Branch {
    /// Reads a branch from its bitmap and its digests' bytes.
    pub(crate) fn new(bitmap: u64, digests: &[u8]) -> Option<Self> {
        let (chunks, rest) = digests.as_chunks::<32>();
        let count = usize::try_from(bitmap.count_ones()).ok()?;
        (rest.is_empty() && chunks.len() == count)
            .then(|| Self { bitmap, digests: chunks.to_vec() })
    }

    /// Reads a node's body: the bitmap, then the digests.
    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let (bitmap, digests) = body.split_first_chunk::<8>()?;
        let branch = Self::new(u64::from_be_bytes(*bitmap), digests)?;
        (branch.bitmap != 0).then_some(branch)
    }

    /// Writes a node's body.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = self.bitmap.to_be_bytes().to_vec();
        body.extend_from_slice(self.digests.as_flattened());
        body
    }

    /// Puts a child's digest in, or takes the child out.
    pub(crate) fn set(&mut self, child: u16, digest: Option<[u8; 32]>) {
        let (index, there) = self.place(child);
        match (digest, there) {
            (Some(digest), true) => {
                if let Some(slot) = self.digests.get_mut(index) {
                    *slot = digest;
                }
            }
            (Some(digest), false) => self.digests.insert(index, digest),
            (None, true) => {
                self.digests.remove(index);
            }
            (None, false) => {}
        }
        let bit = 1_u64 << (child % FANOUT);
        self.bitmap = if digest.is_some() { self.bitmap | bit } else { self.bitmap & !bit };
    }

    /// Returns the digest of a child; `None` if the child is not there.
    pub(crate) fn get(&self, child: u16) -> Option<&[u8; 32]> {
        let (index, there) = self.place(child);
        if there { self.digests.get(index) } else { None }
    }

    /// Returns the numbers of the children that are there, ascending.
    pub(crate) fn children(&self) -> impl Iterator<Item = u16> + '_ {
        (0..FANOUT).filter(|child| self.place(*child).1)
    }

    /// Where a child's digest is or would be, and whether it is there.
    fn place(&self, child: u16) -> (usize, bool) {
        let bit = 1_u64 << (child % FANOUT);
        let before = (self.bitmap & (bit - 1)).count_ones();
        (usize::try_from(before).unwrap_or(0), self.bitmap & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_keeps_its_children_in_order() {
        let mut branch = Branch::default();
        for child in [63, 0, 17, 40] {
            branch.set(child, Some([u8::try_from(child).unwrap(); 32]));
        }
        branch.set(40, None);
        branch.set(17, Some([99; 32]));
        branch.set(5, None);
        assert_eq!(branch.children().collect::<Vec<_>>(), [0, 17, 63]);
        assert_eq!(branch.get(17), Some(&[99; 32]));
        assert_eq!(branch.get(40), None);
        assert_eq!(Branch::decode(&branch.encode()), Some(branch));
    }

    #[test]
    fn bodies_of_the_wrong_size_or_order_are_refused() {
        let entry = |byte| Entry { name_hash: [byte; 16], rid: 1 << 61, pin: [3; 32] };
        let two = encode_bucket(&[entry(1), entry(2)]);
        assert_eq!(decode_bucket(&two), Some(vec![entry(1), entry(2)]));
        assert_eq!(decode_bucket(&encode_bucket(&[entry(2), entry(1)])), None);
        assert_eq!(decode_bucket(&encode_bucket(&[entry(1), entry(1)])), None);
        assert_eq!(decode_bucket(&two[..111]), None);
        assert_eq!(decode_bucket(&[]), None);
        assert_eq!(Branch::decode(&[0; 8]), None);
        assert_eq!(Branch::decode(&[0; 40]), None);
        assert_eq!(Branch::decode(&[0xff; 7]), None);
    }

    #[test]
    fn the_bucket_of_the_published_vector() {
        // docs/format.md, test vectors: nh fa64… is in bucket 4006.
        let mut hash = [0; 16];
        hash[0] = 0xfa;
        hash[1] = 0x64;
        assert_eq!(bucket_of(&hash), 4006);
    }
}
