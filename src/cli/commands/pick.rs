//! `pick`: a secret out of all of them, found by typing, and something done with it.

use super::super::everyday::address::{Address, Which};
use super::super::everyday::client::Client;
use super::super::everyday::pick::{self, Choices, Deed, Done, Left, Looks, Whose};
use super::super::everyday::{candidates, clipboard};
use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::edit::{self, Edited};
use super::options::{Argument, options};
use super::own::{Invocation, OwnCommand};
use super::{get, log, otp, rename, show};
use crate::sys::secret::Secret;

options! {
    /// The options of `pick`.
    pub(super) struct Pick {
        /// What is typed already when it begins
        words: Words = "WORDS",
        /// How long what you pick stays in the clipboard: 1s to 1h, 45s if you say nothing
        r#for: Option<String> = "TIME"
    }
}

/// What is looked for; there may be none.
pub(super) struct Words(Vec<String>);

impl Argument for Words {
    fn shape(argument: clap::Arg) -> clap::Arg {
        argument.num_args(0..).action(clap::ArgAction::Append)
    }

    fn read(matches: &clap::ArgMatches, name: &str) -> Result<Self, Error> {
        Vec::read(matches, name).map(Self)
    }
}

impl OwnCommand for Pick {
    const NAME: &'static str = "pick";
    const TITLE: &'static str = "Pick";
    const SUMMARY: &'static str = "Pick a secret at the terminal by typing, and copy or change it.";
    const EXAMPLE: &'static str = "strongroom pick bank";
    const IS_OF_OPERATIONS: bool = true;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        if let Some(why) = terminal::why_no_picture() {
            let message = format!(
                "pick draws on a terminal, and {why}; `strongroom find WORDS` names secrets and \
                 `strongroom get NAME` prints one"
            );
            return Err(Error::parameters(message).into());
        }
        let ms = clipboard::time(self.r#for.as_deref())?;
        let context = invocation.context;
        let mut client = Client::new(context)?;
        let candidates = candidates::all(&mut client)?;
        if candidates.is_empty() {
            return Err(Failure::environment("NotFound", "there is no secret to pick")
                .hinted("`strongroom set NAME` makes one"));
        }
        let is_plain = context.environment.is_set("NO_COLOR");
        let choices = Choices {
            candidates,
            query: &self.words.0.join(" "),
            whose: if client.is_granted() { Whose::Granted } else { Whose::Ours },
            looks: if is_plain { Looks::Alike } else { Looks::Different },
        };
        let mut desk = Desk { client, context, ms };
        let left = pick::pick(choices, &mut |deed, name| desk.act(deed, name))?;
        terminal::end_silence();
        if left == Left::Alone {
            terminal::note("nobody pressed a key for 15 minutes");
        }
        Ok(())
    }
}

/// What there is to do it with.
struct Desk<'a> {
    client: Client<'a>,
    context: &'a CommandContext<'a>,
    /// How long something stays in the clipboard.
    ms: i64,
}

impl Desk<'_> {
    /// Does with a secret what a person wants done. What is said on the ordinary screen stays there, and
    /// has no name in it.
    fn act(&mut self, deed: &Deed, name: &str) -> Result<Done, Failure> {
        let address = Address { secret: name.to_owned(), which: Which::Current };
        let client = &mut self.client;
        Ok(match deed {
            Deed::Copy => {
                let value = get::part(client, &address, None)?;
                self.copy(value, "what you picked")?
            }
            Deed::Otp => {
                let password = otp::password(client, &address, None, self.context)?;
                self.copy(password, "the one-time password")?
            }
            Deed::Edit => {
                terminal::end_silence();
                match edit::edit(client, name, self.context)? {
                    Edited::Changed(told) => {
                        Done::Changed { at: self.context.request_context().now, told }
                    }
                    Edited::Same(told) => Done::Told(told),
                }
            }
            Deed::Show => {
                let value = get::value(client, &address)?;
                Done::Read(show::lines(&value, None, false))
            }
            Deed::Log => {
                let history = log::history(client, name)?;
                Done::Read(Secret::new(log::lines(rename::list(&history, "History"))))
            }
            Deed::Rename(new) => {
                let told = rename::rename(client, name, new.clone())?;
                let told = [told.done, told.left].concat().join("; ");
                Done::Renamed { to: new.clone(), told }
            }
        })
    }

    fn copy(&self, value: Secret<Vec<u8>>, what: &str) -> Result<Done, Failure> {
        terminal::end_silence();
        clipboard::copy(self.context.environment, value, self.ms, what)?;
        Ok(Done::Leave)
    }
}
