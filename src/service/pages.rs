//! Pages: where one begins, where it ends, and the token that leads to the next.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::context::Context;
use super::failure::Failure;
use super::rules::paging::{self, Fingerprint};
use super::rules::sort::Position;
use crate::model::time::Timestamp;
use crate::model::types::NextToken;
use crate::vault::transaction::Transaction;

/// The page that a request asks for.
pub(crate) struct Page {
    fingerprint: Fingerprint,
    after: Option<(Option<Timestamp>, String)>,
    size: usize,
}

impl Page {
    /// Reads where the page begins. `request` is everything that a token must not be moved
    /// between: the operation, the filters, the order.
    pub(crate) fn asked(
        cx: &mut Context<'_, '_>,
        request: &[u8],
        size: usize,
        token: Option<&NextToken>,
    ) -> Result<Self, Failure> {
        let fingerprint = Transaction::fingerprint(request);
        let after = match token {
            None => None,
            Some(token) => {
                let sealed = STANDARD_NO_PAD.decode(&token.0);
                let sealed = sealed.map_err(|_not_base64| paging::invalid_token())?;
                let opened = cx.vault()?.open_token(&sealed).ok_or_else(paging::invalid_token)?;
                let position = paging::decode(opened.expose(), &fingerprint)?;
                Some((position.at, position.name.to_owned()))
            }
        };
        Ok(Self { fingerprint, after, size })
    }

    /// Returns the position after which the page begins; `None` for the first page.
    pub(crate) fn after(&self) -> Option<Position<'_>> {
        self.after.as_ref().map(|(at, name)| Position { at: *at, name })
    }

    /// Cuts off what follows the page, and returns the token that leads to it. Where the caller wants
    /// to know of smaller pages, it is told their tokens.
    pub(crate) fn cut<T>(
        &self,
        cx: &mut Context<'_, '_>,
        items: &mut Vec<T>,
        position: impl for<'t> Fn(&'t T) -> Position<'t>,
    ) -> Result<Option<NextToken>, Failure> {
        let is_last = items.len() <= self.size;
        items.truncate(self.size);
        if let Some(boundaries) = cx.boundaries() {
            let tokens = boundaries.lasts(items).map(|item| self.token(cx, &position(item)));
            let tokens: Result<Vec<_>, Failure> = tokens.collect();
            boundaries.note(tokens?.into_iter().flatten().map(|token| token.0).collect());
        }
        match items.last() {
            Some(last) if !is_last => self.token(cx, &position(last)),
            Some(_) | None => Ok(None),
        }
    }

    /// Returns the token that leads to what is behind a position.
    fn token(
        &self,
        cx: &mut Context<'_, '_>,
        last: &Position<'_>,
    ) -> Result<Option<NextToken>, Failure> {
        let Some(data) = paging::encode(&self.fingerprint, last) else {
            return Ok(None);
        };
        let sealed = cx.vault()?.seal_token(&data)?;
        // Not the alphabet for URLs: a word that begins with `-` is no value on a command line.
        Ok(Some(NextToken(STANDARD_NO_PAD.encode(sealed))))
    }
}
