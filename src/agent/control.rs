//! The agent's second door, for what must get through however many ask at the first.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::door::Agent;
use super::messages::{Ask, Refused};
use crate::gateway::frames::Framing;
use crate::gateway::server::{Door, Rules};
use crate::sys::process::Actor;
use crate::sys::secret::Secret;

/// What is heard at the socket for what must get through however many are at the other. As each comes
/// for one message, nobody is waited for longer than his turn takes.
pub(super) const CONTROL_RULES: Rules = Rules {
    framing: Framing::Frame,
    at_once: 16,
    longest: 64 << 10,
    patience: Duration::from_secs(10),
    grace: Duration::from_millis(250),
    is_for_one: true,
};

/// The door for what must get through.
pub(super) struct Control<'a, 'b>(pub(super) &'a Agent<'b>);

impl Door for Control<'_, '_> {
    fn answer(
        &self,
        who: &Actor,
        stream: &UnixStream,
        message: Secret<Vec<u8>>,
    ) -> Option<Secret<Vec<u8>>> {
        let asked = Ask::read(message.expose()).and_then(|ask| {
            let elsewhere = "this is asked at the other socket";
            let is_meant = ask.is_control();
            if is_meant { Ok(ask) } else { Err(Refused::Malformed(elsewhere.to_owned())) }
        });
        drop(message);
        Some(self.0.reply(who, stream, asked)?.write())
    }

    fn panicked(&self) {
        self.0.panicked();
    }
}
