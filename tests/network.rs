//! No command speaks to a network, whatever it is told.

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

    let trace = "1 socket(AF_UNIX, SOCK_STREAM, 0) = 3\n1 socket(AF_INET6, SOCK_DGRAM, 0) = 4";
    assert_eq!(network_calls(trace), ["1 socket(AF_INET6, SOCK_DGRAM, 0) = 4"]);
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
