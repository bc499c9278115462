//! The tables of rows under integer keys, and the statements over each.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Audit entries by number.
    Audit,
    /// Buckets of the tree.
    Bucket,
    /// Nodes of the tree.
    Node,
    /// Records by row key.
    Secret,
    /// Key slots by number.
    Slot,
    /// Values by row key.
    Value,
}

/// All statements about a table. Written out by the compiler, once.
pub(super) struct Statements {
    /// The table's name.
    pub(super) name: &'static str,
    pub(super) count: &'static str,
    pub(super) delete: &'static str,
    pub(super) delete_range: &'static str,
    pub(super) each: &'static str,
    pub(super) each_backwards: &'static str,
    pub(super) get: &'static str,
    pub(super) insert: &'static str,
    pub(super) put: &'static str,
    pub(super) update: &'static str,
}

impl Table {
    /// Returns the table's statements.
    pub(super) const fn statements(self) -> &'static Statements {
        match self {
            Self::Audit => &AUDIT,
            Self::Bucket => &BUCKET,
            Self::Node => &NODE,
            Self::Secret => &SECRET,
            Self::Slot => &SLOT,
            Self::Value => &VALUE,
        }
    }
}

/// A row larger than any that a vault writes is foreign. It is shown as an empty one, which is
/// foreign too, so that it neither fills the memory nor gets in the way of others. SQLite
/// knows the length without reading the bytes.
macro_rules! shown {
    ($blob:literal) => {
        concat!("iif(length(", $blob, ") <= 8388608, ", $blob, ", x'')")
    };
}

macro_rules! statements {
    ($name:literal, $key:literal, $blob:literal) => {
        Statements {
            name: $name,
            count: concat!("SELECT count(*) FROM ", $name),
            delete: concat!("DELETE FROM ", $name, " WHERE ", $key, " = ?1"),
            delete_range: concat!("DELETE FROM ", $name, " WHERE ", $key, " BETWEEN ?1 AND ?2"),
            each: concat!(
                "SELECT ",
                $key,
                ", ",
                shown!($blob),
                " FROM ",
                $name,
                " ORDER BY ",
                $key
            ),
            each_backwards: concat!(
                "SELECT ",
                $key,
                ", ",
                shown!($blob),
                " FROM ",
                $name,
                " ORDER BY ",
                $key,
                " DESC"
            ),
            get: concat!("SELECT ", shown!($blob), " FROM ", $name, " WHERE ", $key, " = ?1"),
            insert: concat!("INSERT INTO ", $name, " (", $key, ", ", $blob, ") VALUES (?1, ?2)"),
            put: concat!("REPLACE INTO ", $name, " (", $key, ", ", $blob, ") VALUES (?1, ?2)"),
            update: concat!("UPDATE ", $name, " SET ", $blob, " = ?2 WHERE ", $key, " = ?1"),
        }
    };
}

static AUDIT: Statements = statements!("audit", "seq", "box");
static BUCKET: Statements = statements!("bucket", "n", "body");
static NODE: Statements = statements!("node", "n", "body");
static SECRET: Statements = statements!("secret", "rid", "box");
static SLOT: Statements = statements!("slot", "n", "body");
static VALUE: Statements = statements!("value", "vid", "box");
