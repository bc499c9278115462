//! gopass's entries that look like mail: files in base64, and what it wrote before version 1.12.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::sys::secret::Secret;

/// The first line of what gopass once wrote.
const LEGACY: &str = "GOPASS-SECRET-1.0";

/// A file that is an entry.
pub(super) struct File<'t> {
    pub(super) name: Option<&'t str>,
    /// Not there where it cannot be read.
    pub(super) bytes: Option<Secret<Vec<u8>>>,
}

/// A header's name and value, and the text that follows.
type Headers<'t> = (Vec<(&'t str, &'t str)>, &'t str);

/// Reads an entry of a file: an empty first line, headers that say so, and base64.
pub(super) fn file(text: &str) -> Option<File<'_>> {
    let rest = text.strip_prefix(LEGACY).unwrap_or(text);
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let (headers, body) = headers(rest);
    let value = |name: &str| {
        let header = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map(|(_, value)| *value)
    };
    if !value("Content-Transfer-Encoding")?.eq_ignore_ascii_case("base64") {
        return None;
    }
    let disposition = value("Content-Disposition")?;
    let name = disposition.split_once("filename=").map(|(_, name)| name.trim_matches('"'));
    let body: String = body.split_whitespace().collect();
    let bytes = STANDARD.decode(Secret::new(body).expose()).ok().map(Secret::new);
    Some(File { name, bytes })
}

/// Reads what gopass once wrote: the password is a header.
pub(super) fn legacy(text: &str) -> Option<Headers<'_>> {
    let rest = text.strip_prefix(LEGACY)?;
    let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    Some(headers(rest))
}

/// Reads headers up to an empty line, or up to what is none.
fn headers(text: &str) -> Headers<'_> {
    let mut headers = Vec::new();
    let mut rest = text;
    while let Some((line, after)) =
        rest.split_once('\n').or_else(|| (!rest.is_empty()).then_some((rest, "")))
    {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return (headers, after);
        }
        let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_name(name)) else {
            break;
        };
        headers.push((name, value.trim()));
        rest = after;
    }
    (headers, rest)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
