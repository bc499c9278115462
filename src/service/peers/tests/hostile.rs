//! A peer whose file somebody made who has its key, and says of itself what no vault would.

use super::super::registry::KnownPeer;
use super::*;

fn known(account: &str) -> KnownPeer {
    KnownPeer {
        name: "other".to_owned(),
        account: account.to_owned(),
        path: vec![47],
        vault: VaultId([8; 16]).to_string(),
        generation: 1,
        commit: vec![0; 16],
        waiting: 0,
    }
}

/// What cannot be written down of a peer would leave this vault unreadable.
#[test]
fn what_no_vault_can_be_is_no_peer() {
    let mut pair = Pair::new();
    let account = || known("333333333333");
    for (peer, is_taken) in [
        (account(), true),
        (known(""), false),
        (known("33333333333"), false),
        (known("33333333333x"), false),
        (known("\u{1b}[31m333333"), false),
        (known(&"3".repeat(100_000)), false),
        (KnownPeer { name: String::new(), ..account() }, false),
        (KnownPeer { name: "n".repeat(65), ..account() }, false),
        (KnownPeer { path: vec![47; 4_097], ..account() }, false),
        (KnownPeer { vault: "x".to_owned(), ..account() }, false),
        (KnownPeer { commit: vec![0; 15], ..account() }, false),
        (KnownPeer { commit: vec![256; 16], ..account() }, false),
        (KnownPeer { generation: -1, ..account() }, false),
        (KnownPeer { generation: i64::MAX, ..account() }, false),
    ] {
        let told = (peer.account.clone(), peer.name.clone(), peer.generation);
        let task = Task::AddPeer { peer, follows: false };
        let added = pair.near.with(|vault, context| task.run(vault, context));
        assert_eq!(added.is_ok(), is_taken, "{told:?}");
        let peers = pair.near.look(|transaction| transaction.state().peers.len());
        assert_eq!(peers, 2, "{told:?}");
    }
    pair.require_sound();
}

/// A peer's state may have the highest number, and the next is none.
#[test]
fn a_state_that_cannot_be_is_not_remembered() {
    let mut pair = Pair::associated();
    let before = pair.near.look(|transaction| transaction.state().peer(FAR).unwrap().seen);
    let (primary_arn, replica_arn) = (pair.arn(), pair.replica_arn());
    for generation in [1 << 62, i64::MAX, -1] {
        let outcome = super::super::link::Outcome {
            primary_arn: primary_arn.clone(),
            replica_arn: replica_arn.clone(),
            is_attached: true,
            edition: None,
            is_free: false,
            trouble: Some(6),
            generation: Some(generation),
            commit: Some(vec![0; 16]),
        };
        let task = Task::Settle(outcome);
        pair.near.with(|vault, context| task.run(vault, context)).unwrap();
        let seen = pair.near.look(|transaction| transaction.state().peer(FAR).unwrap().seen);
        assert_eq!(seen, before);
    }
    pair.require_sound();
}
