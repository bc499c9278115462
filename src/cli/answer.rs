//! What is printed of an answer: which format, which query, which zone. Decided before the vault is
//! opened, so that a mistake in them costs nothing.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::failure::Failure;
use super::output;
use super::output::format::{DEFAULT_WIDTH, Fit, Format, RenderContext, RenderFailed};
use super::pages::{Fetched, Tokens};
use super::query::Query;
use super::request::error as request;
use super::request::error::Form;
use super::request::globals::options::Globals;
use super::stdout::print;
use super::unlock::CommandContext;
use crate::model::value::Value;
use crate::sys::files;
use crate::sys::secret::Secret;

/// How an answer is printed.
pub(crate) struct Answer {
    title: &'static str,
    format: Format,
    query: Option<Query>,
    zone: TimeZone,
    form: Form,
}

impl Answer {
    /// Reads `--output` and `--query`.
    pub(crate) fn new(context: &CommandContext<'_>, title: &'static str) -> Result<Self, Failure> {
        let answer = Self::with_query(context, title, None)?;
        Ok(Self { query: read_query(context.globals)?, ..answer })
    }

    /// Reads `--output`; the query has been read before.
    pub(crate) fn with_query(
        context: &CommandContext<'_>,
        title: &'static str,
        query: Option<Query>,
    ) -> Result<Self, Failure> {
        let configured = match context.form {
            Form::Aws => context.environment.text("AWS_DEFAULT_OUTPUT"),
            Form::Plain => None,
        };
        let name = context.globals.output.as_deref().or(configured).unwrap_or("json");
        let format = Format::from_name(name)
            .ok_or_else(|| request::Error::plain(format!("Unknown output type: {name}")))?;
        let (zone, form) = (local_zone(context.environment.zone()), context.form);
        Ok(Self { title, format, query, zone, form })
    }

    /// Prints an answer, or the pages of one.
    pub(crate) fn print(&self, fetched: Fetched) -> Result<(), Failure> {
        print(self.rendered(fetched)?.expose())
    }

    /// Returns what [`Self::print`] prints.
    pub(crate) fn rendered(&self, fetched: Fetched) -> Result<Secret<Vec<u8>>, Failure> {
        let mut out = Secret::new(Vec::with_capacity(CAPACITY));
        match fetched {
            Fetched::One(value) => self.render(&value, out.expose_mut())?,
            Fetched::Gathered(gathered) if self.format.is_paged() => {
                let (pages, token) = gathered.split(self.tokens());
                for page in pages {
                    self.render_page(&page, out.expose_mut())?;
                }
                if let (Some(token), Format::Text) = (token, self.format) {
                    self.render_page(&output::resume_token(token), out.expose_mut())?;
                }
            }
            Fetched::Gathered(gathered) => self.render(&gathered.whole, out.expose_mut())?,
        }
        Ok(out)
    }

    /// Returns which tokens the format shows: a stream has the service's answers as they were.
    pub(crate) fn tokens(&self) -> Tokens {
        match self.format {
            Format::YamlStream => Tokens::OfPages,
            Format::Json | Format::Text | Format::Table | Format::Yaml | Format::Off => Tokens::Own,
        }
    }

    fn render(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Failure> {
        match &self.query {
            None => finish(output::render(self.format, value, &self.context(), out)),
            Some(query) => {
                let found = look_up(query, value, &self.zone)?;
                finish(output::render(self.format, &found, &self.context(), out))
            }
        }
    }

    fn render_page(&self, page: &Value, out: &mut Vec<u8>) -> Result<(), Failure> {
        let found = match &self.query {
            None => Cow::Borrowed(page),
            Some(query) => look_up(query, page, &self.zone)?,
        };
        finish(output::render_page(self.format, &found, &self.context(), out))
    }

    fn context(&self) -> RenderContext<'_> {
        let width = width();
        // In AWS's form a table is AWS's, whatever the terminal.
        let fit = match self.form {
            Form::Plain if width.is_some() => Fit::Terminal,
            Form::Plain | Form::Aws => Fit::Aws,
        };
        let terminal_width = width.unwrap_or(DEFAULT_WIDTH);
        RenderContext { operation_name: self.title, zone: &self.zone, terminal_width, fit }
    }
}

/// Reads `--query`.
pub(crate) fn read_query(globals: &Globals) -> Result<Option<Query>, request::Error> {
    let read = |expression: &String| {
        Query::parse(expression).map_err(|bad| request::Error::parameters(bad.to_string()))
    };
    globals.query.as_ref().map(read).transpose()
}

fn finish(rendered: Result<(), RenderFailed>) -> Result<(), Failure> {
    rendered.map_err(|failed| Failure::Request(request::Error::plain(failed.to_string())))
}

fn look_up<'v>(
    query: &'v Query,
    value: &'v Value,
    zone: &TimeZone,
) -> Result<Cow<'v, Value>, Failure> {
    let found = query.apply(value, zone);
    found.map_err(|failed| Failure::Request(request::Error::plain(failed.to_string())))
}

/// Returns the zone that dates are shown in.
///
/// jiff alone would walk the whole database of zones, in every command, to name the one that is
/// the machine's. Its rules are in one file.
fn local_zone(wanted: Option<&OsStr>) -> TimeZone {
    let path = match wanted.map(|name| name.to_str().unwrap_or_default()) {
        None => Some(PathBuf::from("/etc/localtime")),
        Some(name) => {
            let name = name.strip_prefix(':').unwrap_or(name);
            let is_plain = !name.is_empty() && !name.starts_with('/') && !name.contains("..");
            is_plain.then(|| Path::new("/usr/share/zoneinfo").join(name))
        }
    };
    let rules = path.and_then(|path| files::read_bounded(&path, MAX_RULES).ok());
    let zone = rules.and_then(|rules| TimeZone::tzif("", &rules).ok());
    zone.unwrap_or_else(TimeZone::system)
}

/// Returns how many columns the terminal on stdout has.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The rules of the zone with the most have a tenth of this.
const MAX_RULES: usize = 1 << 16;

/// Enough for a secret of ordinary size without growing.
const CAPACITY: usize = 4096;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    /// Where the machine has no database of zones, there is nothing to compare.
    #[test]
    fn a_zone_is_read_as_jiff_reads_it() {
        for name in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"] {
            let Ok(expected) = TimeZone::get(name) else { continue };
            for name in [name.to_owned(), format!(":{name}")] {
                let zone = local_zone(Some(OsStr::new(&name)));
                for second in [0, 951_782_400, 1_700_000_000, 1_720_000_000, 4_000_000_000] {
                    let at = Timestamp::from_second(second).unwrap();
                    assert_eq!(zone.to_offset(at), expected.to_offset(at), "{name} {second}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_file_of_rules_is_left_to_jiff() {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        for name in ["", "..", "../localtime", "posixrules/x", "/etc/passwd", "nowhere"] {
            let zone = local_zone(Some(OsStr::new(name)));
            assert_eq!(zone.to_offset(at), TimeZone::system().to_offset(at), "{name}");
        }
    }
}
