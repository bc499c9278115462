//! Many at once: each is answered, with what he asked for, and the agent does not grow.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{
    PATIENCE, Process, ask, ask_on, connect, control, done, get, must_be_sound, run, socket, token,
    unlocked, value_through_agent,
};
use crate::harness::Sandbox;

const CLIENTS: usize = 1_000;
/// How many the agent hears at once.
const PLACES: usize = 64;

#[test]
fn a_thousand_at_once_are_answered() {
    let sandbox = unlocked();
    for number in 0..10 {
        done(&sandbox, &format!("create-secret --name s{number} --secret-string v{number}"));
    }
    let agent = Process::of(&sandbox);
    let token = token(&sandbox);
    let before = agent.figure("VmRSS");
    let is_over = AtomicBool::new(false);
    let (answers, peaks) = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = (0, 0);
            while !is_over.load(Ordering::SeqCst) {
                let now = (agent.figure("Threads"), agent.figure("VmRSS"));
                most = (now.0.max(most.0), now.1.max(most.1));
                thread::yield_now();
            }
            most
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (sandbox, token) = (&sandbox, &token);
                let ask = move || {
                    let name = format!("s{}", number % 10);
                    ask_on(&connect(sandbox), get(token, &name))
                };
                (number, scope.spawn(ask))
            })
            .collect();
        let answers: Vec<(usize, Option<Value>)> =
            clients.into_iter().map(|(number, client)| (number, client.join().unwrap())).collect();
        is_over.store(true, Ordering::SeqCst);
        (answers, watching.join().unwrap())
    });
    for (number, answer) in answers {
        let answer = answer.unwrap_or_else(|| panic!("client {number} was not answered"));
        let value = &answer["ok"]["answer"]["SecretString"];
        assert_eq!(*value, format!("v{}", number % 10), "client {number}: {answer}");
    }
    let (threads, memory) = peaks;
    println!("{threads} threads, {before} to {memory} KiB");
    // Those who are heard, and those who were and are just ending.
    assert!(threads <= 128, "{threads} threads");
    assert!(memory < before + 64 * 1024, "it grew from {before} to {memory} KiB");
    must_be_sound(&sandbox);
}

/// All places are taken by who asks on and on: whoever owns the vault sees how it stands, takes back
/// what was granted, and locks it all the same.
#[test]
fn an_owner_gets_through_a_crowd() {
    let sandbox = unlocked();
    done(&sandbox, "grant create --operations Get* --secrets * --label crowd");
    let id = done(&sandbox, "grant list --query Grants[0].Id --output text");
    let token = token(&sandbox);
    let ask_once = |stream: &UnixStream| ask_on(stream, get(&token, "app/db"));
    thread::scope(|scope| {
        for _ in 0..PLACES {
            let stream = connect(&sandbox);
            // It has its place.
            assert!(ask_once(&stream).is_some());
            scope.spawn(
                move || {
                    while ask_once(&stream).is_some_and(|answer| !answer["ok"].is_null()) {}
                },
            );
        }
        assert_eq!(done(&sandbox, "status --query Grants[].Label --output text"), "crowd\n");
        done(&sandbox, &format!("grant revoke {}", id.trim_end()));
        assert_eq!(done(&sandbox, "grant list --query length(Grants)"), "0\n");
        assert_eq!(done(&sandbox, "lock"), "{\n    \"Locked\": 1\n}\n");
    });
    must_be_sound(&sandbox);
}

/// What is heard there is for that alone.
#[test]
fn nothing_else_is_answered_where_owners_get_through() {
    let sandbox = unlocked();
    let token = token(&sandbox);
    let ask = |message: Value| ask_on(&UnixStream::connect(control(&sandbox)).unwrap(), message);
    for message in [
        get(&token, "app/db"),
        json!({ "do": "chore", "token": token, "chore": { "name": "checkpoint" } }),
        json!({ "do": "elsewhere", "token": token, "name": "app/db" }),
        json!({ "do": "grant", "token": token, "spec": {} }),
    ] {
        let answer = ask(message).unwrap();
        assert_eq!(answer["refused"]["kind"], "malformed", "{answer}");
    }
    let stream = UnixStream::connect(control(&sandbox)).unwrap();
    let status = json!({ "do": "status" });
    assert!(ask_on(&stream, status.clone()).is_some_and(|answer| !answer["ok"].is_null()));
    assert_eq!(ask_on(&stream, status), None, "it is for one message");
}

#[test]
fn all_who_unlock_at_once_end_with_one_agent() {
    for at_once in [2, 10] {
        let sandbox = Sandbox::with_vault();
        done(&sandbox, "create-secret --name app/db --secret-string hunter2");
        let outcomes = thread::scope(|scope| {
            let all: Vec<_> =
                (0..at_once).map(|_| scope.spawn(|| run(&sandbox, "unlock"))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        for outcome in outcomes {
            assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
        }
        assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
        let agent = Process::of(&sandbox);
        let status = ask(&sandbox, json!({ "do": "status" }));
        assert_eq!(status["ok"]["sessions"].as_array().map(Vec::len), Some(1));
        done(&sandbox, "lock --all");
        assert!(agent.ends_within(PATIENCE));
        // No second one is left that holds the lock.
        assert!(!socket(&sandbox).exists());
        assert_eq!(done(&sandbox, "lock --all"), "{\n    \"Locked\": 0\n}\n");
    }
}
