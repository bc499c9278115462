//! What an operation works with: the transaction it is part of, the region it is about, and who
//! calls.

use super::action::Action;
use super::caller::Caller;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::rules::arn::{Place, SecretRef};
use super::rules::deletion::Standing;
use super::rules::paging::PageBoundaries;
use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::sys::entropy::Entropy;
use crate::vault::audit::Subject;
use crate::vault::record::{Namespace, Record};
use crate::vault::trace::Trace;
use crate::vault::transaction::Transaction;

/// One operation at work.
pub(crate) struct Context<'c, 'v> {
    vault: Option<&'c mut Transaction<'v>>,
    entropy: &'c dyn Entropy,
    region: &'c str,
    subject: Subject,
    trace: Trace,
    caller: &'c Caller,
    boundaries: Option<&'c PageBoundaries>,
}

impl<'c, 'v> Context<'c, 'v> {
    /// An operation on a vault, in the region given or the vault's home.
    pub(crate) fn new(
        vault: &'c mut Transaction<'v>,
        region: Option<&'c str>,
        home: &'c str,
    ) -> Self {
        let entropy = vault.entropy();
        let region = region.unwrap_or(home);
        let (caller, subject) = (&Caller::Owner, Subject::default());
        let vault = Some(vault);
        let trace = Trace::default();
        Self { vault, entropy, region, subject, trace, caller, boundaries: None }
    }

    /// An operation that needs no vault.
    pub(super) fn without_vault(entropy: &'c dyn Entropy) -> Self {
        let (caller, subject) = (&Caller::Owner, Subject::default());
        let trace = Trace::default();
        Self { vault: None, entropy, region: "", subject, trace, caller, boundaries: None }
    }

    /// Says who calls.
    pub(super) fn called_by(self, caller: &'c Caller) -> Self {
        Self { caller, ..self }
    }

    /// Says which smaller pages the caller wants to know of.
    pub(super) fn cut_at(self, boundaries: Option<&'c PageBoundaries>) -> Self {
        Self { boundaries, ..self }
    }

    /// Returns the smaller pages that the caller wants to know of.
    pub(super) fn boundaries(&self) -> Option<&'c PageBoundaries> {
        self.boundaries
    }

    pub(crate) fn caller(&self) -> &'c Caller {
        self.caller
    }

    /// Whether the caller is a rotation's program.
    pub(crate) fn is_step(&self) -> bool {
        matches!(self.caller, Caller::Step(_))
    }

    pub(crate) fn vault(&mut self) -> Result<&mut Transaction<'v>, Failure> {
        match &mut self.vault {
            Some(vault) => Ok(vault),
            None => {
                Err(Fault::new(Code::InternalService, "the operation was given no vault").into())
            }
        }
    }

    /// Returns where randomness comes from.
    pub(crate) fn entropy(&self) -> &'c dyn Entropy {
        self.entropy
    }

    pub(crate) fn region(&self) -> &'c str {
        self.region
    }

    /// Returns what the clock says, believed or not: for what is waited for. What is written down is
    /// dated by [`Context::date`].
    pub(crate) fn now(&mut self) -> Result<Timestamp, Failure> {
        Ok(self.vault()?.now())
    }

    /// Returns the time to use for dates.
    pub(crate) fn date(&mut self) -> Result<Timestamp, Failure> {
        Ok(self.vault()?.date())
    }

    /// Returns the time until which recovery windows are over.
    pub(crate) fn due_time(&mut self) -> Result<Timestamp, Failure> {
        Ok(self.vault()?.due_time())
    }

    /// Returns the account and region that names are looked up in.
    pub(crate) fn namespace(&mut self) -> Result<Namespace, Failure> {
        let region = self.region;
        Ok(self.vault()?.namespace(region))
    }

    /// Finds the secret that an id names, scheduled for deletion or not.
    ///
    /// # Errors
    /// `ValidationException` for an id with characters that no id has, which comes before
    /// `ResourceNotFoundException` (docs/behaviour.md, "Order of checks").
    pub(crate) fn find(&mut self, id: &SecretId) -> Result<Record, Failure> {
        name_subject(&mut self.subject, &id.0);
        let region = self.region;
        let record = self.look_up(region, &id.0)?.ok_or_else(Fault::secret_not_found)?;
        self.about(&record);
        Ok(record)
    }

    /// Finds the secret that an id names in a region, scheduled for deletion or not, and notes nothing.
    ///
    /// # Errors
    /// `ValidationException` for an id with characters that no id has.
    pub(crate) fn look_up(&mut self, region: &str, id: &str) -> Result<Option<Record>, Failure> {
        let wanted = SecretRef::parse(id)?;
        let vault = self.vault()?;
        let namespace = vault.namespace(region);
        let place = Place { account: &namespace.account, region: &namespace.region };
        let Some(candidate) = wanted.candidate(place) else { return Ok(None) };
        let found = vault.find(&namespace, candidate.name)?;
        Ok(found.filter(|record| candidate.accepts(&record.arn_suffix)))
    }

    /// Finds a secret that is not scheduled for deletion.
    pub(crate) fn find_active(&mut self, id: &SecretId) -> Result<Record, Failure> {
        let record = self.find(id)?;
        let due = record.deletion.map(|deletion| deletion.due);
        Standing::of(due, self.due_time()?).require_active()?;
        Ok(record)
    }

    /// Notes for the audit log which secret the operation is about.
    pub(crate) fn about(&mut self, record: &Record) {
        let Subject { version, token, .. } = std::mem::take(&mut self.subject);
        self.subject = Subject { version, token, ..Transaction::subject(record) };
    }

    /// Notes for the audit log what the operation did to a secret: the one that it is about.
    pub(crate) fn did(&mut self, trace: Trace) {
        self.trace = trace;
    }

    /// Notes for the audit log which name, not yet taken, the operation is about.
    pub(crate) fn about_name(&mut self, name: &str) {
        name_subject(&mut self.subject, name);
    }

    /// Notes for the audit log which version or label the operation is about.
    pub(crate) fn about_version(&mut self, version: &str) {
        version.clone_into(&mut self.subject.version);
    }

    /// Notes the request's token for the audit log.
    pub(crate) fn about_token(&mut self, token: &str) {
        token.clone_into(&mut self.subject.token);
    }

    /// Writes a part of the operation to the audit log as an operation of its own, about what was
    /// noted since the last.
    pub(crate) fn log_part(&mut self, action: Action, outcome: &str) -> Result<(), Failure> {
        let subject = std::mem::take(&mut self.subject);
        let vault = self.vault()?;
        if vault.logs() {
            vault.record(action.name(), outcome, subject)?;
        }
        Ok(())
    }

    /// Returns what was noted.
    pub(super) fn into_noted(self) -> (Subject, Trace) {
        (self.subject, self.trace)
    }
}

/// Keeps what was asked for, but not a text of any length.
fn name_subject(subject: &mut Subject, name: &str) {
    subject.name = name.chars().take(512).collect();
}

#[cfg(test)]
mod tests {
    use crate::service::testing::{ARN, ServiceFixture};

    /// docs/behaviour.md, "Names and ARNs": a suffix belongs to an ARN, and a name with it is
    /// another name.
    #[test]
    fn a_name_with_a_suffix_is_no_id() {
        let mut service = ServiceFixture::new();
        let token = "1".repeat(32);
        let request = format!(r#"{{"Name":"app/db","ClientRequestToken":"{token}"}}"#);
        service.call("CreateSecret", &request).unwrap();
        let suffix = service.record("app/db").unwrap().arn_suffix;
        let mut describe = |id: &str| {
            let request = format!(r#"{{"SecretId":"{id}"}}"#);
            service.call("DescribeSecret", &request).map_err(|(code, _)| code)
        };
        assert!(describe(&format!("{ARN}app/db-{suffix}")).is_ok());
        for id in [
            format!("app/db-{suffix}"),
            format!("secret:app/db-{suffix}").replace(':', "/"),
            format!("{ARN}app/db-{}", suffix.to_lowercase()),
            format!("{ARN}app/db-"),
            format!("{ARN}app/db-{}", suffix.split_at(5).0),
            format!("{ARN}App/db-{suffix}"),
            format!("{ARN}app/db-{suffix}").replace("aws:", "aws-cn:"),
        ] {
            assert_eq!(describe(&id), Err("ResourceNotFoundException".to_owned()), "{id}");
        }
    }
}
