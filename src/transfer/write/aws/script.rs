//! The script: what it does once and for all, then a few lines for each secret. Whatever comes from a
//! vault is within single quotes.

/// What each line calls.
const BEGINNING: &str = r#"#!/bin/sh
# Brings an account of AWS to the state that these secrets had in a vault, by the AWS CLI, version 2.
# Whatever is as it should be already stays as it is, so that this may be run as often as you like.
# Other secrets, tags and versions of the account are left alone.
#
#     AWS_PROFILE=prod AWS_REGION=eu-west-1 sh apply.sh
#
# Everybody who gets this directory can read all values: remove it afterwards.
set -eu
here=$(dirname "$0")

sm() {
    aws secretsmanager "$@"
}

# Makes a secret, or has the one that is there described and tagged like this.
secret() {
    number=$1 name=$2 tags=$3 is_new=no
    if said=$(sm describe-secret --secret-id="$name" --query Name --output text 2>&1); then
        sm update-secret --cli-input-json "file://$here/$number-update.json" >/dev/null
        if [ "$tags" = tags ]; then
            sm tag-resource --cli-input-json "file://$here/$number-tag.json" >/dev/null
        fi
        return
    fi
    case $said in
    *ResourceNotFoundException*) ;;
    *)
        printf '%s\n' "$said" >&2
        exit 1
        ;;
    esac
    is_new=yes
    sm create-secret --cli-binary-format base64 --cli-input-json "file://$here/$number-create.json" >/dev/null
    printf 'made %s\n' "$name"
}

# Stores a version; AWS knows it by its id if it is there already.
version() {
    if [ "$1" = 1 ] && [ "$is_new" = yes ]; then
        return
    fi
    sm put-secret-value --cli-binary-format base64 --cli-input-json "file://$here/$number-version-$1.json" >/dev/null
}

# Says which version has a label.
holder() {
    sm list-secret-version-ids --secret-id="$name" --include-deprecated --output json \
        --query "Versions[?VersionStages && contains(VersionStages, '$1')].VersionId | [0]" | tr -d '"'
}

# Puts a label on a version.
label() {
    has=$(holder "$1")
    case $has in
    "$2") ;;
    null | '')
        sm update-secret-version-stage --secret-id="$name" --version-stage="$1" \
            --move-to-version-id "$2" >/dev/null
        ;;
    *)
        sm update-secret-version-stage --secret-id="$name" --version-stage="$1" \
            --remove-from-version-id "$has" --move-to-version-id "$2" >/dev/null
        ;;
    esac
}

# Takes a label away.
no_label() {
    has=$(holder "$1")
    case $has in
    null | '') ;;
    *)
        sm update-secret-version-stage --secret-id="$name" --version-stage="$1" \
            --remove-from-version-id "$has" >/dev/null
        ;;
    esac
}
"#;

/// A script that is being written.
pub(super) struct Script(String);

impl Script {
    /// Only its beginning.
    pub(super) fn new() -> Self {
        Self(BEGINNING.to_owned())
    }

    /// Begins a secret.
    pub(super) fn secret(&mut self, number: u64, name: &str, has_tags: bool) {
        let tags = if has_tags { "tags" } else { "none" };
        self.line(format_args!("\nsecret {number:04} {} {tags}", quoted(name)));
    }

    /// Stores the version of this place.
    pub(super) fn version(&mut self, place: u64) {
        self.line(format_args!("version {place}"));
    }

    /// Puts a label on a version.
    pub(super) fn label(&mut self, label: &str, id: &str) {
        self.line(format_args!("label {} {}", quoted(label), quoted(id)));
    }

    /// Takes a label away from whatever version has it.
    pub(super) fn no_label(&mut self, label: &str) {
        self.line(format_args!("no_label {}", quoted(label)));
    }

    /// Returns the whole script.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.0.push_str(&line.to_string());
        self.0.push('\n');
    }
}

/// Writes a word as a shell reads it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The name of a document.
pub(super) fn file(number: u64, what: &str) -> String {
    format!("{number:04}-{what}.json")
}

/// Whether a label can stand in the script and in its queries as it is. The AWS CLI takes what begins
/// like an address (`file://`) for the name of a file to read.
pub(super) fn is_plain(label: &str) -> bool {
    let names_a_file = label.contains("://");
    !label.is_empty()
        && !names_a_file
        && label.chars().all(|c| c.is_ascii_alphanumeric() || "_-+=.@:/ ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The AWS CLI would read a file of that name, and make a label of what is in it.
    #[test]
    fn labels_that_look_like_files_do_not_stand_in_the_script() {
        for label in ["file:///etc/passwd", "fileb://x", "https://x", "", "a'b", "a\nb"] {
            assert!(!is_plain(label), "{label}");
        }
        for label in ["AWSCURRENT", "-x", "a b", "v1.2/3:4@5"] {
            assert!(is_plain(label), "{label}");
        }
    }

    #[test]
    fn whatever_is_quoted_is_one_word() {
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
    }
}
