//! A broker that conforms is let live, however long one looks.

use std::{net::SocketAddr, time::Duration};

use conformance::{
    model::Dialect,
    properties::{Kind, Mix, Search, Site, Sweep, search, sweep},
};
use faults::{Proxy, client, server};
use wire::{Ack, Packet, Version};

use crate::{reference_broker, site};

/// Nobody is found to be late because this machine is busy.
fn patient(address: SocketAddr) -> Site {
    site(address).patience(Duration::from_secs(10))
}

async fn programs(site: &Site, mix: Mix, seed: u64, cases: u64, jobs: usize) {
    let mut how = Search::new(mix, seed);
    (how.cases, how.jobs, how.findings) = (cases, jobs, 1);
    let summary = search(&how, site, |_| {}).await;
    let found: Vec<String> = summary.found.iter().map(|found| found.to_text(seed)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let once: Vec<String> =
        summary.unrepeated.iter().map(|once| format!("case {}: {}", once.case, once.discrepancy)).collect();
    assert!(once.is_empty(), "seed {seed}, once: {}", once.join("\n"));
    assert_eq!((summary.cases, summary.unreachable), (cases, None));
    assert!(summary.void * 10 < cases, "{} of {cases} decided nothing: {:?}", summary.void, summary.void_because);
}

async fn sweeps(site: &Site, seed: u64, [batches, scripts]: [u64; 2]) {
    for (kind, cases) in [(Kind::Topics, batches), (Kind::Senders, scripts)] {
        let how = Sweep {
            kind,
            versions: vec![Version::V3_1_1, Version::V5],
            seed,
            first: 0,
            cases,
            jobs: 8,
            second_patience: Duration::from_secs(10),
        };
        let swept = sweep(&how, site, |_| {}).await;
        assert!(swept.found.is_empty() && swept.unrepeated.is_empty(), "seed {seed}: {swept:#?}");
        assert_eq!((swept.cases(), swept.unreachable.as_ref()), (cases, None));
        assert!(swept.void() * 10 < cases, "{} of {cases} {kind:?} decided nothing", swept.void());
    }
}

const BOTH: [Dialect; 2] = [Dialect::V311, Dialect::V5];

#[tokio::test]
async fn the_reference_broker_passes() {
    let (_broker, address) = reference_broker().await;
    programs(&patient(address), Mix::of(&BOTH), 1, 150, 8).await;
    sweeps(&patient(address), 1, [6, 150]).await;
}

/// A server may answer a PUBLISH that it has already with 0x91 (Packet Identifier in use): the message came all the same.
#[tokio::test]
async fn a_repetition_that_is_refused_takes_nothing_back() {
    let (_broker, address) = reference_broker().await;
    let again = client(wire::Kind::Publish)
        .when(|seen| matches!(seen.packet(), Ok(Packet::Publish(publish)) if publish.dup && publish.qos == 2));
    let refused = again.answer_instead(|seen| Ack::pubrec(seen.id()).reason(0x91));
    let refused = refused.and(server(wire::Kind::Publish).delay(Duration::from_millis(20)));
    let proxy = Proxy::start(address, refused, 6).await.unwrap();
    programs(&patient(proxy.address()), Mix { retain: false, ..Mix::of(&[Dialect::V5]) }, 6, 150, 8).await;
}

/// Timers take seconds, so many programs wait at a time.
#[tokio::test]
#[ignore = "takes a minute"]
async fn the_reference_broker_passes_for_long() {
    let (_broker, address) = reference_broker().await;
    programs(&patient(address), Mix::of(&BOTH), 2, 5000, 8).await;
    programs(&patient(address), Mix { waits: true, ..Mix::of(&BOTH) }, 3, 400, 64).await;
    sweeps(&patient(address), 4, [200, 5000]).await;
}
