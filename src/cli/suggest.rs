//! What somebody who mistyped a command or an option most likely meant: the text of a hint.
//!
//! AWS's own `Maybe you meant:` list belongs to its error message and is made with it; this speaks
//! where AWS says nothing, of unknown options and of our own commands.

/// Returns a hint that names the known word nearest to `word`; `None` if none is near.
///
/// What follows an `=` is left out: it may be a secret.
pub(crate) fn hint(word: &str, known: &[&str]) -> Option<String> {
    let name = word.split('=').next().unwrap_or_default();
    nearest(name, known).map(|nearest| format!("did you mean {nearest}?"))
}

/// Finds the known word that takes the fewest changes (a letter more, less, other or in its
/// neighbour's place); else the only one that begins with `word`.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed = spell(word);
    let length = typed.trim_start_matches('-').chars().count();
    // Counting changes costs the product of the lengths, and nobody mistypes a word this long.
    if length == 0 || length > LONGEST {
        return None;
    }
    let close = known
        .iter()
        .map(|known| (strsim::osa_distance(&typed, &spell(known)), *known))
        .filter(|(changes, _)| *changes <= (length / 3).clamp(1, MAX_CHANGES))
        .min_by_key(|(changes, _)| *changes);
    if let Some((_, nearest)) = close {
        return Some(nearest);
    }
    let mut longer = known.iter().filter(|known| spell(known).starts_with(&typed));
    match (longer.next(), longer.next()) {
        (Some(only), None) => Some(only),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

/// Takes `SECRET_ID` and `secret-id` for the same word.
fn spell(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}

const MAX_CHANGES: usize = 3;
const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMANDS: [&str; 9] = [
        "get-secret-value",
        "put-secret-value",
        "list-secrets",
        "list-secret-version-ids",
        "describe-secret",
        "restore-secret",
        "rekey",
        "run",
        "lock",
    ];
    const OPTIONS: [&str; 5] =
        ["--secret-id", "--secret-string", "--secret-binary", "--no-paginate", "--query"];

    fn check(word: &str, known: &[&str], expected: Option<&str>) {
        assert_eq!(nearest(word, known), expected, "{word}");
    }

    #[test]
    fn finds_the_command_that_was_meant() {
        for (word, expected) in [
            ("get-secret-vlaue", Some("get-secret-value")),
            ("get-secret-valeu", Some("get-secret-value")),
            ("get_secret_value", Some("get-secret-value")),
            ("Get-Secret-Value", Some("get-secret-value")),
            ("gt-secret-value", Some("get-secret-value")),
            ("pt-secret-value", Some("put-secret-value")),
            ("lst-secrets", Some("list-secrets")),
            ("list-secret", Some("list-secrets")),
            ("lcok", Some("lock")),
            ("rnu", Some("run")),
            ("rn", Some("run")),
            // The only one that begins so.
            ("describe", Some("describe-secret")),
            ("list-secret-version", Some("list-secret-version-ids")),
            ("get", Some("get-secret-value")),
            // Neither near nor the only one.
            ("list", None),
            ("re", None),
            ("secrets", None),
            ("x", None),
            ("", None),
            ("-", None),
            ("help-me-please", None),
        ] {
            check(word, &COMMANDS, expected);
        }
    }

    #[test]
    fn finds_the_option_that_was_meant() {
        for (word, expected) in [
            ("--secret-di", Some("--secret-id")),
            ("--secretid", Some("--secret-id")),
            ("--secret_id", Some("--secret-id")),
            ("-secret-id", Some("--secret-id")),
            ("secret-id", Some("--secret-id")),
            ("--secretstring", Some("--secret-string")),
            ("--qurey", Some("--query")),
            ("--paginate", None),
            ("--name", None),
            ("--", None),
            ("--secret", None),
        ] {
            check(word, &OPTIONS, expected);
        }
        check("--secret-id", &[], None);
    }

    #[test]
    fn takes_the_first_of_two_as_near() {
        check("--ab", &["--aa", "--bb"], Some("--aa"));
        check("--ab", &["--bb", "--aa"], Some("--bb"));
    }

    #[test]
    fn says_nothing_of_the_value() {
        let said = hint("--secret-strng=hunter2", &OPTIONS);
        assert_eq!(said.as_deref(), Some("did you mean --secret-string?"));
        assert_eq!(hint("--nothing=hunter2", &OPTIONS), None);
        assert_eq!(hint("=hunter2", &OPTIONS), None);
    }

    #[test]
    fn does_not_count_for_ever() {
        check(&"x".repeat(1_000_000), &COMMANDS, None);
        check(&format!("describe{}", "-".repeat(100)), &COMMANDS, None);
    }

    proptest! {
        #[test]
        fn finds_any_command_with_one_change(
            which in 0..COMMANDS.len(),
            at in any::<prop::sample::Index>(),
            letter in "[a-z]",
        ) {
            let command = COMMANDS[which];
            let (start, end) = command.split_at(at.index(command.len()));
            prop_assert_eq!(nearest(&format!("{start}{letter}{end}"), &COMMANDS), Some(command));
        }

        #[test]
        fn takes_any_text(word in "\\PC*") {
            nearest(&word, &OPTIONS);
        }
    }
}
