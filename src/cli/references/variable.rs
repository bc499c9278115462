//! The names of variables: those that a person gives, and those that are made of the members of a
//! secret.

/// Returns the name of a variable that stands for a member: in capitals, with `_` in the place of
/// whatever is no letter or digit of ASCII.
pub(crate) fn of_member(prefix: &str, member: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = prefix.chars().chain(member.chars().map(fit)).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Whether the system can have a variable of this name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Whether a variable says what a program loads or runs. Whoever may write a secret does not thereby
/// choose that.
pub(crate) fn is_powerful(name: &str) -> bool {
    POWERFUL.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Variables by which shells, loaders and interpreters are told what to load.
const POWERFUL: [&str; 14] = [
    "PATH",
    "IFS",
    "ENV",
    "BASH_ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "NODE_OPTIONS",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PERL5OPT",
    "PERL5LIB",
    "RUBYOPT",
];
const BEGINNINGS: [&str; 4] = ["LD_", "DYLD_", "BASH_FUNC_", "GIT_"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_members_are_made_fit() {
        for (prefix, member, expected) in [
            ("", "password", "PASSWORD"),
            ("", "api-key.v2", "API_KEY_V2"),
            ("DB_", "host", "DB_HOST"),
            ("db_", "host", "db_HOST"),
            ("", "2fa", "_2FA"),
            ("A", "2fa", "A2FA"),
            ("", "schlüssel", "SCHL_SSEL"),
            ("", "a=b\0c", "A_B_C"),
            ("", "", ""),
        ] {
            assert_eq!(of_member(prefix, member), expected);
        }
    }

    #[test]
    fn what_a_program_loads_is_not_for_a_secret_to_say() {
        for name in ["PATH", "LD_PRELOAD", "BASH_ENV", "GIT_SSH_COMMAND"] {
            assert!(is_powerful(name), "{name}");
        }
        for name in ["PASSWORD", "DB_PATH", "MY_LD_PRELOAD", "DATABASE_URL"] {
            assert!(!is_powerful(name), "{name}");
        }
    }
}
