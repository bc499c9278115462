//! `otp`: the one-time password of a moment, or the next one that is counted.

use std::io::{self, IsTerminal};

use super::super::colours;
use super::super::everyday::address::{Address, Which};
use super::super::everyday::client::Client;
use super::super::everyday::login::Login;
use super::super::everyday::swap::{self, Loser};
use super::super::everyday::{clipboard, qr};
use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::stdout::{self, print};
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::get;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::crypto::otp::{self, Code};
use crate::model::otp::{self as written, Moves};
use crate::model::secret_value::SecretValue;
use crate::sys::secret::Secret;

/// The member of a login that makes its one-time passwords.
const TOTP: &str = "totp";

options! {
    /// The options of `otp`.
    pub(super) struct Otp {
        /// The secret: an otpauth:// URI, a key in base32, or a JSON value with one of them
        secret: Word = "NAME",
        /// The member of a JSON value that has it, or a field of the type totp among its fields; totp
        /// or the first such field if you say nothing
        field: Option<Word> = "FIELD",
        /// Put the password into the clipboard instead of printing it
        copy: bool,
        /// How long it stays there: 1s to 1h, 45s if you say nothing
        r#for: Option<String> = "TIME" => .requires("copy"),
        /// Show the URI as a QR code, for a telephone
        qr: bool => .conflicts_with("copy"),
        /// Show the QR code even where there is no terminal, but a file or a pipe
        reveal: bool => .requires("qr")
    }
}

/// A text that makes one-time passwords, and where it is.
struct Seed {
    text: Secret<String>,
    value: SecretValue,
    place: Place,
    version: String,
}

/// Where in a value it is.
enum Place {
    Whole,
    Member(String),
    /// An element of `fields`.
    Field(usize),
}

impl OwnCommand for Otp {
    const NAME: &'static str = "otp";
    const TITLE: &'static str = "Otp";
    const SUMMARY: &'static str = "Print a one-time password.";
    const EXAMPLE: &'static str = "strongroom otp example/login";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Version, Takes::Field];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let ms = clipboard::time(self.r#for.as_deref())?;
        let address = Address::parse(&self.secret.0)?;
        let field = self.field.map(|Word(field)| field).filter(|field| !field.is_empty());
        if self.qr && !self.reveal && !io::stdout().is_terminal() {
            let what = "what it shows is the key itself, and there is no terminal to show it at; \
                        --reveal writes it all the same";
            return Err(Error::argument("--qr", what).into());
        }
        let mut client = Client::new(context)?;
        if self.qr {
            let seed = Seed::read(&mut client, &address, field.as_deref())?;
            parsed(&seed, &address.secret)?;
            let uri = written::uri(seed.text.expose(), &address.secret);
            let (globals, environment) = (context.globals, context.environment);
            let are_wanted = colours::are_wanted(globals, environment, io::stdout().is_terminal());
            let drawing = qr::drawing(uri.expose(), are_wanted).ok_or_else(|| {
                failure(format!("the URI of {} is too long for a QR code", address.secret))
            })?;
            return stdout::draw(drawing.expose().as_bytes());
        }
        let mut text = password(&mut client, &address, field.as_deref(), context)?;
        if self.copy {
            let what = format!("the one-time password of {}", address.secret);
            return clipboard::copy(context.environment, text, ms, &what);
        }
        if io::stdout().is_terminal() {
            text.expose_mut().push(b'\n');
        }
        print(text.expose())
    }
}

/// Makes the password of this moment, and tells a person for how long it holds.
pub(super) fn password(
    client: &mut Client<'_>,
    address: &Address,
    field: Option<&str>,
    context: &CommandContext<'_>,
) -> Result<Secret<Vec<u8>>, Failure> {
    let seconds = u64::try_from(context.request_context().now.0 / 1000).unwrap_or_default();
    let code = code(client, address, field, seconds)?;
    if let Some(left) = code.seconds_left {
        let unit = if left == 1 { "second" } else { "seconds" };
        terminal::note(&format!("valid for {left} more {unit}"));
    }
    Ok(Secret::new(code.text.expose().as_bytes().to_vec()))
}

/// Makes the password of a moment; where passwords are counted, it is shown to nobody before the next
/// counter is stored.
fn code(
    client: &mut Client<'_>,
    address: &Address,
    field: Option<&str>,
    seconds: u64,
) -> Result<Code, Failure> {
    for _ in 0..swap::ATTEMPTS {
        let seed = Seed::read(client, address, field)?;
        let otp = parsed(&seed, &address.secret)?;
        let Moves::Counter(counter) = otp.moves else { return Ok(otp::code(&otp, seconds)) };
        if address.which != Which::Current {
            let what = "passwords that are counted are of the current version";
            return Err(Error::argument("NAME", what).into());
        }
        let Some(next) = counter.checked_add(1) else {
            return Err(failure(format!("the counter of {} is at its end", address.secret)));
        };
        let code = otp::code(&otp, seconds);
        let text = written::with_counter(seed.text.expose().trim(), next);
        let value = seed.with(text);
        if swap::replace(client, &address.secret, &seed.version, &value, Loser::Dropped)? {
            return Ok(code);
        }
        // Somebody else has changed it meanwhile, and has this password.
    }
    Err(swap::always_changed(&address.secret))
}

impl Seed {
    fn read(
        client: &mut Client<'_>,
        address: &Address,
        field: Option<&str>,
    ) -> Result<Self, Failure> {
        let (value, version) = get::version(client, address)?;
        let SecretValue::Text(text) = &value else {
            return Err(none(&address.secret));
        };
        let (text, place) = match (Login::read(text.expose()), field) {
            (None, None) => (Secret::new(text.expose().clone()), Place::Whole),
            (None, Some(_)) => return Err(get::no_fields(&address.secret)),
            (Some(login), field) => {
                let name = field.unwrap_or(TOTP);
                let member = login.get(name).filter(|member| !member.is_empty());
                let member = member.map(|member| (member.value(), Place::Member(name.to_owned())));
                let further = || {
                    let (place, text) = login.further_totp(field)?;
                    Some((text, Place::Field(place)))
                };
                member.or_else(further).ok_or_else(|| none(&address.secret))?
            }
        };
        Ok(Self { text, value, place, version })
    }

    /// Returns the whole value with another text in this one's place.
    fn with(&self, text: Secret<String>) -> Secret<String> {
        let SecretValue::Text(value) = &self.value else { return text };
        let login = Login::read(value.expose());
        let changed = match (&self.place, login) {
            (Place::Whole, _) => return text,
            (_, None) => None,
            (Place::Member(name), Some(login)) => Some(login.with(name, &text)),
            (Place::Field(place), Some(login)) => login.with_field(*place, &text),
        };
        // Whatever was read can be written.
        changed.unwrap_or_else(|| Secret::new(value.expose().clone()))
    }
}

fn parsed(seed: &Seed, secret: &str) -> Result<written::Otp, Failure> {
    written::Otp::parse(seed.text.expose()).map_err(|why| {
        failure(format!("{secret} makes no one-time passwords: {why}"))
            .hinted(format!("`strongroom set {secret} totp` takes the site's URI or key"))
    })
}

fn none(secret: &str) -> Failure {
    failure(format!("{secret} has nothing that makes one-time passwords"))
        .hinted(format!("`strongroom set {secret} totp` takes the site's URI or key"))
}

fn failure(message: String) -> Failure {
    Failure::environment("OtpError", message)
}
