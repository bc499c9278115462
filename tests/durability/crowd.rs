//! Many processes use one vault at once: nothing is lost, nobody is turned away, and nobody sees
//! half of a change.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::{answer, done, is_long, must_be_sound, names, value};
use crate::harness::Sandbox;

/// 8 × 200 with `SUITE_DURABILITY=long`; as many processes and fewer writes otherwise.
const WRITERS: usize = 8;
const WRITES: usize = 25;
const MANY_WRITES: usize = 200;

#[test]
fn nothing_of_many_writers_is_lost() {
    let writes = if is_long() { MANY_WRITES } else { WRITES };
    let sandbox = Sandbox::with_vault();
    done(&sandbox, "create-secret --name shared --secret-string first");
    let generation = generation_of(&sandbox);
    let slowest = Mutex::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (sandbox, slowest) = (&sandbox, &slowest);
            scope.spawn(move || {
                done(sandbox, &format!("create-secret --name own-{writer} --secret-string first"));
                for step in 1..writes {
                    let start = Instant::now();
                    done(sandbox, &write(writer, step));
                    let mut slowest = slowest.lock().unwrap();
                    *slowest = start.elapsed().as_millis().max(*slowest);
                }
            });
        }
    });
    let commits = WRITERS * writes;
    let took = start.elapsed();
    let slowest = slowest.lock().unwrap();
    println!("{commits} writes of {WRITERS} processes in {took:.1?}, the slowest in {slowest} ms");

    assert_eq!(generation_of(&sandbox), generation + u64::try_from(commits).unwrap());
    must_be_sound(&sandbox, "after many writers");
    let steps = |writer: usize| (1..writes).map(move |step| (writer, step));
    let all = || (0..WRITERS).flat_map(steps);
    let mut expected: Vec<String> =
        all().filter(|(_, step)| step % 4 == 0).map(|(w, s)| format!("new-{w}-{s}")).collect();
    expected.extend((0..WRITERS).map(|writer| format!("own-{writer}")));
    expected.push("shared".to_owned());
    expected.sort();
    assert_eq!(names(&sandbox), expected);
    for writer in 0..WRITERS {
        let last = |kind: usize| (1..writes).rfind(|step| step % 4 == kind).unwrap();
        let own = format!("own-{writer}");
        assert_eq!(value(&sandbox, &own), Some(last(1).to_string()), "{own}");
        let tags = answer(&sandbox, &format!("describe-secret --secret-id {own} --query Tags"));
        assert_eq!(tags[0]["Value"], last(2).to_string(), "{own}");
    }
    let shared = value(&sandbox, "shared").unwrap();
    assert!(all().any(|(w, s)| shared == format!("{w}-{s}")), "{shared}");
}

/// The `step`th write of a writer, each of another kind than the one before.
fn write(writer: usize, step: usize) -> String {
    match step % 4 {
        0 => format!("create-secret --name new-{writer}-{step} --secret-string {step}"),
        1 => format!("put-secret-value --secret-id own-{writer} --secret-string {step}"),
        2 => format!("tag-resource --secret-id own-{writer} --tags Key=step,Value={step}"),
        _ => format!("put-secret-value --secret-id shared --secret-string {writer}-{step}"),
    }
}

#[test]
fn who_lists_sees_whole_changes() {
    let writes = if is_long() { 200 } else { 20 };
    let sandbox = Sandbox::with_vault();
    let acknowledged = Mutex::new(BTreeSet::new());
    let (writing, lists) = (AtomicUsize::new(2), AtomicUsize::new(0));
    thread::scope(|scope| {
        for writer in 0..2 {
            let (sandbox, acknowledged, writing) = (&sandbox, &acknowledged, &writing);
            scope.spawn(move || {
                for step in 0..writes {
                    let name = format!("{writer}-{step}");
                    done(sandbox, &format!("create-secret --name {name} --secret-string {name}"));
                    acknowledged.lock().unwrap().insert(name);
                }
                writing.fetch_sub(1, Ordering::Release);
            });
        }
        for _reader in 0..3 {
            let (sandbox, acknowledged, writing) = (&sandbox, &acknowledged, &writing);
            let lists = &lists;
            scope.spawn(move || {
                while writing.load(Ordering::Acquire) > 0 {
                    let before = acknowledged.lock().unwrap().clone();
                    let listed: BTreeSet<String> = names(sandbox).into_iter().collect();
                    let missing: Vec<&String> = before.difference(&listed).collect();
                    assert!(missing.is_empty(), "acknowledged before the list: {missing:?}");
                    lists.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} lists during {} writes", lists.load(Ordering::Relaxed), 2 * writes);
    assert!(lists.load(Ordering::Relaxed) > 0);
    assert_eq!(names(&sandbox), acknowledged.into_inner().unwrap().into_iter().collect::<Vec<_>>());
    must_be_sound(&sandbox, "after many lists");
}

fn generation_of(sandbox: &Sandbox) -> u64 {
    answer(sandbox, "status --query Generation").as_u64().unwrap()
}
