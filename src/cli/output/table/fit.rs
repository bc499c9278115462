//! What a terminal is too narrow for: how wide columns can be instead, and cells over several lines.
//! AWS does none of this; its lines come out longer than the terminal.

use std::borrow::Cow;

use super::width;

/// Returns widths that fill no more than there is room for: the widest columns give way first. Each
/// keeps one column of the terminal, whatever the room.
pub(super) fn narrowed(widths: &[usize], room: usize) -> Vec<usize> {
    let widest = widths.iter().copied().max().unwrap_or(1);
    let cut = |cap: usize| widths.iter().map(|width| (*width).min(cap)).sum::<usize>();
    let (mut low, mut high) = (1, widest.max(1));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if cut(middle) <= room { low = middle } else { high = middle - 1 }
    }
    // What is left after that goes to the first that could do with more.
    let mut left = room.saturating_sub(cut(low));
    let widen = |width: &usize| {
        let more = usize::from(*width > low && left > 0);
        left -= more;
        (*width).min(low) + more
    };
    widths.iter().map(widen).collect()
}

/// Cuts a text into lines of a width: at its own ends of lines, behind a blank, slash or hyphen where
/// that leaves half a line, and otherwise anywhere.
pub(super) fn wrapped<'a>(text: &Cow<'a, str>, room: usize) -> Vec<Cow<'a, str>> {
    let is_short = width::of(text) <= room && !text.contains('\n');
    if is_short {
        return vec![text.clone()];
    }
    match text {
        Cow::Borrowed(text) => lines(text, room).into_iter().map(Cow::Borrowed).collect(),
        Cow::Owned(text) => {
            lines(text, room).into_iter().map(|line| Cow::Owned(line.to_owned())).collect()
        }
    }
}

fn lines(text: &str, room: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    for mut rest in text.split('\n') {
        loop {
            let (line, after) = cut(rest, room);
            lines.push(line.trim_end_matches(' '));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    lines
}

/// Cuts a first line off, of one letter at least.
fn cut(text: &str, room: usize) -> (&str, &str) {
    let (mut filled, mut end, mut good) = (0_usize, 0, None);
    for (place, letter) in text.char_indices() {
        let behind = place + letter.len_utf8();
        filled = filled.saturating_add(width::of(text.get(place..behind).unwrap_or_default()));
        if filled > room && place > 0 {
            let end = if letter == ' ' { place } else { good.unwrap_or(end) };
            let (line, rest) = (text.get(..end), text.get(end..).unwrap_or_default());
            return (line.unwrap_or(text), rest.strip_prefix(' ').unwrap_or(rest));
        }
        end = behind;
        if matches!(letter, ' ' | '/' | '-') && filled.saturating_mul(2) >= room {
            good = Some(behind);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_columns_give_way_first() {
        for (widths, room, expected) in [
            (&[4, 50, 30][..], 64, &[4, 30, 30][..]),
            (&[4, 50, 30], 65, &[4, 31, 30]),
            (&[4, 50, 30], 200, &[4, 50, 30]),
            (&[9, 9], 3, &[2, 1]),
            (&[9, 9], 0, &[1, 1]),
            (&[], 10, &[]),
        ] {
            assert_eq!(narrowed(widths, room), expected, "{widths:?} {room}");
        }
    }

    #[test]
    fn a_cell_is_cut_where_that_can_be_read() {
        for (text, room, expected) in [
            ("short", 5, &["short"][..]),
            ("a b c", 3, &["a b", "c"]),
            ("application/db", 12, &["application/", "db"]),
            ("app/production/db", 12, &["app/producti", "on/db"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("one\ntwo", 10, &["one", "two"]),
            ("日本語", 4, &["日本", "語"]),
            ("日本", 1, &["日", "本"]),
            ("", 3, &[""]),
        ] {
            assert_eq!(wrapped(&Cow::Borrowed(text), room), expected, "{text}");
            assert_eq!(wrapped(&Cow::Owned(text.to_owned()), room), expected, "{text}");
        }
    }
}
