//! CONNECT and what follows from it: sections 3.1 and 3.2.

use std::time::Duration;

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case::row(
        "connect.comes_first",
        "A connection that does not begin with CONNECT is closed",
        &[Both("3.1.0-1")],
        Opening,
        |bench| Pingreq.draft(bench.version()),
        &[Outcome::Closed(&[])],
        &[Mutant::rules("waits for CONNECT whatever came before it", || client(Kind::Pingreq).drop().into())],
    ),
    Case::row(
        "connect.reserved_flag_is_zero",
        "A CONNECT whose reserved flag is 1 is refused",
        &[Both("3.1.2-3"), V311("3.1.4-1"), V5("3.1.4-1")],
        Opening,
        |bench| bench.connect("client").draft(bench.version()).edit("connect_flags", |flags| flags[0] |= 1),
        &[Outcome::Refused(&[0x81, 0x82], &[])],
        &[Mutant::rules("does not look at the reserved flag", || {
            client(Kind::Connect).bytes(|packet| packet[9] &= 0xfe).into()
        })],
    ),
    Case {
        id: "connect.is_accepted",
        title: "A CONNECT that is in order is answered by CONNACK with code 0",
        decides: &[V311("3.1.4-4"), V5("3.1.4-5"), V311("3.2.2-1"), V5("3.2.2-2")],
        mutants: &[
            Mutant::rules("refuses everybody", || server(Kind::Connack).replace(|connack| refusal(&connack)).into()),
            Mutant::rules("says nothing to CONNECT", || server(Kind::Connack).drop().into()),
            Mutant::rules("claims a session after Clean Start", || {
                server(Kind::Connack).edit(|connack: &mut Connack| connack.session_present = true).into()
            }),
        ],
        script: run!(is_accepted),
        ..Case::PLAIN
    },
    Case {
        id: "connect.second_connect_closes",
        title: "A second CONNECT on a connection closes it",
        decides: &[Both("3.1.0-2")],
        mutants: &[Mutant::rules("passes over a second CONNECT", || client(Kind::Connect).after(1).drop().into())],
        script: run!(second_connect_closes),
        ..Case::PLAIN
    },
    Case {
        id: "connect.takeover_ends_the_old_connection",
        title: "A CONNECT with the Client Identifier of a connected client ends that client's connection",
        decides: &[V311("3.1.4-2"), V5("3.1.4-3")],
        mutants: &[
            Mutant::rules("lets two connections share a Client Identifier", faults::keep_open),
            Mutant::rules("takes over without a word", || server(Kind::Disconnect).drop().into())
                .against_advice()
                .only_in(Version::V5),
        ],
        script: run!(takeover_ends_the_old_connection),
        ..Case::PLAIN
    },
    Case {
        id: "connect.silence_is_noticed",
        title: "A client that is silent for one and a half times its Keep Alive is disconnected",
        decides: &[V311("3.1.2-24"), V5("3.1.2-22"), V5("3.2.2-22")],
        tags: &["time"],
        mutants: &[Mutant::rules("does not count the silence of clients", || {
            client(Kind::Connect).edit(|connect: &mut Connect| connect.keep_alive = 600).into()
        })],
        script: run!(silence_is_noticed),
        ..Case::PLAIN
    },
    Case {
        id: "connect.will_above_maximum_qos",
        title: "A Will QoS that the server does not support is refused, if with a code then QoS not supported",
        decides: &[V5("3.2.2-12")],
        needs: &[Capability::LimitedQos],
        mutants: &[Mutant::rules("takes a Will at any QoS", || {
            client(Kind::Connect).edit(|connect: &mut Connect| connect.will = None).into()
        })],
        script: run!(will_above_maximum_qos),
        ..Case::PLAIN
    },
];

async fn is_accepted(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(bench.connect("client")).await?;
    let connack = peer.expect_accepted().await?;
    bench.equal("Session Present", false, connack.session_present).cites(bench.pick(V311("3.2.2-1"), V5("3.2.2-2")))
}

async fn second_connect_closes(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(bench.connect("client")).await?;
    peer.expect_closed(&[0x82]).await
}

async fn takeover_ends_the_old_connection(bench: &mut Bench) -> CaseResult {
    let mut old = bench.connected("client").await?;
    let _new = bench.connected("client").await?;
    old.expect_disconnected(&[0x8e]).await
}

async fn silence_is_noticed(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected_as("client", bench.connect("client").keep_alive(1)).await?;
    peer.expect_closed_between(Duration::from_secs(1), Duration::from_millis(1500), &[0x8d]).await
}

async fn will_above_maximum_qos(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(bench.connect("client").will(Will::to(bench.topic("will")).qos(2))).await?;
    peer.expect_refused(&[0x9b], &[]).await
}

/// A CONNACK that refuses because the server is unavailable.
fn refusal(connack: &Draft) -> Draft {
    let version = connack.version();
    Connack::refused(if version == Version::V5 { 0x88 } else { 3 }).draft(version)
}
