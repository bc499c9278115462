use miniz_oxide::deflate::compress_to_vec;

use super::*;

/// A member as it is to be written, and what is said of it.
struct Member {
    name: &'static str,
    method: u16,
    flags: u16,
    data: Vec<u8>,
    crc: u32,
    size: u32,
}

fn stored(name: &'static str, content: &[u8]) -> Member {
    let size = content.len().try_into().unwrap();
    Member { name, method: 0, flags: 0, data: content.to_vec(), crc: rawzip::crc32(content), size }
}

fn deflated(name: &'static str, content: &[u8]) -> Member {
    Member { method: 8, data: compress_to_vec(content, 6), ..stored(name, content) }
}

fn written(members: &[Member]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let offset = u32::try_from(bytes.len()).unwrap();
        let length = u32::try_from(member.data.len()).unwrap();
        let mut head = Vec::new();
        for short in [20, member.flags, member.method, 0, 0] {
            head.extend(short.to_le_bytes());
        }
        for long in [member.crc, length, member.size] {
            head.extend(long.to_le_bytes());
        }
        head.extend(u16::try_from(member.name.len()).unwrap().to_le_bytes());
        head.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&head);
        bytes.extend(member.name.as_bytes());
        bytes.extend(&member.data);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let (begin, length) = (bytes.len(), directory.len());
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend(u32::try_from(length).unwrap().to_le_bytes());
    bytes.extend(u32::try_from(begin).unwrap().to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

const LIMITS: Limits = Limits { members: 3, bytes: 1024 * 1024 };

fn error(members: &[Member]) -> String {
    Archive::read(&written(members), LIMITS).err().unwrap().to_string()
}

#[test]
fn members_are_what_was_put_in() {
    let long = "long ".repeat(1000);
    let members = [
        stored("a/", b""),
        stored("a/Größe.txt", b"one"),
        deflated("../../etc/passwd", long.as_bytes()),
    ];
    let archive = Archive::read(&written(&members), LIMITS).ok().unwrap();
    assert_eq!(archive.file("a/Größe.txt").ok(), Some(&b"one"[..]));
    assert_eq!(archive.file("../../etc/passwd").ok(), Some(long.as_bytes()));
    assert_eq!(archive.below("a/").collect::<Vec<_>>(), [("Größe.txt", &b"one"[..])]);
    assert!(archive.has("a/Größe.txt") && !archive.has("a/"));
    let missing = archive.file("b").err().unwrap().to_string();
    assert_eq!(missing, "b: is not in the archive");
    assert!(Archive::read(&written(&[]), LIMITS).is_ok());
}

#[test]
fn bombs_are_not_lit() {
    let zeros = vec![0; 2 * 1024 * 1024];
    assert_eq!(error(&[deflated("a", &zeros)]), "the archive unpacks to more than 1 MiB");
    let half = &zeros[..600_000];
    assert_eq!(
        error(&[deflated("a", half), deflated("b", half)]),
        "the archive unpacks to more than 1 MiB"
    );
    // One that says less of itself than it is.
    let liar = Member { size: 10, ..deflated("a", &zeros) };
    assert_eq!(error(&[liar]), "a: is damaged");
    let many = [stored("a", b""), stored("b", b""), stored("c", b""), stored("d", b"")];
    assert_eq!(error(&many), "the archive has more than 3 files");
    // Two members of the same bytes.
    let mut bytes = written(&[stored("a", &[1; 1000]), stored("b", &[1; 1000])]);
    let second = bytes.len() - 22 - 47 + 42;
    bytes[second..second + 4].copy_from_slice(&[0; 4]);
    bytes.drain(1031..2062);
    let begin = bytes.len() - 6;
    bytes[begin..begin + 4].copy_from_slice(&1031_u32.to_le_bytes());
    let error = Archive::read(&bytes, LIMITS).err().unwrap().to_string();
    assert_eq!(error, "b: shares its bytes with other files of the archive");
}

#[test]
fn what_is_damaged_or_hidden_is_refused() {
    let secret = Member { flags: 1, ..stored("a", b"x") };
    assert_eq!(error(&[secret]), "a: is encrypted within the archive");
    assert_eq!(error(&[Member { crc: 0, ..stored("a", b"x") }]), "a: is damaged");
    assert_eq!(error(&[Member { size: 2, ..stored("a", b"x") }]), "a: is damaged");
    assert_eq!(
        error(&[Member { data: b"\xFF\xFF".to_vec(), ..deflated("a", b"x") }]),
        "a: is damaged"
    );
    assert_eq!(
        error(&[Member { method: 14, ..stored("a", b"x") }]),
        "a: is compressed in a way that is not known"
    );
    assert_eq!(error(&[stored("a", b"x"), stored("a", b"y")]), "a: is in the archive twice");
    let whole = written(&[deflated("a", b"hunter2"), stored("b", b"x")]);
    for length in 0..whole.len() {
        assert!(Archive::read(&whole[..length], LIMITS).is_err(), "{length}");
    }
}
