//! Making a vault. The first `create-secret` makes the one that is not there yet, says so, and goes
//! on.

use super::enroll::{self, OnWeak};
use super::failure::Failure;
use super::location::{Chosen, Location};
use super::terminal;
use super::unlock::CommandContext;
use crate::crypto::slot::Credential;
use crate::service::action::Action;
use crate::service::operation::Entry;
use crate::sys::files;
use crate::upkeep::init::{self, Plan};
use crate::upkeep::slots::NewSlot;
use crate::vault::Vault;
use crate::vault::state::Settings;

/// The one operation that makes a vault if there is none.
const OPERATION: &str = Action::CreateSecret.name();

/// Whether this command makes the vault: the first secret, at the place nobody named. A path that
/// was named is never made by accident.
pub(crate) fn is_first(entry: &Entry, context: &CommandContext<'_>) -> bool {
    let Ok(Location { path, chosen, .. }) = context.location() else { return false };
    let is_missing = !path.exists() && !path.is_symlink();
    entry.name == OPERATION && *chosen == Chosen::ByDefault && is_missing
}

/// Makes the vault of the first secret, and says so.
pub(crate) fn make(context: &CommandContext<'_>) -> Result<Vault, Failure> {
    let path = context.location()?.path.display();
    let offer = context.offer();
    // A person who is asked for a new passphrase must know what for, even if stderr is a pipe
    // (`OUT=$(strongroom create-secret … 2>&1)`); anybody else is told afterwards, when it cannot
    // fail any more.
    let will_ask = !offer.has_passphrase() && offer.keyfile_path().is_none();
    if will_ask && terminal::is_there() {
        terminal::object(&format!("there is no vault yet; making one at {path}"));
        return with_defaults(context);
    }
    let vault = with_defaults(context)?;
    terminal::note(&format!("there was no vault yet; made one at {path}"));
    Ok(vault)
}

/// Makes the vault with what is offered, or a new passphrase.
fn with_defaults(context: &CommandContext<'_>) -> Result<Vault, Failure> {
    let offer = context.offer();
    let mut slots = Vec::new();
    if let Some(passphrase) = offer.passphrase()? {
        let passphrase = enroll::judged(passphrase, OnWeak::Refuse)?;
        slots.push(derived(Credential::Passphrase(passphrase)));
    } else if let Some(keyfile) = offer.keyfile()? {
        let credential = Credential::Keyfile(keyfile);
        slots.push(NewSlot { credential, kdf: None, label: "keyfile".to_owned() });
    } else {
        let passphrase = enroll::ask(OnWeak::Refuse)?;
        slots.push(derived(Credential::Passphrase(passphrase)));
    }
    if terminal::is_there() {
        slots.push(recovery()?);
    } else {
        terminal::note(
            "note: no terminal, so no recovery code was made; `strongroom key-slot add --kind \
             recovery-code` makes one",
        );
    }
    let settings = Settings::new(DEFAULT_ACCOUNT, context.region().unwrap_or(DEFAULT_REGION));
    create(context, slots, settings)
}

/// Makes a vault at the place the context names, and its directory.
pub(super) fn create(
    context: &CommandContext<'_>,
    slots: Vec<NewSlot>,
    settings: Settings,
) -> Result<Vault, Failure> {
    let path = &context.location()?.path;
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files::create_private_dir(directory)?;
    }
    let plan = Plan { slots, settings, anchors: context.environment.anchors() };
    Ok(init::init(path, plan, context.request_context())?)
}

fn derived(credential: Credential) -> NewSlot {
    let kdf = Some(enroll::measured_cost());
    NewSlot { credential, kdf, label: "passphrase".to_owned() }
}

/// Makes the slot of a recovery code, which is shown.
pub(super) fn recovery() -> Result<NewSlot, Failure> {
    let credential = Credential::RecoveryCode(enroll::recovery_code()?);
    Ok(NewSlot { credential, kdf: None, label: "recovery code".to_owned() })
}

/// The account of a vault, unless one is given.
pub(super) const DEFAULT_ACCOUNT: &str = "000000000000";
/// The home region of a vault, unless one is given.
pub(super) const DEFAULT_REGION: &str = "local-1";
