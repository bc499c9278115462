//! Making a vault.

use std::path::{Path, PathBuf};

use super::slots::NewSlot;
use crate::crypto::header::VaultId;
use crate::crypto::keys::MasterKey;
use crate::vault::state::Settings;
use crate::vault::transaction::RequestContext;
use crate::vault::{self, NewVault, Vault};

/// What a new vault is to be.
pub(crate) struct Plan {
    /// Its slots, in the order of their numbers; at least one.
    pub(crate) slots: Vec<NewSlot>,
    pub(crate) settings: Settings,
    /// Where this machine remembers vaults.
    pub(crate) anchors: Option<PathBuf>,
}

/// Makes a vault at `path`, with a new master key.
///
/// # Errors
/// [`crate::store::Error::Exists`] when something is there.
pub(crate) fn init(
    path: &Path,
    plan: Plan,
    context: RequestContext<'_>,
) -> Result<Vault, vault::Error> {
    let mut vault = prepare(path, plan, context)?;
    vault.appear()?;
    Ok(vault)
}

/// Makes a vault that is nowhere yet, and will be at `path`.
pub(crate) fn prepare(
    path: &Path,
    plan: Plan,
    context: RequestContext<'_>,
) -> Result<Vault, vault::Error> {
    let vault_id = VaultId::generate(context.entropy)?;
    let master = MasterKey::generate(context.entropy)?;
    let mut slots = Vec::new();
    for (number, slot) in (0..).zip(&plan.slots) {
        let body = slot.wrap(&master, &vault_id, context.entropy)?;
        slots.push((number, body, slot.label.clone()));
    }
    let Plan { settings, anchors, .. } = plan;
    let new = NewVault { vault_id, master: &master, slots, settings, anchors };
    Vault::create(path, new, context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::kdf::CostLimit;
    use crate::crypto::keyfile::Keyfile;
    use crate::crypto::slot::Credential;
    use crate::model::time::Timestamp;
    use crate::store::Mode;
    use crate::sys::entropy::CountingEntropy;
    use crate::vault::{LockedVault, Origin};

    #[test]
    fn a_new_vault_opens_with_its_credential_and_no_other() {
        let directory = crate::upkeep::check::tests::directory("init");
        let path = directory.join("a.vault");
        let entropy = CountingEntropy::default();
        let origin = Origin::default();
        let context = RequestContext { now: Timestamp(1), entropy: &entropy, origin: &origin };
        let keyfile = || Keyfile::generate(&entropy).unwrap();
        let ours = keyfile();
        let text = ours.to_text();
        let slot = NewSlot { credential: Credential::Keyfile(ours), kdf: None, label: "k".into() };
        let settings = Settings::new("000000000000", "local-1");
        init(&path, Plan { slots: vec![slot], settings, anchors: None }, context).unwrap();

        let locked = LockedVault::open(&path, Mode::ReadWrite).unwrap();
        let again = Keyfile::parse(text.expose().as_bytes()).unwrap();
        let tried = |keyfile| {
            locked.try_credential(&Credential::Keyfile(keyfile), CostLimit::Ordinary).is_ok()
        };
        assert!(tried(again));
        assert!(!tried(keyfile()));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
