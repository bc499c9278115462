//! The key tree: one master key, the vault key from it, seven keys from that, one use each.
//!
//! ```text
//! PRK = HKDF-Extract(salt = vault_id, IKM = master key)
//! K_x = HKDF-Expand(PRK, "srm1/key/" ‖ x, 32)    x in state secret value audit name tree anchor
//! ```
//! `D(n)` = `"srm1" ‖ 00 ‖ n ‖ 00 00` keeps apart what one key is used for. Integers are
//! big-endian.

use subtle::ConstantTimeEq;

use crate::crypto;
use crate::crypto::fields::join;
use crate::crypto::header::{Header, VaultId};
use crate::crypto::primitives::{KeyBytes, expand, extract, hmac};
use crate::crypto::sealed;
use crate::sys::entropy::Entropy;
use crate::sys::memory::scrub_stack;
use crate::sys::secret::Secret;

/// The root of everything in a vault. It lies in the slots, wrapped, and is drawn anew by a rekey.
pub(crate) struct MasterKey(pub(super) KeyBytes);

impl MasterKey {
    /// Draws the master key of a new vault, or a rekeyed one.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, crypto::Error> {
        KeyBytes::random(entropy).map(Self)
    }

    /// The same key again, for tests of vaults that share one.
    #[cfg(test)]
    pub(crate) fn again(&self) -> Self {
        Self(self.0.copy())
    }

    /// Derives the key that everything but the slots hangs on.
    pub(crate) fn vault_key(&self, vault: &VaultId) -> VaultKey {
        let key = VaultKey(extract(&vault.0, self.0.expose()));
        scrub_stack();
        key
    }

    /// Derives the seven keys.
    #[cfg(test)]
    pub(crate) fn keys(&self, vault: &VaultId) -> Keys {
        self.vault_key(vault).keys()
    }

    /// Derives the public number that no other master key has.
    pub(crate) fn commit(&self, vault: &VaultId) -> [u8; 32] {
        self.vault_key(vault).commit()
    }
}

/// The key (PRK) from which the seven are derived. With it a vault can be used, but no slot wrapped.
pub(crate) struct VaultKey(KeyBytes);

impl VaultKey {
    /// Takes a key that another process of this program has [shown](Self::expose).
    pub(crate) fn of(bytes: &[u8; 32]) -> Self {
        let mut key = KeyBytes::zeros();
        key.expose_mut().copy_from_slice(bytes);
        Self(key)
    }

    /// Shows the key, for the process that is to hold it.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Derives the seven keys; to be done once and kept.
    pub(crate) fn keys(&self) -> Keys {
        let keys = Keys {
            state: StateKey(self.subkey(b"state")),
            record: RecordKey(self.subkey(b"secret")),
            value: ValueKey(self.subkey(b"value")),
            audit: AuditKey(self.subkey(b"audit")),
            name: NameKey(self.subkey(b"name")),
            tree: TreeKey(self.subkey(b"tree")),
            anchor: AnchorKey(self.subkey(b"anchor")),
        };
        scrub_stack();
        keys
    }

    /// Derives the public number that no other vault key has.
    pub(crate) fn commit(&self) -> [u8; 32] {
        let mut commit = [0; 32];
        expand(&self.0, &[b"srm1/mk-commit"], &mut commit);
        scrub_stack();
        commit
    }

    fn subkey(&self, label: &[u8]) -> KeyBytes {
        let mut key = KeyBytes::zeros();
        expand(&self.0, &[b"srm1/key/", label], key.expose_mut());
        key
    }
}

/// The seven keys of an unlocked vault.
pub(crate) struct Keys {
    /// Seals the state.
    pub(crate) state: StateKey,
    /// Seals the records of secrets.
    pub(crate) record: RecordKey,
    /// Seals values.
    pub(crate) value: ValueKey,
    /// Seals entries of the audit log.
    pub(crate) audit: AuditKey,
    /// Hashes names.
    pub(crate) name: NameKey,
    /// Hashes the tree.
    pub(crate) tree: TreeKey,
    /// Vouches for what lies outside the vault: anchors and paging tokens.
    pub(crate) anchor: AnchorKey,
}

/// Seals the state, bound to the public header.
pub(crate) struct StateKey(KeyBytes);

impl StateKey {
    /// Seals the state of the vault with this header.
    pub(crate) fn seal(
        &self,
        header: &[u8; Header::LENGTH],
        data: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, crypto::Error> {
        sealed::seal(&self.0, &[&STATE[..], header].concat(), data, entropy)
    }

    /// Opens the state of the vault with this header.
    pub(crate) fn open(
        &self,
        header: &[u8; Header::LENGTH],
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, crypto::Error> {
        sealed::open(&self.0, &[&STATE[..], header].concat(), sealed)
    }
}

/// Seals records, each bound to its row.
pub(crate) struct RecordKey(KeyBytes);

impl RecordKey {
    /// Seals the record of row `rid`.
    pub(crate) fn seal(
        &self,
        vault: &VaultId,
        rid: u64,
        data: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, crypto::Error> {
        sealed::seal(&self.0, &row(RECORD, vault, rid), data, entropy)
    }

    /// Opens the record of row `rid`.
    pub(crate) fn open(
        &self,
        vault: &VaultId,
        rid: u64,
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, crypto::Error> {
        sealed::open(&self.0, &row(RECORD, vault, rid), sealed)
    }
}

/// Where a value belongs: it opens there and nowhere else.
#[derive(Clone, Copy)]
pub(crate) struct ValueAddress<'a> {
    /// The row of the secret.
    pub(crate) rid: u64,
    /// The row of the value.
    pub(crate) vid: u64,
    /// The version's `VersionId`.
    pub(crate) version_id: &'a str,
}

impl ValueAddress<'_> {
    fn aad(&self, vault: &VaultId) -> Result<Vec<u8>, crypto::Error> {
        let length =
            u32::try_from(self.version_id.len()).map_err(|_too_many| crypto::Error::TooLong)?;
        Ok([
            &VALUE[..],
            &vault.0,
            &self.rid.to_be_bytes(),
            &self.vid.to_be_bytes(),
            &length.to_be_bytes(),
            self.version_id.as_bytes(),
        ]
        .concat())
    }
}

/// Seals values, each bound to its secret, row and version.
pub(crate) struct ValueKey(KeyBytes);

impl ValueKey {
    /// Seals the value at this address.
    pub(crate) fn seal(
        &self,
        vault: &VaultId,
        address: ValueAddress<'_>,
        data: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, crypto::Error> {
        sealed::seal(&self.0, &address.aad(vault)?, data, entropy)
    }

    /// Opens the value at this address.
    pub(crate) fn open(
        &self,
        vault: &VaultId,
        address: ValueAddress<'_>,
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, crypto::Error> {
        sealed::open(&self.0, &address.aad(vault)?, sealed)
    }
}

/// Seals entries of the audit log, each bound to its place.
pub(crate) struct AuditKey(KeyBytes);

impl AuditKey {
    /// Seals entry number `seq`.
    pub(crate) fn seal(
        &self,
        vault: &VaultId,
        seq: u64,
        data: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, crypto::Error> {
        sealed::seal(&self.0, &row(AUDIT, vault, seq), data, entropy)
    }

    /// Opens entry number `seq`.
    pub(crate) fn open(
        &self,
        vault: &VaultId,
        seq: u64,
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, crypto::Error> {
        sealed::open(&self.0, &row(AUDIT, vault, seq), sealed)
    }
}

/// Hashes names, so that a row can be found by one and no row tells one.
pub(crate) struct NameKey(KeyBytes);

impl NameKey {
    /// Hashes a name within its scope. A scope has fewer than 65,536 bytes.
    pub(crate) fn hash(&self, scope: &str, name: &str) -> [u8; 16] {
        // A longer scope cannot come about; saturating here keeps the hash a function all the same.
        let length = u16::try_from(scope.len()).unwrap_or(u16::MAX).to_be_bytes();
        head(&hmac(&self.0, &[&length, scope.as_bytes(), name.as_bytes()]))
    }
}

/// Hashes the tree from the buckets up.
pub(crate) struct TreeKey(KeyBytes);

impl TreeKey {
    /// Hashes a bucket in its place.
    pub(crate) fn bucket_digest(&self, bucket: u16, body: &[u8]) -> [u8; 32] {
        hmac(&self.0, &[&BUCKET, &bucket.to_be_bytes(), body])
    }

    /// Hashes a node in its place.
    pub(crate) fn node_digest(&self, node: u16, body: &[u8]) -> [u8; 32] {
        hmac(&self.0, &[&NODE, &node.to_be_bytes(), body])
    }

    /// Whether a bucket has this digest.
    pub(crate) fn is_bucket(&self, bucket: u16, body: &[u8], digest: &[u8; 32]) -> bool {
        self.bucket_digest(bucket, body).ct_eq(digest).into()
    }

    /// Whether a node has this digest.
    pub(crate) fn is_node(&self, node: u16, body: &[u8], digest: &[u8; 32]) -> bool {
        self.node_digest(node, body).ct_eq(digest).into()
    }
}

/// Vouches for what lies outside the vault.
pub(crate) struct AnchorKey(KeyBytes);

impl AnchorKey {
    /// Vouches for the last commit this machine has seen.
    pub(crate) fn tag(&self, generation: u64, commit_id: &[u8; 16]) -> [u8; 32] {
        hmac(&self.0, &[&ANCHOR, &generation.to_be_bytes(), commit_id])
    }

    /// Whether this key made the tag of a commit.
    pub(crate) fn is_tag(&self, generation: u64, commit_id: &[u8; 16], tag: &[u8; 32]) -> bool {
        self.tag(generation, commit_id).ct_eq(tag).into()
    }

    /// Seals a paging token, to be opened only in the same context.
    pub(crate) fn seal_token(
        &self,
        context: &[u8],
        data: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, crypto::Error> {
        sealed::seal(&self.token_key(), &[&TOKEN[..], context].concat(), data, entropy)
    }

    /// Opens a paging token in the context it was sealed in.
    pub(crate) fn open_token(
        &self,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, crypto::Error> {
        sealed::open(&self.token_key(), &[&TOKEN[..], context].concat(), sealed)
    }

    /// The anchor key makes codes; the key that encrypts is derived from it.
    fn token_key(&self) -> KeyBytes {
        let mut key = KeyBytes::zeros();
        key.expose_mut().copy_from_slice(&hmac(&self.0, &[&TOKEN]));
        key
    }
}

/// `D ‖ vault_id ‖ u64`: the associated data of a row that its number tells apart.
fn row(domain: [u8; 8], vault: &VaultId, number: u64) -> [u8; 32] {
    join(&[&domain, &vault.0, &number.to_be_bytes()])
}

/// The first 16 bytes of a digest.
fn head(digest: &[u8; 32]) -> [u8; 16] {
    let mut head = [0; 16];
    for (to, from) in head.iter_mut().zip(digest) {
        *to = *from;
    }
    head
}

/// `D(n)`.
pub(super) const fn domain(n: u8) -> [u8; 8] {
    [b's', b'r', b'm', b'1', 0, n, 0, 0]
}

const STATE: [u8; 8] = domain(1);
const RECORD: [u8; 8] = domain(2);
const VALUE: [u8; 8] = domain(3);
const AUDIT: [u8; 8] = domain(4);
/// The wrapped master key; see `slot`.
pub(super) const SLOT: [u8; 8] = domain(5);
const BUCKET: [u8; 8] = domain(6);
const NODE: [u8; 8] = domain(7);
const ANCHOR: [u8; 8] = domain(9);
const TOKEN: [u8; 8] = domain(11);

/// What someone who has the keys can do to one box, for tests of what holds even then: see
/// [`crate::crypto::testing::collide`]. `data` is padded here; bytes at `free` of it are chosen.
#[cfg(test)]
impl Keys {
    pub(crate) fn collide(
        &self,
        vault: &VaultId,
        place: Forged<'_>,
        model: &[u8],
        (data, free): (&[u8], usize),
    ) -> Option<Vec<u8>> {
        let (key, aad) = match place {
            Forged::Record(rid) => (&self.record.0, row(RECORD, vault, rid).to_vec()),
            Forged::Value(address) => (&self.value.0, address.aad(vault).ok()?),
            Forged::Entry(seq) => (&self.audit.0, row(AUDIT, vault, seq).to_vec()),
        };
        let mut body = u32::try_from(data.len()).ok()?.to_be_bytes().to_vec();
        body.extend_from_slice(data);
        body.resize(sealed::padme(body.len())?, 0);
        crypto::testing::collide(key, &aad, model, (&body, free + 4))
    }
}

/// Where a forged box is to go.
#[cfg(test)]
#[derive(Clone, Copy)]
pub(crate) enum Forged<'a> {
    /// In the row of a record.
    Record(u64),
    Value(ValueAddress<'a>),
    /// In that of an audit entry.
    Entry(u64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::{FixedEntropy, counting, text_vector, vector};
    use crate::sys::entropy::CountingEntropy;

    const VAULT: VaultId =
        VaultId(*b"\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f");
    const RID: u64 = 0x0102_0304_0506_0708;
    const VERSION: ValueAddress<'_> = ValueAddress {
        rid: RID,
        vid: 0x1112_1314_1516_1718,
        version_id: "11111111-2222-4333-8444-555555555555",
    };

    fn master() -> MasterKey {
        MasterKey::generate(&FixedEntropy::of(&[&counting::<32>(0)])).unwrap()
    }

    #[test]
    fn the_seven_keys_are_the_known_ones() {
        let check = |key: &KeyBytes, name: &str| assert_eq!(key.expose()[..], vector(name));
        let keys = master().keys(&VAULT);
        check(&keys.state.0, "K_state");
        check(&keys.record.0, "K_secret");
        check(&keys.value.0, "K_value");
        check(&keys.audit.0, "K_audit");
        check(&keys.name.0, "K_name");
        check(&keys.tree.0, "K_tree");
        check(&keys.anchor.0, "K_anchor");
        assert_eq!(master().commit(&VAULT)[..], vector("mk_commit"));
    }

    #[test]
    fn names_have_the_known_hash() {
        let hash = master().keys(&VAULT).name.hash("000000000000/us-east-1", "prod/db/password");
        assert_eq!(hash[..], vector("nh"));
        // The length before the scope keeps scope and name apart.
        let keys = master().keys(&VAULT);
        assert_ne!(keys.name.hash("ab", "c"), keys.name.hash("a", "bc"));
    }

    #[test]
    fn a_value_has_the_known_box() {
        let nonce = FixedEntropy::of(&[&counting::<24>(0x60)]);
        let keys = master().keys(&VAULT);
        let sealed = keys.value.seal(&VAULT, VERSION, b"\0hunter2", &nonce).unwrap();
        assert_eq!(sealed, vector("value box"));
        assert_eq!(keys.value.open(&VAULT, VERSION, &sealed).unwrap().expose(), b"\0hunter2");
    }

    #[test]
    fn the_tree_has_the_known_digests() {
        let keys = master().keys(&VAULT);
        let pin = sealed::pin(&vector("value box")).unwrap();
        let number = |name: &str| text_vector(name).parse::<u16>().unwrap();
        let (bucket, node) = (number("bucket"), number("node"));
        let entry = [&vector("nh")[..], &RID.to_be_bytes(), &pin].concat();
        let digest = keys.tree.bucket_digest(bucket, &entry);
        assert_eq!(digest[..], vector("bucket digest"));
        let body = [&(1_u64 << (bucket % 64)).to_be_bytes()[..], &digest].concat();
        assert_eq!(keys.tree.node_digest(node, &body)[..], vector("node digest"));
    }

    #[test]
    fn what_lies_outside_has_the_known_codes() {
        let keys = master().keys(&VAULT);
        let commit_id = counting::<16>(0x80);
        let tag = keys.anchor.tag(42, &commit_id);
        let anchor = [&42_u64.to_be_bytes()[..], &commit_id, &tag].concat();
        assert_eq!(anchor, vector("anchor"));
    }

    #[test]
    fn a_box_opens_only_in_its_place() {
        let entropy = CountingEntropy::default();
        let keys = master().keys(&VAULT);
        let other = VaultId([0; 16]);
        let data = b"hunter2";

        let header = [7; Header::LENGTH];
        let sealed = keys.state.seal(&header, data, &entropy).unwrap();
        assert_eq!(keys.state.open(&header, &sealed).unwrap().expose(), data);
        assert!(keys.state.open(&[8; Header::LENGTH], &sealed).is_err());

        let sealed = keys.record.seal(&VAULT, RID, data, &entropy).unwrap();
        assert_eq!(keys.record.open(&VAULT, RID, &sealed).unwrap().expose(), data);
        assert!(keys.record.open(&VAULT, RID + 1, &sealed).is_err());
        assert!(keys.record.open(&other, RID, &sealed).is_err());

        let sealed = keys.value.seal(&VAULT, VERSION, data, &entropy).unwrap();
        let elsewhere = [
            (VAULT, ValueAddress { rid: 1, ..VERSION }),
            (VAULT, ValueAddress { vid: 1, ..VERSION }),
            (VAULT, ValueAddress { version_id: "", ..VERSION }),
            (other, VERSION),
        ];
        for (vault, address) in elsewhere {
            assert!(keys.value.open(&vault, address, &sealed).is_err());
        }

        let sealed = keys.audit.seal(&VAULT, 1, data, &entropy).unwrap();
        assert_eq!(keys.audit.open(&VAULT, 1, &sealed).unwrap().expose(), data);
        assert!(keys.audit.open(&VAULT, 2, &sealed).is_err());
        assert!(keys.audit.open(&other, 1, &sealed).is_err());

        let sealed = keys.anchor.seal_token(b"list", data, &entropy).unwrap();
        assert_eq!(keys.anchor.open_token(b"list", &sealed).unwrap().expose(), data);
        assert!(keys.anchor.open_token(b"versions", &sealed).is_err());
    }

    #[test]
    fn other_vaults_have_other_keys() {
        let (here, there) = (master().keys(&VAULT), master().keys(&VaultId([0; 16])));
        assert_ne!(here.value.0.expose(), there.value.0.expose());
        assert_ne!(master().commit(&VAULT), master().commit(&VaultId([0; 16])));
        let another = MasterKey::generate(&CountingEntropy::default()).unwrap();
        assert_ne!(master().commit(&VAULT), another.commit(&VAULT));
    }
}
