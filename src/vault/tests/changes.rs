//! Secrets put in, found, changed and taken out; and transactions that end otherwise.

use super::rows::Rows;
use super::*;
use crate::store::Table;
use crate::sys::entropy::{Entropy, NoEntropy};

/// Randomness that ends after so many draws.
pub(super) struct Drying<'a> {
    inner: &'a dyn Entropy,
    left: Cell<u32>,
}

impl<'a> Drying<'a> {
    pub(super) fn after(draws: u32, inner: &'a dyn Entropy) -> Self {
        Self { inner, left: Cell::new(draws) }
    }
}

impl Entropy for Drying<'_> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.left.set(self.left.get().checked_sub(1).ok_or(NoEntropy::Refused)?);
        self.inner.fill(bytes)
    }
}

#[test]
fn what_is_put_in_is_found_again() {
    let world = World::new();
    let (mut vault, key) = furnished(&world);
    let before = truth(&world, &mut vault);
    assert!(before["find app/db"].contains("AWSCURRENT"));
    assert_eq!(before["value app/db v1"], "hunter1");
    assert_eq!(before["value none pending"], "no value yet");
    assert_eq!(before["find never"], "absent");
    assert_eq!(before["list"].lines().count(), 4);

    // The same after it was closed and opened again.
    let mut vault = unlock(vault.store, &key, &STRICT).unwrap();
    assert_eq!(truth(&world, &mut vault), before);
    assert_sound(&world, &mut vault);

    renovate(&world, &mut vault, &key);
    let after = truth(&world, &mut vault);
    assert_eq!(after["value app/db v1"], "hunter1");
    assert_eq!(after["value app/db v2"], "hunter2");
    assert_eq!(after["find tmp"], "absent");
    assert_eq!(after["value new/one n1"], "brand new");
    assert_sound(&world, &mut vault);
}

#[test]
fn counts_follow_every_change() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    let counts = |vault: &mut Vault| {
        let transaction = world.read(vault);
        let state = transaction.state();
        (state.generation, state.secrets, state.values, state.value_bytes)
    };
    assert_eq!(counts(&mut vault), (1, 0, 0, 0));
    world.change(&mut vault, |t| create(t, "a", &[("1", text("four")), ("2", text(""))]));
    assert_eq!(counts(&mut vault), (2, 1, 2, 4));
    world.change(&mut vault, |transaction| {
        let mut record = transaction.find(&home(), "a").unwrap().unwrap();
        let gone = record.versions.remove(0).value.unwrap();
        transaction.remove_value(&gone).unwrap();
        transaction.update(&mut record).unwrap();
    });
    assert_eq!(counts(&mut vault), (3, 1, 1, 0));
    assert_sound(&world, &mut vault);
    world.change(&mut vault, |transaction| {
        let record = transaction.find(&home(), "a").unwrap().unwrap();
        transaction.remove(&record).unwrap();
    });
    assert_eq!(counts(&mut vault), (4, 0, 0, 0));
    let rows = Rows::of(&mut vault.store);
    for table in [Table::Bucket, Table::Node, Table::Secret, Table::Value] {
        assert!(rows.table(table).is_empty(), "{table:?}");
    }
    assert_sound(&world, &mut vault);
}

#[test]
fn a_name_is_taken_once_in_its_scope() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.change(&mut vault, |t| create(t, "a", &[("1", text("here"))]));
    let mut transaction = world.write(&mut vault);
    let record =
        |namespace: Namespace| Record::new(namespace, "a".to_owned(), "xxxxxx".to_owned(), START);
    let taken = transaction.insert(&mut record(home()));
    assert!(matches!(taken, Err(Error::NameTaken(name)) if name == "a"));
    let there = Namespace { region: "eu-west-1".to_owned(), ..home() };
    let elsewhere = Namespace { account: "123456789012".to_owned(), ..home() };
    transaction.insert(&mut record(there.clone())).unwrap();
    transaction.insert(&mut record(elsewhere)).unwrap();
    transaction.commit().unwrap();
    let transaction = world.read(&mut vault);
    assert_eq!(transaction.find(&there, "a").unwrap().unwrap().namespace, there);
    assert_eq!(transaction.find(&home(), "a").unwrap().unwrap().versions.len(), 1);
    assert!(transaction.find(&home(), "A").unwrap().is_none());
    assert!(transaction.find(&home(), "").unwrap().is_none());
    drop(transaction);
    assert_sound(&world, &mut vault);
}

#[test]
fn many_names_share_buckets() {
    let world = World::new();
    let (mut vault, key) = empty(&world);
    let name = |number: u32| format!("secret/{number}");
    world.change(&mut vault, |transaction| {
        for number in 0..600 {
            create(transaction, &name(number), &[]);
        }
    });
    let rows = Rows::of(&mut vault.store);
    assert!(rows.table(Table::Bucket).values().any(|body| body.len() > 40));
    assert_eq!(rows.table(Table::Node).len(), 64);
    world.change(&mut vault, |transaction| {
        for number in (0..600).step_by(2) {
            let record = transaction.find(&home(), &name(number)).unwrap().unwrap();
            transaction.remove(&record).unwrap();
        }
    });
    let mut vault = unlock(vault.store, &key, &STRICT).unwrap();
    let transaction = world.read(&mut vault);
    for number in 0..600 {
        let found = transaction.find(&home(), &name(number)).unwrap();
        assert_eq!(found.is_some(), number % 2 == 1, "{number}");
    }
    drop(transaction);
    assert_sound(&world, &mut vault);
}

#[test]
fn what_is_not_committed_did_not_happen() {
    let world = World::new();
    let (mut vault, _key) = furnished(&world);
    let (before, rows) = (truth(&world, &mut vault), Rows::of(&mut vault.store));
    let mut transaction = world.write(&mut vault);
    create(&mut transaction, "never", &[("1", text("x"))]);
    let record = transaction.find(&home(), "app/db").unwrap().unwrap();
    transaction.remove(&record).unwrap();
    transaction.record_own("Lost", "").unwrap();
    assert!(transaction.find(&home(), "app/db").unwrap().is_none(), "it sees its own changes");
    drop(transaction);
    assert_eq!(truth(&world, &mut vault), before);
    assert!(Rows::of(&mut vault.store) == rows);

    // A transaction that changed nothing leaves no trace either.
    world.write(&mut vault).commit().unwrap();
    world.read(&mut vault).commit().unwrap();
    assert!(Rows::of(&mut vault.store) == rows);
}

#[test]
fn a_transaction_to_read_changes_nothing() {
    let world = World::new();
    let (mut vault, _key) = furnished(&world);
    let rows = Rows::of(&mut vault.store);
    let mut transaction = world.read(&mut vault);
    assert_eq!(transaction.access(), Access::Read);
    transaction.accept_clock();
    let error = transaction.commit().err();
    assert!(matches!(error, Some(Error::Store(store::Error::ReadOnly))), "{error:?}");
    assert!(Rows::of(&mut vault.store) == rows);
}

#[test]
fn a_record_is_changed_only_in_its_own_place() {
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    world.change(&mut vault, |t| create(t, "a", &[]));
    let stale = world.read(&mut vault).find(&home(), "a").unwrap().unwrap();
    world.change(&mut vault, |transaction| {
        transaction.remove(&stale).unwrap();
        create(transaction, "a", &[]);
        create(transaction, "b", &[]);
    });
    // Each would leave the tree with a row that is not the record's.
    let mut renamed = stale.clone();
    renamed.name = "c".to_owned();
    let mut exchanged = world.read(&mut vault).find(&home(), "a").unwrap().unwrap();
    exchanged.name = "b".to_owned();
    for mut record in [stale, renamed, exchanged] {
        let updated = world.write(&mut vault).update(&mut record);
        assert!(updated.is_err(), "{}", record.name);
        let removed = world.write(&mut vault).remove(&record);
        assert!(removed.is_err(), "{}", record.name);
    }
    assert_sound(&world, &mut vault);
}

#[test]
fn without_randomness_nothing_is_changed() {
    let world = World::new();
    let (mut vault, _key) = furnished(&world);
    let rows = Rows::of(&mut vault.store);
    let mut is_done = false;
    for draws in 0..100 {
        let entropy = Drying::after(draws, &world.entropy);
        let context = RequestContext { entropy: &entropy, ..world.context() };
        let tried = vault.begin(Access::Write, context).and_then(|mut transaction| {
            let mut record =
                Record::new(home(), "never".to_owned(), "xxxxxx".to_owned(), transaction.now());
            transaction.assign_row(&mut record)?;
            let stored = transaction.insert_value(record.rid, "v", &text("x"))?;
            record.versions.push(Version::new("v".to_owned(), Some(stored), START));
            transaction.insert(&mut record)?;
            transaction.record_own("Create", "")?;
            transaction.commit()
        });
        match tried {
            Ok(()) => {
                is_done = true;
                break;
            }
            Err(error) => {
                let none = matches!(error, Error::Crypto(crypto::Error::NoEntropy(_)));
                assert!(none, "{draws}: {error:?}");
                assert!(Rows::of(&mut vault.store) == rows, "{draws}");
            }
        }
    }
    assert!(is_done);
    assert_sound(&world, &mut vault);
}

#[test]
fn a_row_key_that_is_taken_is_drawn_again() {
    /// Gives the same row key twice before another.
    struct Stuck<'a>(&'a dyn Entropy, Cell<u8>);
    impl Entropy for Stuck<'_> {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            if bytes.len() == 8 {
                self.1.set(self.1.get() + 1);
                bytes.fill(self.1.get() / 3);
                return Ok(());
            }
            self.0.fill(bytes)
        }
    }
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    let entropy = Stuck(&world.entropy, Cell::new(0));
    let context = RequestContext { entropy: &entropy, ..world.context() };
    let mut transaction = vault.begin(Access::Write, context).unwrap();
    for name in ["a", "b", "c"] {
        create(&mut transaction, name, &[("1", text(name)), ("2", text(name))]);
    }
    transaction.commit().unwrap();
    let rows = Rows::of(&mut vault.store);
    assert_eq!(rows.table(Table::Secret).len(), 3);
    assert_eq!(rows.table(Table::Value).len(), 6);
    // No key is zero, which stands for no row.
    assert!(
        !rows.table(Table::Secret).contains_key(&0) && !rows.table(Table::Value).contains_key(&0)
    );
    assert_sound(&world, &mut vault);
}

#[test]
fn whether_reads_are_logged_is_the_vaults_choice() {
    let world = World::new();
    let make = |settings: Settings| {
        let vault_id = VaultId::generate(&world.entropy).unwrap();
        let master = MasterKey::generate(&world.entropy).unwrap();
        let slots = vec![(0, new_slot(&world, &master, &vault_id).0, String::new())];
        let new = NewVault { vault_id, master: &master, slots, settings, anchors: None };
        Vault::create_in(Store::in_memory(), new, world.context()).unwrap()
    };
    let mut settings = Settings::new("000000000000", "local-1");
    assert!(make(settings.clone()).audits_reads());
    settings.set(Settings::AUDIT_READS, "off");
    // A new vault used to log reads until it was opened for the second time.
    assert!(!make(settings).audits_reads());
}
