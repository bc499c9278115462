//! What a confined program may reach, besides what every such program may: what it is made of, a
//! directory for what it writes by the way, and the directory in which it is run.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::rotate;
use crate::cli::unlock::CommandContext;
use crate::programs::confine::Freedom;
use crate::rotation::reach;
use crate::vault::rotation::{Command, Protocol};

/// Lists it. The directory in which it runs it may change, unless that has something private in it: the
/// home directory, the vault, or a keyfile.
pub(crate) fn freedoms(
    program: &Path,
    temporary: PathBuf,
    context: &CommandContext<'_>,
) -> Result<Vec<Freedom>, Failure> {
    let machine = rotate::machine(context)?;
    let here = std::env::current_dir().ok();
    let words = [Some(program.to_owned()), here.clone()];
    let words =
        words.into_iter().flatten().filter_map(|path| path.into_os_string().into_string().ok());
    let command = Command::new(words.collect(), Protocol::Lambda);
    let mut freedoms = reach::freedoms(&command, &machine);
    for freedom in &mut freedoms {
        if let Freedom::Read(path) = freedom
            && Some(&*path) == here.as_ref()
        {
            *freedom = Freedom::Write(path.clone());
        }
    }
    freedoms.push(Freedom::Write(temporary));
    Ok(freedoms)
}
