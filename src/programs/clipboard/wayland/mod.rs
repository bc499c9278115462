//! A value offered to a Wayland compositor by this process itself: in no other program, in no file, and
//! marked as secret. Works where the compositor lets clipboard managers in, by the protocol
//! ext-data-control or its older form wlr-data-control.

mod wire;

use std::fs::File;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wire::{Part, Wire};

use super::board::HINT;
use crate::sys::secret::Secret;

/// An offer that stands until it is cancelled, or dropped.
pub(super) struct Offer {
    wire: Wire,
    value: Arc<Secret<Vec<u8>>>,
}

/// Ends an offer from another thread.
pub(super) struct End(UnixStream);

impl End {
    pub(super) fn end(&self) {
        // The compositor forgets what was offered by whoever is gone.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

impl Offer {
    /// Makes a value the clipboard's; `None` where the compositor lets only windows do that, or is
    /// none.
    pub(super) fn make(value: &[u8], environment: &[(String, String)]) -> Option<Self> {
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| known == name).map(|(_, value)| Path::new(value))
        };
        let socket = variable("WAYLAND_DISPLAY")?;
        let socket = variable("XDG_RUNTIME_DIR").unwrap_or(Path::new("/")).join(socket);
        let stream = UnixStream::connect(socket).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut wire = Wire::new(stream);
        offer(&mut wire).ok()??;
        wire.stream().set_read_timeout(None).ok()?;
        Some(Self { wire, value: Arc::new(Secret::new(value.to_vec())) })
    }

    /// Returns how this is ended while it is served.
    pub(super) fn end(&self) -> io::Result<End> {
        self.wire.stream().try_clone().map(End)
    }

    /// Hands the value to whoever asks, until something else takes its place or this is ended.
    pub(super) fn serve(mut self) {
        while let Ok(mut event) = self.wire.hear() {
            match (event.object, event.code) {
                (DISPLAY, ERROR) | (SOURCE, CANCELLED) => return,
                (SOURCE, SEND) => {
                    let Some(pipe) = self.wire.descriptor() else { return };
                    let is_hint = event.text().is_some_and(|kind| kind == HINT);
                    let value = Arc::clone(&self.value);
                    // Whoever asked may take its time.
                    thread::spawn(move || {
                        let bytes = if is_hint { SECRET } else { value.expose().as_slice() };
                        drop(File::from(pipe).write_all(bytes));
                    });
                }
                _ => {}
            }
        }
    }
}

/// Asks for what there is, and makes an offer; `None` where there is no way to.
fn offer(wire: &mut Wire) -> io::Result<Option<()>> {
    wire.ask(DISPLAY, GET_REGISTRY, &[Part::Word(REGISTRY)])?;
    wire.ask(DISPLAY, SYNC, &[Part::Word(FIRST_DONE)])?;
    let (mut seat, mut manager) = (None, None);
    loop {
        let mut event = wire.hear()?;
        match (event.object, event.code) {
            (DISPLAY, ERROR) => return Ok(None),
            (FIRST_DONE, DONE) => break,
            (REGISTRY, GLOBAL) => {
                let (Some(number), Some(interface)) = (event.word(), event.text()) else {
                    return Ok(None);
                };
                if interface == SEAT_INTERFACE {
                    seat = seat.or(Some(number));
                }
                if interface == MANAGERS[0] || (interface == MANAGERS[1] && manager.is_none()) {
                    manager = Some((number, interface));
                }
            }
            _ => {}
        }
    }
    let (Some(seat), Some((manager, interface))) = (seat, manager) else { return Ok(None) };
    for (number, interface, id) in [(seat, SEAT_INTERFACE, SEAT), (manager, &interface, MANAGER)] {
        let version = Part::Word(1);
        wire.ask(
            REGISTRY,
            BIND,
            &[Part::Word(number), Part::Text(interface), version, Part::Word(id)],
        )?;
    }
    wire.ask(MANAGER, CREATE_DATA_SOURCE, &[Part::Word(SOURCE)])?;
    wire.ask(MANAGER, GET_DATA_DEVICE, &[Part::Word(DEVICE), Part::Word(SEAT)])?;
    for kind in KINDS {
        wire.ask(SOURCE, OFFER, &[Part::Text(kind)])?;
    }
    wire.ask(DEVICE, SET_SELECTION, &[Part::Word(SOURCE)])?;
    wire.ask(DISPLAY, SYNC, &[Part::Word(SECOND_DONE)])?;
    loop {
        let event = wire.hear()?;
        match (event.object, event.code) {
            (SECOND_DONE, DONE) => return Ok(Some(())),
            (DISPLAY, ERROR) | (SOURCE, CANCELLED) => return Ok(None),
            _ => {}
        }
    }
}

/// What a text is called, by programs of all ages, and that it is secret.
const KINDS: &[&str] =
    &["text/plain;charset=utf-8", "text/plain", "UTF8_STRING", "TEXT", "STRING", HINT];
/// What the hint says.
const SECRET: &[u8] = b"secret";

/// Both have the same requests and events.
const MANAGERS: [&str; 2] = ["ext_data_control_manager_v1", "zwlr_data_control_manager_v1"];
const SEAT_INTERFACE: &str = "wl_seat";

// The objects, by the numbers that we give them; the first is there from the beginning.
const DISPLAY: u32 = 1;
const REGISTRY: u32 = 2;
const FIRST_DONE: u32 = 3;
const SEAT: u32 = 4;
const MANAGER: u32 = 5;
const SOURCE: u32 = 6;
const DEVICE: u32 = 7;
const SECOND_DONE: u32 = 8;

// What they are asked for.
const SYNC: u32 = 0;
const GET_REGISTRY: u32 = 1;
const BIND: u32 = 0;
const CREATE_DATA_SOURCE: u32 = 0;
const GET_DATA_DEVICE: u32 = 1;
const OFFER: u32 = 0;
const SET_SELECTION: u32 = 0;

// What they tell.
const ERROR: u32 = 0;
const GLOBAL: u32 = 0;
const DONE: u32 = 0;
const SEND: u32 = 0;
const CANCELLED: u32 = 1;

/// How long a compositor may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
