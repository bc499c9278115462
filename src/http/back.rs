//! What the endpoint stands in front of: who has which key, and what becomes of a call.

use std::net::IpAddr;

use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::failure::Failure;
use crate::service::identity::CallerIdentity;
use crate::service::operation::Entry;
use crate::sys::entropy::Entropy;
use crate::sys::secret::Secret;

/// Whoever answers behind an endpoint. Any number of threads ask at once.
pub(crate) trait Back: Sync {
    /// Returns the time by which signatures are judged and answers dated: clients correct their own
    /// clocks by the dates.
    fn now(&self) -> Timestamp;

    /// Returns where the ids of requests come from.
    fn entropy(&self) -> &dyn Entropy;

    /// Finds what an access key's signatures are made with, and who has it; `None` for a key that there
    /// is not, or that is not active.
    fn credential(&self, access_key_id: &str) -> Result<Option<Credential<'_>>, Trouble>;

    /// Hands out a key that lasts for a while to the process that has this token, which was its
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`; `None` if the token is nobody's. As a client asks anew
    /// before each call when less than a quarter of an hour is left, a key lasts for an hour or longer.
    fn lend(&self, token: &str) -> Result<Option<Lent>, Trouble>;

    /// Finds who asks in the local protocol of AWS's agent with this token; `None` if it is nobody's.
    fn local(&self, token: &str) -> Result<Option<Box<dyn Principal + '_>>, Trouble>;

    /// A thread has panicked: what it held may be half done.
    fn panicked(&self);
}

/// Somebody who was proven to ask. The right may have ended since then: a call looks anew.
pub(crate) trait Principal {
    /// Makes a call, which is admitted already (`service::dispatch::admit`).
    fn call(&self, call: Call<'_>) -> Result<Value, Trouble>;

    /// Tells who it is, by the partition of a region.
    fn identity(&self, region: &str) -> Result<CallerIdentity, Trouble>;
}

/// An access key, and who has it.
pub(crate) struct Credential<'b> {
    /// The secret access key.
    pub(crate) secret: Secret<String>,
    /// What a request must carry besides; `None` for a key that lasts.
    pub(crate) session_token: Option<Secret<String>>,
    /// From when on the key is of no use; `None` if that is not known.
    pub(crate) until: Option<Timestamp>,
    pub(crate) principal: Box<dyn Principal + 'b>,
}

/// A key that lasts for a while.
pub(crate) struct Lent {
    pub(crate) access_key_id: String,
    /// The secret access key.
    pub(crate) secret: Secret<String>,
    pub(crate) session_token: Secret<String>,
    /// When it is over.
    pub(crate) until: Timestamp,
}

/// What is asked for.
pub(crate) struct Call<'a> {
    pub(crate) entry: &'static Entry,
    /// The request, of the operation's shape.
    pub(crate) request: Value,
    /// The region of the signature, which has a region's form; `None` in the local protocol, which names
    /// none: that of the grant.
    pub(crate) region: Option<&'a str>,
    /// What conditions of policies look at.
    pub(crate) presented: Presented<'a>,
}

/// What a request shows of where it comes from.
#[derive(Clone, Copy, Default)]
pub(crate) struct Presented<'a> {
    /// Its address; `None` at a socket of the file system.
    pub(crate) source_ip: Option<IpAddr>,
    pub(crate) user_agent: Option<&'a str>,
}

/// Why a call was not carried out, or nobody could say who asks.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The service refuses, or the vault failed: which of both, and in which words, the failure says.
    Failed(Failure),
    /// The vault is not held open any more; the text says why, and is shown.
    Gone(&'static str),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
