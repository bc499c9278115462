//! Clients that say nothing, stop in the middle, or talk nonsense: the agent stays, and others are
//! answered meanwhile.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use super::{
    Process, VERSION, ask, ask_on, connect, done, framed, get, must_be_sound, read_frame, run,
    token, unlocked, value_through_agent,
};
use crate::harness::Sandbox;

/// Says something, and keeps the connection open.
fn say(sandbox: &Sandbox, bytes: &[u8]) -> UnixStream {
    let mut stream = connect(sandbox);
    stream.write_all(bytes).unwrap();
    stream
}

fn must_answer(sandbox: &Sandbox, agent: &Process) {
    assert_eq!(value_through_agent(sandbox).as_deref(), Some("hunter2"));
    assert_eq!(Process::of(sandbox).pid, agent.pid, "it is another one");
}

#[test]
fn whoever_keeps_still_keeps_nobody_out() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    let request = framed(get(&token(&sandbox), "app/db").to_string().as_bytes());
    for begun in
        [&b""[..], &[0, 0], &[0, 0, 1, 0], &[0, 0, 1, 0, b'{'], &request[..request.len() - 1]]
    {
        // More than it hears at once.
        let still: Vec<UnixStream> = (0..80).map(|_| say(&sandbox, begun)).collect();
        must_answer(&sandbox, &agent);
        assert!(agent.figure("Threads") < 80, "one for each");
        drop(still);
    }
    must_answer(&sandbox, &agent);
}

#[test]
fn what_is_no_message_is_not_answered() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    let flood = vec![0xff; 100_000];
    let endings = [
        // 2 GiB, 4 GiB less one byte, and a byte more than the longest.
        &[0x80, 0, 0, 0][..],
        &[0xff; 4],
        &[0, 0x40, 0, 1],
        b"GET / HTTP/1.1\r\n\r\n",
        &flood,
    ];
    for bytes in endings {
        let mut stream = connect(&sandbox);
        // It may hang up before all is said.
        let _hung_up = stream.write_all(bytes);
        assert_eq!(read_frame(&stream), None, "{:?}", &bytes[..4]);
        must_answer(&sandbox, &agent);
    }
    // Cut off in the middle of a message.
    let cut = say(&sandbox, &[0, 0, 1, 0, b'{']);
    cut.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_frame(&cut), None);
    must_answer(&sandbox, &agent);
}

#[test]
fn nonsense_is_refused_and_the_next_message_answered() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    let token = token(&sandbox);
    let stream = connect(&sandbox);
    let deep = "[".repeat(1_000_000);
    let malformed = ["", "\0", "{", "[]", "1", "null", "{}", "\u{ff}", deep.as_str()];
    for message in malformed.map(str::as_bytes).into_iter().chain([&b"\"\xff\""[..]]) {
        (&stream).write_all(&framed(message)).unwrap();
        let answer: Value = serde_json::from_slice(&read_frame(&stream).unwrap()).unwrap();
        let kind = answer["refused"]["kind"].as_str().unwrap().to_owned();
        assert!(["malformed", "version"].contains(&kind.as_str()), "{answer}");
    }
    for message in [
        json!({}),
        json!({ "do": "fly" }),
        json!({ "do": 1 }),
        json!({ "do": "call" }),
        json!({ "do": "call", "token": token }),
        json!({ "do": "call", "token": token, "op": "Fly" }),
        json!({ "do": "call", "token": token, "op": "GetSecretValue", "params": 1 }),
        json!({ "do": "call", "token": token, "op": "GetSecretValue", "params": { "SecretId": 1 } }),
        json!({ "do": "call", "token": token, "op": "GetSecretValue", "params": { "X": "y" } }),
        json!({ "do": "chore", "token": token, "chore": { "name": "rekey" } }),
        json!({ "do": "chore", "token": token, "chore": 1 }),
        json!({ "do": "grant", "token": token, "spec": { "X": 1 } }),
        json!({ "do": "grant", "token": token }),
        json!({ "do": "revoke", "token": token }),
        json!({ "do": "unlock" }),
        json!({ "do": "unlock", "path": "x", "key": "AAAA", "idle": 1, "age": 1, "reads": "batched" }),
        json!({ "do": "lock", "vault": "%" }),
    ] {
        let answer = ask_on(&stream, message.clone()).unwrap();
        assert_eq!(answer["refused"]["kind"], "malformed", "{message}: {answer}");
    }
    for version in [json!(null), json!(1), json!(""), json!("9.9.9/1"), json!("0.1.0")] {
        let answer = ask_on(&stream, json!({ "version": version, "do": "status" })).unwrap();
        assert_eq!(answer, json!({ "refused": { "kind": "version", "version": VERSION } }));
    }
    for wrong in ["", "x", token.get(1..).unwrap(), &format!("{token}0"), &"0".repeat(64)] {
        for message in [
            get(wrong, "app/db"),
            json!({ "do": "elsewhere", "token": wrong, "name": "app/db" }),
            json!({ "do": "chore", "token": wrong, "chore": { "name": "checkpoint" } }),
            json!({ "do": "grants", "token": wrong }),
            json!({ "do": "revoke", "token": wrong, "id": "x" }),
        ] {
            let answer = ask_on(&stream, message).unwrap();
            assert_eq!(answer["refused"]["kind"], "locked", "{answer}");
        }
    }
    let answer = ask_on(&stream, get(&token, "app/db")).unwrap();
    assert_eq!(answer["ok"]["answer"]["SecretString"], "hunter2");
    must_answer(&sandbox, &agent);
    must_be_sound(&sandbox);
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let sandbox = unlocked();
    let message = framed(get(&token(&sandbox), "app/db").to_string().as_bytes());
    let message = String::from_utf8(message[4..].to_vec()).unwrap();
    let mut asked: Value = serde_json::from_str(&message).unwrap();
    asked["version"] = VERSION.into();
    let mut stream = connect(&sandbox);
    for byte in framed(asked.to_string().as_bytes()) {
        stream.write_all(&[byte]).unwrap();
    }
    let answer: Value = serde_json::from_slice(&read_frame(&stream).unwrap()).unwrap();
    assert_eq!(answer["ok"]["answer"]["SecretString"], "hunter2");
}

/// Whoever does not take his answer keeps nobody else from theirs.
#[test]
fn answers_that_nobody_takes_are_given_up() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    let value = "x".repeat(60_000);
    let path = sandbox.work().join("long");
    crate::harness::files::write(&path, value.as_bytes());
    done(&sandbox, "create-secret --name long --secret-string file://long");
    let mut asked = get(&token(&sandbox), "long");
    asked["version"] = VERSION.into();
    let asked = framed(asked.to_string().as_bytes()).repeat(20);
    let deaf: Vec<UnixStream> = (0..20).map(|_| say(&sandbox, &asked)).collect();
    must_answer(&sandbox, &agent);
    drop(deaf);
    must_answer(&sandbox, &agent);
}

/// Whoever asks for a vault to be held open must know its key; one that is held stays so.
#[test]
fn a_wrong_key_changes_nothing() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    let token = token(&sandbox);
    let status = ask(&sandbox, json!({ "do": "status" }));
    let path = status["ok"]["sessions"][0]["vault"].clone();
    let key = "A".repeat(43) + "=";
    for most in [1_i64, i64::MAX] {
        let unlock = json!({
            "do": "unlock", "path": path, "key": key, "idle": most, "age": most, "reads": "batched",
        });
        let answer = ask(&sandbox, unlock);
        assert_eq!(answer["refused"]["kind"], "vault", "{answer}");
    }
    assert_eq!(ask(&sandbox, get(&token, "app/db"))["ok"]["answer"]["SecretString"], "hunter2");
    must_answer(&sandbox, &agent);
}

/// As long as a number can say.
#[test]
fn times_may_be_as_long_as_anybody_writes() {
    let sandbox = unlocked();
    for time in ["1s", "106751991167d", "1000000000000000d", "99999999999999999999999d"] {
        let outcome = run(&sandbox, &format!("unlock --timeout {time} --max-age {time}"));
        let stderr = outcome.stderr_text();
        let is_refused = outcome.code == 252 && stderr.contains("it must be a time");
        assert!(outcome.code == 0 || is_refused, "{time}: {stderr}");
        if outcome.code == 0 && time != "1s" {
            assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"), "{time}");
        }
    }
}
