//! Session state: section 4.1.

use std::time::Duration;

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "session.lasts_while_connected",
        title: "Subscriptions and begun deliveries are kept while the connection is open",
        decides: &[V311("4.1.0-2"), V5("4.1.0-1")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("forgets a subscription after one message", || {
                server(Kind::Publish).topic("/t").after(1).drop().into()
            }),
            Mutant::rules("forgets a begun delivery", || server(Kind::Pubrel).drop().into()),
        ],
        script: run!(lasts_while_connected),
        ..Case::PLAIN
    },
    Case {
        id: "session.outlives_its_connection",
        title: "A session that shall outlive its connection keeps its subscriptions and what came meanwhile",
        decides: &[V311("4.1.0-1"), V5("3.1.2-23")],
        needs: &[Capability::Qos1, Capability::Sessions],
        mutants: &[
            Mutant::rules("ends every session with its connection", || {
                client(Kind::Connect)
                    .edit(|connect: &mut Connect| {
                        connect.clean_start = true;
                        connect.properties = Properties::default();
                    })
                    .into()
            }),
            Mutant::rules("keeps nothing for who is away", || {
                server(Kind::Publish).by("sub").topic("/away").drop().into()
            }),
            Mutant::rules("keeps messages but not subscriptions", || {
                server(Kind::Publish).by("sub").topic("/back").drop().into()
            }),
        ],
        script: run!(outlives_its_connection),
        ..Case::PLAIN
    },
    Case {
        id: "session.ends_with_its_expiry_interval",
        title: "A session is gone when its Session Expiry Interval has passed after its connection",
        decides: &[V5("4.1.0-2")],
        needs: &[Capability::Sessions],
        tags: &["time"],
        mutants: &[Mutant::rules("keeps sessions for longer", || {
            client(Kind::Connect).edit(|connect: &mut Connect| connect.properties = lasting(600)).into()
        })],
        script: run!(ends_with_its_expiry_interval),
        ..Case::PLAIN
    },
    Case {
        id: "session.ends_with_its_connection",
        title: "A session without Session Expiry Interval is gone when its connection is",
        decides: &[V5("4.1.0-2")],
        mutants: &[Mutant::rules("keeps sessions that nobody asked it to keep", || {
            client(Kind::Connect).edit(|connect: &mut Connect| connect.properties = lasting(600)).into()
        })],
        script: run!(ends_with_its_connection),
        ..Case::PLAIN
    },
];

/// A Session Expiry Interval, in seconds.
fn lasting(seconds: u32) -> Properties {
    Connect::as_("").with(Property::session_expiry_interval(seconds)).properties
}

/// A CONNECT that takes up a session, and lets it outlive its connection for this many seconds (in 3.1.1 for ever).
fn resuming(bench: &Bench, seconds: u32) -> Connect {
    Connect { properties: lasting(seconds), ..bench.connect("sub") }.clean(false)
}

async fn lasts_while_connected(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    let mut publisher = bench.connected("pub").await?;
    subscriber.subscribed(&topic, 2).await?;
    publisher.published(Publish::to(&topic).qos(2).payload("begun")).await?;
    let begun = subscriber.expect_publish(&topic, "begun").await.set_up("delivery")?;
    bench.equal("QoS", 2, begun.qos).set_up("delivery at QoS 2")?;
    for payload in ["second", "third"] {
        publisher.published(Publish::to(&topic).payload(payload)).await?;
        subscriber.expect_publish(&topic, payload).await?;
        subscriber.fence().await?;
    }
    let id = begun.packet_identifier.unwrap_or_default();
    subscriber.send(Ack::pubrec(id)).await?;
    subscriber.expect_pubrel(id).await.map(|_| ())
}

async fn outlives_its_connection(bench: &mut Bench) -> CaseResult {
    let (away, back) = (bench.topic("away"), bench.topic("back"));
    let mut subscriber = bench.connected_as("sub", resuming(bench, 60)).await?;
    let mut publisher = bench.connected("pub").await?;
    subscriber.subscribed(&away, 1).await?;
    subscriber.subscribed(&back, 1).await?;
    subscriber.disconnected().await?;
    publisher.published(Publish::to(&away).qos(1).payload("x")).await?;
    let mut subscriber = bench.connected_as("sub", resuming(bench, 60)).await?;
    let kept = subscriber.connack.as_ref().is_some_and(|connack| connack.session_present);
    bench.equal("Session Present", true, kept)?;
    let message = subscriber.expect_publish(&away, "x").await?;
    subscriber.acknowledged(&message).await?;
    publisher.published(Publish::to(&back).qos(1).payload("y")).await?;
    subscriber.expect_publish(&back, "y").await.map(|_| ())
}

async fn ends_with_its_expiry_interval(bench: &mut Bench) -> CaseResult {
    ends(bench, resuming(bench, 1), Duration::from_secs(1) + bench.tolerance()).await
}

async fn ends_with_its_connection(bench: &mut Bench) -> CaseResult {
    ends(bench, bench.connect("sub").clean(false), Duration::ZERO).await
}

/// A session that began so is gone so long after its connection.
async fn ends(bench: &Bench, first: Connect, after: Duration) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected_as("sub", first).await?;
    subscriber.subscribed(&topic, 0).await?;
    subscriber.severed().await?;
    if !after.is_zero() {
        bench.let_pass(after).await;
    }
    let mut subscriber = bench.connected_as("sub", bench.connect("sub").clean(false)).await?;
    let kept = subscriber.connack.as_ref().is_some_and(|connack| connack.session_present);
    bench.equal("Session Present", false, kept)?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).payload("x")).await?;
    bench.fence(&mut publisher, &mut subscriber).await
}
