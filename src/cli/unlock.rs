//! Which vault, and how it is opened, unlocked or made.

use std::cell::LazyCell;
use std::path::Path;

use super::credentials::{Offer, Opened};
use super::environment::Environment;
use super::failure::Failure;
use super::location::{Location, Named, locate, no_vault, nowhere};
use super::request::error as request;
use super::request::error::Form;
use super::request::globals::options::Globals;
use super::{on_demand, terminal};
use crate::model::shape::Shaped;
use crate::model::time::Timestamp;
use crate::model::types::RegionName;
use crate::service::constraints;
use crate::store::{self, Mode};
use crate::sys::clock::{Clock, SystemClock};
use crate::sys::entropy::SystemEntropy;
use crate::sys::{files, process};
use crate::upkeep::notices::{self, Notice};
use crate::vault::checkpoint::{Checkpoint, Relation};
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{LockedVault, OnDamagedSlot, OnRollback, Origin, UnlockPolicy, Vault};

/// What every command has at hand.
pub(crate) struct CommandContext<'a> {
    /// The global options.
    pub(crate) globals: &'a Globals,
    /// The environment.
    pub(crate) environment: &'a Environment,
    /// Where the vault is; `None` if nothing says where.
    location: Option<Location>,
    /// The profile asked for.
    pub(crate) profile: Option<Named>,
    region: Option<Named>,
    expected: Option<Checkpoint>,
    offer: Offer,
    /// Whose manners are asked for.
    pub(crate) form: Form,
    /// Who asks: a dozen system calls, which a command that the agent carries out does without.
    pub(crate) origin: LazyCell<Origin>,
}

impl<'a> CommandContext<'a> {
    /// Finds out where the vault is: by path, by profile, or by default.
    pub(crate) fn new(
        globals: &'a Globals,
        environment: &'a Environment,
        form: Form,
    ) -> Result<Self, Failure> {
        let variables: &[&'static str] = match form {
            Form::Aws => &["STRONGROOM_PROFILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"],
            Form::Plain => &["STRONGROOM_PROFILE"],
        };
        let given = globals.profile.as_ref();
        let profile = Named::find("--profile", given, variables, environment)?;
        let location = locate(globals, environment, profile.as_ref())?;
        let variables: &[&'static str] = match form {
            Form::Aws => &["STRONGROOM_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"],
            Form::Plain => &["STRONGROOM_REGION"],
        };
        let given = globals.region.as_ref();
        let region = Named::find("--region", given, variables, environment)?;
        let offer = Offer::new(globals, environment)?;
        // Read before anybody is asked for a passphrase.
        let expected = globals.expect.as_deref().map(checkpoint).transpose()?;
        let origin: fn() -> _ = || Origin { actor: process::actor(), via: "direct".to_owned() };
        let origin = LazyCell::new(origin);
        Ok(Self { globals, environment, location, profile, region, expected, offer, form, origin })
    }

    /// Returns where the vault is.
    pub(crate) fn location(&self) -> Result<&Location, Failure> {
        self.location.as_ref().ok_or_else(nowhere)
    }

    /// Returns the moment that a transaction happens at.
    pub(crate) fn request_context(&self) -> RequestContext<'_> {
        let now = Timestamp(SystemClock.now_ms());
        RequestContext { now, entropy: &SystemEntropy, origin: &self.origin }
    }

    /// Returns the name of the encoding that text files are in, where one is set.
    pub(crate) fn file_encoding(&self) -> Option<&str> {
        match self.form {
            Form::Aws => self.environment.text("AWS_CLI_FILE_ENCODING"),
            Form::Plain => None,
        }
    }

    /// Returns the region that was asked for; `None` is the vault's home.
    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_ref().map(|region| region.value.as_str())
    }

    /// Returns the region that was asked for, and by what.
    pub(crate) fn asked_region(&self) -> Option<&Named> {
        self.region.as_ref()
    }

    /// Requires that the region asked for looks like one: a secret in any other could hardly be
    /// found again.
    pub(crate) fn check_region(&self) -> Result<(), Failure> {
        match self.region() {
            Some(region) if !constraints::allows(RegionName::SHAPE, region) => {
                let message =
                    format!("Provided region_name '{region}' doesn't match a supported format.");
                Err(request::Error::plain(message).into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns what is offered to unlock with.
    pub(crate) fn offer(&self) -> &Offer {
        &self.offer
    }

    /// Returns the guard against older copies.
    pub(crate) fn unlock_policy(&self) -> UnlockPolicy {
        UnlockPolicy {
            anchors: self.environment.anchors(),
            on_rollback: OnRollback::Refuse,
            on_damaged_slot: OnDamagedSlot::Refuse,
        }
    }

    /// Opens the vault, still locked.
    pub(crate) fn open_locked(&self) -> Result<LockedVault, Failure> {
        Ok(LockedVault::open(self.look_at_path()?, Mode::ReadWrite)?)
    }

    /// Opens the vault, still locked, or finds what is left of it.
    pub(crate) fn open_damaged(&self) -> Result<LockedVault, Failure> {
        Ok(LockedVault::open_damaged(self.look_at_path()?)?)
    }

    /// Returns the path of a vault that is there.
    fn look_at_path(&self) -> Result<&Path, Failure> {
        let location = self.location()?;
        let path = &location.path;
        if !path.exists() && !path.is_symlink() {
            return Err(no_vault(location));
        }
        if files::is_network_file_system(path) {
            terminal::note(
                "note: the vault is on a network file system, whose locks may not hold; use it \
                 from one machine at a time",
            );
        }
        Ok(path)
    }

    /// Opens and unlocks the vault.
    pub(crate) fn unlock(&self) -> Result<Vault, Failure> {
        self.unlock_under(&self.unlock_policy())
    }

    /// Opens and unlocks the vault under a guard of the caller's.
    pub(crate) fn unlock_under(&self, policy: &UnlockPolicy) -> Result<Vault, Failure> {
        let vault = self.unlock_silently(policy)?;
        warn(&vault);
        Ok(vault)
    }

    /// Opens and unlocks the vault, and leaves it to the caller to [`warn`].
    pub(crate) fn unlock_silently(&self, policy: &UnlockPolicy) -> Result<Vault, Failure> {
        self.unlock_opened(self.open_locked()?, policy)
    }

    /// Opens and unlocks the vault, or what is left of it.
    pub(crate) fn unlock_damaged(&self, policy: &UnlockPolicy) -> Result<Vault, Failure> {
        let vault = self.unlock_opened(self.open_damaged()?, policy)?;
        warn(&vault);
        Ok(vault)
    }

    fn unlock_opened(&self, locked: LockedVault, policy: &UnlockPolicy) -> Result<Vault, Failure> {
        let opened = self.offer().open(&locked)?;
        let manner = opened.was_asked.then(|| on_demand::manner(self.environment)).flatten();
        let handed = manner.map(|manner| (manner, opened.master.vault_key(locked.vault_id())));
        let vault = self.unlock_with(locked, &opened, policy)?;
        if let Some((manner, key)) = handed {
            on_demand::hand_over(key, manner, &self.location()?.path, self.environment);
        }
        Ok(vault)
    }

    /// Unlocks a vault with the credential that opened one of its slots.
    pub(crate) fn unlock_with(
        &self,
        locked: LockedVault,
        opened: &Opened,
        policy: &UnlockPolicy,
    ) -> Result<Vault, Failure> {
        let mut vault = locked.unlock(&opened.master, policy)?;
        self.expect(&mut vault)?;
        if policy.on_rollback == OnRollback::Refuse {
            // At once, not when a date is missed.
            let now = self.request_context().now;
            notices::of_clock(now, vault.last_commit()).into_iter().for_each(tell);
        }
        Ok(vault)
    }

    /// Requires the state that `--expect` names, or one that came out of it.
    fn expect(&self, vault: &mut Vault) -> Result<(), Failure> {
        let Some(expected) = &self.expected else { return Ok(()) };
        let transaction = vault.begin(Access::Read, self.request_context())?;
        let found = transaction.checkpoint();
        let (relation, hint) = match transaction.relation_to(expected)? {
            Relation::Same | Relation::Descendant => return Ok(()),
            Relation::Older => ("older than", "get the newer file back"),
            Relation::Unproven => (
                "not provably a later state of",
                "it is of another vault or a fork, or its log was repaired, or no longer reaches back",
            ),
        };
        let message = format!("the vault is at {found}, which is {relation} {expected}");
        Err(Failure::environment("RollbackError", message).hinted(hint))
    }
}

/// Requires that the directory is there in which a new file is to be, and that the name is not one
/// under which SQLite would take the file for its own and delete it.
pub(crate) fn check_destination(path: &Path) -> Result<(), Failure> {
    if let Some(owner) = store::owner_of(path) {
        let (path, owner) = (path.display(), owner.display());
        let message = format!("{path} is a name that SQLite uses for what belongs to {owner}");
        return Err(Failure::environment("FileExists", message));
    }
    let directory = files::parent_of(path);
    if directory.is_dir() {
        return Ok(());
    }
    let message = format!("there is no directory {}", directory.display());
    Err(Failure::environment("NoFile", message))
}

fn checkpoint(text: &str) -> Result<Checkpoint, request::Error> {
    Checkpoint::parse(text).ok_or_else(|| {
        request::Error::argument("--expect", format!("{text:?} is no checkpoint: GENERATION:CODE"))
    })
}

/// Tells what a person should know but a script need not.
pub(crate) fn warn(vault: &Vault) {
    notices::of(vault).into_iter().for_each(tell);
}

/// Tells one thing that is not as it should be. `status` tells a script.
pub(crate) fn tell(notice: Notice) {
    let clock = |days: u64, how: &str| {
        format!(
            "note: the clock is {days} days {how} the last change to the vault, whose date is used \
             instead; if the clock is right, run `strongroom accept-state`"
        )
    };
    let text = match notice {
        Notice::ReadOnly => {
            "note: the vault can only be read here; the audit log is not written".to_owned()
        }
        Notice::Full => "note: there is no space left where the vault is; the audit log is not \
                         written"
            .to_owned(),
        Notice::Busy => {
            "note: another process keeps on writing; this read is not in the audit log".to_owned()
        }
        Notice::Unremembered => "note: this machine could not remember the state of the vault; an \
                                 older copy put back would not be noticed"
            .to_owned(),
        Notice::Behind(days) => clock(days, "behind"),
        Notice::Ahead(days) => clock(days, "ahead of"),
    };
    terminal::note(&text);
}
