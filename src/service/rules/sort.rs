//! The order in which secrets are listed (docs/behaviour.md, "Lists and filters").

use std::cmp::Ordering;

use crate::model::time::Timestamp;

/// An order of secrets. The default is AWS's: oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    by: By,
    direction: Direction,
}

/// What a secret is sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sortable<'a> {
    pub(crate) name: &'a str,
    /// `CreatedDate`.
    pub(crate) created: Timestamp,
    /// `LastAccessedDate`.
    pub(crate) accessed: Option<Timestamp>,
    /// `LastChangedDate`.
    pub(crate) changed: Timestamp,
}

/// A position in an order: the date, if sorted by one, then the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position<'a> {
    /// The date; `None` counts as the oldest.
    pub(crate) at: Option<Timestamp>,
    /// The name, or what else is unique among the things that are sorted.
    pub(crate) name: &'a str,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum By {
    #[default]
    CreatedDate,
    LastAccessedDate,
    LastChangedDate,
    Name,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Direction {
    #[default]
    Ascending,
    Descending,
}

impl Order {
    /// Reads `SortBy` and `SortOrder`; `None` for words that the request's shape does not let
    /// through.
    ///
    /// Without `SortOrder` the direction is ascending, whatever it is sorted by; what AWS does is
    /// not known.
    pub(crate) fn named(by: Option<&str>, direction: Option<&str>) -> Option<Self> {
        let by = match by {
            None | Some("created-date") => By::CreatedDate,
            Some("last-accessed-date") => By::LastAccessedDate,
            Some("last-changed-date") => By::LastChangedDate,
            Some("name") => By::Name,
            Some(_) => return None,
        };
        let direction = match direction {
            None | Some("asc") => Direction::Ascending,
            Some("desc") => Direction::Descending,
            Some(_) => return None,
        };
        Some(Self { by, direction })
    }

    /// Returns the position of a secret in this order.
    pub(crate) fn position<'a>(self, secret: &Sortable<'a>) -> Position<'a> {
        let at = match self.by {
            By::CreatedDate => Some(secret.created),
            By::LastAccessedDate => secret.accessed,
            By::LastChangedDate => Some(secret.changed),
            By::Name => None,
        };
        Position { at, name: secret.name }
    }

    /// Compares two positions. Those of the same date are in the order of their names in either
    /// direction.
    pub(crate) fn compare(self, one: &Position<'_>, other: &Position<'_>) -> Ordering {
        let by_name = one.name.cmp(other.name);
        match (self.direction, self.by) {
            (Direction::Ascending, _) => one.at.cmp(&other.at).then(by_name),
            (Direction::Descending, By::Name) => by_name.reverse(),
            (
                Direction::Descending,
                By::CreatedDate | By::LastAccessedDate | By::LastChangedDate,
            ) => other.at.cmp(&one.at).then(by_name),
        }
    }

    /// Names this order in one byte, so that a paging token can be bound to it.
    pub(crate) fn to_byte(self) -> u8 {
        let by = match self.by {
            By::CreatedDate => b'c',
            By::LastAccessedDate => b'a',
            By::LastChangedDate => b'm',
            By::Name => b'n',
        };
        match self.direction {
            Direction::Ascending => by,
            Direction::Descending => by.to_ascii_uppercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [Sortable<'static>; 5] = [
        secret("bar", 2, Some(10), 9),
        secret("Zed", 1, None, 9),
        secret("foo", 1, Some(20), 8),
        secret("qux", 3, None, 7),
        secret("baz", 2, Some(10), 6),
    ];

    const fn secret(name: &str, created: i64, accessed: Option<i64>, changed: i64) -> Sortable<'_> {
        let accessed = match accessed {
            Some(at) => Some(Timestamp(at)),
            None => None,
        };
        Sortable { name, created: Timestamp(created), accessed, changed: Timestamp(changed) }
    }

    #[test]
    fn secrets_are_sorted_with_ties_by_name() {
        for (by, direction, expected) in [
            (None, None, "Zed foo bar baz qux"),
            (None, Some("desc"), "qux bar baz Zed foo"),
            (Some("created-date"), Some("asc"), "Zed foo bar baz qux"),
            (Some("last-accessed-date"), None, "Zed qux bar baz foo"),
            (Some("last-accessed-date"), Some("desc"), "foo bar baz Zed qux"),
            (Some("last-changed-date"), Some("asc"), "baz qux foo Zed bar"),
            (Some("last-changed-date"), Some("desc"), "Zed bar foo qux baz"),
            (Some("name"), Some("asc"), "Zed bar baz foo qux"),
            (Some("name"), Some("desc"), "qux foo baz bar Zed"),
        ] {
            let order = Order::named(by, direction).unwrap();
            let mut secrets = SECRETS;
            secrets.sort_by(|a, b| order.compare(&order.position(a), &order.position(b)));
            let names: Vec<&str> = secrets.iter().map(|secret| secret.name).collect();
            assert_eq!(names.join(" "), expected, "{by:?} {direction:?}");
        }
        assert_eq!(Order::named(None, None), Some(Order::default()));
    }

    #[test]
    fn other_words_are_no_order() {
        assert_eq!(Order::named(Some("Name"), None), None);
        assert_eq!(Order::named(None, Some("sideways")), None);
    }

    #[test]
    fn each_order_has_its_byte() {
        let mut bytes = Vec::new();
        for by in ["created-date", "last-accessed-date", "last-changed-date", "name"] {
            for direction in ["asc", "desc"] {
                bytes.push(Order::named(Some(by), Some(direction)).unwrap().to_byte());
            }
        }
        bytes.sort_unstable();
        bytes.dedup();
        assert_eq!(bytes.len(), 8);
    }
}
