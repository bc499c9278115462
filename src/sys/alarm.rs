//! Waiting for a moment, for another thread to ring, or for the system to tell something.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use timer::Timer;

/// What a thread waits for.
pub(crate) struct Alarm {
    rings: UnixStream,
    /// What the system tells, in a descriptor that does not block.
    news: Option<OwnedFd>,
    timer: Timer,
}

/// Ends the waiting, from any thread.
pub(crate) struct Bell(UnixStream);

impl Alarm {
    /// Makes an alarm and its bell. What can be read from `news`, which does not block, rings too.
    pub(crate) fn new(news: Option<OwnedFd>) -> io::Result<(Self, Bell)> {
        let (rings, bell) = UnixStream::pair()?;
        rings.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        Ok((Self { rings, news, timer: Timer::new()? }, Bell(bell)))
    }

    /// Waits until the bell rings, there is news, or so much time is over; `None` is no end. On Linux the time goes on
    /// while the system is suspended.
    pub(crate) fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        self.timer.set(time)?;
        loop {
            let mut waited_for = vec![PollFd::new(&self.rings, PollFlags::IN)];
            waited_for.extend(self.news.as_ref().map(|news| PollFd::new(news, PollFlags::IN)));
            match self.timer.poll(waited_for) {
                Err(Errno::INTR) => {}
                waited => break waited?,
            }
        }
        let mut rings = [0; 64];
        while self.rings.read(&mut rings).is_ok_and(|read| read > 0) {}
        self.hear();
        Ok(())
    }

    /// Reads the news, so that it does not ring again. What tells nothing more is not asked again.
    fn hear(&mut self) {
        let Some(news) = &self.news else { return };
        // An event of inotify(7) is read whole or not at all.
        let mut told = [0; 4096];
        loop {
            match rustix::io::read(news, &mut told) {
                Ok(length) if length > 0 => {}
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => break,
            }
        }
        self.news = None;
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

        pub(super) fn poll<'a>(&'a self, mut others: Vec<PollFd<'a>>) -> Result<(), Errno> {
            others.push(PollFd::new(&self.0, PollFlags::IN));
            poll(&mut others, None).map(drop)
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

        pub(super) fn poll(&self, mut others: Vec<PollFd<'_>>) -> Result<(), Errno> {
            poll(&mut others, self.0.as_ref()).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock::Stopwatch;
    use crate::sys::scratch::Scratch;
    use crate::sys::{files, login};

    #[test]
    fn waits_for_the_bell_or_the_time() {
        let (mut alarm, bell) = Alarm::new(None).unwrap();
        alarm.wait(Some(Duration::ZERO)).unwrap();
        alarm.wait(Some(Duration::from_millis(2))).unwrap();
        (0..100_000).for_each(|_| bell.ring());
        alarm.wait(None).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| bell.ring());
            alarm.wait(None).unwrap();
        });
    }

    /// Without the reading, the second wait ends at once; without the news, the first never does.
    #[test]
    fn news_ring_once() {
        let (told, teller) = UnixStream::pair().unwrap();
        told.set_nonblocking(true).unwrap();
        let (mut alarm, bell) = Alarm::new(Some(told.into())).unwrap();
        (&teller).write_all(&[1; 10_000]).unwrap();
        alarm.wait(None).unwrap();
        let waiting = Stopwatch::start();
        alarm.wait(Some(Duration::from_millis(20))).unwrap();
        assert!(waiting.elapsed() >= Duration::from_millis(20));
        // One that tells nothing more does not ring for ever.
        drop(teller);
        alarm.wait(None).unwrap();
        assert!(alarm.news.is_none());
        bell.ring();
        alarm.wait(None).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_end_of_a_login_session_rings() {
        let scratch = Scratch::new();
        let file = scratch.join("2");
        files::write_replacing(&file, b"STATE=active\n").unwrap();
        let (mut alarm, _bell) = Alarm::new(login::changes(scratch.path())).unwrap();
        files::write_replacing(&file, b"STATE=closing\n").unwrap();
        alarm.wait(None).unwrap();
        std::fs::remove_file(&file).unwrap();
        alarm.wait(None).unwrap();
        assert!(alarm.news.is_some());
    }
}
