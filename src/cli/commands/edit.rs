//! `edit`: a value in the user's editor, in a file that never reaches a disk.

use std::fs;
use std::io;
use std::path::Path;

use super::super::everyday::address::{self, Address, Which, is_current};
use super::super::everyday::client::Client;
use super::super::everyday::login::Login;
use super::super::everyday::swap::{self, Loser};
use super::super::failure::Failure;
use super::super::private_place::{self, Purpose};
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::get;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::model::secret_value::SecretValue;
use crate::programs::tied::{self, Bond};
use crate::sys::files;
use crate::sys::interrupts;
use crate::sys::secret::Secret;

/// The label of what was edited where somebody else was faster.
const LABEL: &str = "edited";

/// The longest file that is read back, in bytes: the longest value and the newline that editors add.
const MAX_BYTES: usize = 65_537;

options! {
    /// The options of `edit`.
    pub(super) struct Edit {
        /// The secret
        secret: Word = "NAME"
    }
}

impl OwnCommand for Edit {
    const NAME: &'static str = "edit";
    const TITLE: &'static str = "Edit";
    const SUMMARY: &'static str = "Change a value in your editor, which VISUAL or EDITOR names.";
    const EXAMPLE: &'static str = "strongroom edit example/login";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Secret];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let secret = Address::whole_secret(&self.secret.0, "edit")?;
        if !terminal::is_there() {
            return Err(Failure::environment("NoTerminal", "an editor needs a terminal")
                .hinted(format!("`strongroom set {secret}` reads a value from stdin")));
        }
        let (Edited::Changed(told) | Edited::Same(told)) =
            edit(&mut Client::new(context)?, &secret, context)?;
        terminal::note(&told);
        Ok(())
    }
}

/// What came of editing, with what to tell a person.
pub(super) enum Edited {
    Changed(String),
    Same(String),
}

/// Has a person edit the current value of a secret, and stores what came of it.
pub(super) fn edit(
    client: &mut Client<'_>,
    secret: &str,
    context: &CommandContext<'_>,
) -> Result<Edited, Failure> {
    let editor = editor(context)?;
    let versions = address::versions(client, secret)?;
    let Some(base) = versions.iter().find(|version| is_current(version)) else {
        let message = format!("{secret} has no value yet");
        return Err(Failure::environment("FieldError", message)
            .hinted(format!("`strongroom set {secret}` gives it one")));
    };
    let of_base = Address { secret: secret.to_owned(), which: Which::Id(base.id.clone()) };
    let SecretValue::Text(before) = get::value(client, &of_base)? else {
        let message = format!("the value of {secret} is binary");
        return Err(Failure::environment("FieldError", message)
            .hinted(format!("`strongroom set {secret}` reads one from stdin")));
    };
    let mut keep = |after: &Secret<String>| store(client, secret, &base.id, after);
    Ok(match edited(&before, &editor, &mut keep, context)? {
        None => Edited::Same(format!("{secret} stays as it is")),
        Some(told) => Edited::Changed(told),
    })
}

/// Returns the command that edits.
fn editor(context: &CommandContext<'_>) -> Result<String, Failure> {
    let set = ["VISUAL", "EDITOR"].iter().find_map(|name| context.environment.text(name));
    match set.filter(|editor| !editor.trim().is_empty()) {
        Some(editor) => Ok(editor.to_owned()),
        None => Err(Failure::environment("NoEditor", "neither VISUAL nor EDITOR names an editor")
            .hinted("set EDITOR=nano, or whatever you edit with")),
    }
}

/// Has a person edit a value, and `keep` store what came of it, which says what to tell them; `None` if it
/// stays as it is. What could not be stored is still there to be edited again.
fn edited(
    before: &Secret<String>,
    editor: &str,
    keep: &mut dyn FnMut(&Secret<String>) -> Result<String, Failure>,
    context: &CommandContext<'_>,
) -> Result<Option<String>, Failure> {
    let workplace = private_place::make(Purpose::Edit, context)?;
    let is_json = Login::read(before.expose()).is_some();
    let file = workplace.temporary().join(if is_json { "value.json" } else { "value.txt" });
    files::write_private(&file, before.expose().as_bytes())?;
    loop {
        let has_ended_well = run(editor, &file, context)?;
        let after = read(&file)?;
        // Most editors end a file with a newline, which the value did not have.
        let after = match after.expose().strip_suffix('\n') {
            Some(rest) if !before.expose().ends_with('\n') => Secret::new(rest.to_owned()),
            Some(_) | None => after,
        };
        if after.expose() == before.expose() {
            return Ok(None);
        }
        let objection = if after.expose().is_empty() {
            "The value is empty, which no secret can be."
        } else if is_json && Login::read(after.expose()).is_none() {
            "The value was a JSON object and is none any more."
        } else if after.expose().len() >= MAX_BYTES {
            "The value is longer than 65,536 bytes."
        } else if has_ended_well {
            match keep(&after) {
                Ok(told) => return Ok(Some(told)),
                Err(failure) => try_again(failure)?,
            }
            continue;
        } else {
            "The editor failed, and the file has changed."
        };
        if !confirm(&format!("{objection} Edit it again? Otherwise nothing is stored."))? {
            return Ok(None);
        }
    }
}

/// Asks whether what could not be stored is to be tried once more: it is gone otherwise.
///
/// # Errors
/// The failure, where nobody wants to, or where what was edited is kept all the same.
fn try_again(failure: Failure) -> Result<(), Failure> {
    let Some((name, message)) = failure.told() else { return Err(failure) };
    if name == CONFLICT {
        return Err(failure);
    }
    let question = format!(
        "It could not be stored ({message}). Edit it again, and then try once more? Otherwise what you \
         wrote is gone."
    );
    match terminal::confirm(&question) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(failure),
    }
}

fn confirm(question: &str) -> Result<bool, Failure> {
    terminal::confirm(question)
        .map_err(|error| Failure::environment("NoAnswer", format!("nothing was stored: {error}")))
}

/// Runs the editor, and returns whether it ended well. Of the usual ones it is known how they are kept
/// from leaving copies in other places.
fn run(editor: &str, file: &Path, context: &CommandContext<'_>) -> Result<bool, Failure> {
    terminal::end_silence();
    let program = editor.split_whitespace().next().unwrap_or_default();
    let program = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    let options = match program.as_ref() {
        "vi" | "vim" | "nvim" | "gvim" => QUIET_VIM,
        "emacs" => QUIET_EMACS,
        _ => "",
    };
    let not_started = |error: io::Error| {
        Failure::environment("NoEditor", format!("the editor could not be started: {error}"))
    };
    let script = format!("trap : INT QUIT\n{editor} {options} \"$1\"");
    let shell = tied::beside(&["/bin/sh", "-c", &script, "edit"], Bond::Free);
    let mut shell = shell.map_err(not_started)?;
    shell.arg(file);
    if let Some(directory) = file.parent() {
        // Copies that an editor makes where temporary files go are in memory too.
        shell.env("TMPDIR", directory);
    }
    for name in ["STRONGROOM_GRANT", "STRONGROOM_PASSPHRASE_COMMAND"] {
        if context.environment.is_set(name) {
            shell.env_remove(name);
        }
    }
    // What the person types there is the editor's, `^C` too; and what it leaves is removed.
    let _left = interrupts::leave().map_err(not_started)?;
    let status = shell.status().map_err(not_started)?;
    Ok(status.success())
}

/// Reads the file by its name: some editors put a new one in its place.
fn read(file: &Path) -> Result<Secret<String>, Failure> {
    match files::read_bounded(file, MAX_BYTES) {
        Ok(bytes) => {
            let bytes = Secret::new(bytes);
            let text = str::from_utf8(bytes.expose()).map_err(|_not_text| {
                Failure::environment(
                    "FieldError",
                    "the edited file is no UTF-8 text; nothing was stored",
                )
            })?;
            Ok(Secret::new(text.to_owned()))
        }
        Err(_)
            if fs::symlink_metadata(file).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) =>
        {
            let message = "the editor removed the file; nothing was stored";
            Err(Failure::environment("NoFile", message))
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Stores what was edited, and makes it the current version if that is still the one that was edited.
fn store(
    client: &mut Client<'_>,
    secret: &str,
    base: &str,
    value: &Secret<String>,
) -> Result<String, Failure> {
    if swap::replace(client, secret, base, value, Loser::Kept(LABEL))? {
        return Ok(format!("{secret} is changed; `strongroom undo {secret}` takes that back"));
    }
    let message = format!(
        "{secret} was changed by somebody else meanwhile; what you wrote is kept as {secret}:{LABEL}"
    );
    Err(Failure::environment(CONFLICT, message).hinted(format!(
        "`strongroom diff {secret} {LABEL}` compares the two; `strongroom edit {secret}` begins with \
         the other's"
    )))
}

/// Somebody else was faster, and what was edited is kept beside theirs.
const CONFLICT: &str = "EditConflict";

/// No swap file, backup, undo file, history or memory of registers.
const QUIET_VIM: &str =
    "-n -i NONE --cmd 'set nobackup nowritebackup noundofile noswapfile viminfo='";
/// No backup, auto-save or lock file.
const QUIET_EMACS: &str =
    "--eval '(setq make-backup-files nil auto-save-default nil create-lockfiles nil)'";
