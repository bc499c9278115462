//! A rotated secret has its replica in another vault rotated with it: at once where that can be opened,
//! and as it is half-way where the rotation fails.

use crate::hostile::{GOOD, HostileFixture, OLD};

/// What opens the other vault, and what opens it as a peer.
const FAR: [&str; 4] = ["--vault", "two", "--keyfile", "two.key"];
const KEY: [&str; 2] = ["--peer-keyfile", "two.key"];

/// Returns what the other vault says of the replica.
fn told(fixture: &HostileFixture, words: &[&str]) -> String {
    let fixed = ["--secret-id", "copy", "--output", "text"];
    fixture.done(&[words, &fixed, &FAR].concat())
}

#[test]
fn a_rotation_reaches_the_peer() {
    let fixture = HostileFixture::new();
    let init = ["init", "--keyfile-only", "--no-recovery", "--account-id", "222222222222"];
    fixture.done(&[&init[..], &FAR].concat());
    let primary = fixture.describe("ARN");
    let create = ["create-secret", "--name", "copy", "--kms-key-id", "alias/x", "--query", "ARN"];
    let create = [&create[..], &["--output", "text", "--cross-account-primary-arn", &primary]];
    let replica = fixture.done(&[&create.concat()[..], &FAR].concat());
    fixture.done(&["peer", "add", "two", KEY[0], KEY[1]]);
    let associate = ["associate-cross-account-replica", "--secret-id", "db"];
    let associate = [&associate[..], &["--cross-account-replica-arn", &replica], &KEY];
    fixture.done(&associate.concat());
    let value = ["get-secret-value", "--query", "SecretString"];
    assert_eq!(told(&fixture, &value), OLD);

    let rotated = fixture.rotate_by(&fixture.program("rotate", GOOD), &KEY);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr_text());
    assert_eq!(told(&fixture, &value), fixture.value("AWSCURRENT"));
    assert_ne!(told(&fixture, &value), OLD);
    let stages = ["describe-secret", "--query", "VersionIdsToStages.*[]|sort(@)"];
    assert_eq!(told(&fixture, &stages), fixture.describe("VersionIdsToStages.*[]|sort(@)"));

    // What failed is pending here, and so it is there; without a key it waits.
    let failing = fixture.program("rotate", "[ $step = createSecret ] || exit 1\n");
    assert_ne!(fixture.rotate_by(&failing, &KEY).code, 0);
    assert_eq!(told(&fixture, &stages), fixture.describe("VersionIdsToStages.*[]|sort(@)"));
    let rotated = fixture.rotate_by(&fixture.program("rotate", GOOD), &[]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr_text());
    let status = "CrossAccountReplicas[].ReplicationStatus";
    assert_eq!(fixture.describe(status), "InProgress");
    fixture.done(&["peer", "sync", KEY[0], KEY[1]]);
    assert_eq!(fixture.describe(status), "InSync");
    assert_eq!(told(&fixture, &value), fixture.value("AWSCURRENT"));
}
