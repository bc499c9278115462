//! How the AWS CLI gathers pages: all of them unless told otherwise, cut to `--max-items`, and a
//! token of its own to go on from.
//!
//! That token holds the service's token of a page and, where AWS cuts inside a page, how many
//! elements of it were shown: a number that is wrong once one of them has been deleted. Here a page
//! ends wherever the answer does, and the service's token alone, which names the last element
//! shown, leads on; nothing is passed over or shown twice. Tokens with a number are understood.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::answer::{Gathered, Pages};
use super::failure::Failure;
use super::python;
use super::request::arguments::{PAGE_LIMIT, PAGE_TOKEN};
use super::request::error::Error;
use super::request::{base64 as lax, build, json, validate};
use crate::model::value::Value;
use crate::service::operation::{self, Entry};
use crate::service::pages::Cuts;

/// How many elements AWS's pages have.
const PAGE: usize = 100;

/// What is to be fetched.
pub(crate) struct Walk {
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

impl Walk {
    /// Reads where to start.
    pub(crate) fn new(entry: &Entry, call: build::Call) -> Result<Self, Error> {
        let mut request = call.request;
        let (build::Pages::All { starting_token, max_items }, operation::Pages::Gathered(member)) =
            (call.pages, entry.pages)
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
        ask: impl FnOnce(Value, Option<&Cuts>) -> Result<Value, Failure>,
    ) -> Result<Pages, Failure> {
        let Self { mut request, gathering, shown } = self;
        let Some(Gathering { member, size, skip, most }) = gathering else {
            return Ok(Pages::One(ask(request, None)?));
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
        let cuts = (shown == Tokens::OfPages).then(|| Cuts::of(size));
        let mut answer = ask(request, cuts.as_ref())?;
        let mut tokens = cuts.map(Cuts::into_tokens).unwrap_or_default();
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
        Ok(Pages::Gathered(Gathered { whole: Value::Map(whole), member, first, size, tokens }))
    }
}

/// Where `--starting-token` starts.
#[derive(Default)]
struct Start {
    /// What it adds to the request; in a token of ours, the service's token.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers in a service whose tokens name the number before the page.
    fn answer(numbers: &[i64], request: &Value) -> Value {
        let after = text_of(request, PAGE_TOKEN).map_or(i64::MIN, |token| token.parse().unwrap());
        let Some(Value::Integer(limit)) = request.get(PAGE_LIMIT) else { panic!("no limit") };
        let limit = usize::try_from(*limit).unwrap();
        let rest: Vec<i64> = numbers.iter().copied().filter(|number| *number > after).collect();
        let page = &rest[..limit.min(rest.len())];
        let list = page.iter().map(|number| Value::Integer(*number)).collect();
        let mut answer = vec![("SecretList".to_owned(), Value::List(list))];
        if page.len() < rest.len() {
            let token = Value::Text(page.last().unwrap().to_string());
            answer.push((PAGE_TOKEN.to_owned(), token));
        }
        Value::Map(answer)
    }

    struct Seen {
        numbers: Vec<i64>,
        first: usize,
        token: Option<String>,
    }

    fn walk(numbers: &[i64], size: i64, most: Option<i64>, start: Option<&str>) -> Seen {
        let call = build::Call {
            request: Value::Map(vec![(PAGE_LIMIT.to_owned(), Value::Integer(size))]),
            pages: build::Pages::All { starting_token: start.map(str::to_owned), max_items: most },
            token: build::Token::MadeUp,
            notes: Vec::new(),
        };
        let entry = operation::find("list-secrets").unwrap();
        let pages =
            Walk::new(entry, call).unwrap().fetch(|request, _| Ok(answer(numbers, &request)));
        let Pages::Gathered(Gathered { whole, first, .. }) = pages.unwrap() else { panic!() };
        let Some(Value::List(list)) = whole.get("SecretList") else { panic!() };
        let number = |value: &Value| {
            let Value::Integer(number) = value else { panic!("no number") };
            *number
        };
        let numbers = list.iter().map(number).collect();
        Seen { numbers, first, token: text_of(&whole, PAGE_TOKEN) }
    }

    /// What the token says, without base64.
    fn said(seen: &Seen) -> String {
        let token = seen.token.as_deref().map(|token| STANDARD.decode(token).unwrap());
        String::from_utf8(token.unwrap_or_default()).unwrap()
    }

    #[test]
    fn tokens_are_botocores() {
        // docs/behaviour.md, "Lists and filters".
        let aws = "eyJOZXh0VG9rZW4iOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAxfQ==";
        assert_eq!(token(None, Some(1)), aws);
        let start = Start::read(aws).unwrap();
        assert!(start.members.is_empty() && start.skip == 1);
    }

    #[test]
    fn cuts_and_says_where() {
        let ten: Vec<i64> = (1..=10).collect();
        for (size, most, token) in [
            (4, 2, r#"{"NextToken": "2"}"#),
            (4, 4, r#"{"NextToken": "4"}"#),
            (4, 5, r#"{"NextToken": "5"}"#),
            (100, 3, r#"{"NextToken": "3"}"#),
            (4, 10, ""),
            (4, 11, ""),
            (100, i64::MAX, ""),
            (4, 0, r#"{"NextToken": null, "boto_truncate_amount": 0}"#),
            (4, -1, r#"{"NextToken": null, "boto_truncate_amount": 0}"#),
        ] {
            let seen = walk(&ten, size, Some(most), None);
            let expected = usize::try_from(most.clamp(0, 10)).unwrap();
            assert_eq!(seen.numbers, ten[..expected], "{size} {most}");
            assert_eq!(said(&seen), token, "{size} {most}");
        }
        assert_eq!(said(&walk(&[], 4, Some(0), None)), "");
    }

    #[test]
    fn goes_on_where_botocores_tokens_say() {
        let ten: Vec<i64> = (1..=10).collect();
        let amount = |amount| token(Some("2"), Some(amount));
        let seen = walk(&ten, 4, Some(1), Some(&amount(1)));
        assert_eq!((seen.numbers.as_slice(), seen.first), (&[4][..], 3));
        assert_eq!(said(&seen), r#"{"NextToken": "4"}"#);
        let seen = walk(&ten, 4, None, Some(&amount(3)));
        assert_eq!((seen.numbers.as_slice(), seen.first), (&[6, 7, 8, 9, 10][..], 1));
        // Only the first page is sliced, however much the token says.
        let seen = walk(&ten, 4, None, Some(&amount(9)));
        assert_eq!((seen.numbers.as_slice(), seen.first), (&[7, 8, 9, 10][..], 0));
        let seen = walk(&ten, 4, Some(0), Some(&amount(3)));
        assert_eq!(said(&seen), r#"{"NextToken": "2", "boto_truncate_amount": 3}"#);
        for (old, expected) in [("2", 3), ("2___1", 4), ("None___1", 2), ("None", 1)] {
            assert_eq!(walk(&ten, 4, Some(1), Some(old)).numbers, [expected], "{old}");
        }
    }

    #[test]
    fn what_is_deleted_in_between_takes_nothing_along() {
        let mut left: Vec<i64> = (1..=10).collect();
        let (mut shown, mut start) = (Vec::new(), None);
        loop {
            let seen = walk(&left, 4, Some(3), start.as_deref());
            left.retain(|number| !seen.numbers.contains(number));
            shown.extend(seen.numbers);
            start = seen.token;
            if start.is_none() {
                break;
            }
        }
        assert_eq!(shown, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn refuses_tokens_that_say_something_else() {
        let entry = operation::find("list-secrets").unwrap();
        for (json, expected) in [
            (r#"{"NextToken":"x"}"#, ""),
            ("{}", ""),
            ("[1]", ""),
            (
                r#"{"NextToken":null,"boto_truncate_amount":"1"}"#,
                "Bad starting token: \
                 eyJOZXh0VG9rZW4iOm51bGwsImJvdG9fdHJ1bmNhdGVfYW1vdW50IjoiMSJ9",
            ),
            (
                r#"{"NextToken":null,"boto_truncate_amount":-1}"#,
                "Bad starting token: eyJOZXh0VG9rZW4iOm51bGwsImJvdG9fdHJ1bmNhdGVfYW1vdW50IjotMX0=",
            ),
            (
                r#"{"NextToken":5}"#,
                "Parameter validation failed:\nInvalid type for parameter NextToken, value: 5, \
                 type: <class 'int'>, valid types: <class 'str'>",
            ),
            (
                r#"{"NextToken":""}"#,
                "Parameter validation failed:\nInvalid length for parameter NextToken, value: 0, \
                 valid min length: 1",
            ),
            (
                r#"{"Marker":"x"}"#,
                "Parameter validation failed:\nUnknown parameter in input: \"Marker\", must be \
                 one of: IncludePlannedDeletion, MaxResults, NextToken, Filters, SortOrder, SortBy",
            ),
        ] {
            let starting_token = Some(STANDARD.encode(json));
            let call = build::Call {
                request: Value::Map(Vec::new()),
                pages: build::Pages::All { starting_token, max_items: None },
                token: build::Token::MadeUp,
                notes: Vec::new(),
            };
            let said = Walk::new(entry, call).err().map(|error| error.message().to_owned());
            assert_eq!(said.unwrap_or_default(), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_shown_twice_or_passed_over(
            count in 0..40_i64,
            size in 1..10_i64,
            steps in prop::collection::vec(1..12_i64, 1..8),
        ) {
            let numbers: Vec<i64> = (0..count).collect();
            let (mut shown, mut start) = (Vec::new(), None);
            for most in steps.iter().cycle() {
                let seen = walk(&numbers, size, Some(*most), start.as_deref());
                prop_assert!(seen.token.is_none() || seen.numbers.len() == usize::try_from(*most).unwrap());
                shown.extend(seen.numbers);
                start = seen.token;
                if start.is_none() {
                    break;
                }
            }
            prop_assert_eq!(shown, numbers);
        }
    }
}
