//! Every change of a signed request is refused, or is none: the few that are taken are named here,
//! each with the reason for which it means the same.

use super::refusal::Refusal;
use super::samples::{Circumstances, Sample, recorded};

/// Where a byte of a request is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Method,
    Target,
    Name(usize),
    Value(usize),
    Body,
}

/// Flips a bit; `None` where the bytes must be a text and are none then.
fn flipped(sample: &Sample, part: Part, byte: usize, bit: u8) -> Option<Sample> {
    let mut other = sample.clone();
    let flip = |text: &mut String| {
        let mut bytes = std::mem::take(text).into_bytes();
        bytes[byte] ^= bit;
        *text = String::from_utf8(bytes).ok()?;
        Some(())
    };
    match part {
        Part::Method => flip(&mut other.method)?,
        Part::Target => flip(&mut other.target)?,
        Part::Name(index) => flip(&mut other.headers[index].0)?,
        Part::Value(index) => other.headers[index].1[byte] ^= bit,
        Part::Body => other.body[byte] ^= bit,
    }
    Some(other)
}

/// The parts that the signature is about, and the signature, each with its length.
fn parts(sample: &Sample) -> Vec<(Part, usize)> {
    let mut parts = vec![
        (Part::Method, sample.method.len()),
        (Part::Target, sample.target.len()),
        (Part::Body, sample.body.len()),
    ];
    let signed = signed_names(sample);
    for (index, (name, value)) in sample.headers.iter().enumerate() {
        let name = name.to_lowercase();
        if name == "authorization" || signed.contains(&name) {
            parts.extend([(Part::Name(index), name.len()), (Part::Value(index), value.len())]);
        }
    }
    parts
}

fn signed_names(sample: &Sample) -> Vec<String> {
    let mut sample = sample.clone();
    if !sample.has("authorization") {
        return vec!["host".to_owned()];
    }
    let value = String::from_utf8(sample.header("authorization").clone()).unwrap();
    let (_, list) = value.split_once("SignedHeaders=").unwrap();
    list.split(',').next().unwrap().split(';').map(str::to_owned).collect()
}

/// Whether a flipped bit means nothing: the case of a letter in a header's name, or of a digit in an
/// encoded byte of a query.
fn is_no_change(sample: &Sample, part: Part, byte: usize, bit: u8) -> bool {
    let is_case = |letter: u8| bit == b' ' && letter.is_ascii_alphabetic();
    match part {
        Part::Name(index) => is_case(sample.headers[index].0.as_bytes()[byte]),
        Part::Target => {
            let target = sample.target.as_bytes();
            let encoded = |back: usize| byte.checked_sub(back).map(|at| target[at]) == Some(b'%');
            target[byte].is_ascii_hexdigit() && is_case(target[byte]) && (encoded(1) || encoded(2))
        }
        Part::Method | Part::Value(_) | Part::Body => false,
    }
}

#[test]
fn no_bit_can_be_changed() {
    let (mut changes, mut same) = (0, 0);
    for (sample, good) in recorded() {
        for (part, length) in parts(&sample) {
            for byte in 0..length {
                for bit in (0..8).map(|place| 1 << place) {
                    let Some(other) = flipped(&sample, part, byte, bit) else { continue };
                    let is_taken = good.verify(&other).is_ok();
                    let is_same = is_no_change(&sample, part, byte, bit);
                    assert_eq!(is_taken, is_same, "{part:?}, byte {byte}, bit {bit}");
                    changes += 1;
                    same += usize::from(is_same);
                }
            }
        }
    }
    println!("{changes} changes, {same} of which are none");
    assert!(changes > 100_000 && same > 1000);
}

/// One header more: what we act on is refused unsigned, and twice even if it says the same.
#[test]
fn no_header_can_be_added() {
    for (sample, good) in recorded() {
        for name in ["x-amz-target", "X-Amz-New", "Content-Type", "Host", "x-amz-user-agent"] {
            let other = sample.and(name, "x");
            let refusal = if sample.has(name) {
                Refusal::Mismatch
            } else {
                Refusal::HeaderNotSigned { name: name.to_owned() }
            };
            assert_eq!(good.verify(&other), Err(refusal), "{name}");
        }
        for (index, (name, value)) in sample.headers.iter().enumerate() {
            if !parts(&sample).iter().any(|(part, _)| *part == Part::Name(index)) {
                continue;
            }
            let mut again = sample.clone();
            again.headers.push((name.clone(), value.clone()));
            assert_eq!(good.verify(&again), Err(Refusal::Mismatch), "{name}");
            assert!(good.verify(&sample.without(name)).is_err(), "{name}");
        }
        // Where headers stand does not matter, and nothing is made of those that nobody signs.
        let mut turned = sample.and("User-Agent", "other").and("Accept", "*/*");
        turned.headers.reverse();
        assert!(good.verify(&turned).is_ok());
    }
}

/// A token that is not signed is one header more, or one less, all the same.
#[test]
fn no_token_can_be_added_or_taken_away() {
    for (sample, good) in recorded() {
        let other = if sample.has("x-amz-security-token") {
            sample.without("x-amz-security-token")
        } else {
            sample.and("x-amz-security-token", "abc")
        };
        assert!(good.verify(&other).is_err());
    }
}

fn presigned() -> (Sample, Circumstances) {
    recorded().into_iter().find(|(sample, _)| sample.method == "GET").unwrap()
}

#[test]
fn a_query_is_what_it_was() {
    let (sample, good) = presigned();
    let check = |target: String, is_same: bool| {
        let other = Sample { target: target.clone(), ..sample.clone() };
        assert_eq!(good.verify(&other).is_ok(), is_same, "{target}");
    };
    let query = sample.target.strip_prefix("/?").unwrap();
    let pairs: Vec<&str> = query.split('&').collect();
    let of = |pairs: &[&str]| format!("/?{}", pairs.join("&"));
    // Another order is none: no name is there twice.
    let mut turned = pairs.clone();
    turned.reverse();
    check(of(&turned), true);
    for index in 0..pairs.len() {
        let pair = pairs[index];
        let (name, value) = pair.split_once('=').unwrap();
        check(of(&[&pairs[..], &[pair]].concat()), false);
        check(of(&[&[pair], &pairs[..]].concat()), false);
        check(of(&[&pairs[..], &[name]].concat()), false);
        check(of(&[&pairs[..index], &pairs[index + 1..]].concat()), false);
        for other in [
            format!("{}={value}", name.to_lowercase()),
            format!("{name}={value}x"),
            format!("{name}={value}%20"),
            format!("{name}={value}+"),
            format!("{name}={value}%00"),
            format!("{name}={value}="),
            format!("{name}%3D{value}"),
            format!("{name}="),
        ] {
            let mut pairs = pairs.clone();
            pairs[index] = &other;
            check(of(&pairs), false);
        }
        // Encoded, a text is the same text.
        let mut spelled = pairs.clone();
        let encoded = name.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02x}"));
        let encoded = format!("{encoded}={value}");
        spelled[index] = &encoded;
        check(of(&spelled), true);
    }
    check(format!("{}&", sample.target), true);
    check(format!("{}&x=1", sample.target), false);
    check(format!("{}&x", sample.target), false);
    check(format!("{}#x", sample.target), false);
    check(format!("{}?", sample.target), false);
}

#[test]
fn a_path_is_what_it_was() {
    for (sample, good) in recorded() {
        let query = sample.target.strip_prefix('/').unwrap();
        for path in
            ["//", "/.", "/./", "/a/..", "/a/../", "/..", "/x", "/%2F", "/%2e/", "", "*", "/ "]
        {
            let other = Sample { target: format!("{path}{query}"), ..sample.clone() };
            assert_eq!(good.verify(&other), Err(Refusal::Mismatch), "{path}");
        }
    }
}

/// In the header's form, a query is signed like anything else.
#[test]
fn no_query_can_be_added() {
    for (sample, good) in recorded() {
        if sample.method == "POST" {
            for query in ["?x", "?x=1", "?X-Amz-Signature=1", "?X-Amz-Security-Token=1", "?="] {
                let other = Sample { target: format!("/{query}"), ..sample.clone() };
                assert_eq!(good.verify(&other), Err(Refusal::Mismatch), "{query}");
            }
            for query in ["?", "?&"] {
                let other = Sample { target: format!("/{query}"), ..sample.clone() };
                assert!(good.verify(&other).is_ok(), "a query of nothing is no query");
            }
        }
    }
}

/// What was seen once is worth nothing to another service, in another region, for another key, or
/// later.
#[test]
fn a_request_cannot_be_taken_elsewhere() {
    let all = recorded();
    let ((sample, good), (at_sts, sts)) = (&all[0], &all[1]);
    assert!(good.verify(at_sts).is_err());
    assert!(sts.verify(sample).is_err());
    let mut later = good.clone();
    later.now.0 += 5 * 60_000 + 1000;
    assert!(matches!(later.verify(sample), Err(Refusal::Expired { .. })));
}
