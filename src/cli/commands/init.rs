//! interim
use super::super::failure::Failure;
use super::super::unlock::Surroundings;
use crate::crypto::header::VaultId;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::slot::{Credential, SlotBody};
use crate::vault::state::Settings;
use crate::vault::{Founding, Vault};

/// Interim.
pub(crate) fn found(s: &Surroundings<'_>) -> Result<Vault, Failure> {
    let o = s.occasion();
    let vault_id = VaultId::generate(o.entropy)?;
    let master = MasterKey::generate(o.entropy)?;
    let offer = s.offer();
    let key = match offer.keyfile_path() {
        Some(p) if !p.exists() => {
            let k = Keyfile::generate(o.entropy)?;
            crate::sys::files::write_private(p, k.to_text().expose().as_bytes())?;
            k
        }
        _ => offer.keyfile()?.unwrap(),
    };
    let body = SlotBody::wrap(&master, &vault_id, &Credential::Keyfile(key), None, o.entropy)?;
    let f = Founding {
        vault_id,
        master: &master,
        slots: vec![(0, body, String::new())],
        settings: Settings::new("000000000000", "local-1"),
        anchors: s.environment.anchors(),
    };
    Ok(Vault::create(&s.location.path, f, o)?)
}
