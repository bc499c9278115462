//! Earlier passwords, as most programs keep them: without the rest of what the item was then.

use super::item::{Content, Earlier, Item};
use super::text;
use crate::model::order;
use crate::model::time::Timestamp;

/// Adds passwords that an item's login had before, each with the time when it was given up: the rest of
/// the login is taken to have been the same. Returns how many were left out, the oldest, because there
/// are more than a secret can have versions.
pub(super) fn remember(item: &mut Item, mut passwords: Vec<(Option<Timestamp>, String)>) -> usize {
    let Content::Login(login) = &item.content else { return passwords.len() };
    order::sort_by_key(&mut passwords, |(at, _password)| *at);
    let too_many = passwords.len().saturating_sub(MOST_EARLIER);
    item.history = passwords
        .into_iter()
        .skip(too_many)
        .map(|(at, password)| {
            let mut login = login.copy();
            login.password = password.into();
            login.modified = at.and_then(text::date);
            Earlier { at, content: Content::Login(Box::new(login)) }
        })
        .collect();
    too_many
}

/// How many versions of a secret AWS keeps that have no label.
const MOST_EARLIER: usize = 100;
