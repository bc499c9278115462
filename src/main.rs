//! The `strongroom` command: hands argv, environment and streams to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    strongroom::start()
}
