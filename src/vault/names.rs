//! The names of all secrets, for whoever completes one at a keyboard: read once, and from then on only
//! what changed since. What is known is of a part of the tree, by that part's digest, so that a digest
//! which is still the same says that the names are.
//!
//! A vault that is held open keeps them in memory, which is wiped when it is locked. Does not know what
//! is offered of them.

use std::collections::BTreeMap;

use super::error::Error;
use super::record::{Deletion, Namespace, Record};
use super::transaction::Transaction;
use super::tree::FANOUT;
use crate::model::time::Timestamp;

/// The names that were read, by their place in the tree.
#[derive(Default)]
pub(crate) struct KnownNames {
    nodes: BTreeMap<u16, KnownNode>,
    /// Each namespace once, and its number.
    namespaces: BTreeMap<Namespace, usize>,
}

/// What is known of a node.
#[derive(Default)]
struct KnownNode {
    /// Whose names are all known.
    digest: Option<[u8; 32]>,
    buckets: BTreeMap<u16, KnownBucket>,
}

struct KnownBucket {
    digest: [u8; 32],
    names: Vec<KnownName>,
}

struct KnownName {
    namespace: usize,
    name: Box<str>,
    deletion: Option<Deletion>,
}

/// Whether all names are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    All,
    /// More than was allowed had to be read.
    Some,
}

impl KnownNames {
    /// Returns the names of a namespace in no order, each with whether it is scheduled for deletion;
    /// those past their recovery window are left out.
    pub(crate) fn of(
        &self,
        namespace: &Namespace,
        now: Timestamp,
    ) -> impl Iterator<Item = (&str, bool)> {
        let number = self.namespaces.get(namespace).copied();
        let names = self.nodes.values().flat_map(|node| node.buckets.values());
        let names = names.flat_map(|bucket| &bucket.names);
        let is_meant = move |known: &&KnownName| {
            let is_gone = known.deletion.is_some_and(|deletion| deletion.due <= now);
            number == Some(known.namespace) && !is_gone
        };
        names.filter(is_meant).map(|known| (&*known.name, known.deletion.is_some()))
    }

    fn take(&mut self, record: Record) -> KnownName {
        let next = self.namespaces.len();
        let namespace = *self.namespaces.entry(record.namespace).or_insert(next);
        KnownName { namespace, name: record.name.into(), deletion: record.deletion }
    }
}

impl Transaction<'_> {
    /// Reads the names that are not known yet, of as many secrets as are allowed, or a few more. All are
    /// checked as in any read.
    pub(crate) fn learn_names(
        &self,
        known: &mut KnownNames,
        allowed: usize,
    ) -> Result<Known, Error> {
        let root = &self.state.root;
        known.nodes.retain(|node, _| root.get(*node).is_some());
        let mut left = allowed;
        for node in root.children() {
            let digest = root.get(node).copied();
            let is_known = known.nodes.get(&node).is_some_and(|known| known.digest == digest);
            let branch = if is_known { None } else { self.node(node)? };
            let Some(branch) = branch else { continue };
            // What is there of it stays, until its own digest is another.
            let mut buckets = known.nodes.remove(&node).unwrap_or_default().buckets;
            buckets.retain(|child, bucket| branch.get(*child) == Some(&bucket.digest));
            for child in branch.children() {
                let Some(digest) = branch.get(child).copied() else { continue };
                if buckets.contains_key(&child) {
                    continue;
                }
                if left == 0 {
                    known.nodes.insert(node, KnownNode { digest: None, buckets });
                    return Ok(Known::Some);
                }
                let entries = self.bucket_of_node(node * FANOUT + child, Some(&branch))?;
                left = left.saturating_sub(entries.len());
                let records = entries.iter().map(|entry| self.record_of(entry));
                let records = records.collect::<Result<Vec<Record>, Error>>()?;
                let secrets = records.into_iter().filter(|record| record.access_key.is_none());
                let names = secrets.map(|record| known.take(record)).collect();
                buckets.insert(child, KnownBucket { digest, names });
            }
            known.nodes.insert(node, KnownNode { digest, buckets });
        }
        Ok(Known::All)
    }
}
