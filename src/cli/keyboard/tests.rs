use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use rpassword::{ConfigBuilder, read_password_with_config};

use super::*;

const KEYS: Keys = Keys { end: 4, erase: 0x7f, erase_all: 0x15, erase_word: 0x17 };

/// What is typed at once, up to each pause.
struct Typed {
    bursts: VecDeque<VecDeque<u8>>,
    bells: usize,
}

impl Source for Typed {
    fn next(&mut self) -> io::Result<Option<u8>> {
        while self.bursts.front().is_some_and(VecDeque::is_empty) {
            self.bursts.pop_front();
        }
        Ok(self.bursts.front_mut().and_then(VecDeque::pop_front))
    }

    fn is_more(&mut self) -> bool {
        let is_more = self.bursts.front().is_some_and(|burst| !burst.is_empty());
        if !is_more {
            // The pause is over.
            self.bursts.pop_front();
        }
        is_more
    }

    fn ring(&mut self) {
        self.bells += 1;
    }
}

#[derive(Clone)]
struct Shared(Rc<RefCell<Keyboard<Typed>>>);

impl io::Read for Shared {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(to)
    }
}

/// What rpassword makes of the keys, the bells, and what is left for the next question.
fn read(lines: Lines, keys: &[&[u8]]) -> (Result<String, Option<Fault>>, usize, Vec<u8>) {
    let bursts = keys.iter().map(|burst| burst.iter().copied().collect()).collect();
    let keyboard = Keyboard::new(Typed { bursts, bells: 0 }, KEYS, lines);
    let shared = Shared(Rc::new(RefCell::new(keyboard)));
    let config = ConfigBuilder::new().input_reader(shared.clone()).output_discard().build();
    let read = read_password_with_config(config).map(Secret::new);
    let mut keyboard = shared.0.borrow_mut();
    let read = read.map(|typed| written(typed).expose().clone());
    let read = read.map_err(|_told| keyboard.fault());
    let left = keyboard.source.bursts.drain(..).flatten().collect();
    (read, keyboard.source.bells, left)
}

/// A tab was dropped without a word, as was what followed an escape key.
#[test]
fn a_line_is_what_was_typed_and_not_taken_back() {
    for (keys, expected, bells) in [
        (&["hunter2\n"][..], "hunter2", 0),
        (&["hunter2\r"], "hunter2", 0),
        (&["\n"], "", 0),
        (&[" two  words \n"], " two  words ", 0),
        (&["hunx\x7fter2\n"], "hunter2", 0),
        (&["hunx\x08ter2\n"], "hunter2", 0),
        (&["\x7f\x7fa\n"], "a", 0),
        (&["aé\x7f\n"], "a", 0),
        (&["a🔑\x7fb\n"], "ab", 0),
        (&["all wrong\x15right\n"], "right", 0),
        (&["all wrong\x17right\n"], "all right", 0),
        (&["tabs\tare\tkept\t\n"], "tabs\tare\tkept\t", 0),
        (&["tab\t\x7fs\n"], "tabs", 0),
        (&["a", "\x1b[A", "b\n"], "ab", 1),
        (&["a", "\x1b[1;5C", "b\n"], "ab", 1),
        (&["a", "\x1bOP", "b\n"], "ab", 1),
        (&["a", "\x1b", "b\n"], "ab", 1),
        (&["a", "\x1b", "[b\n"], "a[b", 1),
        (&["a\x01b\x0c\0c\n"], "abc", 3),
        (&["a\x04b\n"], "ab", 0),
        (&["\x1b[200~pasted\x1b[201~\n"], "pasted", 0),
        (&["a\x1b[200~ p\tq \x1b[201~b\n"], "a p\tq b", 0),
        (&["\x1b[200~copied with its end\r\x1b[201~"], "copied with its end", 0),
    ] {
        let keys: Vec<&[u8]> = keys.iter().map(|burst| burst.as_bytes()).collect();
        for lines in [Lines::One, Lines::Single] {
            let (line, rung, left) = read(lines, &keys);
            assert_eq!((line.as_deref(), rung), (Ok(expected), bells), "{keys:?}");
            assert!(left.is_empty());
        }
    }
}

#[test]
fn a_line_may_end_otherwise() {
    let refused = |lines, keys: &[&[u8]]| {
        let (line, _, left) = read(lines, keys);
        assert!(left.is_empty(), "{keys:?} leaves {left:?} for the shell");
        line.unwrap_err()
    };
    let several = Some(Fault::SeveralLines);
    // Nothing was typed: rpassword's own error.
    assert_eq!(refused(Lines::One, &[b"\x04"]), None);
    assert_eq!(refused(Lines::One, &[b"a\x7f\x04"]), None);
    // Of a terminal that went away, what had been typed counted as the whole line.
    assert_eq!(refused(Lines::One, &[b"hunter2"]), Some(Fault::Gone));
    for no_text in [&b"caf\xe9\n"[..], b"\xff\n", b"\xc3\x7f\n", "\u{fdd0}\n".as_bytes()] {
        assert_eq!(refused(Lines::One, &[no_text]), Some(Fault::NoText), "{no_text:?}");
    }
    assert_eq!(refused(Lines::Single, &["\u{9b}\n".as_bytes()]), Some(Fault::Control('\u{9b}')));
    assert_eq!(refused(Lines::One, &[&vec![b'x'; MOST + 1]]), Some(Fault::TooLong));
    // Pasted with marks and without.
    assert_eq!(refused(Lines::Single, &[b"line 1\rline 2\r"]), several);
    for lines in [Lines::One, Lines::Single] {
        assert_eq!(refused(lines, &[b"\x1b[200~line 1\rline 2\x1b[201~"]), several);
        let commands = &[&b"\x1b[200~a\x15b\x1b[201~\n"[..]];
        assert_eq!(refused(lines, commands), Some(Fault::Control('\u{15}')));
        let colours = &[&b"\x1b[200~a\x1b[31mb\x1b[201~\n"[..]];
        assert_eq!(refused(lines, colours), Some(Fault::Control('\u{1b}')));
    }
}

/// On a slow line, the rest of a refused paste went to the shell, which ran it.
#[test]
fn a_refused_paste_is_taken_up_to_its_mark() {
    for (keys, expected) in [
        (&[&b"\x1b[200~a\rb\r"[..], b"rm -rf\r", b"", b"x\x1b[201~", b"next"][..], &b"next"[..]),
        (&[b"\x1b[200~a\x15", b"rm\r\x1b[201~"], b""),
        // Without marks nothing tells how long it is.
        (&[b"a\rb\r", b"next"], b"next"),
    ] {
        let (line, _, left) = read(Lines::Single, keys);
        assert!(line.is_err());
        assert_eq!(left, expected, "{keys:?}");
    }
    // A mark that never comes is not waited for.
    let mut keys = vec![&b""[..]; MAX_PAUSES + 2];
    keys[0] = b"\x1b[200~a\rb";
    keys.push(b"next");
    assert_eq!(read(Lines::Single, &keys).2, b"next");
}

#[test]
fn what_is_typed_ahead_is_for_the_next_question() {
    let (line, _, left) = read(Lines::One, &[b"old\nnew\n"]);
    assert_eq!((line.as_deref(), &left[..]), (Ok("old"), &b"new\n"[..]));
    // Without marks, a pause tells it from a paste.
    let (line, _, left) = read(Lines::Single, &[b"value\n", b"passphrase\n"]);
    assert_eq!((line.as_deref(), &left[..]), (Ok("value"), &b"passphrase\n"[..]));
}

#[test]
fn many_lines_end_with_the_key_alone() {
    let (line, _, left) = read(Lines::Many, &[b"one\ntwo\n\x04"]);
    assert_eq!((line.as_deref(), &left[..]), (Ok("one"), &b"two\n\x04"[..]));
    let (line, ..) = read(Lines::Many, &[b"last\x04"]);
    assert_eq!(line.as_deref(), Ok("last"));
}

#[test]
fn a_terminal_may_have_no_such_keys() {
    let source = Typed { bursts: [[0, b'\n'].into()].into(), bells: 0 };
    let mut keyboard = Keyboard::new(source, Keys::default(), Lines::One);
    let mut byte = [7];
    assert_eq!((keyboard.read(&mut byte).unwrap(), byte), (1, *b"\n"));
    assert_eq!(keyboard.source.bells, 1);
}

proptest! {
    #[test]
    fn any_text_without_control_characters_is_taken_as_it_is(text in "[^\\p{Cc}\u{fdd0}]*") {
        let (line, ..) = read(Lines::Single, &[format!("{text}\n").as_bytes()]);
        prop_assert_eq!(line, Ok(text));
    }

    #[test]
    fn any_keys_are_taken(keys in prop::collection::vec(any::<u8>(), 0..100)) {
        for lines in [Lines::One, Lines::Single, Lines::Many] {
            drop(read(lines, &[&keys]));
        }
    }
}
