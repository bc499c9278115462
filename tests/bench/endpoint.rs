//! The endpoint, as a program with an SDK sees it: what a call takes over a connection that is kept, how
//! many there are in a second, and how much memory they leave behind.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::fixture::{BenchFixture, require};
use super::samples::Samples;
use super::table::{Bound, Table};

/// How many calls one client makes.
const CALLS: usize = 5_000;
/// How many clients there are at once.
const CLIENTS: usize = 4;

/// Measures an endpoint of the agent's; after so many calls it is looked how much memory it has.
pub(crate) fn measure(fixture: &BenchFixture, calls: usize, table: &mut Table) -> io::Result<()> {
    let size = Some(fixture.secrets);
    let unlocked = fixture.unlock()?;
    let mut serve = fixture.through_agent(&["unlock", "--serve", "0", "--keyfile"]);
    require(serve.arg(fixture.keyfile()))?;
    let target = Target::of(fixture)?;

    let one = times(&target, CALLS)?;
    table.row("`GetSecretValue` over HTTP, one connection", size, &one);
    table.bound(Bound::time("a call over HTTP", &one, Duration::from_micros(100)).at(size));
    let (all, rate) = crowd(&target, CALLS)?;
    table.row("the same, 4 connections at once", size, &all);
    table.bound(Bound::rate("calls over HTTP in a second", rate, 10_000.0).at(size));

    beside_moto(&target, size, table)?;

    let before = memory(fixture)?;
    crowd(&target, calls.div_ceil(CLIENTS))?;
    let grown = memory(fixture)?.saturating_sub(before);
    let what = format!("memory that {calls} calls over HTTP leave");
    table.bound(Bound::bytes(&what, grown, 1 << 20).at(size));
    drop(unlocked);
    Ok(())
}

/// Measures boto3 at the endpoint, and on moto, which people use in its place.
fn beside_moto(target: &Target, size: Option<usize>, table: &mut Table) -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/ci/botocore/bin/python");
    if !python.exists() {
        println!("moto is not installed: `.ci/run` puts it into target/ci/botocore.\n");
        return Ok(());
    }
    let (id, secret, token) = &target.key;
    let mut boto = Command::new(python);
    boto.arg(root.join("tests/bench/boto.py")).arg(&target.name);
    boto.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{}", target.address));
    boto.env("AWS_DEFAULT_REGION", REGION).env("AWS_ACCESS_KEY_ID", id);
    boto.env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_SESSION_TOKEN", token);
    let told = answer(&mut boto)?;
    let samples = |line: &str| {
        let times = line.split(' ').filter_map(|time| time.parse().ok());
        Samples::of(times.map(Duration::from_micros).collect())
    };
    let mut lines = told.lines();
    let mut next = || samples(lines.next().unwrap_or_default());
    table.row("the same by boto3", size, &next());
    table.floor("the same by boto3, of moto in its own process", size, &next());
    Ok(())
}

/// Has a client make calls, and returns how long each took.
fn times(target: &Target, calls: usize) -> io::Result<Samples> {
    let mut client = Client::connect(target)?;
    let times: io::Result<Vec<Duration>> = (0..calls).map(|_| client.call()).collect();
    Ok(Samples::of(times?))
}

/// Has several clients make calls at once. Returns how long each call took, and how many there were in a
/// second.
fn crowd(target: &Target, calls: usize) -> io::Result<(Samples, f64)> {
    let mut clients =
        (0..CLIENTS).map(|_| Client::connect(target)).collect::<io::Result<Vec<_>>>()?;
    let before = Instant::now();
    let times = thread::scope(|scope| {
        let work = |client: &mut Client<'_>| {
            (0..calls).map(|_| client.call()).collect::<io::Result<Vec<_>>>()
        };
        let threads: Vec<_> =
            clients.iter_mut().map(|client| scope.spawn(move || work(client))).collect();
        let joined = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        });
        joined.collect::<io::Result<Vec<_>>>()
    })?;
    let whole = before.elapsed();
    let samples = Samples::of(times.into_iter().flatten().collect());
    let count = u32::try_from(samples.runs()).unwrap_or(u32::MAX);
    Ok((samples, f64::from(count) / whole.as_secs_f64()))
}

/// Returns how much memory the agent has, in bytes.
fn memory(fixture: &BenchFixture) -> io::Result<u64> {
    let lock = fs::read_to_string(fixture.at("run").join("strongroom/agent.lock"))?;
    let pid: String = lock.chars().filter(char::is_ascii_digit).collect();
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other("the agent's memory is not told"))
}

/// Where the endpoint is, and what is asked there.
struct Target {
    address: String,
    name: String,
    /// Its id, its secret and its session's token.
    key: (String, String, String),
    request: Vec<u8>,
}

impl Target {
    /// Asks for a secret, signed now: it is good for five minutes.
    fn of(fixture: &BenchFixture) -> io::Result<Self> {
        let name = fixture.a_name();
        let endpoint = ["status", "--query", "Endpoints[0]", "--output", "text"];
        let url = answer(&mut fixture.through_agent(&endpoint))?;
        let address = url.trim_start_matches("http://").to_owned();
        let query = "[AccessKeyId,SecretAccessKey,SessionToken]";
        let grant = ["grant", "create", "--access-key", "--operations", "Get*", "--secrets", &name];
        let mut grant = fixture.through_agent(&grant);
        let key = answer(grant.args(["--query", query, "--output", "text"]))?;
        let key: Vec<&str> = key.split('\t').collect();
        let [id, secret, token] = key[..] else {
            return Err(io::Error::other("no access key was made"));
        };
        let date = answer(Command::new("date").args(["-u", "+%Y%m%dT%H%M%SZ"]))?;
        let body = format!("{{\"SecretId\":\"{name}\"}}");
        let request = signed(&address, (id, secret, token), &date, &body);
        let key = (id.to_owned(), secret.to_owned(), token.to_owned());
        Ok(Self { address, name, key, request })
    }
}

/// Returns a request in bytes, signed as AWS's clients do.
fn signed(host: &str, (id, secret, token): (&str, &str, &str), date: &str, body: &str) -> Vec<u8> {
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("host", host),
        ("x-amz-date", date),
        ("x-amz-security-token", token),
        ("x-amz-target", "secretsmanager.GetSecretValue"),
    ];
    let joined = |between: &str, end: &str| {
        headers.map(|(name, value)| format!("{name}{between}{value}{end}")).concat()
    };
    let lines = joined(":", "\n");
    let names = headers.map(|(name, _)| name).join(";");
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{}", hex(&Sha256::digest(body)));
    let day = date.get(..8).unwrap_or_default();
    let scope = format!("{day}/{REGION}/secretsmanager/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let key = [day, REGION, "secretsmanager", "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &text));
    let sent = joined(": ", "\r\n");
    format!(
        "POST / HTTP/1.1\r\n{sent}Content-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// A connection that is kept.
struct Client<'a> {
    stream: TcpStream,
    request: &'a [u8],
    answer: Vec<u8>,
}

impl<'a> Client<'a> {
    fn connect(target: &'a Target) -> io::Result<Self> {
        let stream = TcpStream::connect(&target.address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: &target.request, answer: vec![0; 16 << 10] })
    }

    /// Makes the call, and times it from its first byte to the answer's last.
    fn call(&mut self) -> io::Result<Duration> {
        let before = Instant::now();
        self.stream.write_all(self.request)?;
        let mut filled = 0;
        loop {
            let place = self.answer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(place)?;
            filled += read;
            let so_far = self.answer.get(..filled).unwrap_or_default();
            if is_whole(so_far) {
                break;
            }
            if read == 0 {
                return Err(io::Error::other("the endpoint has ended the connection"));
            }
        }
        let time = before.elapsed();
        if self.answer.starts_with(b"HTTP/1.1 200 ") {
            Ok(time)
        } else {
            let told = String::from_utf8_lossy(self.answer.get(..filled).unwrap_or_default());
            Err(io::Error::other(format!("the endpoint answers {told}")))
        }
    }
}

/// Whether an answer is all there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|part| part == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

fn answer(command: &mut Command) -> io::Result<String> {
    let output = command.stdout(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?} ended with {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The vault's home.
const REGION: &str = "local-1";
