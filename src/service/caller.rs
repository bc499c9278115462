//! Who calls, and with which rights. What follows from them is decided in `access`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::action::Action;
use super::known_policies::KnownPolicies;
use super::rules::policy::model::Policy;
use crate::model::time::Timestamp;

/// Who calls.
#[expect(clippy::large_enum_variant, reason = "there is one for each grant, and none for a call")]
pub(crate) enum Caller {
    /// Who unlocked the vault: may do everything.
    Owner,
    /// The program of a rotation, in one of its steps.
    Step(Capability),
    /// Somebody who was granted a part of what the owner may do.
    Grant(Grant),
    /// Whoever signed a request with an access key.
    Key(Signed),
}

/// What the program of a rotation may do, for one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capability {
    /// The secret's row.
    pub(crate) rid: u64,
    /// The version that the rotation makes: its `ClientRequestToken`.
    pub(crate) token: String,
    pub(crate) step: Step,
    /// ARNs of other secrets that it may read.
    pub(crate) reads: Vec<String>,
    /// Whether it may only read.
    pub(crate) read_only: bool,
}

/// What somebody was granted. All of it must allow a call, but for what a key's policies say: see
/// `access`.
#[derive(Debug)]
pub(crate) struct Grant {
    /// Tells it from others; no secret.
    pub(crate) id: String,
    /// The owner's name for it, which a session of a role could have.
    pub(crate) label: Option<String>,
    pub(crate) actions: BTreeSet<Action>,
    pub(crate) secrets: Selection,
    /// From when on nothing is allowed any more.
    pub(crate) until: Timestamp,
    /// Whether nothing may be changed.
    pub(crate) read_only: bool,
    /// Of the identity. Where there are any, one must allow the call, and none may deny it.
    pub(crate) policies: Vec<Policy>,
    /// The permissions boundary: where there is one, it must allow the call.
    pub(crate) boundary: Option<Policy>,
    /// Of the session: where there are any, one must allow the call.
    pub(crate) session: Vec<Policy>,
    pub(crate) holder: Holder,
    /// The holder's own tags: `aws:PrincipalTag/…`.
    pub(crate) principal_tags: Vec<(String, String)>,
    /// The policies on secrets that it has met.
    pub(crate) known: KnownPolicies,
}

/// Whom policies take the holder of a grant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A session of the role [`Grant::ROLE`], named by the grant's label, or else by its id.
    Session,
    /// An IAM user; the id of the grant is that of its access key. With policies of a session it is
    /// a federated session of the user, as `GetFederationToken` makes one.
    User {
        /// Begins and ends with `/`.
        path: String,
        name: String,
    },
}

/// What an access key lets whoever signed a request do, and what is known of that request.
#[derive(Debug)]
pub(crate) struct Signed {
    /// Its id is that of the key. It is read once, and kept with what it knows of policies.
    pub(crate) grant: Arc<Grant>,
    pub(crate) presented: Presented,
}

/// What is known of a request beside what it asks for: what conditions of policies may look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presented {
    /// `aws:SourceIp`; none for a socket that has no addresses.
    pub(crate) source_ip: Option<IpAddr>,
    /// `aws:UserAgent`.
    pub(crate) user_agent: Option<String>,
    /// `aws:SecureTransport`: whether nobody on the way can have read it. What never left the machine
    /// is secure, over HTTP too.
    pub(crate) is_secure: bool,
    /// `aws:TokenIssueTime`, where the credentials are temporary.
    pub(crate) token_issued: Option<Timestamp>,
}

/// Which secrets are meant: those that have one of the names and all of the tags when a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The region that all but ARNs are about.
    pub(crate) region: String,
    /// Patterns of names, or of ARNs, which name their regions: `*` is any text and `?` any
    /// character, as in IAM. Where there are none, any name will do; where there are no tags either,
    /// any secret of any region.
    pub(crate) names: Vec<String>,
    /// Keys, and the values that they must have; `None` is any.
    pub(crate) tags: Vec<(String, Option<String>)>,
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Create,
    /// Gives it to what checks it.
    Set,
    /// Sees whether it works.
    Test,
    /// Makes it the current one.
    Finish,
}

impl Step {
    /// All steps, in their order.
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Finish];

    /// Returns AWS's name of the step, as in the event.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

impl Caller {
    /// Returns by which way a call comes, for the audit log; `None` for the owner's own.
    pub(crate) fn via(&self) -> Option<String> {
        match self {
            Self::Owner => None,
            Self::Step(capability) => Some(format!("rotation:{}", capability.step.name())),
            Self::Grant(grant) => Some(grant.named("grant")),
            Self::Key(Signed { grant, .. }) => Some(grant.named("key")),
        }
    }
}

impl Grant {
    /// The role whose sessions grants are, for policies that speak of all of them.
    pub(crate) const ROLE: &str = "strongroom-grant";

    /// Returns the name of its session of the role.
    pub(crate) fn session(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.id)
    }

    /// Names it for the audit log: `kind:id`, and its user or its label, where it has one.
    fn named(&self, kind: &str) -> String {
        let name = match &self.holder {
            Holder::User { name, .. } => Some(name),
            Holder::Session => self.label.as_ref(),
        };
        let name = name.map(|name| format!("/{name}")).unwrap_or_default();
        format!("{kind}:{}{name}", self.id)
    }
}
