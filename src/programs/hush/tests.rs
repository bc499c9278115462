use proptest::prelude::*;

use super::*;

const PASSWORD: &str = "hunter2-Ünïcode'\"$x";

fn hushed(values: &[(&str, &[u8])]) -> Arc<Hushed> {
    Arc::new(Hushed::new(values.iter().copied()))
}

/// Lets a text through in pieces of a length.
fn through_in(hushed: &Arc<Hushed>, text: &[u8], piece: usize) -> Vec<u8> {
    let mut hush = Hush::new(Arc::clone(hushed));
    let mut out = Vec::new();
    for chunk in text.chunks(piece) {
        hush.take(chunk, &mut |shown| out.extend_from_slice(shown));
    }
    hush.finish(&mut |shown| out.extend_from_slice(shown));
    out
}

fn through(values: &[(&str, &[u8])], text: &str) -> String {
    let hushed = hushed(values);
    let whole = through_in(&hushed, text.as_bytes(), usize::MAX);
    for piece in [1, 2, 3, 7, 64] {
        let pieces = through_in(&hushed, text.as_bytes(), piece);
        assert_eq!(pieces.escape_ascii().to_string(), whole.escape_ascii().to_string(), "{piece}");
    }
    String::from_utf8(whole).unwrap()
}

#[test]
fn values_are_left_out_however_they_are_spelled() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let value = PASSWORD.as_bytes();
    let hex = value.iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
    let units = PASSWORD.encode_utf16();
    let escaped = units.fold(String::new(), |all, unit| format!("{all}\\u{unit:04x}"));
    let percent = value.iter().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"));
    for spelled in [
        PASSWORD.to_owned(),
        hex.to_uppercase(),
        hex,
        escaped.to_uppercase().replace("\\U", "\\u"),
        escaped,
        percent.to_lowercase(),
        percent,
        serde_json::to_string(PASSWORD).unwrap().trim_matches('"').to_owned(),
        PASSWORD.replace('\'', r"'\''"),
        PASSWORD.replace('\'', r"\'").replace('"', "\\\"").replace('$', r"\$"),
        PASSWORD.replace('"', "\\\"").replace('$', r"\$"),
        "hunter2-%C3%9Cn%C3%AFcode%27%22%24x".to_owned(),
    ] {
        let shown = through(&[("app/db", value)], &format!("({spelled})"));
        assert_eq!(shown, "([strongroom:app/db])", "{spelled}");
    }
    for before in 0..3 {
        let whole = [&b"xyz"[..before], value, b"!"].concat();
        for encoded in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
            let shown = through(&[("app/db", value)], &encoded);
            assert!(shown.contains("[strongroom:app/db]") && shown.len() < 28, "{shown}");
            // As base64(1) breaks it into lines.
            let broken: Vec<&str> =
                encoded.as_bytes().chunks(9).map(|c| str::from_utf8(c).unwrap()).collect();
            let shown = through(&[("app/db", value)], &broken.join("\n"));
            assert!(shown.contains("[strongroom:app/db]") && shown.len() < 30, "{shown}");
        }
    }
}

/// Each of these was shown.
#[test]
fn values_are_left_out_as_dumps_and_other_shells_spell_them() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let pairs: Vec<String> = PASSWORD.bytes().map(|byte| format!("{byte:02x}")).collect();
    let units = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        PASSWORD.encode_utf16().flat_map(bytes).collect()
    };
    let wide = units(u16::to_le_bytes);
    let shown: Vec<String> = [
        (PASSWORD, pairs.join(":").into_bytes()),
        (PASSWORD, pairs.join(":").to_uppercase().into_bytes()),
        (PASSWORD, pairs.join(" ").into_bytes()),
        (PASSWORD, pairs.join(" ").to_uppercase().into_bytes()),
        (PASSWORD, br"hunter2-\u00DCn\u00EFcode\u0027\u0022$x".to_vec()),
        ("<one+two & `three`>", br"\u003Cone\u002Btwo \u0026 \u0060three\u0060\u003E".to_vec()),
        (PASSWORD, r#"hunter2-Ünïcode\'\"\$x"#.into()),
        (r#"in \ "fish"'s"#, br#"in\ \\\ \"fish\"\'s"#.to_vec()),
        (r#"in \ "quotes" too"#, br#"in \\ "quotes" too"#.to_vec()),
        ("one\ttwo\x1b and three", br"one$'\t'two$'\e'\ and\ three".to_vec()),
        ("one\ttwo\x1b and three's", br"one\ttwo\e\ and\ three\'s".to_vec()),
        (PASSWORD, STANDARD.encode(&wide).into_bytes()),
        (PASSWORD, wide),
        (PASSWORD, units(u16::to_be_bytes)),
        // `tput sgr0` amid it.
        (PASSWORD, "hunter2-\x1b(B\x1b[mÜnïcode'\"$x".into()),
        (PASSWORD, "hunter2-\x1b7Ünïcode\x1b8'\"$x".into()),
    ]
    .iter()
    .filter_map(|(value, spelled)| {
        let hushed = hushed(&[("app/db", value.as_bytes())]);
        let shown = through_in(&hushed, spelled, 5);
        let rest = shown.strip_prefix(b"[strongroom:app/db]");
        // The last letter of base64 may hold bits of what follows.
        let is_hidden = rest.is_some_and(|rest| rest.len() <= 2 || rest.starts_with(b"\x1b"));
        (!is_hidden).then(|| format!("{} as {}", spelled.escape_ascii(), shown.escape_ascii()))
    })
    .collect();
    assert!(shown.is_empty(), "{shown:#?}");
}

#[test]
fn values_may_be_in_each_other_beside_each_other_and_coloured() {
    let (short, long): (&[u8], &[u8]) = (b"abcdef", b"abcdef-ghijkl");
    let values = [("a", short), ("b", long), ("c", &b"klmnop"[..])];
    for (text, expected) in [
        ("abcdef-ghijkl.", "[strongroom:b]."),
        ("abcdef-ghijk.", "[strongroom:a]-ghijk."),
        ("abcdefabcdef", "[strongroom:a]"),
        ("abcdef\nabcdef", "[strongroom:a]\n[strongroom:a]"),
        ("abcdefklmnop", "[strongroom:a][strongroom:c]"),
        // Overlapping: all of both is left out.
        ("abcdef-ghijklmnop", "[strongroom:b]"),
        ("ab\x1b[31mcd\x1b[0mef!", "[strongroom:a]\x1b[31m\x1b[0m!"),
        ("abc\r\ndef\n", "[strongroom:a]\n"),
        ("abcde\nx", "abcde\nx"),
        ("plain", "plain"),
        ("", ""),
    ] {
        assert_eq!(through(&values, text), expected, "{text:?}");
    }
}

#[test]
fn short_values_are_left_alone_and_long_ones_are_not() {
    assert_eq!(through(&[("a", b"1"), ("b", b"12345")], "1 12345"), "1 12345");
    assert!(is_short(b" 12345\n") && !is_short(b"123456"));
    let long: Vec<u8> =
        (0..65_536_u32).map(|n| b'a' + (n.wrapping_mul(n) >> 3).to_le_bytes()[0] % 26).collect();
    let hushed = hushed(&[("long", &long)]);
    let text = [b"<", long.as_slice(), b">"].concat();
    for piece in [1_000, 65_536, usize::MAX] {
        let shown = through_in(&hushed, &text, piece);
        assert_eq!(shown.escape_ascii().to_string(), "<[strongroom:long]>");
    }
    let binary: Vec<u8> = (0..=255).collect();
    assert_eq!(through_in(&self::hushed(&[("b", &binary)]), &binary, 3), b"[strongroom:b]");
}

/// What a program shows of a key is mostly its first lines.
#[test]
fn lines_of_a_key_are_left_out_too() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let other = "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu";
    let key = format!("-----BEGIN PRIVATE KEY-----\n{line}\n{other}\n-----END PRIVATE KEY-----\n");
    let shown = through(&[("key", key.as_bytes())], &format!("{other}\n{line}."));
    assert_eq!(shown, "[strongroom:key]\n[strongroom:key].");
}

#[test]
fn a_prompt_is_seen_and_no_more_than_three_letters_of_a_value() {
    let hushed = hushed(&[("a", b"? secret")]);
    let mut hush = Hush::new(hushed);
    let mut out = Vec::new();
    hush.take(b"name? ", &mut |shown| out.extend_from_slice(shown));
    assert_eq!(out, b"name");
    assert!(hush.is_impatient());
    hush.show(&mut |shown| out.extend_from_slice(shown));
    assert_eq!(out, b"name? ");
    // One letter at a time, and nothing in between.
    for letter in b"secret" {
        hush.take(&[*letter], &mut |shown| out.extend_from_slice(shown));
        hush.show(&mut |shown| out.extend_from_slice(shown));
    }
    hush.take(b"\n", &mut |shown| out.extend_from_slice(shown));
    assert_eq!(out.escape_ascii().to_string(), "name? s[strongroom:a]\\n");
}

#[test]
fn a_stream_that_ends_amid_a_value_does_not_show_it() {
    for (text, expected) in [
        ("-correct horse bat", "-[strongroom:a]"),
        ("-correct\n", "-correct\n"),
        ("-correct \n", "-[strongroom:a]\n"),
        ("-cor", "-cor"),
    ] {
        let values: [(&str, &[u8]); 1] = [("a", b"correct horse battery")];
        assert_eq!(through(&values, text), expected, "{text:?}");
    }
}

proptest! {
    /// However a stream is cut, what comes through is the same, and no value is in it.
    #[test]
    fn no_value_comes_through(
        values in prop::collection::vec("[abc]{6,12}", 1..4),
        text in prop::collection::vec(prop_oneof!["[abc]{1,8}", "[\n.]", "\x1b\\[1m"], 0..12),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        piece in 1..9_usize,
    ) {
        let mut text = text;
        for index in chosen {
            let value = values[index.index(values.len())].clone();
            let at = index.index(text.len() + 1);
            text.insert(at, value);
        }
        let text = text.concat();
        let named: Vec<(&str, &[u8])> = values.iter().map(|value| ("x", value.as_bytes())).collect();
        let hushed = hushed(&named);
        let shown = through_in(&hushed, text.as_bytes(), piece);
        prop_assert_eq!(&shown, &through_in(&hushed, text.as_bytes(), usize::MAX));
        let shown = String::from_utf8(shown).unwrap();
        // A label keeps apart what was not beside each other.
        let letters: String = shown.replace("\x1b[1m", "").replace('\n', "");
        for value in &values {
            prop_assert!(!letters.contains(value.as_str()), "{} in {}", value, shown);
        }
        if values.iter().all(|value| !text.contains(char::from(value.as_bytes()[0]))) {
            prop_assert_eq!(shown, text);
        }
    }
}
