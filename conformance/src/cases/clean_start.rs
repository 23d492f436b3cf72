//! Sessions that CONNECT begins, resumes and ends: Clean Start (Clean Session), Session Present, Session Expiry Interval.

use wire::Property;

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "connect.clean_start_discards",
        title: "Clean Start 1 ends the session there was, and Session Present is 0",
        decides: &[V311("3.1.2-6"), V311("3.1.4-3"), V311("3.2.2-1"), V5("3.1.2-4"), V5("3.1.4-4"), V5("3.2.2-2")],
        needs: &[Capability::Sessions],
        mutants: &[
            Mutant::rules("resumes in spite of Clean Start", || {
                client(Kind::Connect).by("client").edit(|connect: &mut Connect| connect.clean_start = false).into()
            }),
            Mutant::rules("claims a session after Clean Start", || {
                server(Kind::Connack).by("client").edit(|connack: &mut Connack| connack.session_present = true).into()
            }),
        ],
        script: run!(clean_start_discards),
        ..Case::PLAIN
    },
    Case {
        id: "connect.clean_session_ends_with_its_connection",
        title: "A session of Clean Session 1 is not resumed",
        decides: &[V311("3.1.2-6")],
        mutants: &[Mutant::rules("keeps sessions of Clean Session 1", || {
            client(Kind::Connect).edit(|connect: &mut Connect| connect.clean_start = false).into()
        })],
        script: run!(clean_session_ends_with_its_connection),
        ..Case::PLAIN
    },
    Case {
        id: "connect.session_is_resumed",
        title: "Clean Start 0 resumes the session there was, and Session Present is 1",
        decides: &[
            V311("3.1.2-4"),
            V311("3.1.4-3"),
            V311("3.2.2-2"),
            V5("3.1.2-5"),
            V5("3.1.2-23"),
            V5("3.1.4-4"),
            V5("3.2.2-3"),
        ],
        needs: &[Capability::Sessions],
        mutants: &[
            Mutant::rules("keeps no session", || {
                client(Kind::Connect)
                    .by("client")
                    .edit(|connect: &mut Connect| {
                        connect.clean_start = true;
                        connect.properties.0.clear();
                    })
                    .into()
            }),
            Mutant::rules("does not say that there is a session", || {
                server(Kind::Connack).edit(|connack: &mut Connack| connack.session_present = false).into()
            }),
            Mutant::rules("says that there is a session, which is new", || {
                client(Kind::Connect).by("client").edit(|connect: &mut Connect| connect.clean_start = true).and(
                    server(Kind::Connack)
                        .by("client")
                        .on_connection(3)
                        .edit(|connack: &mut Connack| connack.session_present = true),
                )
            }),
        ],
        script: run!(session_is_resumed),
        ..Case::PLAIN
    },
    Case {
        id: "connect.session_is_created",
        title: "Clean Start 0 without a session begins one, and Session Present is 0",
        decides: &[V311("3.2.2-3"), V311("3.1.2-4"), V5("3.1.2-6"), V5("3.2.2-3")],
        mutants: &[
            Mutant::rules("claims a session that there never was", || {
                server(Kind::Connack).edit(|connack: &mut Connack| connack.session_present = true).into()
            }),
            Mutant::rules("refuses who has no session to resume", || {
                server(Kind::Connack)
                    .replace(|connack| {
                        let v5 = connack.version() == Version::V5;
                        Connack::refused(if v5 { 0x83 } else { 3 }).draft(connack.version())
                    })
                    .into()
            }),
        ],
        script: run!(session_is_created),
        ..Case::PLAIN
    },
    Case {
        id: "connect.messages_wait_in_the_session",
        title: "Messages of QoS 1 that come while the client is away reach it when it resumes its session",
        decides: &[V311("3.1.2-5"), V5("3.1.2-5"), V5("3.1.2-23")],
        needs: &[Capability::Sessions, Capability::Qos1],
        mutants: &[Mutant::rules("loses what comes for clients that are away", || {
            client(Kind::Publish).topic("/away").answer_instead(|seen: &Sight<'_>| Ack::puback(seen.id())).into()
        })],
        script: run!(messages_wait_in_the_session),
        ..Case::PLAIN
    },
    Case {
        id: "connect.sessions_are_told_apart_by_client_identifier",
        title: "A client does not get the session of another Client Identifier",
        decides: &[Both("3.1.3-2")],
        needs: &[Capability::Sessions],
        mutants: &[Mutant::rules("has one session for all", || {
            client(Kind::Connect)
                .when(|seen| seen.client_id().ends_with("one") || seen.client_id().ends_with("two"))
                .edit(|connect: &mut Connect| connect.client_identifier.truncate(8))
                .into()
        })],
        script: run!(sessions_are_told_apart_by_client_identifier),
        ..Case::PLAIN
    },
    Case {
        id: "connect.retained_messages_outlive_sessions",
        title: "A retained message is still there when the session of its publisher has ended",
        decides: &[V311("3.1.2-7")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("deletes retained messages with the session of their publisher", || {
            server(Kind::Publish).when(|publish| publish.retain() == Some(true)).drop().into()
        })],
        script: run!(retained_messages_outlive_sessions),
        ..Case::PLAIN
    },
];

/// A CONNECT whose session outlives its connection.
fn lasting(bench: &Bench, name: &str) -> Connect {
    let connect = bench.connect(name).clean(false);
    if bench.is_v5() { connect.with(Property::session_expiry_interval(300)) } else { connect }
}

async fn clean_start_discards(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut first = bench.connected_as("first", lasting(bench, "client")).await?;
    first.subscribed(&topic, 0).await?;
    first.disconnected().await?;
    let mut second = bench.opened("second").await?;
    second.send(bench.connect("client")).await?;
    let connack = second.expect_accepted().await?;
    bench.equal("Session Present", false, connack.session_present).cites(bench.pick(V311("3.2.2-1"), V5("3.2.2-2")))?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).payload("x")).await?;
    bench.fence(&mut publisher, &mut second).await
}

async fn clean_session_ends_with_its_connection(bench: &mut Bench) -> CaseResult {
    let mut first = bench.connected("client").await?;
    first.subscribed(&bench.topic("t"), 0).await?;
    first.disconnected().await?;
    let second = bench.connected_as("client", bench.connect("client").clean(false)).await?;
    let present = second.connack.as_ref().is_some_and(|connack| connack.session_present);
    bench.equal("Session Present", false, present)
}

async fn session_is_resumed(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut first = bench.connected_as("first", lasting(bench, "client")).await?;
    first.subscribed(&topic, 0).await?;
    first.disconnected().await?;
    let mut publisher = bench.connected("pub").await?;
    let mut second = bench.opened("second").await?;
    second.send(lasting(bench, "client")).await?;
    let connack = second.expect_accepted().await?;
    bench.equal("Session Present", true, connack.session_present).cites(bench.pick(V311("3.2.2-2"), V5("3.2.2-3")))?;
    publisher.published(Publish::to(&topic).payload("x")).await?;
    second.expect_publish(&topic, "x").await.map(|_| ())
}

async fn session_is_created(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.opened("client").await?;
    peer.send(lasting(bench, "client")).await?;
    let connack = peer.expect_accepted().await?;
    bench.equal("Session Present", false, connack.session_present).cites(V5("3.2.2-3"))
}

async fn messages_wait_in_the_session(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("away");
    let mut first = bench.connected_as("first", lasting(bench, "client")).await?;
    first.subscribed(&topic, 1).await?;
    first.disconnected().await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).qos(1).payload("x")).await?;
    let mut second = bench.connected_as("second", lasting(bench, "client")).await?;
    second.expect_publish(&topic, "x").await.map(|_| ())
}

async fn sessions_are_told_apart_by_client_identifier(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut one = bench.connected_as("one", lasting(bench, "one")).await?;
    one.subscribed(&topic, 0).await?;
    one.disconnected().await?;
    let mut two = bench.connected_as("two", lasting(bench, "two")).await?;
    let present = two.connack.as_ref().is_some_and(|connack| connack.session_present);
    bench.equal("Session Present", false, present)?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).payload("x")).await?;
    bench.fence(&mut publisher, &mut two).await
}

async fn retained_messages_outlive_sessions(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).retain(true).payload("kept")).await?;
    publisher.disconnected().await?;
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    subscriber.expect_publish(&topic, "kept").await.map(|_| ())
}
