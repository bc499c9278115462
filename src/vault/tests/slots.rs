//! Slots added, changed, removed and damaged.

use super::rows::Rows;
use super::*;
use crate::crypto::kdf::KdfParameters;
use crate::crypto::passphrase::Passphrase;
use crate::crypto::recovery::RecoveryCode;
use crate::store::Table;
use crate::vault::slots::LastPortable;

/// The least that a slot may cost.
const CHEAP: KdfParameters = KdfParameters { memory_kib: 19 << 10, passes: 2, lanes: 1 };

fn passphrase(text: &str) -> Credential {
    Credential::Passphrase(Passphrase::from_bytes(text.as_bytes()).unwrap())
}

fn wrap(
    fixture: &VaultFixture,
    key: &Key,
    vault_id: &VaultId,
    credential: &Credential,
) -> SlotBody {
    let kdf = credential.kind().is_derived().then_some(CHEAP);
    SlotBody::wrap(&key.master, vault_id, credential, kdf, &fixture.entropy).unwrap()
}

/// Opens a vault again with a credential, and returns the slot's number.
fn opens(vault: &mut Vault, credential: &Credential) -> Result<u8, Error> {
    let locked = LockedVault::from_store(Rows::of(&mut vault.store).store())?;
    locked.try_credential(credential, CostLimit::Weak).map(|(number, _)| number)
}

#[test]
fn a_slot_opens_the_vault_until_it_is_removed() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let vault_id = *vault.vault_id();
    let code = || RecoveryCode::generate(&CountingEntropy::default()).unwrap();
    let code = || Credential::RecoveryCode(code());
    assert!(matches!(opens(&mut vault, &code()), Err(Error::NoSlotFor { .. })));
    let body = wrap(&fixture, &key, &vault_id, &code());
    let number = fixture.change(&mut vault, |t| t.add_slot(&body, "paper").unwrap());
    assert_eq!((number, opens(&mut vault, &code()).unwrap()), (1, 1));
    let body = wrap(&fixture, &key, &vault_id, &passphrase("old"));
    let number = fixture.change(&mut vault, |t| t.add_slot(&body, "head").unwrap());
    assert_eq!((number, opens(&mut vault, &passphrase("old")).unwrap()), (2, 2));

    let body = wrap(&fixture, &key, &vault_id, &passphrase("new"));
    fixture.change(&mut vault, |t| t.replace_slot(2, &body).unwrap());
    assert_eq!(opens(&mut vault, &passphrase("new")).unwrap(), 2);
    let wrong = opens(&mut vault, &passphrase("old"));
    assert!(matches!(wrong, Err(Error::Crypto(crypto::Error::WrongCredential))), "{wrong:?}");
    assert_eq!(fixture.read(&mut vault).state().slot(2).unwrap().label, "head");

    fixture.change(&mut vault, |t| t.remove_slot(1, LastPortable::Keep).unwrap());
    assert!(matches!(opens(&mut vault, &code()), Err(Error::NoSlotFor { .. })));
    assert_eq!(opens(&mut vault, &key.credential()).unwrap(), 0);
    let missing = fixture.write(&mut vault).remove_slot(1, LastPortable::Keep);
    assert!(matches!(missing, Err(Error::NoSuchSlot(1))));
    let missing = fixture.write(&mut vault).replace_slot(9, &body);
    assert!(matches!(missing, Err(Error::NoSuchSlot(9))));
    assert_sound(&fixture, &mut vault);
}

#[test]
fn there_are_sixteen_slots_of_which_four_are_derived() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let vault_id = *vault.vault_id();
    let body = wrap(&fixture, &key, &vault_id, &passphrase("x"));
    for _ in 0..4 {
        fixture.change(&mut vault, |t| t.add_slot(&body, "").unwrap());
    }
    let full = fixture.write(&mut vault).add_slot(&body, "");
    assert!(matches!(full, Err(Error::SlotsFull)));
    let (body, _) = new_slot(&fixture, &key.master, &vault_id);
    for number in 5..16 {
        assert_eq!(fixture.change(&mut vault, |t| t.add_slot(&body, "").unwrap()), number);
    }
    let full = fixture.write(&mut vault).add_slot(&body, "");
    assert!(matches!(full, Err(Error::SlotsFull)));
    // The lowest free number is taken again.
    fixture.change(&mut vault, |t| t.remove_slot(6, LastPortable::Keep).unwrap());
    assert_eq!(fixture.change(&mut vault, |t| t.add_slot(&body, "").unwrap()), 6);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn the_last_slot_stays() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let vault_id = *vault.vault_id();
    let remove = |vault: &mut Vault, number, last| {
        let mut transaction = fixture.write(vault);
        transaction.remove_slot(number, last)?;
        transaction.commit()
    };
    for last in [LastPortable::Keep, LastPortable::MayGo] {
        assert!(matches!(remove(&mut vault, 0, last), Err(Error::LastSlot(0))));
    }
    // The last that needs no file goes only if the user insists.
    let body = wrap(&fixture, &key, &vault_id, &passphrase("x"));
    fixture.change(&mut vault, |t| t.add_slot(&body, "").unwrap());
    assert!(matches!(remove(&mut vault, 1, LastPortable::Keep), Err(Error::LastSlot(1))));
    remove(&mut vault, 1, LastPortable::MayGo).unwrap();

    // A slot that is damaged does not count as one that is left.
    fixture.change(&mut vault, |t| t.add_slot(&body, "").unwrap());
    let mut rows = Rows::of(&mut vault.store);
    rows.table_mut(Table::Slot).get_mut(&1).unwrap()[70] ^= 1;
    let mut vault = unlock(rows.store(), &key, &UNGUARDED).unwrap();
    assert!(matches!(remove(&mut vault, 0, LastPortable::MayGo), Err(Error::LastSlot(0))));
    remove(&mut vault, 1, LastPortable::Keep).unwrap();
    assert_sound(&fixture, &mut vault);
}

#[test]
fn a_damaged_slot_locks_nobody_out() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let (body, keyfile) = new_slot(&fixture, &key.master, vault.vault_id());
    fixture.change(&mut vault, |t| t.add_slot(&body, "second").unwrap());
    let sound = Rows::of(&mut vault.store);
    let damage: [(&str, Damage); 5] = [
        ("flipped", |rows| rows.get_mut(&0).unwrap()[100] ^= 1),
        ("cut", |rows| rows.get_mut(&0).unwrap().truncate(100)),
        ("empty", |rows| rows.get_mut(&0).unwrap().clear()),
        ("of a later format", |rows| rows.get_mut(&0).unwrap()[0] = 2),
        ("deleted", |rows| drop(rows.remove(&0))),
    ];
    for (case, damage) in damage {
        let mut altered = sound.clone();
        damage(altered.table_mut(Table::Slot));
        let second = Credential::Keyfile(Keyfile::parse(keyfile.expose().as_bytes()).unwrap());
        let open = |policy: &UnlockPolicy| {
            let locked = LockedVault::from_store(altered.store()).unwrap();
            let (number, master) = locked.try_credential(&second, CostLimit::Ordinary).unwrap();
            assert_eq!(number, 1, "{case}");
            locked.unlock(&master, policy)
        };
        let error = open(&STRICT).err();
        let names_it = matches!(&error, Some(Error::TamperedSlot { number: 0, .. }));
        assert!(names_it, "{case}: {error:?}");
        let mut vault = open(&UNGUARDED).unwrap();
        let transaction = fixture.read(&mut vault);
        let listed = transaction.slots().unwrap();
        let intact: Vec<bool> = listed.iter().map(|slot| slot.is_intact).collect();
        assert_eq!(intact, [false, true], "{case}");
        assert_eq!(listed[0].entry.as_ref().unwrap().label, "first", "{case}");
        drop(transaction);
        fixture.change(&mut vault, |t| t.remove_slot(0, LastPortable::Keep).unwrap());
        assert_sound(&fixture, &mut vault);
    }
}

#[test]
fn a_slot_put_in_by_hand_is_shown_and_can_be_removed() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let (body, _) = new_slot(&fixture, &key.master, vault.vault_id());
    let sound = Rows::of(&mut vault.store);
    for (at, shown) in [(3, 3), (15, 15), (16, 255), (254, 255), (4000, 255)] {
        let mut altered = sound.clone();
        altered.table_mut(Table::Slot).insert(at, body.as_bytes().to_vec());
        let mut vault = unlock(altered.store(), &key, &UNGUARDED).unwrap();
        let transaction = fixture.read(&mut vault);
        let found = transaction.slots().unwrap();
        assert_eq!((found.len(), found[1].number), (2, shown), "{at}");
        assert!(found[1].entry.is_none() && !found[1].is_intact && found[1].usable().is_none());
        drop(transaction);
        fixture.change(&mut vault, |t| t.remove_slot(shown, LastPortable::Keep).unwrap());
        assert_sound(&fixture, &mut vault);
        assert!(Rows::of(&mut vault.store).table(Table::Slot) == sound.table(Table::Slot));
    }
}

#[test]
fn why_no_slot_opened_is_told_of_the_one_that_was_not_tried() {
    // A slot that would have cost too much used to be forgotten when a later one did not open.
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let vault_id = *vault.vault_id();
    for text in ["first", "second"] {
        let body = wrap(&fixture, &key, &vault_id, &passphrase(text));
        fixture.change(&mut vault, |t| t.add_slot(&body, text).unwrap());
    }
    let mut rows = Rows::of(&mut vault.store);
    for (number, memory_kib) in [(1, 3_u32 << 20), (2, 19 << 10)] {
        let body = rows.table_mut(Table::Slot).get_mut(&number).unwrap();
        body[4..8].copy_from_slice(&memory_kib.to_be_bytes());
    }
    let locked = LockedVault::from_store(rows.store()).unwrap();
    let refused = locked.try_credential(&passphrase("first"), CostLimit::Weak);
    let is_told = matches!(refused, Err(Error::Crypto(crypto::Error::CostRefused { .. })));
    assert!(is_told, "{:?}", refused.err());
    assert_eq!(locked.try_credential(&passphrase("second"), CostLimit::Weak).unwrap().0, 2);
}

/// Fifteen slots put in by hand were each tried, at 11 seconds in all, before the vault was refused.
#[test]
fn more_than_four_derived_slots_are_refused_before_any_is_tried() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let vault_id = *vault.vault_id();
    let body = wrap(&fixture, &key, &vault_id, &passphrase("mine"));
    fixture.change(&mut vault, |t| t.add_slot(&body, "").unwrap());
    let mut rows = Rows::of(&mut vault.store);
    let both = |text: &str| {
        let Credential::Passphrase(passphrase) = passphrase(text) else { panic!("no passphrase") };
        let keyfile = Keyfile::parse(key.keyfile.expose().as_bytes()).unwrap();
        Credential::PassphraseAndKeyfile(passphrase, keyfile)
    };
    for number in 2..5 {
        let body = wrap(&fixture, &key, &vault_id, &both("theirs"));
        rows.table_mut(Table::Slot).insert(number, body.as_bytes().to_vec());
    }
    let open = |rows: &Rows, credential: &Credential| {
        LockedVault::from_store(rows.store())?.try_credential(credential, CostLimit::Weak)
    };
    assert_eq!(open(&rows, &passphrase("mine")).unwrap().0, 1, "four are within the limit");
    rows.table_mut(Table::Slot).insert(9, body.as_bytes().to_vec());
    for credential in [passphrase("mine"), passphrase("wrong"), both("theirs")] {
        let refused = open(&rows, &credential).err();
        assert!(matches!(refused, Some(Error::Tampered(_))), "{refused:?}");
    }
    // What needs no derivation still opens it, and so does all where it is to be repaired.
    assert_eq!(open(&rows, &key.credential()).unwrap().0, 0);
    let mut locked = LockedVault::from_store(rows.store()).unwrap();
    locked.is_patient = true;
    assert_eq!(locked.try_credential(&passphrase("mine"), CostLimit::Weak).unwrap().0, 1);
}
