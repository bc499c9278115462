//! What the agent answers to whoever has something rotated.

use std::os::unix::net::UnixStream;

use serde_json::{Value as Json, json};

use super::door::{Agent, VIA};
use super::messages::{Refused, Rotate, Rotated};
use super::rotations::{BegunRotation, Client};
use super::session::{Gone, Use};
use crate::gateway::answers::Circumstances;
use crate::gateway::json::tagged;
use crate::rotation::error::Error;
use crate::rotation::runner::Runner;
use crate::rotation::{due, remote};
use crate::sys::process;
use crate::sys::socket::Peer;
use crate::vault::Origin;

impl Agent<'_> {
    /// Rotates what a client asks for.
    pub(super) fn rotate(
        &self,
        peer: Peer,
        stream: &UnixStream,
        rotate: Rotate,
    ) -> Result<Json, Refused> {
        let Rotate { token, asked, what, machine, shows } = rotate;
        let malformed = || Refused::Malformed("that is nothing to rotate".to_owned());
        let session = self.session(&token)?;
        let machine = remote::machine_from_json(&machine, std::env::current_exe().ok());
        let client = Client { stream, machine: machine.ok_or_else(malformed)?, shows };
        let origin = Origin { actor: process::actor_of(peer.pid, peer.uid), via: VIA.to_owned() };
        let circumstances =
            Circumstances { clock: self.clock, entropy: self.entropy, origin: &origin };
        // What waits to be logged was before.
        let opened =
            session.used_at(self.moments.moment(), Use::Counts, circumstances.context(), |vault| {
                drop(vault.write_waiting_reads(circumstances.context()));
                // Before the vault can be locked: the lock stops it.
                (vault.again(), BegunRotation::begin(&session.long_work))
            });
        let locked = |gone: Gone| Refused::Locked(gone.told().to_owned());
        let (vault, begun) = opened.map_err(locked)?.done;
        let mut vault = vault.map_err(|error| self.refused(error.into()))?;
        let begun = begun.ok_or_else(|| locked(Gone::Locked))?;
        let error = |error: &Error| json!({ "error": remote::error_to_json(error, &self.explain) });
        Ok(match what {
            Rotated::One => {
                let asked = remote::request_from_json(&asked).ok_or_else(malformed)?;
                let work = |runner: &mut Runner<'_>| runner.rotate(asked);
                match begun.run(&mut vault, &client, circumstances, work) {
                    Some(Ok(answer)) => json!({ "answer": tagged(&answer) }),
                    Some(Err(failed)) => error(&failed),
                    None => error(&Error::Stopped),
                }
            }
            Rotated::Due => {
                let asked = remote::due_from_json(&asked).ok_or_else(malformed)?;
                let work = |runner: &mut Runner<'_>| due::rotate_due(runner, &asked);
                match begun.run(&mut vault, &client, circumstances, work) {
                    Some(Ok(outcomes)) => {
                        json!({ "outcomes": remote::outcomes_to_json(&outcomes, &self.explain) })
                    }
                    Some(Err(fault)) => {
                        json!({ "fault": remote::fault_of_due_to_json(fault, &self.explain) })
                    }
                    None => {
                        let stopped = remote::error_to_json(&Error::Stopped, &self.explain);
                        json!({ "fault": stopped })
                    }
                }
            }
        })
    }
}
