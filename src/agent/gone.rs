//! Why a vault is not held open any more.

/// Why a vault is not held open any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Locked,
    /// Its time is over.
    Over,
    /// The login session is over.
    LoggedOut,
    /// Another file is where it was, or none.
    Replaced,
    /// It has other keys now.
    Rekeyed,
}

impl Gone {
    /// Says so.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Locked => "the vault is locked",
            Self::Over => "the vault was locked: its time was over",
            Self::LoggedOut => "the vault was locked: the login session is over",
            Self::Replaced => "the vault was locked: another file is in its place",
            Self::Rekeyed => "the vault was locked: it was given another key",
        }
    }
}
