//! The ready-made rotators: texts that are printed, saved, read and then run as anybody's own.
//!
//! None is run from here: a rotator is a file that its owner has put in a place of his own and
//! approved. What several scripts share is in a file of its own and is joined when compiled.

/// A rotator to begin with.
pub(crate) struct Template {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it rotates.
    pub(crate) summary: &'static str,
    /// The program.
    pub(crate) text: &'static str,
}

/// The rotators, in the order of the list.
pub(crate) const ALL: &[Template] = &[
    Template {
        name: "postgresql-single",
        summary: "The password of a PostgreSQL user, who changes it himself",
        text: concat!(
            include_str!("postgresql-single.sh"),
            include_str!("postgresql.sh"),
            include_str!("rotator.sh")
        ),
    },
    Template {
        name: "postgresql-alternating",
        summary: "Two PostgreSQL users in turn, set by an administrator",
        text: concat!(
            include_str!("postgresql-alternating.sh"),
            include_str!("postgresql.sh"),
            include_str!("rotator.sh")
        ),
    },
    Template {
        name: "mariadb-single",
        summary: "The password of a MariaDB user, who changes it himself",
        text: concat!(
            include_str!("mariadb-single.sh"),
            include_str!("mariadb.sh"),
            include_str!("rotator.sh")
        ),
    },
    Template {
        name: "mariadb-alternating",
        summary: "Two MariaDB users in turn, set by an administrator",
        text: concat!(
            include_str!("mariadb-alternating.sh"),
            include_str!("mariadb.sh"),
            include_str!("rotator.sh")
        ),
    },
    Template {
        name: "redis-acl",
        summary: "The password of a Redis user, set by an administrator",
        text: concat!(include_str!("redis-acl.sh"), include_str!("rotator.sh")),
    },
    Template {
        name: "ssh-key",
        summary: "The key that a user logs in with over SSH",
        text: concat!(include_str!("ssh-key.sh"), include_str!("rotator.sh")),
    },
    Template {
        name: "htpasswd",
        summary: "A password in a file of Apache or nginx",
        text: concat!(include_str!("htpasswd.sh"), include_str!("rotator.sh")),
    },
    Template {
        name: "lambda-adapter",
        summary: "Runs a rotation function written in Python for AWS Lambda",
        text: include_str!("lambda-adapter.py"),
    },
];

/// Finds a rotator.
pub(crate) fn find(name: &str) -> Option<&'static Template> {
    ALL.iter().find(|template| template.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::operations;

    /// The adapter has a method for each, which asks or says that no step may do it.
    #[test]
    fn the_lambda_adapter_knows_every_operation() {
        let text = find("lambda-adapter").unwrap().text;
        let words: Vec<&str> = text.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
        for entry in operations::ALL {
            assert!(words.contains(&entry.name), "lambda-adapter.py has no {}", entry.name);
        }
    }

    #[test]
    fn every_shell_script_is_whole() {
        for template in ALL.iter().filter(|template| template.text.starts_with("#!/bin/sh\n")) {
            let ours = template.text;
            for step in ["create_secret", "set_secret", "test_secret", "finish_secret"] {
                assert_eq!(ours.matches(&format!("\n{step}() {{")).count(), 1, "{}", template.name);
            }
            assert_eq!(ours.matches("\nevent=$(cat)\n").count(), 1, "{}", template.name);
            assert!(!ours.contains("sh -c") && !ours.contains("eval "), "{}", template.name);
        }
        assert!(find("redis-acl").is_some() && find("rotator").is_none());
    }
}
