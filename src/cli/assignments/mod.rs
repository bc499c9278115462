//! Variables as assignments: in the words of a shell, or the lines of a file, so that whoever reads
//! them has every value to the byte. What a notation cannot hold is refused, and named.
//!
//! Knows no vault, and nothing of where the values come from.

use std::collections::BTreeSet;

use crate::sys::secret::Secret;

/// A notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For `eval` in sh, dash, bash, ksh and zsh.
    Shell,
    /// For `source` in fish.
    Fish,
    /// For `Invoke-Expression` in PowerShell.
    Powershell,
    /// A `.env` file, by the rules of python-dotenv.
    Dotenv,
    /// One JSON object.
    Json,
    /// What `docker run --env-file` reads.
    Docker,
    /// What systemd reads by `EnvironmentFile=`.
    Systemd,
    /// What GitHub's runner reads from the file `$GITHUB_ENV`.
    Github,
}

/// A variable that a notation cannot hold, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) name: String,
    pub(crate) why: &'static str,
}

/// A variable and its value.
pub(crate) type Variable = (String, Secret<Vec<u8>>);

/// Writes variables, of which the last of a name counts.
pub(crate) fn write(format: Format, variables: &[Variable]) -> Result<Secret<Vec<u8>>, Unfit> {
    let mut seen = BTreeSet::new();
    let mut last: Vec<&Variable> =
        variables.iter().rev().filter(|(name, _)| seen.insert(name.as_str())).collect();
    last.reverse();
    let mut out = Secret::new(Vec::new());
    let mut is_first = true;
    for (name, value) in last {
        let line = assignment(format, name, value.expose());
        let line = line.map_err(|why| Unfit { name: name.clone(), why })?;
        if format == Format::Json {
            out.expose_mut().extend_from_slice(if is_first { b"{\n" } else { b",\n" });
        }
        is_first = false;
        out.expose_mut().extend_from_slice(line.expose());
        if format != Format::Json {
            out.expose_mut().push(b'\n');
        }
    }
    if format == Format::Json {
        out.expose_mut().extend_from_slice(if is_first { b"{}\n" } else { b"\n}\n" });
    }
    Ok(out)
}

fn assignment(format: Format, name: &str, value: &[u8]) -> Result<Secret<Vec<u8>>, &'static str> {
    if value.contains(&0) && format != Format::Json {
        return Err("it has a NUL, which no variable can hold");
    }
    check_name(format, name)?;
    let mut line = Secret::new(Vec::with_capacity(name.len() + value.len() + 32));
    let out = line.expose_mut();
    match format {
        Format::Shell => {
            out.extend(format!("export {name}=").into_bytes());
            out.extend_from_slice(shell_word(value).expose());
        }
        Format::Fish => {
            out.extend(format!("set -gx {name} ").into_bytes());
            out.extend_from_slice(escaped(value, b"'\\", b'\'').expose());
        }
        Format::Powershell => out.extend(powershell(name, text(value)?)?),
        Format::Dotenv => out.extend(dotenv(name, text(value)?)?),
        Format::Json => out.extend(json(name, text(value)?)?),
        Format::Docker => out.extend(docker(name, text(value)?)?),
        Format::Systemd => out.extend(systemd(name, text(value)?)?),
        Format::Github => out.extend(github(name, text(value)?)),
    }
    Ok(line)
}

fn check_name(format: Format, name: &str) -> Result<(), &'static str> {
    match format {
        Format::Docker if name.starts_with('#') || name.contains(char::is_whitespace) => {
            Err("docker's files have no such name")
        }
        Format::Json | Format::Docker => Ok(()),
        Format::Shell
        | Format::Fish
        | Format::Powershell
        | Format::Dotenv
        | Format::Systemd
        | Format::Github => {
            if is_identifier(name) {
                Ok(())
            } else {
                Err("its name must be of A-Z, a-z, 0-9 and _, and begin with no digit")
            }
        }
    }
}

/// Whether every shell can have a variable of this name.
pub(crate) fn is_identifier(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| is_part(c) && !c.is_ascii_digit()) && name.chars().all(is_part)
}

/// Writes bytes as one word of a shell of POSIX's kind: nothing in it means anything to the shell.
pub(crate) fn shell_word(value: &[u8]) -> Secret<Vec<u8>> {
    let mut out = Secret::new(Vec::with_capacity(value.len() + 2));
    let word = out.expose_mut();
    word.push(b'\'');
    for byte in value {
        match byte {
            b'\'' => word.extend_from_slice(br"'\''"),
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
    out
}

/// Writes bytes between quotes, with a backslash before those that need one.
fn escaped(value: &[u8], special: &[u8], quote: u8) -> Secret<Vec<u8>> {
    let mut out = Secret::new(Vec::with_capacity(value.len() + 2));
    let quoted = out.expose_mut();
    quoted.push(quote);
    for byte in value {
        if special.contains(byte) {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(quote);
    out
}

fn text(value: &[u8]) -> Result<&str, &'static str> {
    str::from_utf8(value).map_err(|_not_text| "it is binary, and this form holds text")
}

/// PowerShell reads what a program writes line by line: no line may end within a value. It takes
/// typographic quotes for quotes.
fn powershell(name: &str, value: &str) -> Result<Vec<u8>, &'static str> {
    if value.is_empty() {
        return Err("it is empty, and PowerShell removes a variable that is set to nothing");
    }
    let mut out = format!("$env:{name} = '");
    for c in value.chars() {
        match c {
            '\'' | '\u{2018}'..='\u{201b}' => out.extend([c, c]),
            c if c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c) => {
                out.extend([format!("' + [char]{} + '", u32::from(c))]);
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    Ok(out.into_bytes())
}

fn dotenv(name: &str, value: &str) -> Result<Vec<u8>, &'static str> {
    if value.split_once("${").is_some_and(|(_, rest)| rest.contains('}')) {
        return Err("it has ${…}, which readers of .env files replace, however it is quoted");
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    let mut out = format!("{name}=").into_bytes();
    if value.chars().all(is_plain) {
        out.extend_from_slice(value.as_bytes());
    } else if value.contains('\r') {
        // Read as a text, a file has no such byte.
        let quoted = escaped(value.as_bytes(), b"\"\\", b'"');
        for byte in quoted.expose() {
            match byte {
                b'\r' => out.extend_from_slice(br"\r"),
                byte => out.push(*byte),
            }
        }
    } else {
        out.extend_from_slice(escaped(value.as_bytes(), b"'\\", b'\'').expose());
    }
    Ok(out)
}

fn json(name: &str, value: &str) -> Result<Vec<u8>, &'static str> {
    let quoted = |text: &str| serde_json::to_string(text).map_err(|_never| "it is no JSON");
    Ok(format!("    {}: {}", quoted(name)?, quoted(value)?).into_bytes())
}

/// The whole rest of a line is the value.
fn docker(name: &str, value: &str) -> Result<Vec<u8>, &'static str> {
    if value.contains(['\n', '\r']) {
        return Err("it has more than one line, and docker's files have one for each variable");
    }
    let line = format!("{name}={value}").into_bytes();
    if line.len() >= DOCKERS_LINE {
        return Err("it is longer than a line that docker reads");
    }
    Ok(line)
}

/// In double quotes a backslash stands for itself but before four characters and the end of a line.
fn systemd(name: &str, value: &str) -> Result<Vec<u8>, &'static str> {
    let is_none = |c: char| {
        c == '\u{feff}' || ('\u{fdd0}'..='\u{fdef}').contains(&c) || u32::from(c) & 0xfffe == 0xfffe
    };
    if value.contains(is_none) {
        return Err("it has a code point that is no character, which systemd refuses");
    }
    let mut out = format!("{name}=").into_bytes();
    out.extend_from_slice(escaped(value.as_bytes(), b"\"\\`$", b'"').expose());
    Ok(out)
}

/// The value ends before a line that it does not have itself.
fn github(name: &str, value: &str) -> Vec<u8> {
    let mut end = "END_OF_VALUE".to_owned();
    while value.contains(&end) {
        end.push('_');
    }
    format!("{name}<<{end}\n{value}\n{end}").into_bytes()
}

/// Docker reads no line of so many bytes.
const DOCKERS_LINE: usize = 65_535;

#[cfg(test)]
mod tests;
