//! All rows of a vault, taken out, altered and put into a container again: what somebody can do who
//! may write the file and has no key.

use std::collections::BTreeMap;

use crate::store::{Store, Table};

/// Every table but the one of the state.
pub(super) const TABLES: [Table; 6] =
    [Table::Audit, Table::Bucket, Table::Node, Table::Secret, Table::Slot, Table::Value];

/// The rows of a vault.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Rows {
    /// Header and state.
    pub(super) vault: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) tables: Vec<BTreeMap<u64, Vec<u8>>>,
}

impl Rows {
    /// Takes all rows out.
    pub(super) fn of(store: &mut Store) -> Self {
        let rows = store.read().unwrap();
        let table = |table| {
            let mut found = BTreeMap::new();
            let visited = rows.each(table, |key, body| {
                found.insert(key, body.to_vec());
                Ok::<(), crate::store::Error>(())
            });
            visited.unwrap();
            found
        };
        let tables = TABLES.map(table).into();
        Self { vault: Some(rows.vault().unwrap()), tables }
    }

    pub(super) fn table(&self, table: Table) -> &BTreeMap<u64, Vec<u8>> {
        &self.tables[place(table)]
    }

    pub(super) fn table_mut(&mut self, table: Table) -> &mut BTreeMap<u64, Vec<u8>> {
        &mut self.tables[place(table)]
    }

    /// Takes a table from elsewhere.
    pub(super) fn take(&mut self, table: Table, from: &Self) {
        from.table(table).clone_into(self.table_mut(table));
    }

    /// Puts the rows into a container in memory.
    pub(super) fn store(&self) -> Store {
        let mut store = Store::in_memory();
        store.tamper("PRAGMA ignore_check_constraints = ON");
        let rows = store.write().unwrap();
        if let Some((public, state)) = &self.vault {
            rows.put_vault(public, state).unwrap();
        }
        for table in TABLES {
            for (key, body) in self.table(table) {
                rows.put(table, *key, body).unwrap();
            }
        }
        rows.commit().unwrap();
        store
    }
}

fn place(table: Table) -> usize {
    TABLES.iter().position(|other| *other == table).unwrap()
}
