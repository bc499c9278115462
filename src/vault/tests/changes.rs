//! Secrets put in, found, changed and taken out; and transactions that end otherwise.

use super::rows::Rows;
use super::*;
use crate::store::Table;
use crate::sys::entropy::{Entropy, NoEntropy};

/// Randomness that ends after so many draws.
pub(super) struct FakeEntropy<'a> {
    inner: &'a dyn Entropy,
    left: Cell<u32>,
}

impl<'a> FakeEntropy<'a> {
    pub(super) fn after(draws: u32, inner: &'a dyn Entropy) -> Self {
        Self { inner, left: Cell::new(draws) }
    }
}

impl Entropy for FakeEntropy<'_> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.left.set(self.left.get().checked_sub(1).ok_or(NoEntropy::Refused)?);
        self.inner.fill(bytes)
    }
}

#[test]
fn what_is_put_in_is_found_again() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_vault(&fixture);
    let before = truth(&fixture, &mut vault);
    assert!(before["find app/db"].contains("AWSCURRENT"));
    assert_eq!(before["value app/db v1"], "hunter1");
    assert_eq!(before["value none pending"], "no value yet");
    assert_eq!(before["find never"], "absent");
    assert_eq!(before["list"].lines().count(), 4);

    // The same after it was closed and opened again.
    let mut vault = unlock(vault.store, &key, &STRICT).unwrap();
    assert_eq!(truth(&fixture, &mut vault), before);
    assert_sound(&fixture, &mut vault);

    renovate(&fixture, &mut vault, &key);
    let after = truth(&fixture, &mut vault);
    assert_eq!(after["value app/db v1"], "hunter1");
    assert_eq!(after["value app/db v2"], "hunter2");
    assert_eq!(after["find tmp"], "absent");
    assert_eq!(after["value new/one n1"], "brand new");
    assert_sound(&fixture, &mut vault);
}

#[test]
fn counts_follow_every_change() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    let counts = |vault: &mut Vault| {
        let transaction = fixture.read(vault);
        let state = transaction.state();
        (state.generation, state.secrets, state.values, state.value_bytes)
    };
    assert_eq!(counts(&mut vault), (1, 0, 0, 0));
    fixture.change(&mut vault, |t| create(t, "a", &[("1", text("four")), ("2", text(""))]));
    assert_eq!(counts(&mut vault), (2, 1, 2, 4));
    fixture.change(&mut vault, |transaction| {
        let mut record = transaction.find(&home(), "a").unwrap().unwrap();
        let gone = record.versions.remove(0).value.unwrap();
        transaction.remove_value(&gone).unwrap();
        transaction.update(&mut record).unwrap();
    });
    assert_eq!(counts(&mut vault), (3, 1, 1, 0));
    assert_sound(&fixture, &mut vault);
    fixture.change(&mut vault, |transaction| {
        let record = transaction.find(&home(), "a").unwrap().unwrap();
        transaction.remove(&record).unwrap();
    });
    assert_eq!(counts(&mut vault), (4, 0, 0, 0));
    let rows = Rows::of(&mut vault.store);
    for table in [Table::Bucket, Table::Node, Table::Secret, Table::Value] {
        assert!(rows.table(table).is_empty(), "{table:?}");
    }
    assert_sound(&fixture, &mut vault);
}

#[test]
fn a_name_is_taken_once_in_its_scope() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "a", &[("1", text("here"))]));
    let mut transaction = fixture.write(&mut vault);
    let record =
        |namespace: Namespace| Record::new(namespace, "a".to_owned(), "xxxxxx".to_owned(), START);
    let taken = transaction.insert(&mut record(home()));
    assert!(matches!(taken, Err(Error::NameTaken(name)) if name == "a"));
    let there = Namespace { region: "eu-west-1".to_owned(), ..home() };
    let elsewhere = Namespace { account: "123456789012".to_owned(), ..home() };
    transaction.insert(&mut record(there.clone())).unwrap();
    transaction.insert(&mut record(elsewhere)).unwrap();
    transaction.commit().unwrap();
    let transaction = fixture.read(&mut vault);
    assert_eq!(transaction.find(&there, "a").unwrap().unwrap().namespace, there);
    assert_eq!(transaction.find(&home(), "a").unwrap().unwrap().versions.len(), 1);
    assert!(transaction.find(&home(), "A").unwrap().is_none());
    assert!(transaction.find(&home(), "").unwrap().is_none());
    drop(transaction);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn many_names_share_buckets() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let name = |number: u32| format!("secret/{number}");
    fixture.change(&mut vault, |transaction| {
        for number in 0..600 {
            create(transaction, &name(number), &[]);
        }
    });
    let rows = Rows::of(&mut vault.store);
    assert!(rows.table(Table::Bucket).values().any(|body| body.len() > 40));
    assert_eq!(rows.table(Table::Node).len(), 64);
    fixture.change(&mut vault, |transaction| {
        for number in (0..600).step_by(2) {
            let record = transaction.find(&home(), &name(number)).unwrap().unwrap();
            transaction.remove(&record).unwrap();
        }
    });
    let mut vault = unlock(vault.store, &key, &STRICT).unwrap();
    let transaction = fixture.read(&mut vault);
    for number in 0..600 {
        let found = transaction.find(&home(), &name(number)).unwrap();
        assert_eq!(found.is_some(), number % 2 == 1, "{number}");
    }
    drop(transaction);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn what_is_not_committed_did_not_happen() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    let (before, rows) = (truth(&fixture, &mut vault), Rows::of(&mut vault.store));
    let mut transaction = fixture.write(&mut vault);
    create(&mut transaction, "never", &[("1", text("x"))]);
    let record = transaction.find(&home(), "app/db").unwrap().unwrap();
    transaction.remove(&record).unwrap();
    transaction.record_own("Lost", "").unwrap();
    assert!(transaction.find(&home(), "app/db").unwrap().is_none(), "it sees its own changes");
    drop(transaction);
    assert_eq!(truth(&fixture, &mut vault), before);
    assert!(Rows::of(&mut vault.store) == rows);

    // A transaction that changed nothing leaves no trace either.
    fixture.write(&mut vault).commit().unwrap();
    fixture.read(&mut vault).commit().unwrap();
    assert!(Rows::of(&mut vault.store) == rows);
}

#[test]
fn a_transaction_to_read_changes_nothing() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    let rows = Rows::of(&mut vault.store);
    let mut transaction = fixture.read(&mut vault);
    assert_eq!(transaction.access, Access::Read);
    transaction.accept_clock();
    let error = transaction.commit().err();
    assert!(matches!(error, Some(Error::Store(store::Error::ReadOnly))), "{error:?}");
    assert!(Rows::of(&mut vault.store) == rows);
}

#[test]
fn a_record_is_changed_only_in_its_own_place() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "a", &[]));
    let stale = fixture.read(&mut vault).find(&home(), "a").unwrap().unwrap();
    fixture.change(&mut vault, |transaction| {
        transaction.remove(&stale).unwrap();
        create(transaction, "a", &[]);
        create(transaction, "b", &[]);
    });
    // Each would leave the tree with a row that is not the record's.
    let mut renamed = stale.clone();
    renamed.name = "c".to_owned();
    let mut exchanged = fixture.read(&mut vault).find(&home(), "a").unwrap().unwrap();
    exchanged.name = "b".to_owned();
    for mut record in [stale, renamed, exchanged] {
        let updated = fixture.write(&mut vault).update(&mut record);
        assert!(updated.is_err(), "{}", record.name);
        let removed = fixture.write(&mut vault).remove(&record);
        assert!(removed.is_err(), "{}", record.name);
    }
    assert_sound(&fixture, &mut vault);
}

#[test]
fn without_randomness_nothing_is_changed() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    let rows = Rows::of(&mut vault.store);
    let mut is_done = false;
    for draws in 0..100 {
        let entropy = FakeEntropy::after(draws, &fixture.entropy);
        let context = RequestContext { entropy: &entropy, ..fixture.context() };
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
    assert_sound(&fixture, &mut vault);
}

#[test]
fn a_row_key_that_is_taken_is_drawn_again() {
    /// Gives the same row key twice before another.
    struct FixedEntropy<'a>(&'a dyn Entropy, Cell<u8>);
    impl Entropy for FixedEntropy<'_> {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            if bytes.len() == 8 {
                self.1.set(self.1.get() + 1);
                bytes.fill(self.1.get() / 3);
                return Ok(());
            }
            self.0.fill(bytes)
        }
    }
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    let entropy = FixedEntropy(&fixture.entropy, Cell::new(0));
    let context = RequestContext { entropy: &entropy, ..fixture.context() };
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
    assert_sound(&fixture, &mut vault);
}

#[test]
fn whether_reads_are_logged_is_the_vaults_choice() {
    let fixture = VaultFixture::new();
    let make = |settings: Settings| {
        let vault_id = VaultId::generate(&fixture.entropy).unwrap();
        let master = MasterKey::generate(&fixture.entropy).unwrap();
        let slots = vec![(0, new_slot(&fixture, &master, &vault_id).0, String::new())];
        let new = NewVault { vault_id, master: &master, slots, settings, anchors: None };
        Vault::create_in(Store::in_memory(), new, fixture.context()).unwrap()
    };
    let mut settings = Settings::new("000000000000", "local-1");
    assert!(make(settings.clone()).audits_reads());
    settings.set(Settings::AUDIT_READS, "off");
    // A new vault used to log reads until it was opened for the second time.
    assert!(!make(settings).audits_reads());
}
