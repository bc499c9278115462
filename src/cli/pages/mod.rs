//! How the AWS CLI gathers pages: all of them unless told otherwise, cut to `--max-items`, and a
//! token of its own to go on from.
//!
//! That token holds the service's token of a page and, where AWS cuts inside a page, how many
//! elements of it were shown: a number that is wrong once one of them has been deleted. Here a page
//! ends wherever the answer does, and the service's token alone, which names the last element
//! shown, leads on; nothing is passed over or shown twice. Tokens with a number are understood.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::failure::Failure;
use super::python;
use super::request::arguments::{PAGE_LIMIT, PAGE_TOKEN};
use super::request::error::Error;
use super::request::{base64 as lax, build, json, validate};
use crate::model::value::Value;
use crate::service::operation::{self, Entry};
use crate::service::rules::paging::PageBoundaries;

/// How many elements AWS's pages have.
const PAGE: usize = 100;

/// What is to be fetched.
pub(crate) struct Paginator {
    /// The first request.
    pub(crate) request: Value,
    gathering: Option<Gathering>,
    shown: Tokens,
}

/// Which tokens an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// The one that goes on from the whole.
    Own,
    /// The service's own, on every page.
    OfPages,
}

/// How pages are put together.
struct Gathering {
    member: &'static str,
    /// How many elements a page has.
    size: usize,
    /// How many elements of the first page are left out.
    skip: usize,
    /// `--max-items`; what is negative counts as 0.
    most: Option<usize>,
}

impl Paginator {
    /// Reads where to start.
    pub(crate) fn new(entry: &Entry, call: build::Call) -> Result<Self, Error> {
        let mut request = call.request;
        let (
            build::PagesWanted::All { starting_token, max_items },
            operation::Pages::Gathered(member),
        ) = (call.pages, entry.pages)
        else {
            return Ok(Self { request, gathering: None, shown: Tokens::Own });
        };
        let size = match request.get(PAGE_LIMIT) {
            Some(Value::Integer(size)) => usize::try_from(*size).unwrap_or(PAGE),
            Some(_) | None => PAGE,
        };
        let start = starting_token.as_deref().map(Start::read).transpose()?.unwrap_or_default();
        if !start.members.is_empty() {
            for (name, value) in start.members {
                put(&mut request, &name, value);
            }
            validate::validate(entry.input.members(), &request)?;
        }
        let most = max_items.map(|items| usize::try_from(items.max(0)).unwrap_or(usize::MAX));
        let gathering = Gathering { member, size: size.max(1), skip: start.skip, most };
        Ok(Self { request, gathering: Some(gathering), shown: Tokens::Own })
    }

    /// Says which tokens are shown.
    #[must_use]
    pub(crate) fn showing(self, shown: Tokens) -> Self {
        Self { shown, ..self }
    }

    /// Fetches it, in one request: all that is shown is of one moment.
    pub(crate) fn fetch(
        self,
        ask: impl FnOnce(Value, Option<&PageBoundaries>) -> Result<Value, Failure>,
    ) -> Result<Fetched, Failure> {
        let Self { mut request, gathering, shown } = self;
        let Some(Gathering { member, size, skip, most }) = gathering else {
            return Ok(Fetched::One(ask(request, None)?));
        };
        // Only the first page is sliced, however much the token says.
        let left_out = skip.min(size);
        let limit = match most {
            None => usize::MAX,
            Some(0) => size,
            Some(most) => most.saturating_add(left_out),
        };
        // The service has let the request through with a page's size.
        let number = Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        put(&mut request, PAGE_LIMIT, number);
        let start = text_of(&request, PAGE_TOKEN);
        let boundaries = (shown == Tokens::OfPages).then(|| PageBoundaries::of(size));
        let mut answer = ask(request, boundaries.as_ref())?;
        let mut tokens = boundaries.map(PageBoundaries::into_tokens).unwrap_or_default();
        tokens.extend(text_of(&answer, PAGE_TOKEN));
        let mut elements = match answer.get_mut(member) {
            Some(Value::List(elements)) => std::mem::take(elements),
            Some(_) | None => Vec::new(),
        };
        elements.drain(..left_out.min(elements.len()));
        let mut next = text_of(&answer, PAGE_TOKEN).map(|next| token(Some(&next), None));
        if most == Some(0) && !elements.is_empty() {
            elements.clear();
            next = Some(token(start.as_deref(), Some(skip)));
        }
        let mut whole = vec![(member.to_owned(), Value::List(elements))];
        whole.extend(next.map(|token| (PAGE_TOKEN.to_owned(), Value::Text(token))));
        let first = size.saturating_sub(left_out);
        Ok(Fetched::Gathered(Gathered { whole: Value::Map(whole), member, first, size, tokens }))
    }
}

/// What was fetched, to be printed.
pub(crate) enum Fetched {
    /// One answer.
    One(Value),
    /// An answer that AWS would have given in pages.
    Gathered(Gathered),
}

/// All pages together, and how they would have been cut.
pub(crate) struct Gathered {
    /// The whole answer.
    pub(crate) whole: Value,
    /// The member that was gathered.
    pub(crate) member: &'static str,
    /// How many elements the first page has: fewer, where an earlier answer ended inside of it.
    pub(crate) first: usize,
    /// How many elements each other page has.
    pub(crate) size: usize,
    /// The service's token of each page; the last page of all has none.
    pub(crate) tokens: Vec<String>,
}

impl Gathered {
    /// Cuts the answer into its pages, at least one, and takes out the token that goes on from it.
    pub(crate) fn split(self, shown: Tokens) -> (Vec<Value>, Option<String>) {
        let Self { whole: Value::Map(mut members), member, first, size, tokens } = self else {
            return (vec![self.whole], None);
        };
        let mut take = |wanted: &str| {
            let index = members.iter().position(|(name, _)| name == wanted)?;
            Some(members.remove(index))
        };
        let token = match take(PAGE_TOKEN) {
            Some((_, Value::Text(token))) => Some(token),
            Some(_) | None => None,
        };
        let Some((name, Value::List(elements))) = take(member) else {
            return (vec![Value::Map(members)], token);
        };
        let page = |elements: Vec<Value>| vec![(name.clone(), Value::List(elements))];
        let mut pages = Vec::new();
        let mut elements = elements.into_iter().peekable();
        pages.push(page(elements.by_ref().take(first).collect()));
        while elements.peek().is_some() {
            pages.push(page(elements.by_ref().take(size.max(1)).collect()));
        }
        if shown == Tokens::OfPages {
            for (page, token) in pages.iter_mut().zip(tokens) {
                page.push((PAGE_TOKEN.to_owned(), Value::Text(token)));
            }
        }
        (pages.into_iter().map(Value::Map).collect(), token)
    }
}

/// Where `--starting-token` starts.
#[derive(Default)]
struct Start {
    /// What it adds to the request; in a token of Strongroom's, the service's token.
    members: Vec<(String, Value)>,
    /// How many elements of the first page are left out.
    skip: usize,
}

impl Start {
    /// Reads botocore's token: base64 of a JSON object. Anything else is the service's own, maybe
    /// with a number behind it, as botocore once wrote it.
    fn read(text: &str) -> Result<Self, Error> {
        match decode(text) {
            Some(members) => Self::of_members(members, text),
            None => Ok(Self::of_old(text)),
        }
    }

    fn of_members(mut members: Vec<(String, Value)>, text: &str) -> Result<Self, Error> {
        let bad = || Error::plain(format!("Bad starting token: {text}"));
        let place = members.iter().position(|(name, _)| name == AMOUNT);
        let skip = match place.map(|place| members.remove(place).1) {
            None | Some(Value::Null) => 0,
            Some(Value::Integer(amount)) => usize::try_from(amount).map_err(|_less| bad())?,
            Some(_) => return Err(bad()),
        };
        members.retain(|(_, value)| {
            !matches!(value, Value::Null) && !matches!(value, Value::Text(text) if text == "None")
        });
        Ok(Self { members, skip })
    }

    fn of_old(text: &str) -> Self {
        let parts = text.split_once("___").filter(|(_, rest)| !rest.contains("___"));
        let parts = parts.and_then(|(token, amount)| {
            Some((token, usize::try_from(python::integer(amount)?).ok()?))
        });
        let (token, skip) = parts.unwrap_or((text, 0));
        let token = (token != "None").then(|| Value::Text(token.to_owned()));
        Self {
            members: token.map(|token| (PAGE_TOKEN.to_owned(), token)).into_iter().collect(),
            skip,
        }
    }
}

/// How the token says how many elements of its page were shown.
const AMOUNT: &str = "boto_truncate_amount";

fn decode(text: &str) -> Option<Vec<(String, Value)>> {
    let bytes = lax::decode(text).ok()?;
    let json = json::parse(std::str::from_utf8(&bytes).ok()?).ok()?;
    if let Value::Map(members) = json { Some(members) } else { None }
}

fn token(service: Option<&str>, amount: Option<usize>) -> String {
    let service = serde_json::Value::from(service);
    // Python puts a space after each colon and comma; a token that is compared should not differ.
    let amount = amount.map(|amount| format!(", \"{AMOUNT}\": {amount}")).unwrap_or_default();
    STANDARD.encode(format!("{{\"{PAGE_TOKEN}\": {service}{amount}}}"))
}

fn text_of(map: &Value, name: &str) -> Option<String> {
    match map.get(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        Some(_) | None => None,
    }
}

fn put(map: &mut Value, name: &str, value: Value) {
    let Value::Map(members) = map else { return };
    match members.iter_mut().find(|(known, _)| known == name) {
        Some((_, place)) => *place = value,
        None => members.push((name.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests;
