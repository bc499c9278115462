//! Says why a call would be allowed or refused, without making it.

use super::access;
use super::access::explanation::Explanation;
use super::context::Context;
use super::dispatch::Call;
use super::failure::Failure;
use crate::vault::Vault;
use crate::vault::transaction::{Access, RequestContext};

/// Explains what becomes of a call. It is not made, and nothing is logged of it.
pub(crate) fn explain(
    vault: &mut Vault,
    call: &Call<'_>,
    context: RequestContext<'_>,
) -> Result<Explanation, Failure> {
    let mut transaction = vault.begin(Access::Read, context)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, call.region, &home).called_by(call.caller);
    access::explain(&mut cx, call.entry, &call.request)
}
