//! The options of one operation, read into plain data: no file is opened, no value interpreted.
//!
//! One option for each member, in the members' order; then `--cli-input-json`, `--cli-input-yaml`,
//! the paging options where the operation pages by itself, and `--generate-cli-skeleton`. If an
//! option is repeated, the last one counts. The global options have been taken out by then.

use super::argparse::{self, Abbreviation, Arity, Check, Flag, Grammar, Positional, Sorted};
use super::error::Error;
use crate::cli::python;
use crate::model::case::kebab;
use crate::model::order;
use crate::model::shape::{Member, Shape};

/// One operation as the command line sees it.
#[derive(Clone, Copy)]
pub(crate) struct Signature {
    /// The members of its request.
    pub(crate) input: &'static [Member],
    /// The shape of its response.
    pub(crate) output: &'static Shape,
    pub(crate) paging: Paging,
    /// Whether the value of a secret can be picked out of the response.
    pub(crate) picking: Picking,
}

/// Whether an operation has `--field` and `--raw`, which AWS does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picking {
    /// Its response holds one value.
    Offered,
    Absent,
}

/// What to print instead of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The value as it is.
    Whole,
    /// One member of the JSON object that the value is.
    Field(String),
}

/// Who fetches the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// The client, by [`PAGE_LIMIT`] and [`PAGE_TOKEN`].
    Automatic,
    /// The caller.
    Manual,
}

/// The member that limits a page.
pub(crate) const PAGE_LIMIT: &str = crate::service::rules::paging::LIMIT;
/// The member that says where a page starts.
pub(crate) const PAGE_TOKEN: &str = "NextToken";

/// What the words after an operation ask for.
pub(crate) enum Parsed {
    Help,
    Call(Arguments),
}

/// The options given to one operation. Has no `Debug`: it may hold a secret.
#[derive(Default)]
pub(crate) struct Arguments {
    /// Each option given, in the order of the members.
    pub(crate) members: Vec<(&'static Member, Given)>,
    pub(crate) cli_input_json: Option<String>,
    pub(crate) cli_input_yaml: Option<String>,
    /// `--generate-cli-skeleton`.
    pub(crate) skeleton: Option<Skeleton>,
    pub(crate) starting_token: Option<String>,
    pub(crate) page_size: Option<i64>,
    pub(crate) max_items: Option<i64>,
    pub(crate) field: Option<String>,
    pub(crate) raw: bool,
}

/// What was given for a member.
pub(crate) enum Given {
    Word(String),
    Words(Vec<String>),
    Number(i64),
    /// `--x` or `--no-x`.
    Flag(bool),
    /// Text to be taken literally, whatever it begins with.
    Literal(String),
}

/// Which skeleton to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skeleton {
    /// A request as JSON.
    Input,
    /// A request as YAML, with comments.
    YamlInput,
    /// A response.
    Output,
}

/// Hides all but the option's name in a word that no option takes: the rest may be a secret.
pub(crate) fn hide_value(word: &mut String) {
    let (name, value) = word.split_once('=').map_or((&**word, None), |(n, v)| (n, Some(v)));
    let is_letter = |c: char| c.is_ascii_lowercase() || c == '-';
    let is_short = name.len() == 2 && name.starts_with('-');
    let is_option = is_short || name.starts_with("--") && name.chars().all(is_letter);
    *word = match (is_option, value) {
        (true, None) => return,
        (true, Some(_)) => format!("{name}=***"),
        (false, _) => "***".to_owned(),
    };
}

/// Reads the words after an operation's name.
pub(crate) fn parse(signature: &Signature, words: &[String]) -> Result<Parsed, Error> {
    if words.iter().map(String::as_str).eq(["help"]) {
        return Ok(Parsed::Help);
    }
    let options = Options::of(signature);
    let sorted = argparse::sort(&options.grammar, words, &[])?;
    options.check_required(words, &sorted)?;
    let mut rest = sorted.rest.clone();
    match sorted.positional.as_deref() {
        Some("help") => return Ok(Parsed::Help),
        // AWS overlooks one empty word.
        Some("") | None => {}
        Some(word) => rest.push(word.to_owned()),
    }
    if !rest.is_empty() {
        // One of them may be a secret whose option was mistyped.
        let takes_secret = signature.input.iter().any(|member| member.shape.is_sensitive());
        if takes_secret {
            rest.iter_mut().for_each(hide_value);
        }
        return Err(Error::unknown_options(&rest));
    }
    Ok(Parsed::Call(options.read(sorted)))
}

impl Arguments {
    /// Returns the member for the secret text that a person will be asked for.
    pub(crate) fn place_for_secret(
        &self,
        input: &'static [Member],
    ) -> Result<&'static Member, Error> {
        let is_secret = |member: &&Member| matches!(member.shape, Shape::Text(t) if t.sensitive);
        let Some(member) = input.iter().find(is_secret) else {
            return Err(Error::argument("--ask", "this command takes no secret value"));
        };
        if self.members.iter().any(|(given, _)| given.name == member.name) {
            let option = kebab(member.name);
            return Err(Error::argument("--ask", format!("not allowed with argument --{option}")));
        }
        Ok(member)
    }

    /// Gives that member the text that was typed when asked for.
    pub(crate) fn give_secret(&mut self, place: &'static Member, text: String) {
        self.members.push((place, Given::Literal(text)));
    }
}

/// What an option does.
#[derive(Clone, Copy)]
enum Target {
    Member(&'static Member),
    Negated(&'static Member),
    CliInputJson,
    CliInputYaml,
    StartingToken,
    PageSize,
    MaxItems,
    Skeleton,
    Field,
    Raw,
}

struct Options {
    grammar: Grammar,
    /// What each flag of the grammar does.
    targets: Vec<Target>,
}

impl Options {
    fn of(signature: &Signature) -> Self {
        let positional = Positional::Optional;
        let grammar = Grammar { flags: Vec::new(), positional };
        let mut options = Self { grammar, targets: Vec::new() };
        for member in signature.input {
            options.add_member(member);
        }
        options.add("--cli-input-json", Arity::One, Check::Nothing, Target::CliInputJson);
        options.add("--cli-input-yaml", Arity::One, Check::Nothing, Target::CliInputYaml);
        if signature.paging == Paging::Automatic {
            options.add("--starting-token", Arity::One, Check::Nothing, Target::StartingToken);
            options.add("--page-size", Arity::One, Check::Integer, Target::PageSize);
            options.add("--max-items", Arity::One, Check::Integer, Target::MaxItems);
        }
        let kinds = Check::Choice(&["input", "output", "yaml-input"]);
        options.add("--generate-cli-skeleton", Arity::Optional, kinds, Target::Skeleton);
        if signature.picking == Picking::Offered {
            options.add_own("--field", Arity::One, Target::Field);
            options.add_own("--raw", Arity::None, Target::Raw);
        }
        options
    }

    fn add_member(&mut self, member: &'static Member) {
        let name = kebab(member.name);
        let (arity, check) = match member.shape {
            Shape::Boolean => (Arity::None, Check::Nothing),
            Shape::List(_) => (Arity::Many, Check::Nothing),
            // AWS's model has a page limit as `integer`, read late, and all others as `long`, read
            // with the options; the error and the exit code differ.
            Shape::Integer(_) if member.name == PAGE_LIMIT => (Arity::One, Check::Nothing),
            Shape::Integer(_) => (Arity::One, Check::Integer),
            Shape::Structure(_)
            | Shape::Map(_)
            | Shape::Text(_)
            | Shape::Blob(_)
            | Shape::Timestamp => (Arity::One, Check::Nothing),
        };
        self.add(&format!("--{name}"), arity, check, Target::Member(member));
        if matches!(member.shape, Shape::Boolean) {
            self.add(&format!("--no-{name}"), arity, check, Target::Negated(member));
        }
    }

    fn add(&mut self, name: &str, arity: Arity, check: Check, target: Target) {
        let abbreviation = Abbreviation::Allowed;
        self.grammar.flags.push(Flag { name: name.to_owned(), arity, check, abbreviation });
        self.targets.push(target);
    }

    /// Adds an option of Strongroom's, which must not change what AWS's abbreviations mean.
    fn add_own(&mut self, name: &str, arity: Arity, target: Target) {
        let (check, abbreviation) = (Check::Nothing, Abbreviation::Refused);
        self.grammar.flags.push(Flag { name: name.to_owned(), arity, check, abbreviation });
        self.targets.push(target);
    }

    /// Refuses a line on which a required option is missing.
    ///
    /// An input document may hold what is required, and a skeleton of the request needs nothing;
    /// AWS notices either only if its option is a whole word.
    fn check_required(&self, words: &[String], sorted: &Sorted) -> Result<(), Error> {
        let place = |option: &str| words.iter().position(|word| word == option);
        let skeleton = place("--generate-cli-skeleton");
        let skeleton = skeleton.map(|at| words.get(at + 1).map_or("", String::as_str));
        let is_waived = place("--cli-input-json").is_some()
            || place("--cli-input-yaml").is_some()
            || skeleton.is_some_and(|kind| kind != "output");
        if is_waived {
            return Ok(());
        }
        let is_missing = |(index, target): (usize, &Target)| {
            let Target::Member(member) = target else { return None };
            let made_up = matches!(member.shape, Shape::Text(text) if text.token);
            let is_found = sorted.found.iter().any(|(found, _)| *found == index);
            let is_missing = member.required && !made_up && !is_found;
            is_missing.then(|| format!("--{}", kebab(member.name)))
        };
        let missing: Vec<String> = self.targets.iter().enumerate().filter_map(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(Error::usage(format!("the following arguments are required: {missing}")))
    }

    fn read(&self, sorted: Sorted) -> Arguments {
        let mut arguments = Arguments::default();
        for (index, words) in sorted.found {
            let Some(target) = self.targets.get(index) else { continue };
            // Numbers were checked while the words were sorted.
            let word = words.first().cloned();
            let number = word.as_deref().and_then(python::integer);
            match target {
                Target::Member(member) => arguments.put(member, given(member, words)),
                Target::Negated(member) => arguments.put(member, Given::Flag(false)),
                Target::CliInputJson => arguments.cli_input_json = word,
                Target::CliInputYaml => arguments.cli_input_yaml = word,
                Target::StartingToken => arguments.starting_token = word,
                Target::PageSize => arguments.page_size = number,
                Target::MaxItems => arguments.max_items = number,
                Target::Field => arguments.field = word,
                Target::Raw => arguments.raw = true,
                Target::Skeleton => {
                    arguments.skeleton = Some(match word.as_deref() {
                        Some("output") => Skeleton::Output,
                        Some("yaml-input") => Skeleton::YamlInput,
                        Some(_) | None => Skeleton::Input,
                    });
                }
            }
        }
        let place = |name: &str| {
            self.targets.iter().position(|t| matches!(t, Target::Member(m) if m.name == name))
        };
        order::sort_by_key(&mut arguments.members, |(member, _)| place(member.name));
        arguments
    }
}

impl Arguments {
    fn put(&mut self, member: &'static Member, given: Given) {
        self.members.retain(|(known, _)| known.name != member.name);
        self.members.push((member, given));
    }
}

fn given(member: &Member, mut words: Vec<String>) -> Given {
    match member.shape {
        Shape::Boolean => Given::Flag(true),
        Shape::List(_) => Given::Words(words),
        Shape::Structure(_)
        | Shape::Map(_)
        | Shape::Text(_)
        | Shape::Integer(_)
        | Shape::Blob(_)
        | Shape::Timestamp => {
            let word = words.pop().unwrap_or_default();
            let is_number = matches!(member.shape, Shape::Integer(_)) && member.name != PAGE_LIMIT;
            match python::integer(&word).filter(|_| is_number) {
                Some(number) => Given::Number(number),
                None => Given::Word(word),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AUTOMATIC, MANUAL, REQUEST};
    use super::*;

    fn show(signature: &Signature, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        match parse(signature, &words) {
            Ok(Parsed::Help) => "help".to_owned(),
            Ok(Parsed::Call(arguments)) => {
                let member = |(member, given): &(&Member, Given)| match given {
                    Given::Word(word) | Given::Literal(word) => format!("{}={word}", member.name),
                    Given::Words(words) => format!("{}={}", member.name, words.join("|")),
                    Given::Number(number) => format!("{}={number}", member.name),
                    Given::Flag(flag) => format!("{}={flag}", member.name),
                };
                let mut shown: Vec<String> = arguments.members.iter().map(member).collect();
                shown.extend(arguments.cli_input_json.map(|json| format!("json={json}")));
                shown.extend(arguments.cli_input_yaml.map(|yaml| format!("yaml={yaml}")));
                shown.extend(arguments.skeleton.map(|kind| format!("{kind:?}")));
                shown.extend(arguments.starting_token.map(|token| format!("from={token}")));
                shown.extend(arguments.page_size.map(|size| format!("size={size}")));
                shown.extend(arguments.max_items.map(|items| format!("items={items}")));
                shown.join(" ")
            }
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn reads_options_into_members() {
        for (words, expected) in [
            (&["--secret-id", "x"][..], "SecretId=x"),
            (&["--version-stages", "A", "B", "--secret-id=x"], "SecretId=x VersionStages=A|B"),
            // If an option is repeated, the last one counts, lists included.
            (
                &[
                    "--version-stages",
                    "A",
                    "--secret-id",
                    "x",
                    "--secret-i",
                    "y",
                    "--version-stages",
                    "B",
                ],
                "SecretId=y VersionStages=B",
            ),
            (&["--secret-id", "x", "--force", "--no-force"], "SecretId=x Force=false"),
            (&["--secret-id", "x", "--no-force", "--force"], "SecretId=x Force=true"),
            (
                &["--secret-id", "x", "--recovery-window-in-days", "07"],
                "SecretId=x RecoveryWindowInDays=7",
            ),
            (&["--secret-id", "x", "--max-results", "abc"], "SecretId=x MaxResults=abc"),
            (&["--secret-id", "x", "--tags"], "SecretId=x Tags="),
            (&["--cli-input-json", "{}"], "json={}"),
            (&["--cli-input-yaml", "{}"], "yaml={}"),
            (&["--generate-cli-skeleton"], "Input"),
            (&["--generate-cli-skeleton", "yaml-input"], "YamlInput"),
            (&["--secret-id", "x", "--generate-cli-skeleton", "output"], "SecretId=x Output"),
            (&["", "--secret-id", "x"], "SecretId=x"),
            (&["help"], "help"),
            (&["--secret-id", "x", "help"], "help"),
        ] {
            assert_eq!(show(&MANUAL, words), expected, "{words:?}");
        }
    }

    #[test]
    fn words_errors_as_aws_does() {
        for (words, expected) in [
            (&[][..], "the following arguments are required: --secret-id"),
            (&["--force", "true"], "the following arguments are required: --secret-id"),
            (&["--secret-id", "x", "--force", "true"], "Unknown options: ***"),
            (&["--secret-id", "x", "--bogus", "y"], "Unknown options: --bogus, ***"),
            (&["--secret-id", "x", "--max-items", "5"], "Unknown options: --max-items, ***"),
            (&["a", "--secret-id", "x", "b"], "Unknown options: ***, ***"),
            (&["--secret-string", "-v"], "argument --secret-string: expected one argument"),
            (
                &["--secret", "x"],
                "ambiguous option: --secret could match --secret-id, --secret-string, \
                 --secret-binary",
            ),
            (
                &["--recovery-window-in-days", "abc"],
                "argument --recovery-window-in-days: invalid int value: 'abc'",
            ),
            (
                &["--generate-cli-skeleton", "bogus"],
                "argument --generate-cli-skeleton: Found invalid choice 'bogus'\n",
            ),
            (
                &["--generate-cli-skeleton", "output"],
                "the following arguments are required: --secret-id",
            ),
            // AWS looks for the whole word.
            (&["--cli-input-json={}"], "the following arguments are required: --secret-id"),
        ] {
            assert_eq!(show(&MANUAL, words), expected, "{words:?}");
        }
    }

    #[test]
    fn pages_only_where_the_client_does() {
        for (words, expected) in [
            (
                &[
                    "--secret-id",
                    "x",
                    "--max-items",
                    "5",
                    "--page-size",
                    "2",
                    "--starting-token",
                    "t",
                ][..],
                "SecretId=x from=t size=2 items=5",
            ),
            (&["--secret-id", "x", "--max-results", "5"], "SecretId=x MaxResults=5"),
            (
                &["--secret-id", "x", "--max-items", "z"],
                "argument --max-items: invalid int value: 'z'",
            ),
            (&["--max", "5"], "ambiguous option: --max could match --max-results, --max-items"),
        ] {
            assert_eq!(show(&AUTOMATIC, words), expected, "{words:?}");
        }
    }

    #[test]
    fn takes_a_secret_that_was_asked_for() {
        let mut arguments = Arguments::default();
        let place = arguments.place_for_secret(REQUEST).unwrap();
        arguments.give_secret(place, "file://x".to_owned());
        assert!(
            matches!(&arguments.members[..], [(m, Given::Literal(_))] if m.name == "SecretString")
        );
        let again = arguments.place_for_secret(REQUEST).err();
        assert_eq!(
            again.map(|error| error.message().to_owned()).as_deref(),
            Some("argument --ask: not allowed with argument --secret-string")
        );
        let none = Arguments::default().place_for_secret(&[]).err();
        assert_eq!(
            none.map(|error| error.message().to_owned()).as_deref(),
            Some("argument --ask: this command takes no secret value")
        );
    }
}
