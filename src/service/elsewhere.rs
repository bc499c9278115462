//! The regions of a vault in which a name is taken, for when the region asked for lacks it, and the
//! secrets that once had it.

use crate::model::order;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Vault};

/// The most secrets that are looked through; in a larger vault only its home is looked at.
const MAX_LOOKED_THROUGH: u64 = 5_000;

/// Where a name is, and where the vault is at home.
pub(crate) struct Found {
    pub(crate) home: String,
    /// The regions that have a secret of the name, in order.
    pub(crate) regions: Vec<String>,
    /// The regions that have a secret which was called so, and what it is called now.
    pub(crate) renamed: Vec<(String, String)>,
    /// Names that are spelt nearly so, the nearest first.
    pub(crate) near: Vec<String>,
}

/// Finds the regions that have a secret of this name.
pub(crate) fn find(
    vault: &mut Vault,
    name: &str,
    context: RequestContext<'_>,
) -> Result<Found, vault::Error> {
    let transaction = vault.begin(Access::Read, context)?;
    let home = transaction.state().settings.region().to_owned();
    let (mut regions, mut renamed, mut near) = (Vec::new(), Vec::new(), Vec::new());
    if transaction.state().secrets > MAX_LOOKED_THROUGH {
        let at_home = transaction.find(&transaction.namespace(&home), name)?;
        regions.extend(at_home.map(|record| record.namespace.region));
    } else {
        transaction.each(|record| {
            if record.name == name {
                regions.push(record.namespace.region);
            } else if record.former_names.iter().any(|former| former == name) {
                renamed.push((record.namespace.region, record.name));
            } else if let Some(distance) = distance(name, &record.name) {
                near.push((distance, record.name));
            }
            Ok(())
        })?;
        order::sort_all(&mut regions);
        order::sort_all(&mut renamed);
        order::sort_all(&mut near);
        near.dedup();
    }
    let near = near.into_iter().map(|(_, name)| name).take(MAX_NEAR).collect();
    Ok(Found { home, regions, renamed, near })
}

/// Returns how far one name is from the other; `None` if they have little in common. Letters that are
/// more, less, other or changed in place count one each; a name that has the other in it is as far as
/// one letter.
fn distance(wanted: &str, name: &str) -> Option<usize> {
    let (wanted, name) = (wanted.to_lowercase(), name.to_lowercase());
    let length = wanted.chars().count();
    // Counting costs the product of the lengths.
    if !(2..=MAX_LETTERS).contains(&length) || name.chars().count() > MAX_LETTERS {
        return None;
    }
    if length > 2 && (name.contains(&wanted) || wanted.contains(&name)) {
        return Some(1);
    }
    let distance = strsim::osa_distance(&wanted, &name);
    (distance <= (length / 4).clamp(1, 4)).then_some(distance)
}

/// The most names that are offered.
const MAX_NEAR: usize = 3;
const MAX_LETTERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_near_that_are_spelt_nearly_so() {
        for (wanted, name, expected) in [
            ("exmaple/login", "example/login", Some(1)),
            ("login", "example/login", Some(1)),
            ("EXAMPLE/LOGIN", "example/login", Some(1)),
            ("example/login", "example/mail", None),
            ("a", "ab", None),
            ("ab", "ac", Some(1)),
        ] {
            assert_eq!(distance(wanted, name), expected, "{wanted} {name}");
        }
        assert_eq!(distance(&"x".repeat(101), "x"), None);
    }
}
