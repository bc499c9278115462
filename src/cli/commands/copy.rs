//! `copy`: a value, or one member of it, in the clipboard for a while.

use super::super::everyday::address::Address;
use super::super::everyday::client::Client;
use super::super::everyday::clipboard;
use super::super::failure::Failure;
use super::get;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};

options! {
    /// The options of `copy`.
    pub(super) struct Copy {
        /// The secret; NAME:LABEL, NAME:VERSION-ID and NAME~1 are older versions of it
        secret: Word = "NAME",
        /// One member of a JSON value; by default password, where there is one
        field: Option<Word> = "FIELD",
        /// How long it stays there: 1s to 1h, 45s if you say nothing
        r#for: Option<String> = "TIME"
    }
}

impl OwnCommand for Copy {
    const NAME: &'static str = "copy";
    const TITLE: &'static str = "Copy";
    const SUMMARY: &'static str = "Put a secret's value, or one field of it, into the clipboard.";
    const EXAMPLE: &'static str = "strongroom copy example/login --for 20s";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Version, Takes::Field];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let ms = clipboard::time(self.r#for.as_deref())?;
        let address = Address::parse(&self.secret.0)?;
        let context = invocation.context;
        let field = self.field.map(|Word(field)| field).filter(|field| !field.is_empty());
        let picked = get::part(&mut Client::new(context)?, &address, field.as_deref())?;
        let what = match &field {
            Some(field) => format!("{field} of {}", address.secret),
            None => address.secret,
        };
        clipboard::copy(context.environment, picked, ms, &what)
    }
}
