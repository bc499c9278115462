//! Whether there are colours, decided in one place: the option of AWS's first, then what is common to
//! programs at a terminal (<https://bixense.com/clicolors>, <https://no-color.org>), then whether there
//! is a terminal.

use super::environment::Environment;
use super::request::globals::options::Globals;

/// Whether what is written to a stream is coloured; the caller knows whether it is a terminal.
pub(crate) fn are_wanted(globals: &Globals, environment: &Environment, is_terminal: bool) -> bool {
    match globals.color.as_deref() {
        Some("on") => true,
        Some("off") => false,
        // `auto`, or nothing.
        Some(_) | None => {
            let is_forced = environment.text("CLICOLOR_FORCE").is_some_and(|text| text != "0");
            let is_off =
                environment.text("NO_COLOR").is_some() || environment.text("TERM") == Some("dumb");
            is_forced || (is_terminal && !is_off)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_counts_before_variables_and_these_before_the_terminal() {
        for (option, variables, expected) in [
            (None, &[][..], [false, true]),
            (Some("auto"), &[], [false, true]),
            (Some("on"), &[("NO_COLOR", "1")], [true, true]),
            (Some("off"), &[("CLICOLOR_FORCE", "1")], [false, false]),
            (None, &[("NO_COLOR", "1")], [false, false]),
            (None, &[("NO_COLOR", "")], [false, true]),
            (None, &[("CLICOLOR_FORCE", "1")], [true, true]),
            (None, &[("CLICOLOR_FORCE", "0")], [false, true]),
            (None, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], [true, true]),
            (Some("auto"), &[("TERM", "dumb")], [false, false]),
        ] {
            let globals = Globals { color: option.map(str::to_owned), ..Globals::default() };
            let environment = Environment::testing(variables);
            let wanted = [false, true].map(|is| are_wanted(&globals, &environment, is));
            assert_eq!(wanted, expected, "{option:?} {variables:?}");
        }
    }
}
