//! `serve`: AWS's endpoint for the vault, for programs written with an AWS SDK.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::running::granting::{self, Granter, Wish};
use super::super::serving::{AccessKey, Serving};
use super::super::terminal;
use super::options::{Number, options};
use super::own::{Invocation, OwnCommand, text};
use crate::agent::messages::At;
use crate::sys::interrupts;

options! {
    /// The options of `serve`.
    pub(super) struct Serve {
        /// The port of 127.0.0.1 that it is at; 0 is any that is free, and 2773 the default
        port: Number<u16> = "PORT",
        /// Be at a socket in the file system instead, for programs of this user
        socket: Option<String> = "PATH" => .conflicts_with("port"),
        /// Hand out an access key for these secrets, good until it ends: names or ARNs, in which * and ?
        /// may stand. Others are made by `access-key create`
        allow: Vec<String> = "SECRET",
        /// A file with an IAM policy that must allow what is done with that key
        policy: Vec<String> = "FILE",
        /// Let that key change no secret
        read_only: bool,
        /// For how long that key is good, such as 15m or 8h
        r#for: Option<String> = "TIME",
        /// Another address, which there is not
        host: Option<String> = "ADDRESS" => .hide(true).aliases(["address", "bind", "listen"])
    }
}

impl OwnCommand for Serve {
    const NAME: &'static str = "serve";
    const TITLE: &'static str = "Serve";
    const SUMMARY: &'static str = "Be AWS's endpoint for the vault, for programs on this machine.";
    const EXAMPLE: &'static str = "strongroom serve --port 4600 --allow 'app/dev/*'";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        context.check_region()?;
        let at = self.at()?;
        let wish = Wish {
            allow: &self.allow,
            policies: &self.policy,
            read_only: self.read_only,
            lifetime: self.r#for.as_deref(),
            label: Self::NAME.to_owned(),
        };
        let spec = wish.spec(context.region().map(str::to_owned))?;
        let granter = Granter::find(context)?;
        let serving = granter.serve(at, context)?;
        let handed_out = spec.map(|spec| granter.grant(spec, true)).transpose()?;
        terminal::end_silence();
        let is_asked_to_end = end_by_signal(&serving)?;
        let mut members = vec![
            text("Endpoint", &serving.endpoint),
            // That for which the key is.
            text("Region", context.region().unwrap_or(&serving.region)),
            text("Account", &serving.account),
        ];
        if let Some(granted) = &handed_out {
            members.extend(granted.handed.key.iter().flat_map(AccessKey::shown));
        }
        invocation.print_now(members)?;
        serving.wait();
        drop(serving);
        if let Some(granted) = handed_out {
            granter.revoke(&granted, context);
        }
        if is_asked_to_end.load(Ordering::SeqCst) { Ok(()) } else { Err(granting::locked()) }
    }
}

impl Serve {
    /// Returns where it is to be.
    fn at(&self) -> Result<At, Failure> {
        if self.host.is_some() {
            let what = "the endpoint is at 127.0.0.1 and nowhere else: it speaks HTTP, which others \
                        could read and answer on the way. Programs on other machines reach it by \
                        `ssh -L`, and containers by a socket or the host's network";
            return Err(Error::argument("--host", what).into());
        }
        match &self.socket {
            Some(path) => absolute(path).map(At::Socket),
            None => Ok(At::Port(self.port.get()?.unwrap_or(USUAL_PORT))),
        }
    }
}

/// Returns a path as another process of this user finds it.
fn absolute(path: &str) -> Result<PathBuf, Failure> {
    let found = std::path::absolute(path);
    found.map_err(|error| Error::argument("--socket", error.to_string()).into())
}

/// Ends an endpoint when a signal asks this process to end. Returns what says that one did.
fn end_by_signal(serving: &Serving) -> Result<Arc<AtomicBool>, Failure> {
    let is_asked = Arc::new(AtomicBool::new(false));
    let (asked, end) = (Arc::clone(&is_asked), serving.ending()?);
    let listening = interrupts::listen(move |_interrupt| {
        asked.store(true, Ordering::SeqCst);
        end();
    });
    listening.map_err(|error| Failure::environment("IoError", error.to_string()))?;
    Ok(is_asked)
}

/// That of AWS's own agent of Secrets Manager, whose clients ask it there.
pub(super) const USUAL_PORT: u16 = 2773;
