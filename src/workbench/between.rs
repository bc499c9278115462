//! What two vaults do together, where one of them was made by somebody who has its key and another
//! program. It may answer or refuse; the other stays sound, whatever it says.

use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::failure::Failure;
use crate::service::peers::course::{self, Far, Side};
use crate::service::peers::link::Identity;
use crate::service::peers::registry::KnownPeer;
use crate::service::peers::task::Task;
use crate::vault::across::Trouble;
use crate::vault::peers::Seen;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Vault};

/// One of two vaults.
struct One<'a>(&'a mut Vault, RequestContext<'a>);

impl One<'_> {
    /// Does a task as another process does it: by what was said.
    fn run(&mut self, task: Task) -> Option<Result<Value, Failure>> {
        let read = Task::from_value(task.into_value());
        assert!(read.is_some(), "a task is read otherwise than it was written");
        Some(read?.run(self.0, self.1))
    }
}

impl Side for One<'_> {
    type Error = Option<Failure>;

    fn ask(&mut self, task: Task) -> Result<Value, Self::Error> {
        self.run(task).ok_or(None)?.map_err(Some)
    }
}

impl Far for One<'_> {
    fn ask(&mut self, task: Task) -> Result<Value, Trouble> {
        self.run(task).ok_or(Trouble::Failed)?.map_err(|_failure| Trouble::Failed)
    }

    fn seen(&mut self) -> Option<Seen> {
        Identity::from_value(Far::ask(self, Task::Identify).ok()?).ok()?.seen()
    }
}

/// Has a vault meet a sound one: made known to it, with a replica of its secret, and with the primary
/// of a replica.
///
/// # Errors
/// Those of the sound one.
pub(super) fn meet(
    theirs: &mut Vault,
    ours: &mut Vault,
    (primary_arn, replicated_arn): (&str, &str),
    context: RequestContext<'_>,
) -> Result<(), vault::Error> {
    let account = make_known(theirs, ours, context);
    let (mut near, mut far) = (One(ours, context), One(theirs, context));
    for task in [Task::Waiting { account: account.clone() }, Task::Replicas { account }] {
        let _refused = Side::ask(&mut near, task);
    }
    let _refused = course::deliver(&mut near, &mut far, primary_arn);
    let _refused = course::deliver(&mut far, &mut near, replicated_arn);
    let transaction = ours.begin(Access::Read, context)?;
    let findings = transaction.check(&mut |_progress| {})?;
    assert!(findings.is_empty(), "a peer has damaged the vault: {}", findings.len());
    Ok(())
}

/// Makes a vault known to another as it shows itself, and returns its account.
fn make_known(theirs: &mut Vault, ours: &mut Vault, context: RequestContext<'_>) -> String {
    let (mut near, mut far) = (One(ours, context), One(theirs, context));
    let identity = Far::ask(&mut far, Task::Identify).ok();
    let Some(Ok(identity)) = identity.map(Identity::from_value) else { return String::new() };
    let Identity { vault, account, generation, commit, .. } = identity;
    let known = KnownPeer {
        name: "theirs".to_owned(),
        account: account.clone(),
        path: vec![47],
        vault,
        generation,
        commit,
        waiting: 0,
    };
    let _refused = Far::ask(&mut far, Task::ComeAfter(known.expected()));
    let _refused = Side::ask(&mut near, Task::AddPeer { peer: known, follows: true });
    account
}
