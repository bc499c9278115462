//! The layout of a container: its tables, its marks and what a row can hold.

/// The tables, word for word as docs/format.md has them.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// `PRAGMA application_id`: "SRM1".
pub(super) const APPLICATION_ID: i64 = 0x5352_4d31;

/// `PRAGMA user_version`: the layout of the tables.
pub(super) const LAYOUT: i64 = 1;

/// The most bytes of a row's blob, more than any of ours: what is larger is nobody's when it is read,
/// so that a row put in by hand does not fill the memory. `table` says it once more, to SQLite.
pub(crate) const MAX_ROW_BYTES: usize = 8 << 20;

/// The most slots a vault has.
pub(crate) const MAX_SLOTS: u8 = 16;

/// Stands for the number of every slot that was put in by hand under a number that none can have.
pub(crate) const STRAY_SLOT: u8 = u8::MAX;
