//! Those who come: slow ones, silent ones, many at once; over both kinds of socket.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::http::back::{Call, Presented, Trouble};
use crate::http::rules::Rules;
use crate::http::server::Server;
use crate::http::site::Site;
use crate::http::testing::{HOST, LOCAL_TOKEN, Respond};
use crate::model::value::Value;
use crate::sys::scratch::Scratch;
use crate::sys::socket::Listener;

const GETS: Asking<'_> =
    Asking { headers: &[JSON, GET], body: br#"{"SecretId":"plain"}"#, ..Asking::USUAL };

const PING: &str = "GET /ping HTTP/1.1\r\nHost: 127.0.0.1:18777\r\n\r\n";

/// Serves over the loopback interface while `talk` talks. The endpoint thinks that it is at the port of
/// [`SITE`].
fn served<T>(
    rules: Rules,
    respond: Respond<'_>,
    talk: impl FnOnce(SocketAddr, &Sample<'_>, &Server<'_, TcpStream>) -> T,
) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (listener, closer) = Listener::at(listener).unwrap();
    let sample = Sample::new(respond);
    let server = Server::new(&sample, SITE, rules);
    thread::scope(|scope| {
        scope.spawn(|| server.serve(&listener));
        let out = talk(address, &sample, &server);
        server.close();
        drop(closer);
        out
    })
}

/// Sends bytes, ends its own direction, and returns all that is answered.
fn say(address: SocketAddr, bytes: &[u8]) -> Vec<Heard> {
    let mut stream = TcpStream::connect(address).unwrap();
    // Who is refused early may be cut off.
    drop(stream.write_all(bytes));
    drop(stream.shutdown(Shutdown::Write));
    rest(stream)
}

fn rest(mut stream: impl Read) -> Vec<Heard> {
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    heard(&answer)
}

/// Reads one answer, and leaves the connection open.
fn one(stream: &mut TcpStream) -> Heard {
    let mut answer = Vec::new();
    let mut place = [0; 1];
    loop {
        assert_eq!(stream.read(&mut place).unwrap(), 1, "the answer is cut off");
        answer.push(place[0]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("Content-Length: ").nth(1).unwrap().split('\r').next().unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return heard(&answer).remove(0);
        }
    }
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    served(Rules::USUAL, &one_secret, |address, _, _| {
        let mut stream = TcpStream::connect(address).unwrap();
        for _ in 0..3 {
            stream.write_all(&GETS.write()).unwrap();
            assert_eq!(one(&mut stream).status, 200);
            stream.write_all(PING.as_bytes()).unwrap();
            assert_eq!(one(&mut stream).body, "healthy");
        }
        // Whoever says that it is the last hears nothing after the answer, and neither does HTTP/1.0.
        for (from, to) in [("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), ("HTTP/1.1", "HTTP/1.0")]
        {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(PING.replace(from, to).as_bytes()).unwrap();
            let heard = rest(stream);
            assert_eq!((heard.len(), heard[0].header("connection")), (1, Some("close")));
        }
    });
}

/// What conditions of policies look at is the connection's address and what the client says it is.
#[test]
fn a_call_says_where_it_comes_from() {
    let seen = Mutex::new(Vec::new());
    let notes = |who: &str, call: Call<'_>| -> Result<Value, Trouble> {
        let Presented { source_ip, user_agent } = call.presented;
        let region = call.region.map(str::to_owned);
        seen.lock().unwrap().push((source_ip, user_agent.map(str::to_owned), region));
        one_secret(who, call)
    };
    served(Rules::USUAL, &notes, |address, _, _| {
        let agent = [JSON, GET, ("User-Agent", "Boto3/1.44.8")];
        assert_eq!(say(address, &Asking { headers: &agent, ..GETS }.write())[0].status, 200);
        let token = format!("X-Vault-Token: {LOCAL_TOKEN}");
        let local = format!("GET /v1/plain HTTP/1.1\r\nHost: {HOST}\r\n{token}\r\n\r\n");
        assert_eq!(say(address, local.as_bytes())[0].status, 200);
    });
    let here = Some("127.0.0.1".parse().unwrap());
    let signed = (here, Some("Boto3/1.44.8".to_owned()), Some("eu-west-1".to_owned()));
    assert_eq!(seen.into_inner().unwrap(), [signed, (here, None, None)]);
}

#[test]
fn a_socket_in_the_file_system_is_served_too() {
    let scratch = Scratch::new();
    let path = scratch.join("s");
    let (listener, closer) = Listener::bind(&path).unwrap();
    let sample = Sample::new(&one_secret);
    let server = Server::new(&sample, Site::File, Rules::USUAL);
    thread::scope(|scope| {
        scope.spawn(|| server.serve(&listener));
        for (host, status) in [("localhost", 200), ("127.0.0.1:18777", 403)] {
            let mut stream = UnixStream::connect(&path).unwrap();
            let ping = format!("GET /ping HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            stream.write_all(ping.as_bytes()).unwrap();
            assert_eq!(rest(stream)[0].status, status, "{host}");
        }
        server.close();
        drop(closer);
    });
}

/// However the bytes of a request are cut, it is the same request.
#[test]
fn bytes_come_as_they_like() {
    let sample = Sample::new(&one_secret);
    let mut bytes = GETS.write();
    let length = bytes.len();
    for size in [1, 2, 3, 7, 100, length - 1, length] {
        let heard = heard(&Pieces::of(&bytes, size).converse(&sample, SITE));
        assert_eq!((heard.len(), heard[0].status), (1, 200), "{size}");
    }
    // A head of 8 KiB and more, which ends anywhere.
    let long = format!("X: {}\r\n", "y".repeat(8_000));
    let at = bytes.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
    bytes.splice(at..at, long.bytes());
    for size in [1, 8_191, 8_192, 8_193, bytes.len()] {
        let heard = heard(&Pieces::of(&bytes, size).converse(&sample, SITE));
        assert_eq!((heard.len(), heard[0].status), (1, 200), "{size}");
    }
    served(Rules::USUAL, &one_secret, |address, _, _| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in GETS.write() {
            stream.write_all(&[byte]).unwrap();
        }
        assert_eq!(one(&mut stream).status, 200);
    });
}

#[test]
fn what_is_too_large_is_refused_before_it_comes() {
    let post = |length: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    served(Rules::USUAL, &one_secret, |address, _, _| {
        for length in ["1048577", "2147483648", "18446744073709551616"] {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(post(length).as_bytes()).unwrap();
            // Nothing more comes, and the answer is there.
            let heard = rest(&stream);
            assert_eq!((heard.len(), heard[0].status), (1, 413), "{length}");
            assert_eq!(heard[0].header("connection"), Some("close"));
            // Who goes on sending is cut off.
            let more = vec![0; 65_536];
            while stream.write_all(&more).is_ok() {}
        }
        let long = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nX: {}", "y".repeat(40_000));
        assert_eq!(say(address, long.as_bytes())[0].status, 431);
        // A byte less than too much.
        let largest = [post("1048576").as_bytes(), &vec![b' '; 1 << 20]].concat();
        let heard = say(address, &largest);
        assert_eq!((heard.len(), heard[0].status), (1, 403), "it has no target");
    });
}

/// A client that waits for it is told to go on; one that does not is not.
#[test]
fn a_client_may_wait_before_it_sends_a_body() {
    served(Rules::USUAL, &one_secret, |address, _, _| {
        let expecting = [JSON, GET, ("expect", "100-continue")];
        let bytes = Asking { headers: &expecting, ..GETS }.write();
        let (head, body) = bytes.split_at(bytes.len() - GETS.body.len());
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head).unwrap();
        let mut word = [0; 25];
        stream.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(body).unwrap();
        assert_eq!(one(&mut stream).status, 200);
    });
}

/// Two requests at once are none: nothing of either is carried out.
#[test]
fn pipelining_is_refused() {
    let calls = Mutex::new(0);
    let counts = |who: &str, call: Call<'_>| -> Result<Value, Trouble> {
        *calls.lock().unwrap() += 1;
        one_secret(who, call)
    };
    served(Rules::USUAL, &counts, |address, _, _| {
        for next in [GETS.write(), PING.into(), b"x".to_vec(), b"\r\n".to_vec()] {
            let heard = say(address, &[GETS.write(), next].concat());
            assert_eq!((heard.len(), heard[0].status), (1, 400));
            assert_eq!(heard[0].body, "the next request came before this one was answered");
        }
    });
    assert_eq!(calls.into_inner().unwrap(), 0);
    // What follows a body that did not come with its head is not read, but it is seen.
    served(Rules::USUAL, &one_secret, |address, _, _| {
        let post = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 20000\r\n\r\n");
        let heard = say(address, &[post.as_bytes(), &vec![b' '; 20_000], b"x"].concat());
        assert_eq!((heard.len(), heard[0].status), (1, 400));
        assert!(heard[0].body.starts_with("the next request"));
    });
}

#[test]
fn half_a_request_is_none() {
    served(Rules::USUAL, &one_secret, |address, _, _| {
        let bytes = GETS.write();
        for length in [1, 20, bytes.len() - 21, bytes.len() - 1] {
            let heard = say(address, &bytes[..length]);
            assert_eq!((heard.len(), heard[0].status), (1, 400), "{length}");
        }
        assert_eq!(say(address, b"").len(), 0);
        // Half open, after a whole request, it is answered.
        assert_eq!(say(address, &bytes)[0].status, 200);
    });
}

#[test]
fn what_is_read_in_two_ways_is_refused_on_the_wire() {
    served(Rules::USUAL, &one_secret, |address, _, _| {
        for (bytes, status) in [
            ("GET /ping HTTP/1.1\nHost: 127.0.0.1:18777\n\n", 400),
            ("\r\nGET /ping HTTP/1.1\r\nHost: 127.0.0.1:18777\r\n\r\n", 400),
            ("GET /ping HTTP/1.1\r\n\r\n", 400),
            (
                "POST / HTTP/1.1\r\nHost: 127.0.0.1:18777\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                501,
            ),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("\u{16}\u{3}\u{1}\u{2}\n", 400),
            ("GET /ping HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
            ("GET /ping HTTP/1.1\r\nHost: 127.0.0.1:18777\r\nOrigin: null\r\n\r\n", 403),
            ("OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1:18777\r\nOrigin: http://a\r\n\r\n", 403),
        ] {
            let heard = say(address, bytes.as_bytes());
            assert_eq!((heard.len(), heard[0].status), (1, status), "{bytes}");
            assert_eq!(heard[0].header("connection"), Some("close"));
            assert_eq!(heard[0].header("access-control-allow-origin"), None);
        }
    });
}

#[test]
fn who_is_slow_is_told_so_and_who_is_silent_goes() {
    let patience = Duration::from_millis(50);
    let rules = Rules { patience, idle: patience, ..Rules::USUAL };
    served(rules, &one_secret, |address, _, _| {
        let bytes = GETS.write();
        for length in [1, bytes.len() - 1] {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&bytes[..length]).unwrap();
            let heard = rest(&stream);
            assert_eq!((heard.len(), heard[0].status), (1, 408), "{length}");
        }
        let silent = TcpStream::connect(address).unwrap();
        assert_eq!(rest(silent).len(), 0);
        // A byte now and then does not help: the time is for all of the head.
        let mut slow = TcpStream::connect(address).unwrap();
        let begun = Instant::now();
        for byte in PING.bytes().cycle().take_while(|_| begun.elapsed() < Duration::from_mins(1)) {
            if byte != b'\n' && slow.write_all(&[byte]).is_err() {
                break;
            }
            thread::yield_now();
        }
        assert!(begun.elapsed() < Duration::from_mins(1));
    });
}

/// Two hundred clients at once, each with a connection that it keeps, and all of them answered.
#[test]
fn two_hundred_clients_are_served() {
    served(Rules::USUAL, &one_secret, |address, sample, _| {
        let (gets, all) = (GETS.write(), Barrier::new(200));
        thread::scope(|scope| {
            for _ in 0..200 {
                scope.spawn(|| {
                    let mut stream = TcpStream::connect(address).unwrap();
                    all.wait();
                    for _ in 0..3 {
                        stream.write_all(&gets).unwrap();
                        assert_eq!(one(&mut stream).status, 200);
                        all.wait();
                    }
                });
            }
        });
        assert_eq!(sample.panics.load(Ordering::SeqCst), 0);
    });
}

/// Those who come and say nothing, or begin and do not go on, keep nobody else out.
#[test]
fn who_says_nothing_gives_his_place_up() {
    let rules = Rules { at_once: 8, grace: Duration::from_millis(1), ..Rules::USUAL };
    served(rules, &one_secret, |address, _, _| {
        let mut silent = Vec::new();
        for begins in ["", "GET /ping HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\n"].repeat(7) {
            let mut stream = TcpStream::connect(address).unwrap();
            drop(stream.write_all(begins.as_bytes()));
            silent.push(stream);
        }
        assert_eq!(say(address, PING.as_bytes())[0].body, "healthy");
        drop(silent);
    });
}

#[test]
fn a_panic_costs_one_connection() {
    let panics = |_: &str, call: Call<'_>| -> Result<Value, Trouble> {
        assert_ne!(call.entry.name, "GetSecretValue", "as it was asked to");
        one_secret("", call)
    };
    served(Rules::USUAL, &panics, |address, sample, _| {
        assert_eq!(say(address, &GETS.write()).len(), 0);
        assert_eq!(sample.panics.load(Ordering::SeqCst), 1);
        assert_eq!(say(address, PING.as_bytes())[0].body, "healthy");
    });
}

#[test]
fn a_request_that_comes_too_late_is_not_answered() {
    let calls = Mutex::new(0);
    let counts = |who: &str, call: Call<'_>| -> Result<Value, Trouble> {
        *calls.lock().unwrap() += 1;
        one_secret(who, call)
    };
    served(Rules::USUAL, &counts, |address, _, server| {
        let bytes = GETS.write();
        let mut early = TcpStream::connect(address).unwrap();
        early.write_all(&bytes).unwrap();
        assert_eq!(one(&mut early).status, 200);
        server.close();
        drop(early.write_all(&bytes));
        assert_eq!(rest(early).len(), 0);
    });
    assert_eq!(calls.into_inner().unwrap(), 1);
}
