//! Time: what is gone, what is erased, and a clock that cannot be right.

use super::super::clock::ClockState;
use super::*;

/// Plans a deletion that is due in so many days.
fn schedule(fixture: &VaultFixture, vault: &mut Vault, name: &str, window: i64) {
    fixture.change(vault, |transaction| {
        let mut record = transaction.find(&home(), name).unwrap().unwrap();
        let requested = transaction.date();
        record.deletion = Some(Deletion { requested, due: requested.plus_days(window) });
        transaction.update(&mut record).unwrap();
    });
}

fn erase(fixture: &VaultFixture, vault: &mut Vault, most: usize) -> Vec<String> {
    let mut names = fixture.change(vault, |transaction| transaction.erase_gone(most).unwrap());
    names.sort();
    names
}

fn names(fixture: &VaultFixture, vault: &mut Vault) -> Vec<String> {
    let mut names = Vec::new();
    let transaction = fixture.read(vault);
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
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&fixture, &mut vault, "a", 7);
    let due = fixture.now.get().plus_days(7);
    assert_eq!(fixture.read(&mut vault).state().next_purge, Some(due));

    fixture.set(Timestamp(due.0 - 1));
    assert_eq!(names(&fixture, &mut vault), ["a"]);
    assert_eq!(erase(&fixture, &mut vault, 16), [""; 0]);
    fixture.set(due);
    assert_eq!(names(&fixture, &mut vault), [""; 0]);
    assert!(fixture.read(&mut vault).find(&home(), "a").unwrap().is_none());
    assert_eq!(fixture.read(&mut vault).state().secrets, 1, "its bytes are still there");
    assert_eq!(erase(&fixture, &mut vault, 16), ["a"]);
    let transaction = fixture.read(&mut vault);
    let state = transaction.state();
    assert_eq!((state.secrets, state.values, state.value_bytes), (0, 0, 0));
    assert_eq!(state.next_purge, None);
    drop(transaction);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn so_many_are_erased_and_the_rest_is_not_forgotten() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    for (name, window) in [("a", 7), ("b", 8), ("c", 9), ("d", 30)] {
        fixture.change(&mut vault, |t| create(t, name, &[("v", text(name))]));
        schedule(&fixture, &mut vault, name, window);
    }
    fixture.advance_days(10);
    let first = erase(&fixture, &mut vault, 2);
    assert_eq!(first.len(), 2);
    assert!(
        fixture.read(&mut vault).state().next_purge.is_some_and(|next| next <= fixture.now.get())
    );
    let second = erase(&fixture, &mut vault, 2);
    assert_eq!(second.len(), 1);
    assert_eq!(fixture.read(&mut vault).state().next_purge, Some(START.plus_days(30)));
    assert_eq!(erase(&fixture, &mut vault, 2), [""; 0]);
    assert_eq!(names(&fixture, &mut vault), ["d"]);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn a_secret_that_was_called_back_is_not_erased() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&fixture, &mut vault, "a", 7);
    fixture.change(&mut vault, |transaction| {
        let mut record = transaction.find(&home(), "a").unwrap().unwrap();
        record.deletion = None;
        transaction.update(&mut record).unwrap();
    });
    fixture.advance_days(8);
    assert_eq!(erase(&fixture, &mut vault, 16), [""; 0]);
    assert_eq!(names(&fixture, &mut vault), ["a"]);
    assert_eq!(fixture.read(&mut vault).state().next_purge, None);
}

#[test]
fn a_clock_that_cannot_be_right_erases_nothing() {
    const YEAR_1970: Timestamp = Timestamp(0);
    let year_2099 = Timestamp(START.0 + days(73 * 365));
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&fixture, &mut vault, "a", 7);
    for now in [YEAR_1970, year_2099, START.plus_days(401), START.plus_days(-2)] {
        fixture.set(now);
        assert_ne!(fixture.read(&mut vault).clock_state(), ClockState::Believed, "{now:?}");
        assert_eq!(erase(&fixture, &mut vault, 16), [""; 0], "{now:?}");
        assert_eq!(fixture.read(&mut vault).state().secrets, 1, "{now:?}");
        // Committing under such a clock does not make it right.
        fixture.change(&mut vault, |t| t.record_own("Work", "").unwrap());
        assert_eq!(fixture.read(&mut vault).state().time, START, "{now:?}");
    }
    for now in [START.plus_days(-1), START.plus_days(400)] {
        fixture.set(now);
        assert_eq!(fixture.read(&mut vault).clock_state(), ClockState::Believed, "{now:?}");
    }
    fixture.set(START);
    assert_eq!(names(&fixture, &mut vault), ["a"]);
}

/// A delete under a clock that was 40 days behind, or in 1970, had no window left once the clock was
/// right again: the secret was gone at once.
#[test]
fn a_window_starts_from_the_last_commit_where_the_clock_is_behind() {
    for behind in [Timestamp(0), START.plus_days(-40), Timestamp(START.0 - 1)] {
        let fixture = VaultFixture::new();
        let (mut vault, _key) = sample_empty_vault(&fixture);
        fixture.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
        fixture.set(behind);
        assert_eq!(fixture.read(&mut vault).date(), START);
        schedule(&fixture, &mut vault, "a", 30);
        assert_eq!(fixture.read(&mut vault).state().next_purge, Some(START.plus_days(30)));
        fixture.set(START.plus_days(29));
        assert_eq!(erase(&fixture, &mut vault, 16), [""; 0]);
        assert_eq!(names(&fixture, &mut vault), ["a"]);
        fixture.set(START.plus_days(30));
        assert_eq!(erase(&fixture, &mut vault, 16), ["a"]);
    }
}

/// One write under a clock 398 days ahead, and nothing was ever erased again: the right clock was
/// then 398 days behind, and not believed.
#[test]
fn what_is_due_is_erased_though_the_clock_was_ahead_once() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    for name in ["a", "b"] {
        fixture.change(&mut vault, |t| create(t, name, &[("v", text("1"))]));
    }
    fixture.set(START.plus_days(398));
    fixture.change(&mut vault, |t| t.record_own("Work", "").unwrap());
    fixture.set(START.plus_days(1));
    assert_eq!(fixture.read(&mut vault).clock_state(), ClockState::Behind);
    // Later than it should be, as only a person can tell which of the two was wrong; never earlier.
    schedule(&fixture, &mut vault, "a", 7);
    fixture.change(&mut vault, |transaction| {
        transaction.accept_clock();
    });
    schedule(&fixture, &mut vault, "b", 7);
    fixture.set(START.plus_days(8));
    assert_eq!(erase(&fixture, &mut vault, 16), ["b"]);
    fixture.set(START.plus_days(404));
    assert_eq!(erase(&fixture, &mut vault, 16), [""; 0]);
    fixture.set(START.plus_days(405));
    assert_eq!(erase(&fixture, &mut vault, 16), ["a"]);

    // And without a person: what was due before the jump is.
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.set(START);
    fixture.change(&mut vault, |transaction| {
        transaction.accept_clock();
    });
    fixture.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&fixture, &mut vault, "a", 7);
    fixture.change(&mut vault, |transaction| {
        transaction.state.time = START.plus_days(398);
        transaction.is_changed = true;
    });
    fixture.set(START.plus_days(6));
    assert_eq!(erase(&fixture, &mut vault, 16), [""; 0]);
    fixture.set(START.plus_days(7));
    assert_eq!(erase(&fixture, &mut vault, 16), ["a"]);
}

#[test]
fn a_clock_that_is_not_believed_sets_no_date() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let vault_id = *vault.vault_id();
    for now in [Timestamp(0), START.plus_days(500)] {
        fixture.set(now);
        let (body, _) = new_slot(&fixture, &key.master, &vault_id);
        fixture.change(&mut vault, |t| {
            t.add_slot(&body, "").unwrap();
            t.record_own("Work", "").unwrap();
        });
    }
    let transaction = fixture.read(&mut vault);
    assert!(transaction.state().slots.iter().all(|slot| slot.created == START));
    transaction
        .events(|_, event| {
            assert_eq!(event.time, START);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_name_is_not_taken_over_on_the_word_of_such_a_clock() {
    // What is past its window makes way for a new secret of its name, and was erased for it without
    // a look at the clock.
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&fixture, &mut vault, "a", 7);
    fixture.advance_days(1000);
    let mut transaction = fixture.write(&mut vault);
    let mut record = Record::new(home(), "a".to_owned(), "xxxxxx".to_owned(), transaction.now());
    assert!(matches!(transaction.insert(&mut record), Err(Error::ClockJumped)));
    drop(transaction);
    fixture.set(START);
    assert_eq!(names(&fixture, &mut vault), ["a"]);

    fixture.advance_days(8);
    fixture.change(&mut vault, |t| create(t, "a", &[("w", text("2"))]));
    let transaction = fixture.read(&mut vault);
    let record = transaction.find(&home(), "a").unwrap().unwrap();
    assert_eq!(record.versions.len(), 1);
    assert_eq!((transaction.state().secrets, transaction.state().values), (1, 1));
    drop(transaction);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn a_clock_that_is_accepted_is_right_from_then_on() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "a", &[("v", text("1"))]));
    schedule(&fixture, &mut vault, "a", 7);
    fixture.advance_days(1000);
    fixture.change(&mut vault, |transaction| {
        transaction.accept_clock();
    });
    assert_eq!(fixture.read(&mut vault).clock_state(), ClockState::Believed);
    assert_eq!(erase(&fixture, &mut vault, 16), ["a"]);
    // Also back.
    fixture.set(START);
    assert_eq!(fixture.read(&mut vault).clock_state(), ClockState::Behind);
    fixture.change(&mut vault, |transaction| {
        transaction.accept_clock();
    });
    assert_eq!(fixture.read(&mut vault).state().time, START);
}

#[test]
fn the_time_of_the_last_commit_does_not_go_back() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.set(Timestamp(START.0 - 1000));
    fixture.change(&mut vault, |t| t.record_own("Work", "").unwrap());
    assert_eq!(fixture.read(&mut vault).state().time, START);
    fixture.advance_days(3);
    fixture.change(&mut vault, |t| t.record_own("Work", "").unwrap());
    assert_eq!(fixture.read(&mut vault).state().time, fixture.now.get());
}
