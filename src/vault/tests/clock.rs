//! Time: what is gone, what is erased, and a clock that cannot be right.

use super::*;

/// Plans a deletion that is due in so many days.
fn schedule(world: &World, vault: &mut Vault, name: &str, window: i64) {
    world.change(vault, |transaction| {
        let mut record = transaction.find(&home(), name).unwrap().unwrap();
        let requested = transaction.now();
        record.deletion = Some(Deletion { requested, due: requested.plus_days(window) });
        transaction.update(&mut record).unwrap();
    });
}

fn erase(world: &World, vault: &mut Vault, most: usize) -> Vec<String> {
    let mut names = world.change(vault, |transaction| transaction.erase_gone(most).unwrap());
    names.sort();
    names
}

fn names(world: &World, vault: &mut Vault) -> Vec<String> {
    let mut names = Vec::new();
    let transaction = world.read(vault);
    transaction
        .each(|record| {
            names.push(record.name);
            Ok(())
        })
        .unwrap();
    names.sort();
    names
}

#[test]
fn a_secret_is_gone_the_moment_its_window_ends_and_erased_by_a_later_write() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&world, &mut vault, "a", 7);
    let due = world.now.get().plus_days(7);
    assert_eq!(world.read(&mut vault).state().next_purge, Some(due));

    world.set(Timestamp(due.0 - 1));
    assert_eq!(names(&world, &mut vault), ["a"]);
    assert_eq!(erase(&world, &mut vault, 16), [""; 0]);
    world.set(due);
    assert_eq!(names(&world, &mut vault), [""; 0]);
    assert!(world.read(&mut vault).find(&home(), "a").unwrap().is_none());
    assert_eq!(world.read(&mut vault).state().secrets, 1, "its bytes are still there");
    assert_eq!(erase(&world, &mut vault, 16), ["a"]);
    let transaction = world.read(&mut vault);
    let state = transaction.state();
    assert_eq!((state.secrets, state.values, state.value_bytes), (0, 0, 0));
    assert_eq!(state.next_purge, None);
    drop(transaction);
    assert_sound(&world, &mut vault);
}

#[test]
fn so_many_are_erased_and_the_rest_is_not_forgotten() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    for (name, window) in [("a", 7), ("b", 8), ("c", 9), ("d", 30)] {
        world.change(&mut vault, |t| create(t, name, &[("v", text(name))]));
        schedule(&world, &mut vault, name, window);
    }
    world.advance_days(10);
    let first = erase(&world, &mut vault, 2);
    assert_eq!(first.len(), 2);
    assert!(world.read(&mut vault).state().next_purge.is_some_and(|next| next <= world.now.get()));
    let second = erase(&world, &mut vault, 2);
    assert_eq!(second.len(), 1);
    assert_eq!(world.read(&mut vault).state().next_purge, Some(START.plus_days(30)));
    assert_eq!(erase(&world, &mut vault, 2), [""; 0]);
    assert_eq!(names(&world, &mut vault), ["d"]);
    assert_sound(&world, &mut vault);
}

#[test]
fn a_secret_that_was_called_back_is_not_erased() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&world, &mut vault, "a", 7);
    world.change(&mut vault, |transaction| {
        let mut record = transaction.find(&home(), "a").unwrap().unwrap();
        record.deletion = None;
        transaction.update(&mut record).unwrap();
    });
    world.advance_days(8);
    assert_eq!(erase(&world, &mut vault, 16), [""; 0]);
    assert_eq!(names(&world, &mut vault), ["a"]);
    assert_eq!(world.read(&mut vault).state().next_purge, None);
}

#[test]
fn a_clock_that_cannot_be_right_erases_nothing() {
    const YEAR_1970: Timestamp = Timestamp(0);
    let year_2099 = Timestamp(START.0 + days(73 * 365));
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&world, &mut vault, "a", 7);
    for now in [YEAR_1970, year_2099, START.plus_days(401), START.plus_days(-2)] {
        world.set(now);
        assert!(!world.read(&mut vault).clock_is_sane(), "{now:?}");
        assert_eq!(erase(&world, &mut vault, 16), [""; 0], "{now:?}");
        assert_eq!(world.read(&mut vault).state().secrets, 1, "{now:?}");
        // Committing under such a clock does not make it right.
        world.change(&mut vault, |t| t.record_own("Work", "").unwrap());
        assert_eq!(world.read(&mut vault).state().time, START, "{now:?}");
    }
    for now in [START.plus_days(-1), START.plus_days(400)] {
        world.set(now);
        assert!(world.read(&mut vault).clock_is_sane(), "{now:?}");
    }
    world.set(START);
    assert_eq!(names(&world, &mut vault), ["a"]);
}

#[test]
fn a_name_is_not_taken_over_on_the_word_of_such_a_clock() {
    // What is past its window makes way for a new secret of its name, and was erased for it without
    // a look at the clock.
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&world, &mut vault, "a", 7);
    world.advance_days(1000);
    let mut transaction = world.write(&mut vault);
    let mut record = Record::new(home(), "a".to_owned(), "xxxxxx".to_owned(), transaction.now());
    assert!(matches!(transaction.insert(&mut record), Err(Error::ClockJumped)));
    drop(transaction);
    world.set(START);
    assert_eq!(names(&world, &mut vault), ["a"]);

    world.advance_days(8);
    world.change(&mut vault, |t| create(t, "a", &[("w", text("2"))]));
    let transaction = world.read(&mut vault);
    let record = transaction.find(&home(), "a").unwrap().unwrap();
    assert_eq!(record.versions.len(), 1);
    assert_eq!((transaction.state().secrets, transaction.state().values), (1, 1));
    drop(transaction);
    assert_sound(&world, &mut vault);
}

#[test]
fn a_clock_that_is_accepted_is_right_from_then_on() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&world, &mut vault, "a", 7);
    world.advance_days(1000);
    world.change(&mut vault, |transaction| {
        transaction.accept_clock();
    });
    assert!(world.read(&mut vault).clock_is_sane());
    assert_eq!(erase(&world, &mut vault, 16), ["a"]);
    // Also back.
    world.set(START);
    assert!(!world.read(&mut vault).clock_is_sane());
    world.change(&mut vault, |transaction| {
        transaction.accept_clock();
    });
    assert_eq!(world.read(&mut vault).state().time, START);
}

#[test]
fn the_time_of_the_last_commit_does_not_go_back() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.set(Timestamp(START.0 - 1000));
    world.change(&mut vault, |t| t.record_own("Work", "").unwrap());
    assert_eq!(world.read(&mut vault).state().time, START);
    world.advance_days(3);
    world.change(&mut vault, |t| t.record_own("Work", "").unwrap());
    assert_eq!(world.read(&mut vault).state().time, world.now.get());
}
