//! The layout of a container: its tables, its marks and what a row can hold.

/// The tables, word for word as docs/format.md has them.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA application_id`: "SRM1".
pub(super) const APPLICATION_ID: i64 = 0x5352_4d31;

/// `PRAGMA user_version`: the layout of the tables.
pub(super) const LAYOUT: i64 = 1;

/// The most bytes of a row's blob, more than a vault ever writes: what is larger is not read,
/// so that a row put in by hand does not fill the memory. `table` says it once more, to SQLite.
pub(crate) const MAX_ROW_BYTES: usize = 8 << 20;

/// The most slots a vault has.
pub(crate) const MAX_SLOTS: u8 = 16;

/// The number shown for every slot that somebody put in under a number that no slot can have.
pub(crate) const STRAY_SLOT: u8 = u8::MAX;
