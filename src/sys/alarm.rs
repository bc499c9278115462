//! Waiting for a moment, or for another thread to ring.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use timer::Timer;

/// What a thread waits for.
pub(crate) struct Alarm {
    rings: UnixStream,
    timer: Timer,
}

/// Ends the waiting, from any thread.
pub(crate) struct Bell(UnixStream);

impl Alarm {
    /// Makes an alarm and its bell.
    pub(crate) fn new() -> io::Result<(Self, Bell)> {
        let (rings, bell) = UnixStream::pair()?;
        rings.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        Ok((Self { rings, timer: Timer::new()? }, Bell(bell)))
    }

    /// Waits until the bell rings, or so much time is over; `None` is no end. On Linux the time goes on
    /// while the system is suspended.
    pub(crate) fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        self.timer.set(time)?;
        loop {
            let rings = PollFd::new(&self.rings, PollFlags::IN);
            match self.timer.poll(rings) {
                Err(Errno::INTR) => {}
                waited => break waited?,
            }
        }
        let mut rings = [0; 64];
        while self.rings.read(&mut rings).is_ok_and(|read| read > 0) {}
        Ok(())
    }
}

impl Bell {
    /// Rings. It is heard even if nobody waits yet.
    pub(crate) fn ring(&self) {
        // One that is full of rings is heard as well.
        drop((&self.0).write(&[1]));
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use std::os::fd::OwnedFd;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    use super::{Duration, Errno, PollFd, PollFlags, io, poll};

    /// A timer that fires when the system wakes up, if its time came before.
    pub(super) struct Timer(OwnedFd);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            Ok(Self(timerfd_create(TimerfdClockId::Boottime, flags)?))
        }

        pub(super) fn set(&mut self, time: Option<Duration>) -> io::Result<()> {
            // Zero would be for ever.
            let time = time.map_or(Duration::ZERO, |time| time.max(Duration::from_millis(1)));
            let it_value = Timespec {
                tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(time.subsec_nanos()),
            };
            let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            let new = Itimerspec { it_interval, it_value };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &new)?;
            Ok(())
        }

        pub(super) fn poll(&self, other: PollFd<'_>) -> Result<(), Errno> {
            poll(&mut [other, PollFd::new(&self.0, PollFlags::IN)], None).map(drop)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use rustix::event::Timespec;

    use super::{Duration, Errno, PollFd, io, poll};

    /// How long is waited.
    pub(super) struct Timer(Option<Timespec>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(None))
        }

        pub(super) fn set(&mut self, time: Option<Duration>) -> io::Result<()> {
            self.0 = time.map(|time| Timespec {
                tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(time.subsec_nanos()),
            });
            Ok(())
        }

        pub(super) fn poll(&self, other: PollFd<'_>) -> Result<(), Errno> {
            poll(&mut [other], self.0.as_ref()).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_the_bell_or_the_time() {
        let (mut alarm, bell) = Alarm::new().unwrap();
        alarm.wait(Some(Duration::ZERO)).unwrap();
        alarm.wait(Some(Duration::from_millis(2))).unwrap();
        (0..100_000).for_each(|_| bell.ring());
        alarm.wait(None).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| bell.ring());
            alarm.wait(None).unwrap();
        });
    }
}
