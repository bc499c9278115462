//! The clipboards there are, and the programs by which they are reached.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::sys::secret::Secret;

/// A clipboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Board {
    /// A Wayland compositor's, through wl-clipboard.
    Wayland,
    /// An X server's, through xclip.
    Xclip,
    /// An X server's, through xsel.
    Xsel,
    /// macOS's.
    MacOs,
    /// That of whoever looks at the terminal, which is told to by an escape sequence, OSC 52.
    Terminal,
    /// The same from within tmux, which has to pass it on.
    Tmux,
}

/// All of them, and how they are spelled between processes.
const NAMES: &[(&str, Board)] = &[
    ("wayland", Board::Wayland),
    ("xclip", Board::Xclip),
    ("xsel", Board::Xsel),
    ("macos", Board::MacOs),
    ("terminal", Board::Terminal),
    ("tmux", Board::Tmux),
];

/// What KDE calls a clipboard's content that no history may keep.
pub(super) const HINT: &str = "x-kde-passwordManagerHint";

impl Board {
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, board)| *board == self).map_or("", |(name, _)| name)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, board)| *board)
    }

    /// Returns the program that puts what it reads into the clipboard and stays as long as that is
    /// there. macOS's does not stay. None of them is needed to write to a terminal.
    pub(super) fn serve(self, is_marked: bool) -> &'static [&'static str] {
        match self {
            // Without a type, it would have other programs guess one from the content.
            Self::Wayland if is_marked => {
                &["wl-copy", "--foreground", "--type", "text/plain", "--sensitive"]
            }
            Self::Wayland => &["wl-copy", "--foreground", "--type", "text/plain"],
            Self::Xclip => &["xclip", "-selection", "clipboard", "-in", "-quiet"],
            Self::Xsel => &["xsel", "--clipboard", "--input", "--nodetach"],
            Self::MacOs => &["pbcopy"],
            Self::Terminal | Self::Tmux => &[],
        }
    }

    /// Returns the program that does the same and is then left to itself.
    pub(super) fn leave(self) -> &'static [&'static str] {
        match self {
            Self::Wayland => &["wl-copy", "--type", "text/plain"],
            Self::Xclip => &["xclip", "-selection", "clipboard", "-in"],
            Self::Xsel => &["xsel", "--clipboard", "--input"],
            Self::MacOs => &["pbcopy"],
            Self::Terminal | Self::Tmux => &[],
        }
    }

    /// Returns the program that prints the clipboard's text.
    pub(super) fn read(self) -> &'static [&'static str] {
        match self {
            Self::Wayland => &["wl-paste", "--no-newline", "--type", "text"],
            Self::Xclip => &["xclip", "-selection", "clipboard", "-out"],
            Self::Xsel => &["xsel", "--clipboard", "--output"],
            Self::MacOs => &["pbpaste"],
            Self::Terminal | Self::Tmux => &[],
        }
    }

    /// Returns the program that lists the types of the clipboard's content, where there is one.
    pub(super) fn types(self) -> &'static [&'static str] {
        match self {
            Self::Wayland => &["wl-paste", "--list-types"],
            Self::Xclip => &["xclip", "-selection", "clipboard", "-out", "-target", "TARGETS"],
            Self::Xsel | Self::MacOs | Self::Terminal | Self::Tmux => &[],
        }
    }

    /// Whether it is a terminal's, which is written to and tells nothing.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Terminal | Self::Tmux)
    }

    /// Returns what a terminal is written to make a text its clipboard's; an empty one clears it.
    pub(super) fn sequence(self, text: &[u8]) -> Secret<Vec<u8>> {
        let encoded = Secret::new(STANDARD.encode(text));
        // tmux passes on what is between these, in which it takes two escapes for one.
        let (before, after): (&[u8], &[u8]) = match self {
            Self::Tmux => (b"\x1bPtmux;\x1b\x1b]52;c;", b"\x07\x1b\\"),
            Self::Terminal | Self::Wayland | Self::Xclip | Self::Xsel | Self::MacOs => {
                (b"\x1b]52;c;", b"\x07")
            }
        };
        let mut sequence = Secret::new(Vec::with_capacity(encoded.expose().len() + 32));
        for part in [before, encoded.expose().as_bytes(), after] {
            sequence.expose_mut().extend_from_slice(part);
        }
        sequence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_in_base64() {
        assert_eq!(Board::Terminal.sequence(b"hunter2").expose(), b"\x1b]52;c;aHVudGVyMg==\x07");
        assert_eq!(Board::Terminal.sequence(b"").expose(), b"\x1b]52;c;\x07");
        assert_eq!(
            Board::Tmux.sequence(b"hunter2").expose(),
            b"\x1bPtmux;\x1b\x1b]52;c;aHVudGVyMg==\x07\x1b\\"
        );
    }

    #[test]
    fn a_name_is_one_boards() {
        for (name, board) in NAMES {
            assert_eq!((board.name(), Board::named(name)), (*name, Some(*board)));
        }
        assert_eq!(Board::named("paper"), None);
    }
}
