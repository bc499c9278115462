//! An open vault for the benchmark: filled in large steps, read without a process for each.

use std::io;
use std::path::Path;

use crate::crypto::header::VaultId;
use crate::crypto::kdf::{CostLimit, KdfParameters};
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::passphrase::Passphrase;
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::context::Context;
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::operation::Entry;
use crate::service::operations;
use crate::store::Mode;
use crate::sys::clock::{Clock, SystemClock};
use crate::sys::entropy::SystemEntropy;
use crate::vault::audit::{Event, Subject};
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{LockedVault, OnDamagedSlot, OnRollback, Origin, UnlockPolicy, Vault};

/// An unlocked vault.
pub struct BenchVault {
    vault: Vault,
    origin: Origin,
}

impl BenchVault {
    /// Opens the vault at `path` with the text of a keyfile. It is not held against what this
    /// machine remembers of it.
    pub fn open(path: &Path, keyfile: &[u8]) -> io::Result<Self> {
        let keyfile = Keyfile::parse(keyfile).map_err(io::Error::other)?;
        let locked = LockedVault::open(path, Mode::ReadWrite).map_err(io::Error::other)?;
        let credential = Credential::Keyfile(keyfile);
        let opened = locked.try_credential(&credential, CostLimit::Ordinary);
        let (_slot, master) = opened.map_err(io::Error::other)?;
        let policy = UnlockPolicy {
            anchors: None,
            on_rollback: OnRollback::Refuse,
            on_damaged_slot: OnDamagedSlot::Refuse,
        };
        let vault = locked.unlock(&master, &policy).map_err(io::Error::other)?;
        Ok(Self { vault, origin: Origin { via: "direct".to_owned(), ..Origin::default() } })
    }

    /// Makes secrets, all in one transaction, by the rules of `create-secret`.
    pub fn fill<'a>(
        &mut self,
        secrets: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<()> {
        let create = entry("create-secret")?;
        let context = context(&self.origin);
        let mut transaction = self.vault.begin(Access::Write, context).map_err(io::Error::other)?;
        let home = transaction.state().settings.region().to_owned();
        for (number, (name, value)) in (0_u64..).zip(secrets) {
            let request = Value::Map(vec![
                ("Name".to_owned(), text(name)),
                ("ClientRequestToken".to_owned(), text(&format!("{number:032}"))),
                ("SecretString".to_owned(), text(value)),
            ]);
            let mut cx = Context::new(&mut transaction, None, &home);
            (create.run)(&mut cx, request).map_err(|failure| refused(&failure))?;
            let subject = Subject { name: name.to_owned(), ..Subject::default() };
            let logged = transaction.record(create.name, Event::SUCCESS, subject);
            logged.map_err(io::Error::other)?;
        }
        transaction.commit().map_err(io::Error::other)
    }

    /// Reads a value as `get-secret-value` does, without a process and, where reads are not
    /// audited, without a commit.
    pub fn read(&mut self, name: &str) -> io::Result<()> {
        let request = Value::Map(vec![("SecretId".to_owned(), text(name))]);
        let entry = entry("get-secret-value")?;
        let call = Call { entry, request, region: None, caller: &Caller::Owner, boundaries: None };
        let answer = dispatch::dispatch(&mut self.vault, call, context(&self.origin));
        answer.map(drop).map_err(|failure| refused(&failure))
    }
}

/// Derives a key at the cost of a new slot where nothing was measured: 256 MiB, 3 passes, 4 lanes.
pub fn derive(passphrase: &[u8]) -> io::Result<()> {
    let vault_id = VaultId::generate(&SystemEntropy).map_err(io::Error::other)?;
    let master = MasterKey::generate(&SystemEntropy).map_err(io::Error::other)?;
    let passphrase = Passphrase::from_bytes(passphrase).map_err(io::Error::other)?;
    let credential = Credential::Passphrase(passphrase);
    let cost = Some(KdfParameters::DEFAULT);
    let wrapped = SlotBody::wrap(&master, &vault_id, &credential, cost, &SystemEntropy);
    wrapped.map(drop).map_err(io::Error::other)
}

fn context(origin: &Origin) -> RequestContext<'_> {
    RequestContext { now: Timestamp(SystemClock.now_ms()), entropy: &SystemEntropy, origin }
}

fn entry(command: &str) -> io::Result<&'static Entry> {
    operations::find(command).ok_or_else(|| io::Error::other(format!("no command {command}")))
}

fn refused(failure: &Failure) -> io::Error {
    match failure {
        Failure::Fault(fault) => io::Error::other(fault.message.clone()),
        Failure::Vault(error) => io::Error::other(error.to_string()),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
