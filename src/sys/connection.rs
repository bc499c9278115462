//! A connection to another process, at a socket of the file system or over the loopback interface:
//! bytes that come and go within a time.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::net::sockopt::{self, Timeout};
use rustix::net::{self, RecvFlags, SendFlags};

/// Reads what has come, or waits for it; 0 at the end.
///
/// # Errors
/// `TimedOut` if nothing is there by `until`.
pub(crate) fn read_some(stream: &impl AsFd, place: &mut [u8], until: Instant) -> io::Result<usize> {
    loop {
        sockopt::set_socket_timeout(stream, Timeout::Recv, Some(left(until)?))?;
        let read = net::recv(stream, &mut *place, RecvFlags::empty());
        match read.map_err(io::Error::from) {
            Ok((_, length)) => return Ok(length),
            Err(error) => go_on_after(error)?,
        }
    }
}

/// Writes piece by piece: for each, who takes a little now and then could keep us waiting anew.
///
/// # Errors
/// `TimedOut` if not all is taken by `until`.
pub(crate) fn write_all(stream: &impl AsFd, mut message: &[u8], until: Instant) -> io::Result<()> {
    while !message.is_empty() {
        sockopt::set_socket_timeout(stream, Timeout::Send, Some(left(until)?))?;
        let piece = message.get(..PIECE).unwrap_or(message);
        match net::send(stream, piece, QUIETLY).map_err(io::Error::from) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => message = message.get(written..).unwrap_or_default(),
            Err(error) => go_on_after(error)?,
        }
    }
    Ok(())
}

/// Whether something has come that was not read yet; the end is nothing.
pub(crate) fn has_more(stream: &impl AsFd) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    net::recv(stream, &mut [0_u8; 1][..], flags).is_ok_and(|(_, length)| length > 0)
}

/// Ends a direction or both, also for whoever waits in another thread.
pub(crate) fn end(stream: &impl AsFd, how: Shutdown) {
    let how = match how {
        Shutdown::Read => net::Shutdown::Read,
        Shutdown::Write => net::Shutdown::Write,
        Shutdown::Both => net::Shutdown::Both,
    };
    // Who has gone needs no telling.
    let _gone = net::shutdown(stream, how);
}

/// Returns the address of the other end, if it has one.
pub(crate) fn address(stream: &impl AsFd) -> Option<IpAddr> {
    let address = net::getpeername(stream).ok()??;
    SocketAddr::try_from(address).ok().map(|address| address.ip())
}

/// Has what is written over the loopback interface sent at once.
pub(crate) fn hurry(stream: &impl AsFd) {
    // Where that is not possible, it is slower and no less right.
    let _slower = sockopt::set_tcp_nodelay(stream, true);
}

fn go_on_after(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::Interrupted {
        Ok(())
    } else if error.kind() == ErrorKind::WouldBlock {
        Err(ErrorKind::TimedOut.into())
    } else {
        Err(error)
    }
}

/// Returns how long there is until then.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// What the kernel mostly has room for, in bytes.
const PIECE: usize = 128 << 10;

/// Who has gone is an error, and no signal. Elsewhere, the standard library has set the socket so.
#[cfg(target_os = "linux")]
const QUIETLY: SendFlags = SendFlags::NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const QUIETLY: SendFlags = SendFlags::empty();

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_was_not_read_yet_is_seen_and_stays_there() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        assert!(!has_more(&ours));
        theirs.write_all(b"x").unwrap();
        assert!(has_more(&ours) && has_more(&ours));
        let mut place = [0; 2];
        assert_eq!(read_some(&ours, &mut place, Instant::now() + PATIENCE).unwrap(), 1);
        assert!(!has_more(&ours));
        drop(theirs);
        assert!(!has_more(&ours), "the end is nothing");
        assert_eq!(read_some(&ours, &mut place, Instant::now() + PATIENCE).unwrap(), 0);
    }

    #[test]
    fn who_comes_over_the_loopback_interface_has_an_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        hurry(&ours);
        assert_eq!(address(&theirs), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(address(&UnixStream::pair().unwrap().0), None);
        write_all(&ours, b"x", Instant::now() + PATIENCE).unwrap();
        end(&ours, Shutdown::Write);
        let mut place = [0; 2];
        for expected in [1, 0] {
            let read = read_some(&theirs, &mut place, Instant::now() + PATIENCE);
            assert_eq!(read.unwrap(), expected);
        }
    }

    #[test]
    fn who_has_gone_is_an_error() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let written = write_all(&ours, b"x", Instant::now() + PATIENCE);
        assert_eq!(written.map_err(|error| error.kind()), Err(ErrorKind::BrokenPipe));
    }

    const PATIENCE: Duration = Duration::from_mins(1);
}
