//! Policies on secrets that a grant has met: reading one takes longer than asking it.

use std::sync::{Arc, Mutex, PoisonError};

use super::rules::policy::model::Policy;
use super::rules::policy::parse::parse;

/// The policies met last, with their texts. They go with the grant.
#[derive(Debug, Default)]
pub(crate) struct KnownPolicies(Mutex<Vec<(String, Arc<Policy>)>>);

impl KnownPolicies {
    /// Returns the policy that a text is; `None` where it is none.
    pub(super) fn read(&self, text: &str) -> Option<Arc<Policy>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, policy)) = known.iter().find(|(other, _)| other == text) {
            return Some(Arc::clone(policy));
        }
        let policy = Arc::new(parse(text).ok()?);
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push((text.to_owned(), Arc::clone(&policy)));
        Some(policy)
    }
}

/// More than most vaults have, and soon looked through.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_once() {
        let known = KnownPolicies::default();
        let text = |name: usize| {
            format!(
                r#"{{"Statement":{{"Sid":"s{name}","Effect":"Deny","Principal":"*","Action":"*",
                "Resource":"*"}}}}"#
            )
        };
        let first = known.read(&text(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &known.read(&text(0)).unwrap()));
        assert_ne!(first, known.read(&text(1)).unwrap());
        assert!(known.read("{}").is_none());
        for name in 0..100 {
            assert_eq!(*known.read(&text(name)).unwrap(), parse(&text(name)).unwrap());
        }
        assert_eq!(known.0.lock().unwrap().len(), MOST);
    }
}
