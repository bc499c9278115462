//! From the options of one operation to its request: the only step with effects, which are handed
//! in: files are read and a token may be made up.
//!
//! The order is AWS's, and with it which of several errors is seen: paging, each option in turn,
//! the input document, the skeleton, blobs, the token, validation. Does not call the operation.

use super::arguments::{Arguments, PAGE_LIMIT, PAGE_TOKEN, Paging, Signature, Skeleton};
use super::base64::{self, Undecodable};
use super::cli_input;
use super::error::Error;
use super::globals::options::BlobFormat;
use super::paramfile::Sources;
use super::skeleton;
use super::unpack;
use super::validate;
use crate::model::shape::{Blob, Member, Shape};
use crate::model::value::Value;
use crate::sys::entropy::{Entropy, random_uuid};

/// What a request takes from the global options and from outside.
#[derive(Clone, Copy)]
pub(crate) struct BuildOptions<'a> {
    pub(crate) no_paginate: bool,
    /// `--cli-binary-format`.
    pub(crate) blob_format: BlobFormat,
    pub(crate) sources: Sources<'a>,
    /// Where a made-up token comes from.
    pub(crate) entropy: &'a dyn Entropy,
}

/// What a command line asks for.
pub(crate) enum Built {
    Call(Call),
    /// A text for stdout, as it is; no call.
    Text(String),
    /// A response to be printed as if the operation had given it; no call.
    Sample(Value),
}

/// A call of an operation. Has no `Debug`: it may hold a secret.
pub(crate) struct Call {
    /// The request, validated; of the pages to come it asks for the first.
    pub(crate) request: Value,
    pub(crate) pages: PagesWanted,
    /// What to print on stderr first, each a line with its newline.
    pub(crate) notes: Vec<&'static str>,
    pub(crate) token: Token,
}

/// Who chose a request's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// The user, unless there is no token.
    Given,
    MadeUp,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PagesWanted {
    /// The one the request asks for.
    One,
    /// All, from a token on, up to so many items.
    All {
        /// `--starting-token`, as it was given.
        starting_token: Option<String>,
        max_items: Option<i64>,
    },
}

/// Builds what a command line asks for.
pub(crate) fn build(
    signature: &Signature,
    mut arguments: Arguments,
    context: BuildOptions<'_>,
) -> Result<Built, Error> {
    let mut pages_all = pages_all(signature, &arguments, context)?;
    let mut request = Vec::new();
    for (member, given) in std::mem::take(&mut arguments.members) {
        let value = unpack::unpack(member, given, context.sources)?;
        request.push((member.name.to_owned(), value));
    }
    let document = cli_input::read(&arguments, context.sources)?;
    let starting_token = load_token(&mut arguments, context.sources)?;
    for (name, value) in document {
        if !request.iter().any(|(known, _)| *known == name) {
            request.push((name, value));
        }
    }
    // A page that the document asks for is the one to fetch.
    pages_all &= !request.iter().any(|(name, _)| is_paging(name));
    match arguments.skeleton {
        Some(Skeleton::Input) => return Ok(Built::Text(skeleton::json_input(signature.input))),
        Some(Skeleton::YamlInput) => return Ok(Built::Text(skeleton::yaml_input(signature.input))),
        Some(Skeleton::Output) | None => {}
    }
    let pages = if pages_all {
        let size = arguments.page_size.map(|size| (PAGE_LIMIT.to_owned(), Value::Integer(size)));
        request.extend(size);
        PagesWanted::All { starting_token, max_items: arguments.max_items }
    } else {
        request.extend(leftover_paging(&arguments, starting_token));
        PagesWanted::One
    };
    let mut request = Value::Map(request);
    let input = Shape::Structure(signature.input);
    read_blobs(&mut request, &input, context.blob_format)?;
    let token = make_up_tokens(&mut request, signature.input, context.entropy)?;
    validate::validate(signature.input, &request)?;
    if arguments.skeleton == Some(Skeleton::Output) {
        return Ok(Built::Sample(skeleton::sample(signature.output)));
    }
    let is_odd = arguments.max_items.is_some_and(|items| items <= 0);
    let notes = if is_odd { vec![ODD_MAX_ITEMS] } else { Vec::new() };
    Ok(Built::Call(Call { request, pages, notes, token }))
}

const ODD_MAX_ITEMS: &str =
    "warning: Non-positive values for --max-items may result in undefined behavior.\n";

fn is_paging(member: &str) -> bool {
    member == PAGE_LIMIT || member == PAGE_TOKEN
}

/// Whether the client fetches all pages: not if told otherwise, nor if one page is asked for.
fn pages_all(
    signature: &Signature,
    arguments: &Arguments,
    context: BuildOptions<'_>,
) -> Result<bool, Error> {
    if signature.paging == Paging::Manual {
        return Ok(false);
    }
    let by_hand = arguments.members.iter().any(|(member, _)| is_paging(member.name));
    if !context.no_paginate && !by_hand {
        return Ok(true);
    }
    // AWS overlooks the empty token and the number 0.
    let given = [
        ("--starting-token", arguments.starting_token.as_deref().is_some_and(|t| !t.is_empty())),
        ("--page-size", arguments.page_size.is_some_and(|size| size != 0)),
        ("--max-items", arguments.max_items.is_some_and(|items| items != 0)),
    ];
    let given: Vec<&str> =
        given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if given.is_empty() {
        return Ok(false);
    }
    let given = given.join(", ");
    Err(Error::parameters(format!(
        "Cannot specify --no-paginate along with pagination arguments: {given}"
    )))
}

/// Paging options where there is nothing to page: AWS passes them on, and refuses them by name.
fn leftover_paging(arguments: &Arguments, token: Option<String>) -> Option<(String, Value)> {
    let options = [
        ("StartingToken", token.map(Value::Text)),
        ("PageSize", arguments.page_size.map(Value::Integer)),
        ("MaxItems", arguments.max_items.map(Value::Integer)),
    ];
    let options = options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let options: Vec<(String, Value)> = options.collect();
    (!options.is_empty()).then(|| ("PaginationConfig".to_owned(), Value::Map(options)))
}

fn load_token(arguments: &mut Arguments, sources: Sources<'_>) -> Result<Option<String>, Error> {
    let Some(word) = arguments.starting_token.take() else { return Ok(None) };
    let flag = "--starting-token";
    match sources.load(&word).map_err(|fault| fault.of(flag))? {
        None => Ok(Some(word)),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(Error::parameter(flag, "a token is text, not bytes")),
    }
}

/// Turns the text of each blob into bytes, anywhere in a request.
fn read_blobs(value: &mut Value, shape: &Shape, format: BlobFormat) -> Result<(), Error> {
    match (shape, value) {
        (Shape::Blob(blob), value) => {
            if let Value::Text(text) = &*value {
                *value = Value::Bytes(read_blob(text, blob, format)?);
            }
            Ok(())
        }
        (Shape::Structure(members), Value::Map(given)) => members.iter().try_for_each(|member| {
            let mut named = given.iter_mut().filter(|(name, _)| name == member.name);
            named.try_for_each(|(_, value)| read_blobs(value, member.shape, format))
        }),
        (Shape::List(list), Value::List(elements)) => {
            elements.iter_mut().try_for_each(|value| read_blobs(value, list.element, format))
        }
        (Shape::Map(element), Value::Map(given)) => {
            given.iter_mut().try_for_each(|(_, value)| read_blobs(value, element, format))
        }
        (
            Shape::Structure(_)
            | Shape::List(_)
            | Shape::Map(_)
            | Shape::Text(_)
            | Shape::Integer(_)
            | Shape::Boolean
            | Shape::Timestamp,
            _,
        ) => Ok(()),
    }
}

fn read_blob(text: &str, blob: &Blob, format: BlobFormat) -> Result<Vec<u8>, Error> {
    if format == BlobFormat::Raw {
        return Ok(text.as_bytes().to_vec());
    }
    base64::decode(text).map_err(|fault| match fault {
        Undecodable::NotAscii => {
            Error::plain("string argument should contain only ASCII characters")
        }
        Undecodable::Padding => {
            // AWS shows the text. It is most often the secret itself, given as it is.
            let shown = if blob.sensitive { "***" } else { text };
            Error::plain(format!("Invalid base64: \"{shown}\""))
        }
    })
}

/// Fills in each absent member that the client makes up: botocore's `idempotencyToken`.
fn make_up_tokens(
    request: &mut Value,
    members: &[Member],
    entropy: &dyn Entropy,
) -> Result<Token, Error> {
    let mut token = Token::Given;
    let Value::Map(given) = request else { return Ok(token) };
    for member in members {
        let is_token = matches!(member.shape, Shape::Text(text) if text.token);
        if is_token && !given.iter().any(|(name, _)| name == member.name) {
            let uuid = random_uuid(entropy).map_err(|fault| Error::plain(fault.to_string()))?;
            given.push((member.name.to_owned(), Value::Text(uuid)));
            token = Token::MadeUp;
        }
    }
    Ok(token)
}

#[cfg(test)]
mod tests;
