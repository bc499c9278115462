//! The picker as a person sees it: keys in, rows of the screen out.

use super::keys::{Decoder, Key};
use super::picker::{Deed, Done, Picker, Whose, Wish};
use super::picture::{self, Look, Looks, Size};
use crate::cli::everyday::candidates::{Candidate, Dates};
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;
use crate::sys::silence::Keys;

const ORDINARY: Size = Size { rows: 24, columns: 80 };
const SMALL: Size = Size { rows: 10, columns: 40 };

fn picker(names: &[&str]) -> Picker {
    let candidate = |name: &&str| Candidate { name: (*name).to_owned(), ..Candidate::default() };
    Picker::new(names.iter().map(candidate).collect(), "", Whose::Ours)
}

fn press(picker: &mut Picker, typed: &[u8]) -> Vec<Wish> {
    let keys = Keys { end: 4, erase: 0x7f, erase_all: 0x15, erase_word: 0x17 };
    let mut decoder = Decoder::new(keys);
    let mut typed = decoder.feed(typed);
    typed.extend(decoder.end());
    typed.into_iter().filter_map(|key| picker.press(key)).collect()
}

fn shown(picker: &mut Picker, size: Size) -> Vec<String> {
    let picture = picture::of(picker, size);
    assert_eq!(picture.rows.len(), size.rows);
    picture.rows.into_iter().map(|(_, row)| row.trim_end().to_owned()).collect()
}

fn wish(deed: Deed, name: &str) -> Wish {
    Wish::Do(deed, name.to_owned())
}

#[test]
fn a_screen_has_the_list_and_what_is_known_of_the_one_that_is_chosen() {
    let giro = Candidate {
        name: "bank/giro".to_owned(),
        description: "Savings bank\nsecond line".to_owned(),
        tags: vec![("owner".to_owned(), "ada".to_owned()), ("env".to_owned(), "home".to_owned())],
        dates: Dates { made: Some(Timestamp(1_764_590_400_000)), ..Dates::default() },
        ..Candidate::default()
    };
    let mail = Candidate { name: "web/mail".to_owned(), ..Candidate::default() };
    let mut picker = Picker::new(vec![mail, giro], "", Whose::Ours);
    let rows = shown(&mut picker, ORDINARY);
    assert_eq!(rows[0], format!(">{}2/2", " ".repeat(76)));
    assert_eq!(rows[1..4], ["> bank/giro  Savings bank", "  web/mail", ""]);
    assert_eq!(rows[16], "─".repeat(80));
    assert_eq!(rows[17..20], ["bank/giro", "Savings bank", "second line"]);
    assert_eq!(rows[20], "tags owner=ada env=home");
    assert!(rows[21].starts_with("made 2025-1"), "{rows:?}");
    assert_eq!(rows[23], "Enter copy  Esc leave  ^S show  ^O otp  ^E edit  ^R rename  ^L log");
    press(&mut picker, b"mail");
    let picture = picture::of(&mut picker, ORDINARY);
    assert_eq!(picture.cursor, (0, 6));
    assert_eq!(picture.rows[1], (Look::Chosen, "> web/mail".to_owned()));
    press(&mut picker, b"x");
    assert_eq!(shown(&mut picker, ORDINARY)[1], "  nothing fits what is typed");
    assert_eq!(press(&mut picker, b"\r\x13\x0f\x05\x12\x0c"), []);
}

#[test]
fn a_small_screen_has_what_fits() {
    let names: Vec<String> =
        (0..50).map(|n| format!("a/long/name/that/goes/on/{n:02}/and/on")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut picker = picker(&names);
    let rows = shown(&mut picker, SMALL);
    assert_eq!(rows[0], format!(">{}50/50", " ".repeat(34)));
    assert_eq!(rows[1], "> a/long/name/that/goes/on/00/and/on");
    assert_eq!(rows[5], "─".repeat(40));
    assert_eq!(rows[8..], ["Enter copy  Esc leave  ^S show  ^O otp", "^E edit  ^R rename  ^L log"]);
    // Whatever the size, nothing is wider, and nothing breaks.
    for rows in 0..30 {
        for columns in [0, 1, 2, 3, 10, 39, 40, 200] {
            press(&mut picker, b"\x1b[6~");
            for row in shown(&mut picker, Size { rows, columns }) {
                assert!(super::columns::width(&row) <= columns.max(2), "{rows} {columns} {row:?}");
            }
        }
    }
}

#[test]
fn the_list_moves_with_the_one_that_is_chosen() {
    let names: Vec<String> = (0..50).map(|n| format!("s{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut picker = picker(&names);
    let mut seen = |keys: &[u8]| {
        press(&mut picker, keys);
        let rows = shown(&mut picker, ORDINARY);
        let chosen = rows[1..16].iter().find(|row| row.starts_with('>')).unwrap();
        (rows[1].replace("> ", "").trim().to_owned(), chosen.replace("> ", ""))
    };
    let is = |first: &str, chosen: &str| (first.to_owned(), chosen.to_owned());
    assert_eq!(seen(b""), is("s00", "s00"));
    assert_eq!(seen(b"\x1b[A"), is("s00", "s00"));
    assert_eq!(seen(&b"\x1b[B".repeat(14)), is("s00", "s14"));
    assert_eq!(seen(b"\x0e"), is("s01", "s15"));
    assert_eq!(seen(b"\x10"), is("s01", "s14"));
    assert_eq!(seen(b"\x1b[6~"), is("s15", "s29"));
    assert_eq!(seen(&b"\x1b[6~".repeat(9)), is("s35", "s49"));
    assert_eq!(seen(b"\x1b[5~"), is("s34", "s34"));
    assert_eq!(seen(b"s1"), is("s10", "s10"));
}

#[test]
fn keys_say_what_is_done_with_the_one_that_is_chosen() {
    let mut picker = picker(&["bank/giro", "web/mail"]);
    assert_eq!(press(&mut picker, b"mail\r"), [wish(Deed::Copy, "web/mail")]);
    for (key, deed) in
        [(b"\x13", Deed::Show), (b"\x0c", Deed::Log), (b"\x0f", Deed::Otp), (b"\x05", Deed::Edit)]
    {
        assert_eq!(press(&mut picker, key), [wish(deed, "web/mail")]);
    }
    assert_eq!(press(&mut picker, b"\x1b"), [Wish::Leave]);
    assert_eq!(press(&mut picker, b"\x04"), [Wish::Leave]);
    // All that came at once counts before the key that ends it.
    assert_eq!(press(&mut picker, b"\x15giro\r"), [wish(Deed::Copy, "bank/giro")]);
}

#[test]
fn another_name_is_typed_in_place_of_the_query() {
    let mut picker = picker(&["bank/giro", "web/mail"]);
    assert_eq!(press(&mut picker, b"mail\x12"), []);
    assert!(shown(&mut picker, ORDINARY)[0].starts_with("New name: web/mail "));
    assert_eq!(press(&mut picker, b"\x17post\x1b[D\x1b[D"), []);
    assert_eq!(picture::of(&mut picker, ORDINARY).cursor, (0, 16));
    assert_eq!(press(&mut picker, b"\r"), [wish(Deed::Rename("web/post".to_owned()), "web/mail")]);
    let (to, told) = ("web/post".to_owned(), "web/mail is web/post now".to_owned());
    assert!(!picker.take(Done::Renamed { to, told }));
    let rows = shown(&mut picker, ORDINARY);
    assert_eq!((rows[1].as_str(), rows[23].as_str()), ("> web/post", "web/mail is web/post now"));
    // What is said is there until the next key; the same name, and Escape, change nothing.
    assert_eq!(press(&mut picker, b"\x12"), []);
    assert_eq!(shown(&mut picker, ORDINARY)[23], "Enter rename  Esc leave it as it is");
    assert_eq!(press(&mut picker, b"\r"), []);
    assert_eq!(press(&mut picker, b"\x12xx\x1b"), []);
    assert!(shown(&mut picker, ORDINARY)[0].starts_with("> web/post "));
}

#[test]
fn a_text_is_read_and_left() {
    let mut picker = picker(&["web/mail"]);
    let text: String = (0..60).fold(String::new(), |text, n| text + &format!("line {n}\n"));
    assert!(!picker.take(Done::Read(Secret::new(text))));
    let rows = shown(&mut picker, ORDINARY);
    assert_eq!(
        (rows[0].as_str(), rows[1].as_str(), rows[22].as_str()),
        ("web/mail", "line 0", "line 21")
    );
    assert_eq!(rows[23], "Esc back  Enter copy  Up Down scroll");
    for (keys, first) in [
        (&b"\x1b[B"[..], "line 1"),
        (b"\x1b[6~", "line 23"),
        (b"\x1b[F", "line 38"),
        (b"\x1b[A", "line 37"),
        (b"\x1b[5~", "line 15"),
        (b"\x1b[H", "line 0"),
    ] {
        assert_eq!(press(&mut picker, keys), []);
        assert_eq!(shown(&mut picker, ORDINARY)[1], first, "{keys:?}");
    }
    assert_eq!(press(&mut picker, b"\r"), [wish(Deed::Copy, "web/mail")]);
    assert_eq!(press(&mut picker, b"\x1b"), []);
    assert_eq!(shown(&mut picker, ORDINARY)[1], "> web/mail");
    assert!(picker.take(Done::Leave));
}

/// The holder of a grant is offered what he may do.
#[test]
fn a_holder_is_offered_less() {
    let candidate = Candidate { name: "web/mail".to_owned(), ..Candidate::default() };
    let mut picker = Picker::new(vec![candidate], "mail", Whose::Granted);
    assert_eq!(shown(&mut picker, ORDINARY)[23], "Enter copy  Esc leave  ^S show  ^O otp  ^E edit");
    assert!(shown(&mut picker, ORDINARY)[0].starts_with("> mail "));
}

/// A name, a description, a tag or a field from elsewhere reaches the terminal as what it is.
#[test]
fn nothing_from_a_vault_acts_on_the_terminal() {
    let act = "\x1b[2J\u{9b}31m\u{202e}\r\n\tx\x07";
    let candidate = Candidate {
        name: format!("name{act}"),
        description: format!("description{act}"),
        tags: vec![(format!("key{act}"), format!("value{act}"))],
        ..Candidate::default()
    };
    let mut picker = Picker::new(vec![candidate], "", Whose::Ours);
    let mut drawn = picture::of(&mut picker, ORDINARY).drawn(Looks::Alike);
    press(&mut picker, b"\x12");
    drawn.push_str(&picture::of(&mut picker, ORDINARY).drawn(Looks::Alike));
    picker.take(Done::Told(act.to_owned()));
    drawn.push_str(&picture::of(&mut picker, ORDINARY).drawn(Looks::Alike));
    picker.take(Done::Read(Secret::new(act.to_owned())));
    drawn.push_str(&picture::of(&mut picker, ORDINARY).drawn(Looks::Alike));
    // What is left are the sequences that place the rows.
    let ours = |text: &str| {
        let is_place = |c: char| c.is_ascii_digit() || matches!(c, ';' | '?' | '[');
        let end = text.trim_start_matches(is_place).chars().next();
        matches!(end, Some('H' | 'K' | 'h' | 'l'))
    };
    assert!(drawn.split('\x1b').skip(1).all(ours), "{drawn:?}");
    let acts = |c: char| (c.is_control() && c != '\x1b') || c == '\u{202e}';
    assert!(!drawn.contains(acts), "{drawn:?}");
    assert!(drawn.contains("name\\u001b[2J\\u009b31m\\u202e"));
}

/// What an editor changed is shown with the date of that, not of the list.
#[test]
fn the_date_of_a_change_is_shown() {
    let mut picker = picker(&["a", "b"]);
    press(&mut picker, b"b\x05");
    picker.take(Done::Changed { at: Timestamp(86_400_000 * 365), told: "changed".to_owned() });
    let rows = shown(&mut picker, ORDINARY);
    assert!(rows.iter().any(|row| row.contains("changed 1971-01-01")), "{rows:?}");
    press(&mut picker, b"\x7fa");
    let rows = shown(&mut picker, ORDINARY);
    assert!(!rows.iter().any(|row| row.contains("changed 1971")), "{rows:?}");
}

#[test]
fn wide_letters_fill_two_columns() {
    let candidate = Candidate {
        name: "mail".to_owned(),
        description: "\u{5bc6}\u{7801}".repeat(30),
        ..Candidate::default()
    };
    let mut picker = Picker::new(vec![candidate], "", Whose::Ours);
    let rows = shown(&mut picker, ORDINARY);
    assert!(rows.iter().all(|row| super::columns::width(row) <= 80), "{rows:?}");
    assert!(rows[1].ends_with("\u{7801}…") || rows[1].ends_with("\u{5bc6}…"), "{}", rows[1]);
    press(&mut picker, "\u{5bc6}".as_bytes());
    assert_eq!(picture::of(&mut picker, ORDINARY).cursor, (0, 4));
}

/// Without colours and the like the one that is chosen is still to be seen.
#[test]
fn looks_are_left_out() {
    let mut picker = picker(&["a", "b"]);
    let picture = picture::of(&mut picker, ORDINARY);
    assert!(picture.drawn(Looks::Different).contains("\x1b[7m> a\x1b[m"));
    let alike = picture.drawn(Looks::Alike);
    let is_look = |part: &str| part.split_once('m').is_some_and(|(n, _)| n.parse::<u8>().is_ok());
    assert!(alike.contains("> a") && !alike.contains("\x1b[m"));
    assert!(!alike.split("\x1b[").skip(1).any(is_look));
}

/// One letter after the other among 100,000 names: each looks at what the one before left.
#[test]
fn a_hundred_thousand_names_are_narrowed() {
    let named = |n: u32| Candidate {
        name: format!("team{}/service{}/key{n}", n % 97, n % 1009),
        ..Candidate::default()
    };
    let mut picker = Picker::new((0..100_000).map(named).collect(), "", Whose::Ours);
    let mut counts = Vec::new();
    for letter in "key99999".chars() {
        picker.press(Key::Text(letter));
        let rows = shown(&mut picker, ORDINARY);
        assert!(rows[0].starts_with("> k"));
        counts.push(picker.narrowing.count());
    }
    assert!(counts.is_sorted_by(|more, fewer| more >= fewer), "{counts:?}");
    assert_eq!(
        shown(&mut picker, ORDINARY)[1],
        format!("> team{}/service{}/key99999", 99_999 % 97, 99_999 % 1009)
    );
}
