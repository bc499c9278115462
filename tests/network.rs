//! No command speaks to a network, whatever it is told, but for those that are AWS's endpoint: they listen
//! on the loopback interface, and connect to nobody.

use crate::harness::Sandbox;
use crate::harness::process::tool;

#[test]
fn no_command_opens_a_network_socket() {
    let Some(strace) = tool("strace") else { return };
    let sandbox = Sandbox::empty();
    for command in [
        &["strongroom", "--version"][..],
        &["strongroom", "list-secrets"],
        &["aws", "secretsmanager", "list-secrets", "--endpoint-url", "https://example.com"],
    ] {
        let trace = traced(&sandbox, strace.to_str().unwrap(), command);
        assert_eq!(network_calls(&trace), Vec::<&str>::new(), "{command:?}");
    }
    let sandbox = Sandbox::with_vault();
    for command in [
        &["sh", "-c", "strongroom unlock && strongroom list-secrets && strongroom lock --all"][..],
        &["strongroom", "run", "--allow", "*", "--", "strongroom", "list-secrets"],
    ] {
        let trace = traced(&sandbox, strace.to_str().unwrap(), command);
        assert_eq!(network_calls(&trace), Vec::<&str>::new(), "{command:?}");
    }

    let trace = "1 socket(AF_UNIX, SOCK_STREAM, 0) = 3\n1 socket(AF_INET6, SOCK_DGRAM, 0) = 4";
    assert_eq!(network_calls(trace), ["1 socket(AF_INET6, SOCK_DGRAM, 0) = 4"]);
}

#[test]
fn an_endpoint_is_on_the_loopback_interface() {
    let Some(strace) = tool("strace") else { return };
    let sandbox = Sandbox::with_vault();
    let serve = "strongroom serve --port 0 >at & until test -s at; do :; done; kill $!; wait $!";
    for command in [
        &["sh", "-c", serve][..],
        &["sh", "-c", "strongroom unlock --serve 0 && strongroom lock --all"],
        &["strongroom", "run", "--endpoint", "--allow", "*", "--", "true"],
    ] {
        let trace = traced(&sandbox, strace.to_str().unwrap(), command);
        let calls = network_calls(&trace);
        assert!(calls.iter().any(|call| call.contains("bind(")), "{command:?}: {calls:?}");
        assert_eq!(strange_calls(&calls), Vec::<&str>::new(), "{command:?}");
    }

    let own = r#"1 bind(5, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0"#;
    let open = own.replace("127.0.0.1", "0.0.0.0");
    let out = own.replace("bind", "connect");
    assert_eq!(strange_calls(&[own, &open, &out]), [&open, &out]);
}

/// The calls that are about another address than this machine's own, or connect to anybody.
fn strange_calls<'t>(calls: &[&'t str]) -> Vec<&'t str> {
    let is_own = |call: &str| {
        let is_of_internet = call.contains("AF_INET,") && !call.contains("SOCK_DGRAM");
        let has_address = call.contains("sin_addr");
        let is_loopback = !has_address || call.contains(r#"sin_addr=inet_addr("127.0.0.1")"#);
        is_of_internet && is_loopback && !call.contains("connect(")
    };
    calls.iter().copied().filter(|call| !is_own(call)).collect()
}

/// Runs a command to its end, whatever that is, and returns the calls that name a socket.
fn traced(sandbox: &Sandbox, strace: &str, command: &[&str]) -> String {
    let options = ["-f", "-qq", "-e", "trace=%network,execve", "-o", "trace"];
    let words: Vec<String> = options.iter().chain(command).map(|&word| word.to_owned()).collect();
    sandbox.invocation(strace, &words).run();
    let trace = std::fs::read_to_string(sandbox.work().join("trace")).unwrap_or_default();
    assert!(trace.contains("execve("), "strace shows nothing: may it trace here?");
    trace
}

fn network_calls(trace: &str) -> Vec<&str> {
    let families = ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"];
    trace.lines().filter(|line| families.iter().any(|family| line.contains(family))).collect()
}
