//! The other random suites find planted faults, too: topic matching, and the two senders.

use conformance::properties::{Caught, Kind, Sweep, What, sweep};
use faults::{Proxy, Rules, client, server};
use wire::{Frames, Subscribe, Version};

use crate::{reference_broker, site};

const SEED: u64 = 20_251_121;

/// The first finding behind a proxy with a fault.
async fn caught(kind: Kind, rules: Rules) -> Caught {
    let (_broker, address) = reference_broker().await;
    let proxy = Proxy::start(address, rules, SEED).await.unwrap();
    let how = Sweep {
        kind,
        versions: vec![Version::V3_1_1, Version::V5],
        seed: SEED,
        first: 0,
        cases: 150,
        jobs: 4,
        second_patience: std::time::Duration::from_secs(2),
    };
    let mut swept = sweep(&how, &site(proxy.address()), |_| {}).await;
    assert!(!swept.found.is_empty(), "seed {SEED}: {swept:#?}");
    swept.found.remove(0)
}

#[tokio::test]
async fn a_filter_that_matches_too_much_is_found() {
    let widen = |subscribe: &mut Subscribe| {
        subscribe.filters.iter_mut().filter(|(filter, _)| filter.ends_with('+')).for_each(|(filter, _)| {
            filter.pop();
            filter.push('#');
        });
    };
    let caught = caught(Kind::Topics, client(wire::Kind::Subscribe).edit(widen).into()).await;
    assert_eq!(caught.discrepancy.statement.as_deref(), Some("3.3.2-3"));
}

/// What the mutator is sent is judged, and its script is shrunk to the packets that matter.
#[tokio::test]
async fn an_answer_to_the_mutator_that_is_none_is_found_and_shrunk() {
    let rules = server(wire::Kind::Puback).by("m").bytes(|bytes| bytes[0] |= 1);
    let caught = caught(Kind::Senders, rules.into()).await;
    let sent = caught.transcript.iter().filter(|line| line.who == "mutator" && line.what == What::Sent);
    let mut frames = Frames::new();
    sent.for_each(|line| frames.push(&line.bytes));
    let kinds: Vec<_> = frames.by_ref().map(|frame| frame.kind()).collect();
    assert_eq!(kinds, [Some(wire::Kind::Connect), Some(wire::Kind::Publish)], "{caught:#?}");
}
