//! Parts of one vault, or of one moment, put into another.

use super::rows::{Rows, TABLES};
use super::*;

/// A vault and its keys.
type Made = (Vault, Key);

/// Two vaults with the same things in them, and which of their two names they share.
fn pairs(fixture: &VaultFixture) -> Vec<(&'static str, Made, Made)> {
    let ids = [
        VaultId::generate(&fixture.entropy).unwrap(),
        VaultId::generate(&fixture.entropy).unwrap(),
    ];
    let masters: [MasterKey; 2] =
        std::array::from_fn(|_| MasterKey::generate(&fixture.entropy).unwrap());
    let make = |id: usize, master: usize, mark: &str| {
        let made =
            new_vault_as(fixture, Store::in_memory(), (ids[id], masters[master].again()), None);
        let (mut vault, key) = made;
        furnish_marked(fixture, &mut vault, mark);
        (vault, key)
    };
    vec![
        ("strangers", make(0, 0, ""), make(1, 1, " elsewhere")),
        ("one key", make(0, 0, ""), make(1, 0, " elsewhere")),
        ("one id", make(0, 0, ""), make(0, 1, " elsewhere")),
        // A fork: only what was written since the copy was made is another.
        ("one vault", make(0, 0, ""), make(0, 0, " elsewhere")),
    ]
}

#[test]
fn nothing_of_another_vault_is_taken_for_ones_own() {
    let fixture = VaultFixture::new();
    for (case, (mut vault, key), (mut other, _)) in pairs(&fixture) {
        let truth = truth(&fixture, &mut vault);
        let (ours, theirs) = (Rows::of(&mut vault.store), Rows::of(&mut other.store));
        let refuse = |what: String, altered: &Rows| {
            let case = format!("{case}: {what}");
            let mut vault = match unlock(altered.store(), &key, &UNGUARDED) {
                Ok(vault) => vault,
                Err(error) => return assert!(speaks_of_damage(&error), "{case}: {error:?}"),
            };
            judge(&case, &truth, &ask(&fixture, &mut vault));
            assert_ne!(findings(&fixture, &mut vault), [], "{case}");
        };
        for table in TABLES {
            let mut altered = ours.clone();
            altered.take(table, &theirs);
            refuse(format!("{table:?}"), &altered);
            for (number, row) in theirs.table(table) {
                let mut altered = ours.clone();
                altered.table_mut(table).insert(*number, row.clone());
                if altered != ours {
                    refuse(format!("{table:?} {number}"), &altered);
                }
                for own in ours.table(table).keys() {
                    let mut altered = ours.clone();
                    altered.table_mut(table).insert(*own, row.clone());
                    refuse(format!("{table:?} {number} for {own}"), &altered);
                }
            }
        }
        let (our_public, our_state) = ours.vault.clone().unwrap();
        let (public, state) = theirs.vault.clone().unwrap();
        for vault in [(public.clone(), our_state), (our_public, state.clone())] {
            let altered = Rows { vault: Some(vault), ..ours.clone() };
            if altered != ours && case != "one vault" {
                refuse("header or state".to_owned(), &altered);
            }
        }
        if case != "one vault" {
            let whole = Rows { vault: Some((public, state)), ..ours.clone() };
            refuse("header and state".to_owned(), &whole);
        }
    }
}

#[test]
fn no_mixture_of_two_moments_is_a_moment() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_vault(&fixture);
    let old = Rows::of(&mut vault.store);
    let old_truth = truth(&fixture, &mut vault);
    renovate(&fixture, &mut vault, &key);
    let new = Rows::of(&mut vault.store);
    let new_truth = truth(&fixture, &mut vault);

    for choice in 0_u8..128 {
        let has_old_state = choice & 64 == 0;
        let (vault, truth) = if has_old_state {
            (old.vault.clone(), &old_truth)
        } else {
            (new.vault.clone(), &new_truth)
        };
        let mut mixed = Rows { vault, ..new.clone() };
        for (bit, table) in TABLES.into_iter().enumerate() {
            if choice & (1 << bit) == 0 {
                mixed.take(table, &old);
            }
        }
        let case = format!("{choice:#b}");
        let is_whole = mixed == old || mixed == new;
        let mut vault = unlock(mixed.store(), &key, &UNGUARDED).unwrap();
        let refused = judge(&case, truth, &ask(&fixture, &mut vault));
        if is_whole {
            // An old moment as a whole is what the anchor is for.
            assert_eq!(refused, 0, "{case}");
            assert_sound(&fixture, &mut vault);
        } else {
            assert_ne!(findings(&fixture, &mut vault), [], "{case}");
        }
    }
}
