//! A reference: `strongroom:NAME[:LABEL|:VERSION-ID|~N][#member]`, or the two forms in which AWS's own
//! services name a value: `{{resolve:secretsmanager:…}}` of CloudFormation, and ECS's
//! `ARN:member:label:id`.

use crate::cli::everyday::address::{Address, Which};
use crate::cli::request::error::Error;

/// A value, or a member of one, that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// As it was written, for messages.
    pub(crate) given: String,
    pub(crate) address: Address,
    pub(crate) member: Option<Member>,
}

/// A member of a value that is JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// One of the object itself.
    Name(String),
    /// One deeper down: the names and places on the way to it (RFC 6901).
    Path(Vec<String>),
}

impl Reference {
    /// Reads a text where nothing but a reference can be: `strongroom:` may be left out.
    pub(crate) fn parse(given: &str) -> Result<Self, Error> {
        Self::find(given).unwrap_or_else(|| own(given, given))
    }

    /// Reads a text that may be a plain value as well; `None` if it is.
    pub(crate) fn find(given: &str) -> Option<Result<Self, Error>> {
        if let Some(rest) = given.strip_prefix(SCHEME) {
            return Some(own(given, rest));
        }
        if let Some(rest) = given.strip_prefix(RESOLVE) {
            let whole = rest.strip_suffix("}}");
            let open = || Error::argument(given, "it begins with {{ and does not end with }}");
            return Some(whole.ok_or_else(open).and_then(|rest| cloud_formation(given, rest)));
        }
        container(given)
    }
}

/// Reads our own form, without its scheme.
fn own(given: &str, rest: &str) -> Result<Reference, Error> {
    let (address, member) = match rest.split_once('#') {
        Some((address, member)) => (address, Some(member)),
        None => (rest, None),
    };
    let address = Address::parse(address)?;
    require_plain(given, &address.secret)?;
    if let Which::Stage(stage) = &address.which {
        require_plain(given, stage)?;
    }
    let member = member.map(|member| self::member(given, member)).transpose()?;
    Ok(Reference { given: given.to_owned(), address, member })
}

fn member(given: &str, member: &str) -> Result<Member, Error> {
    if member.is_empty() {
        return Err(Error::argument(given, "after # stands the name of a member"));
    }
    let Some(path) = member.strip_prefix('/') else { return Ok(Member::Name(member.to_owned())) };
    let step = |step: &str| {
        // `~` stands for itself nowhere: `~0` is one, and `~1` is a slash.
        let rest = step.replace("~0", "").replace("~1", "");
        let wrong = || Error::argument(given, "in a JSON pointer ~ is written ~0, and / is ~1");
        if rest.contains('~') {
            return Err(wrong());
        }
        Ok(step.replace("~1", "/").replace("~0", "~"))
    };
    path.split('/').map(step).collect::<Result<_, _>>().map(Member::Path)
}

/// Reads CloudFormation's form: `SECRET[:SecretString[:member[:label[:id]]]]`.
fn cloud_formation(given: &str, rest: &str) -> Result<Reference, Error> {
    let (secret, rest) = secret(rest);
    let parts: Vec<&str> = rest.map(|rest| rest.split(':').collect()).unwrap_or_default();
    if let Some(what) = parts.first()
        && !["", "SecretString"].contains(what)
    {
        return Err(Error::argument(given, "of a secret there is SecretString, and nothing else"));
    }
    of_parts(given, secret, parts.get(1..).unwrap_or_default())
}

/// Reads ECS's form, an ARN and three more parts; `None` for anything else.
fn container(given: &str) -> Option<Result<Reference, Error>> {
    let is_secret = given.split(':').nth(2) == Some("secretsmanager");
    if !given.starts_with("arn:") || !is_secret {
        return None;
    }
    let (arn, rest) = secret(given);
    let parts: Vec<&str> = rest?.split(':').collect();
    (parts.len() == 3).then(|| of_parts(given, arn, &parts))
}

/// Takes the name or ARN off the beginning.
fn secret(text: &str) -> (&str, Option<&str>) {
    let colons = if text.starts_with("arn:") { OF_ARN } else { 0 };
    match text.match_indices(':').nth(colons) {
        Some((place, _)) => {
            let (secret, rest) = text.split_at(place);
            (secret, rest.strip_prefix(':'))
        }
        None => (text, None),
    }
}

/// Puts a reference together of AWS's parts: the member, the label and the id.
fn of_parts(given: &str, secret: &str, parts: &[&str]) -> Result<Reference, Error> {
    if parts.len() > 3 {
        return Err(Error::argument(given, "it has too many parts"));
    }
    let part = |place: usize| parts.get(place).filter(|part| !part.is_empty());
    let (member, stage, id) = (part(0), part(1), part(2));
    let which = match (stage, id) {
        (None, None) => Which::Current,
        (Some(stage), None) => Which::Stage((*stage).to_owned()),
        (None, Some(id)) => Which::Id((*id).to_owned()),
        (Some(_), Some(_)) => {
            return Err(Error::argument(given, "it names a label and an id: one says it all"));
        }
    };
    if secret.is_empty() {
        return Err(Error::argument(given, "the name of a secret is missing"));
    }
    require_plain(given, secret)?;
    let member = member.map(|member| Member::Name((*member).to_owned()));
    let address = Address { secret: secret.to_owned(), which };
    Ok(Reference { given: given.to_owned(), address, member })
}

/// Requires that what is left for the name can be one.
fn require_plain(given: &str, secret: &str) -> Result<(), Error> {
    let colons = if secret.starts_with("arn:") { OF_ARN } else { 0 };
    if secret.matches(':').count() > colons || secret.contains(['~', '#', '{', '}']) {
        let what = "a reference is strongroom:NAME, then :LABEL, :VERSION-ID or ~N, then #member";
        return Err(Error::argument(given, what));
    }
    Ok(())
}

/// What our own references begin with.
const SCHEME: &str = "strongroom:";
/// What CloudFormation's begin with.
const RESOLVE: &str = "{{resolve:secretsmanager:";
/// How many colons an ARN has: `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME`.
const OF_ARN: usize = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:local-1:000000000000:secret:app/db-zEuv9t";
    const ID: &str = "ce288e48-cdc5-4cbb-ab66-bdda5104c738";

    fn parsed(given: &str) -> Option<(String, Which, Option<Member>)> {
        let Reference { address, member, .. } = Reference::parse(given).ok()?;
        Some((address.secret, address.which, member))
    }

    fn name(name: &str) -> Member {
        Member::Name(name.to_owned())
    }

    fn path(steps: &[&str]) -> Member {
        Member::Path(steps.iter().map(|&step| step.to_owned()).collect())
    }

    #[test]
    fn a_reference_is_a_version_and_a_member() {
        let stage = |stage: &str| Which::Stage(stage.to_owned());
        let id = || Which::Id(ID.to_owned());
        for (given, secret, which, member) in [
            ("strongroom:app/db", "app/db", Which::Current, None),
            ("app/db#password", "app/db", Which::Current, Some(name("password"))),
            ("strongroom:me@example.org", "me@example.org", Which::Current, None),
            (
                "strongroom:app/db:AWSPREVIOUS#a.b",
                "app/db",
                stage("AWSPREVIOUS"),
                Some(name("a.b")),
            ),
            (&format!("strongroom:app/db:{ID}"), "app/db", id(), None),
            ("strongroom:app/db~2#a#b", "app/db", Which::Back(2), Some(name("a#b"))),
            (
                "strongroom:app/db#/a/0/b~1c~0d",
                "app/db",
                Which::Current,
                Some(path(&["a", "0", "b/c~d"])),
            ),
            ("strongroom:app/db#/", "app/db", Which::Current, Some(path(&[""]))),
            (&format!("strongroom:{ARN}:beta#x"), ARN, stage("beta"), Some(name("x"))),
            ("{{resolve:secretsmanager:app/db}}", "app/db", Which::Current, None),
            ("{{resolve:secretsmanager:a:SecretString}}", "a", Which::Current, None),
            ("{{resolve:secretsmanager:a:SecretString:x}}", "a", Which::Current, Some(name("x"))),
            (
                "{{resolve:secretsmanager:a:SecretString:x:beta}}",
                "a",
                stage("beta"),
                Some(name("x")),
            ),
            (
                &format!("{{{{resolve:secretsmanager:{ARN}:SecretString:x::{ID}}}}}"),
                ARN,
                id(),
                Some(name("x")),
            ),
            (&format!("{ARN}:x::"), ARN, Which::Current, Some(name("x"))),
            (&format!("{ARN}::beta:"), ARN, stage("beta"), None),
            (&format!("{ARN}:::{ID}"), ARN, id(), None),
            (ARN, ARN, Which::Current, None),
        ] {
            assert_eq!(parsed(given), Some((secret.to_owned(), which, member)), "{given}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_and_named() {
        for given in [
            "",
            "strongroom:",
            "strongroom:#x",
            "strongroom:a#",
            "strongroom:a:",
            "strongroom:a~x",
            "strongroom:a:b:c",
            "strongroom:a:b~1",
            "strongroom:a#/x~2",
            "{{resolve:secretsmanager:a",
            "{{resolve:secretsmanager:}}",
            "{{resolve:secretsmanager:a:SecretBinary}}",
            "{{resolve:secretsmanager:a:SecretString:x:b:c:d}}",
            "{{resolve:secretsmanager:a:SecretString:x:b:c}}",
            "{{resolve:ssm:a}}",
            &format!("{ARN}:x:y:z"),
            &format!("{ARN}:a:b:c:d"),
        ] {
            assert!(Reference::parse(given).is_err(), "{given}");
        }
        let told = Reference::parse("strongroom:a#").unwrap_err();
        assert!(told.message().contains("strongroom:a#"), "{}", told.message());
    }

    #[test]
    fn what_may_be_a_plain_value_is_one() {
        for plain in ["", "postgres://localhost", "app/db#x", ARN, "arn:aws:s3:::bucket", "{{ x }}"]
        {
            assert!(Reference::find(plain).is_none(), "{plain}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_reference_or_an_error(text in "\\PC{0,60}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(&reference.given, &text);
                prop_assert!(!reference.address.secret.is_empty());
            }
        }

        /// Whatever a secret and its member are called, the reference to them means them.
        #[test]
        fn a_reference_means_what_it_was_made_of(
            secret in "[A-Za-z0-9/_+=.@-]{1,30}",
            version in prop_oneof!["", ":[A-Za-z0-9_+=,.@-]{1,20}", "~[1-9]"],
            member in "[^/#\\pC][^\\pC]{0,20}",
        ) {
            let reference = Reference::parse(&format!("strongroom:{secret}{version}#{member}")).unwrap();
            prop_assert_eq!(reference.address.secret, secret);
            prop_assert_eq!(reference.member, Some(Member::Name(member)));
            prop_assert_eq!(reference.address.which == Which::Current, version.is_empty());
        }
    }
}
