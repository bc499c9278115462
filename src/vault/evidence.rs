//! What the tree proves about records where parts of it are damaged. A node or bucket whose row is
//! lost is rebuilt from what is below it: if that has the digest recorded above it, it is
//! what was there.
//!
//! Changes nothing and decides nothing: `repair` and `salvage` do.

use crate::model::order;
use std::collections::BTreeMap;

use super::error::Error;
use super::record::Record;
use super::tree::{self, Branch, Entry, FANOUT};
use crate::crypto::keys::TreeKey;
use crate::store;

/// What the tree says about a record that authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Newest,
    /// There was a newer one in its row.
    Older,
    /// It was not there at the last commit: somebody put it back.
    Absent,
    /// This part of the tree is lost.
    Unknown,
}

/// A secret that no intact part of the tree vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InDoubt {
    pub(crate) name: String,
    pub(crate) region: String,
    /// What cannot be known about it.
    pub(crate) doubt: &'static str,
    /// Whether it is kept all the same.
    pub(crate) is_kept: bool,
}

/// The names of the secrets that are to be kept although nothing vouches for them.
pub(crate) type Accepted<'a> = &'a [String];

impl InDoubt {
    /// Judges a record by what the tree says about it; `None` for one that it vouches for.
    pub(super) fn new(record: &Record, verdict: Verdict, accepted: Accepted<'_>) -> Option<Self> {
        let doubt = match verdict {
            Verdict::Newest => return None,
            Verdict::Older => "this is an older state of it; the newest one is lost",
            Verdict::Absent => "it was deleted, and somebody put it back",
            Verdict::Unknown => {
                "this part of the tree is lost: it may have been changed or deleted since"
            }
        };
        Some(Self {
            name: record.name.clone(),
            region: record.namespace.region.clone(),
            doubt,
            is_kept: verdict != Verdict::Absent && accepted.contains(&record.name),
        })
    }
}

/// What is proven about each bucket; nothing about those that are not in it.
pub(super) struct Proven(BTreeMap<u16, Vec<Entry>>);

impl Proven {
    /// Reads the tree below `root`. `records` are the places of all records that authenticate.
    pub(super) fn read(
        key: &TreeKey,
        root: &Branch,
        rows: &store::Transaction<'_>,
        records: &[Entry],
    ) -> Result<Self, Error> {
        let mut by_bucket: BTreeMap<u16, Vec<Entry>> = BTreeMap::new();
        for record in records {
            by_bucket.entry(tree::bucket_of(&record.name_hash)).or_default().push(*record);
        }
        let reader = Reader { key, root, rows, records: by_bucket };
        let mut proven = BTreeMap::new();
        for node in 0..FANOUT {
            let Some(branch) = reader.node(node)? else { continue };
            for child in 0..FANOUT {
                let number = node * FANOUT + child;
                if let Some(entries) = reader.bucket(number, branch.get(child))? {
                    proven.insert(number, entries);
                }
            }
        }
        Ok(Self(proven))
    }

    /// Returns what the tree says about a record in its place.
    pub(super) fn verdict(&self, found: &Entry) -> Verdict {
        let Some(entries) = self.0.get(&tree::bucket_of(&found.name_hash)) else {
            return Verdict::Unknown;
        };
        let is_listed =
            |entry: &&Entry| entry.name_hash == found.name_hash && entry.rid == found.rid;
        match entries.iter().find(is_listed) {
            Some(entry) if entry.pin == found.pin => Verdict::Newest,
            Some(_) => Verdict::Older,
            None => Verdict::Absent,
        }
    }

    /// Returns the places of all secrets that were there, as far as that is known.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values().flatten()
    }
}

/// Reads parts of a tree, or makes them once more.
struct Reader<'a> {
    key: &'a TreeKey,
    root: &'a Branch,
    rows: &'a store::Transaction<'a>,
    records: BTreeMap<u16, Vec<Entry>>,
}

impl Reader<'_> {
    /// Returns a node that is proven.
    fn node(&self, number: u16) -> Result<Option<Branch>, Error> {
        let Some(digest) = self.root.get(number) else { return Ok(Some(Branch::default())) };
        let is_it = |body: &[u8]| self.key.is_node(number, body, digest);
        if let Some(body) = readable(self.rows.node(number))?.filter(|body| is_it(body)) {
            return Ok(Branch::decode(&body));
        }
        let (mut of_rows, mut of_records) = (Branch::default(), Branch::default());
        for child in 0..FANOUT {
            let bucket = number * FANOUT + child;
            let digest = |body: Vec<u8>| self.key.bucket_digest(bucket, &body);
            of_rows.set(child, readable(self.rows.bucket(bucket))?.map(digest));
            let groups = self.groups(bucket);
            let listed: Vec<Entry> =
                groups.iter().filter_map(|group| group.first().copied()).collect();
            let body = (!listed.is_empty()).then(|| tree::encode_bucket(&listed));
            of_records.set(child, body.map(digest));
        }
        Ok([of_rows, of_records].into_iter().find(|branch| is_it(&branch.encode())))
    }

    /// Returns the entries of a bucket, if they are proven by the digest in its node.
    fn bucket(&self, number: u16, digest: Option<&[u8; 32]>) -> Result<Option<Vec<Entry>>, Error> {
        // Whatever row is there: that there is no such bucket is proven.
        let Some(digest) = digest else { return Ok(Some(Vec::new())) };
        let is_it = |body: &[u8]| self.key.is_bucket(number, body, digest);
        if let Some(body) = readable(self.rows.bucket(number))?.filter(|body| is_it(body)) {
            return Ok(tree::decode_bucket(&body));
        }
        let groups = self.groups(number);
        let tries = groups.iter().fold(1_usize, |n, group| n.saturating_mul(group.len() + 1));
        let mut chosen = Vec::new();
        let is_found = tries <= MAX_TRIES && choose(&groups, &mut chosen, &is_it);
        Ok(is_found.then_some(chosen))
    }

    /// Returns the records that may be in a bucket, those of one name together, in order.
    fn groups(&self, bucket: u16) -> Vec<Vec<Entry>> {
        let mut entries = self.records.get(&bucket).cloned().unwrap_or_default();
        order::sort_by_key(&mut entries, |entry| entry.name_hash);
        let groups = entries.chunk_by(|a, b| a.name_hash == b.name_hash);
        groups.map(<[Entry]>::to_vec).collect()
    }
}

/// Chooses one record or none of each group, so that together they are what is looked for.
fn choose(groups: &[Vec<Entry>], chosen: &mut Vec<Entry>, is_it: &dyn Fn(&[u8]) -> bool) -> bool {
    let Some((group, rest)) = groups.split_first() else {
        return is_it(&tree::encode_bucket(chosen));
    };
    for entry in group {
        chosen.push(*entry);
        if choose(rest, chosen, is_it) {
            return true;
        }
        chosen.pop();
    }
    choose(rest, chosen, is_it)
}

/// Takes a row that cannot be read for one that is not there.
fn readable(row: Result<Option<Vec<u8>>, store::Error>) -> Result<Option<Vec<u8>>, Error> {
    match row.map_err(Error::from) {
        Err(error) if error.is_damage() => Ok(None),
        read => read,
    }
}

/// How many ways of filling a bucket are tried: a dozen records of which each may be one too many.
const MAX_TRIES: usize = 1 << 12;
