//! The kinds of findings, under names that scripts may rely on.

/// What is wrong with something, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Others may change or read what belongs to the vault.
    Permissions,
    /// Others may read the keyfile.
    Keyfile,
    /// A password is known from leaks.
    Pwned,
    /// Several secrets have the same password.
    Reused,
    /// A password is easily guessed.
    Weak,
    /// A rotation failed, or waits to go on.
    RotationFailed,
    /// A secret has no current value.
    NoValue,
    /// The last backup is old, or none is known.
    Backup,
    /// One credential alone opens the vault.
    SingleSlot,
    /// A login says of itself that it is over.
    Expired,
    /// A rotation should have been done by now.
    RotationDue,
    /// A secret will soon be gone.
    DeletionSoon,
    /// A password did not change for long.
    Old,
}

/// What a kind needs that there may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// To read values.
    Values,
    /// To list secrets.
    List,
    /// How rotations stand, which only the owner may know.
    Rotations,
    /// The vault as a whole, and this machine: nothing that is about single secrets.
    Surroundings,
}

impl Kind {
    /// All of them, the most important first.
    pub(crate) const ALL: [Self; 13] = [
        Self::Permissions,
        Self::Keyfile,
        Self::Pwned,
        Self::Reused,
        Self::Weak,
        Self::RotationFailed,
        Self::NoValue,
        Self::Backup,
        Self::SingleSlot,
        Self::Expired,
        Self::RotationDue,
        Self::DeletionSoon,
        Self::Old,
    ];

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::Keyfile => "keyfile",
            Self::Pwned => "pwned",
            Self::Reused => "reused",
            Self::Weak => "weak",
            Self::RotationFailed => "rotation-failed",
            Self::NoValue => "no-value",
            Self::Backup => "backup",
            Self::SingleSlot => "single-slot",
            Self::Expired => "expired",
            Self::RotationDue => "rotation-due",
            Self::DeletionSoon => "deletion-soon",
            Self::Old => "old",
        }
    }

    /// Finds a kind by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Says what it needs.
    pub(crate) fn needs(self) -> Needs {
        match self {
            Self::Pwned | Self::Reused | Self::Weak | Self::Expired | Self::Old => Needs::Values,
            Self::NoValue | Self::RotationDue | Self::DeletionSoon => Needs::List,
            Self::RotationFailed => Needs::Rotations,
            Self::Permissions | Self::Keyfile | Self::Backup | Self::SingleSlot => {
                Needs::Surroundings
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_are_in_their_order_and_found_by_their_names() {
        assert!(Kind::ALL.windows(2).all(|two| two[0] < two[1]));
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("Weak"), None);
    }
}
