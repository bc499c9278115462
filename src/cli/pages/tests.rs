use proptest::prelude::*;

use super::*;
use crate::service::operations;

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

fn paginator(numbers: &[i64], size: i64, most: Option<i64>, start: Option<&str>) -> Seen {
    let call = build::Call {
        request: Value::Map(vec![(PAGE_LIMIT.to_owned(), Value::Integer(size))]),
        pages: build::PagesWanted::All {
            starting_token: start.map(str::to_owned),
            max_items: most,
        },
        token: build::Token::MadeUp,
        notes: Vec::new(),
    };
    let entry = operations::find("list-secrets").unwrap();
    let pages =
        Paginator::new(entry, call).unwrap().fetch(|request, _| Ok(answer(numbers, &request)));
    let Fetched::Gathered(Gathered { whole, first, .. }) = pages.unwrap() else { panic!() };
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
        let seen = paginator(&ten, size, Some(most), None);
        let expected = usize::try_from(most.clamp(0, 10)).unwrap();
        assert_eq!(seen.numbers, ten[..expected], "{size} {most}");
        assert_eq!(said(&seen), token, "{size} {most}");
    }
    assert_eq!(said(&paginator(&[], 4, Some(0), None)), "");
}

#[test]
fn goes_on_where_botocores_tokens_say() {
    let ten: Vec<i64> = (1..=10).collect();
    let amount = |amount| token(Some("2"), Some(amount));
    let seen = paginator(&ten, 4, Some(1), Some(&amount(1)));
    assert_eq!((seen.numbers.as_slice(), seen.first), (&[4][..], 3));
    assert_eq!(said(&seen), r#"{"NextToken": "4"}"#);
    let seen = paginator(&ten, 4, None, Some(&amount(3)));
    assert_eq!((seen.numbers.as_slice(), seen.first), (&[6, 7, 8, 9, 10][..], 1));
    // Only the first page is sliced, however much the token says.
    let seen = paginator(&ten, 4, None, Some(&amount(9)));
    assert_eq!((seen.numbers.as_slice(), seen.first), (&[7, 8, 9, 10][..], 0));
    let seen = paginator(&ten, 4, Some(0), Some(&amount(3)));
    assert_eq!(said(&seen), r#"{"NextToken": "2", "boto_truncate_amount": 3}"#);
    for (old, expected) in [("2", 3), ("2___1", 4), ("None___1", 2), ("None", 1)] {
        assert_eq!(paginator(&ten, 4, Some(1), Some(old)).numbers, [expected], "{old}");
    }
}

#[test]
fn what_is_deleted_in_between_takes_nothing_along() {
    let mut left: Vec<i64> = (1..=10).collect();
    let (mut shown, mut start) = (Vec::new(), None);
    loop {
        let seen = paginator(&left, 4, Some(3), start.as_deref());
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
    let entry = operations::find("list-secrets").unwrap();
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
            pages: build::PagesWanted::All { starting_token, max_items: None },
            token: build::Token::MadeUp,
            notes: Vec::new(),
        };
        let said = Paginator::new(entry, call).err().map(|error| error.message().to_owned());
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
            let seen = paginator(&numbers, size, Some(*most), start.as_deref());
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
