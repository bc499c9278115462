//! What a rotation needs besides its request. Does not know what is done with it.

use super::machine::Machine;
use crate::gateway::answers::Circumstances;
use crate::programs::launch::RunEvents;
use crate::vault::Vault;

/// What a rotation is run with.
pub(crate) struct Runner<'a> {
    /// The unlocked vault.
    pub(crate) vault: &'a mut Vault,
    /// This machine.
    pub(crate) machine: &'a Machine,
    /// When and who.
    pub(crate) circumstances: Circumstances<'a>,
    /// What happens meanwhile.
    pub(crate) events: &'a mut RunEvents,
    /// Tells the person something that is not the answer.
    pub(crate) tell: &'a dyn Fn(&str),
    /// Shows what a program that succeeded wrote to stderr, where that is wanted.
    pub(crate) show: Option<&'a dyn Fn(&str)>,
}
