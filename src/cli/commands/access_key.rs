//! `access-key`: access keys that last, kept in the vault, for programs that sign their requests.

use super::super::chore;
use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::request::paramfile::{self, Sources};
use super::super::suggest;
use super::super::terminal;
use super::grant::{policies, seconds, worded};
use super::options::{Choice, Word, actions, belongs_to, options};
use super::own::{Invocation, OwnCommand};
use crate::agent::chores::Chore;
use crate::service::grants::{self, GrantSpec, Mistake};
use crate::service::keys::Unfit;
use crate::service::keys::errand::Errand;
use crate::service::keys::question::Question;
use crate::vault::access_key;

options! {
    /// The options of `access-key`.
    pub(super) struct AccessKey {
        /// What to do
        what: Action = "ACTION",
        /// For create, if you like, the name of the IAM user that policies take its holder for; for
        /// the others but list the key, by its id
        key: Option<Word> = "NAME|ID",
        ..create: Create,
        ..rotate: Rotate,
        ..update: Update,
        ..explain: Explain
    }
}

actions! {
    /// What is done about access keys.
    pub(super) enum Action {
        /// Make one.
        Create = "create",
        /// List all.
        List = "list",
        /// Make one in the place of another.
        Rotate = "rotate",
        /// Put one into use, or out of use.
        Update = "update",
        /// Delete one.
        Delete = "delete",
        /// Say what its holder may do, and why.
        Explain = "explain",
    }
}

options! {
    /// The options of `access-key create`.
    pub(super) struct Create {
        /// An IAM policy of the user, as JSON or file://FILE
        policy: Vec<String> = "POLICY",
        /// The permissions boundary: a policy that must allow what is done
        boundary: Option<String> = "POLICY",
        /// A policy of the session: one of them must allow what is done
        session_policy: Vec<String> = "POLICY",
        /// A tag of the user, for policies that look at it
        tag: Vec<String> = "KEY=VALUE",
        /// Secrets that it is for, whatever policies allow: names or ARNs, in which * and ? may stand
        allow: Vec<String> = "SECRET",
        /// What it lets its holder do, whatever policies allow: operations such as GetSecretValue or
        /// 'Get*'; all unless given
        operations: Vec<String> = "OPERATION",
        /// Let nothing be changed
        read_only: bool,
        /// How long it is good for, such as 8h or 90d; until it is deleted unless given
        r#for: Option<String> = "TIME",
        /// The path of the user, such as /team/
        path: Option<String> = "PATH"
    }
}

options! {
    /// The options of `access-key rotate`.
    pub(super) struct Rotate {
        /// How long the old key is still good for, such as 1h; it is out of use at once unless given
        grace: Option<String> = "TIME"
    }
}

options! {
    /// The options of `access-key update`.
    pub(super) struct Update {
        /// With update: whether the key may be used
        status: Option<Status> = "STATUS"
    }
}

options! {
    /// The options of `access-key explain`.
    pub(super) struct Explain {
        /// With explain: the operation that its holder would call, such as get-secret-value or
        /// secretsmanager:GetSecretValue
        action: Option<String> = "OPERATION",
        /// With explain: the secret that it would be about
        secret_id: Option<String> = "SECRET",
        /// With explain: the label that it would name
        version_stage: Option<String> = "LABEL",
        /// With explain: the address that it would come from
        source_ip: Option<String> = "ADDRESS"
    }
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status(access_key::Status);

impl Choice for Status {
    const ALL: &'static [(&'static str, Self)] = &[
        ("Active", Self(access_key::Status::Active)),
        ("Inactive", Self(access_key::Status::Inactive)),
    ];
}

impl OwnCommand for AccessKey {
    const NAME: &'static str = "access-key";
    const TITLE: &'static str = "AccessKey";
    const SUMMARY: &'static str = "Make access keys for programs that use AWS's SDKs.";
    const EXAMPLE: &'static str =
        "strongroom access-key create deploy --allow 'app/*' --operations 'Get*' --for 90d";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let variable = |name: &str| context.environment.text(name).map(str::to_owned);
        let sources = Sources {
            read: &paramfile::read_file,
            variable: &variable,
            encoding: context.file_encoding(),
        };
        for (given, action) in [
            (invocation.first_given::<Create>(), Action::Create),
            (invocation.first_given::<Rotate>(), Action::Rotate),
            (invocation.first_given::<Update>(), Action::Update),
            (invocation.first_given::<Explain>(), Action::Explain),
        ] {
            if let Some(option) = given.filter(|_| self.what != action) {
                return Err(belongs_to(&option, action.name()).into());
            }
        }
        let action = self.what;
        let errand = self.errand(context.region().map(str::to_owned), sources)?;
        let chore = || Chore::AccessKey(errand.clone());
        invocation.answer_with(chore::have_done(chore, action.operation(), context)?)?;
        if matches!(action, Action::Create | Action::Rotate) {
            terminal::note("the secret access key is not shown again");
        }
        Ok(())
    }
}

impl Action {
    /// What IAM calls it.
    fn operation(self) -> &'static str {
        match self {
            Self::Create => "CreateAccessKey",
            Self::List => "ListAccessKeys",
            Self::Rotate => "RotateAccessKey",
            Self::Update => "UpdateAccessKey",
            Self::Delete => "DeleteAccessKey",
            Self::Explain => "ExplainAccessKey",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Create => "access-key create",
            Self::List => "access-key list",
            Self::Rotate => "access-key rotate",
            Self::Update => "access-key update",
            Self::Delete => "access-key delete",
            Self::Explain => "access-key explain",
        }
    }
}

impl AccessKey {
    /// Returns what is to be done.
    fn errand(self, region: Option<String>, sources: Sources<'_>) -> Result<Errand, Error> {
        let key = self.key.map(|Word(key)| key);
        let action = self.what;
        let id = || {
            key.clone().ok_or_else(|| {
                let needed = "needs the ID of the key, which access-key list shows";
                Error::usage(format!("{} {needed}", action.name()))
            })
        };
        Ok(match action {
            Action::Create => self.create.errand(key, region, sources)?,
            Action::List if key.is_some() => {
                return Err(Error::usage("access-key list takes no ID: it shows all keys"));
            }
            Action::List => Errand::List,
            Action::Rotate => {
                let grace_s = seconds(self.rotate.grace.as_deref(), "--grace")?;
                Errand::Rotate { id: id()?, grace_s }
            }
            Action::Update => {
                let needed = "access-key update needs --status Active or --status Inactive";
                let Status(status) = self.update.status.ok_or_else(|| Error::usage(needed))?;
                Errand::Update { id: id()?, status }
            }
            Action::Delete => Errand::Delete { id: id()? },
            Action::Explain => {
                Errand::Explain { id: id()?, question: self.explain.question(region)? }
            }
        })
    }
}

impl Create {
    fn errand(
        self,
        user_name: Option<String>,
        region: Option<String>,
        sources: Sources<'_>,
    ) -> Result<Errand, Error> {
        let boundary = policies(self.boundary.as_slice(), "--boundary", sources)?.pop();
        // What is allowed by name alone is allowed whole.
        let is_of_names = self.operations.is_empty() && self.policy.is_empty();
        let all = is_of_names && !self.allow.is_empty();
        let operations = if all { vec!["*".to_owned()] } else { self.operations };
        let spec = GrantSpec {
            region,
            operations,
            secrets: self.allow,
            read_only: self.read_only,
            lifetime_s: seconds(self.r#for.as_deref(), "--for")?,
            policies: policies(&self.policy, "--policy", sources)?,
            boundary,
            session_policies: policies(&self.session_policy, "--session-policy", sources)?,
            principal_tags: self.tag,
            user_name,
            path: self.path,
            ..GrantSpec::default()
        };
        Errand::create(spec).map_err(|unfit| {
            let words = match unfit.member() {
                "Boundary" => self.boundary.as_slice(),
                "SessionPolicies" => &self.session_policy,
                _ => &self.policy,
            };
            refused(&unfit, words)
        })
    }
}

impl Explain {
    fn question(self, region: Option<String>) -> Result<Question, Error> {
        let needed = "access-key explain needs --action, the operation that is asked about";
        let action = self.action.ok_or_else(|| Error::usage(needed))?;
        let source_ip = self.source_ip.map(|text| {
            let wrong = |_none| Error::argument("--source-ip", format!("{text} is no address"));
            text.parse().map_err(wrong)
        });
        let (secret_id, version_stage) = (self.secret_id, self.version_stage);
        let source_ip = source_ip.transpose()?;
        let question = Question { action, region, secret_id, version_stage, source_ip };
        match question.mistake() {
            None => Ok(question),
            Some((member, what)) => {
                let hint = suggest::hint(&question.action, &grants::operation_names());
                let meant = hint.filter(|_| member == "Action").map(|hint| format!("; {hint}"));
                let option = match member {
                    "Action" => "--action",
                    "SecretId" => "--secret-id",
                    _ => "--version-stage",
                };
                Err(Error::argument(option, what + &meant.unwrap_or_default()))
            }
        }
    }
}

/// Says which option is wrong, and how.
fn refused(unfit: &Unfit, policies: &[String]) -> Error {
    let option = OPTIONS.iter().find(|(member, _)| *member == unfit.member());
    let option = option.map_or("--policy", |(_, option)| option);
    match unfit {
        Unfit::Mistake(Mistake::NoOperations | Mistake::NoSecrets) => Error::usage(
            "access-key create needs --policy or --allow, which say what its holder may do",
        ),
        Unfit::Mistake(mistake) => worded(mistake, option, policies),
        Unfit::PolicyTooLong { .. } | Unfit::TooMany { .. } | Unfit::TagTooLong(_) => {
            Error::argument(option, unfit)
        }
    }
}

/// The options by the members that they become.
const OPTIONS: [(&str, &str); 8] = [
    ("Operations", "--operations"),
    ("Secrets", "--allow"),
    ("LifetimeSeconds", "--for"),
    ("Boundary", "--boundary"),
    ("SessionPolicies", "--session-policy"),
    ("PrincipalTags", "--tag"),
    ("UserName", "NAME"),
    ("Path", "--path"),
];
