//! Clusters: several addresses that are one server. Nodes may take a moment to hear of each other, which each case allows
//! for; what holds then must hold from then on.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use wire::Property;

use super::prelude::*;
use crate::Stop;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "cluster.delivers_across_nodes",
        title: "Messages reach subscribers at another node, each once and in order",
        decides: &[Both("4.5.0-1"), Both("4.6.0-5")],
        needs: &[Capability::Cluster, Capability::Qos1],
        tags: TAGS,
        mutants: &[
            APART,
            Mutant::rules("hands messages on twice", || {
                server(Kind::Publish).by("sub").topic("/t").edit(at_qos_0).duplicate().into()
            }),
            Mutant::rules("loses one of many messages", || {
                server(Kind::Publish).by("sub").topic("/t").nth(9).drop().into()
            }),
        ],
        script: run!(delivers_across_nodes),
        ..Case::PLAIN
    },
    Case {
        id: "cluster.retained_messages_are_everywhere",
        title: "A message that one node has retained is sent to those who subscribe at another",
        decides: &[V311("3.3.1-6"), V5("3.3.1-9")],
        needs: &[Capability::Cluster, Capability::Retain],
        tags: TAGS,
        mutants: &[APART],
        script: run!(retained_messages_are_everywhere),
        ..Case::PLAIN
    },
    Case {
        id: "cluster.takeover_ends_the_connection_at_another_node",
        title: "A CONNECT with the Client Identifier of a client at another node ends that client's connection",
        decides: &[V311("3.1.4-2"), V5("3.1.4-3")],
        needs: &[Capability::Cluster],
        tags: TAGS,
        mutants: &[APART],
        script: run!(takeover_ends_the_connection_at_another_node),
        ..Case::PLAIN
    },
    Case {
        id: "cluster.sessions_are_resumed_at_another_node",
        title: "A session that was left at one node is resumed at another, with what came meanwhile",
        decides: &[V311("3.1.2-4"), V5("3.1.2-5"), V311("3.1.2-5"), V5("3.1.2-23")],
        needs: &[Capability::Cluster, Capability::Sessions, Capability::Qos1],
        tags: TAGS,
        mutants: &[
            APART,
            Mutant::rules("forgets what came meanwhile", || {
                server(Kind::Publish).by("client").topic("/t").drop().into()
            }),
        ],
        script: run!(sessions_are_resumed_at_another_node),
        ..Case::PLAIN
    },
    Case {
        id: "cluster.shared_subscriptions_span_nodes",
        title: "Members of a Shared Subscription at several nodes are one group: each message goes to one of them",
        unnumbered: &[V5("section 4.8.2")],
        needs: &[Capability::Cluster, Capability::SharedSubscriptions, Capability::Qos1],
        tags: TAGS,
        mutants: &[
            APART,
            Mutant::rules("has a group of its own at each node", || {
                server(Kind::Publish).by("one").topic("/t").edit(at_qos_0).duplicate().into()
            }),
        ],
        script: run!(shared_subscriptions_span_nodes),
        ..Case::PLAIN
    },
    Case {
        id: "cluster.outlives_a_node",
        title: "When a node goes away, the others go on, and its clients find their sessions there",
        decides: &[Both("4.5.0-1")],
        unnumbered: &[Both("section 4.1")],
        needs: &[Capability::Cluster, Capability::StoppableNodes, Capability::Sessions, Capability::Qos1],
        tags: &["cluster", run::LAST],
        mutants: &[APART],
        script: run!(outlives_a_node),
    },
];

const TAGS: &[&str] = &["cluster"];
/// Two brokers that know nothing of each other.
const APART: Mutant = Mutant::apart("is several brokers", &["default", "unix"]);

/// So that a copy is no repetition.
fn at_qos_0(publish: &mut Publish) {
    (publish.qos, publish.packet_identifier) = (0, None);
}

/// How long nodes may take to hear of each other, and to get over the loss of one.
fn agreement(bench: &Bench) -> Duration {
    bench.site().patience * 4
}

/// A client at a node.
async fn at(bench: &Bench, node: usize, name: &str) -> CaseResult<Peer> {
    let mut peer = bench.opened_at(node, name).await?;
    peer.send(bench.connect(name)).await?;
    peer.expect_accepted().await.set_up("connecting")?;
    Ok(peer)
}

fn lasting(bench: &Bench, name: &str) -> Connect {
    let connect = bench.connect(name).clean(false);
    if bench.is_v5() { connect.with(Property::session_expiry_interval(300)) } else { connect }
}

/// Publishes to a topic until the first message arrives, then awaits the rest of those.
async fn settled(bench: &Bench, publisher: &mut Peer, subscriber: &mut Peer, topic: &str) -> CaseResult {
    let began = Instant::now();
    let mut sent = 0_u32;
    loop {
        publisher.published(Publish::to(topic).qos(1).payload(format!("settling {sent}"))).await?;
        sent += 1;
        // What has arrived is unread then.
        subscriber.ping().await?;
        if subscriber.unread().next().is_some() {
            break;
        }
        if began.elapsed() > agreement(bench) {
            let seen = format!("none of {sent} messages in {:?}", began.elapsed());
            return Err(Stop::breach("messages reach subscribers at another node", seen));
        }
        sleep(Duration::from_millis(50)).await;
    }
    if sent > 1 {
        bench.note(format!("the nodes agreed after {} ms", began.elapsed().as_millis()));
    }
    let last = format!("settling {}", sent - 1);
    loop {
        let message = subscriber.expect_any_publish().await?;
        subscriber.acknowledged(&message).await?;
        if message.payload == last.as_bytes() {
            return Ok(());
        }
    }
}

async fn delivers_across_nodes(bench: &mut Bench) -> CaseResult {
    for (here, there) in [(0, 1), (1, 0)] {
        let topic = bench.topic(&format!("{here}/t"));
        let mut subscriber = at(bench, here, &format!("{here}sub")).await?;
        let mut publisher = at(bench, there, &format!("{there}pub")).await?;
        subscriber.subscribed(&topic, 1).await?;
        settled(bench, &mut publisher, &mut subscriber, &topic).await?;
        for number in 0..20 {
            publisher.published(Publish::to(&topic).qos(1).payload(number.to_string())).await?;
        }
        for number in 0..20 {
            let message = subscriber.expect_any_publish().await?;
            subscriber.acknowledged(&message).await?;
            let seen = String::from_utf8_lossy(&message.payload).into_owned();
            bench.equal("the next message", number.to_string(), seen)?;
        }
        subscriber.fence().await?;
    }
    Ok(())
}

async fn retained_messages_are_everywhere(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = at(bench, 0, "pub").await?;
    publisher.published(Publish::to(&topic).retain(true).payload("kept")).await?;
    let mut subscriber = at(bench, 1, "sub").await?;
    let began = Instant::now();
    // Each SUBSCRIBE brings what is retained by then.
    let found = loop {
        subscriber.subscribed(&topic, 0).await?;
        subscriber.ping().await?;
        if subscriber.unread().next().is_some() || began.elapsed() > agreement(bench) {
            break subscriber.unread().next().is_some();
        }
        sleep(Duration::from_millis(50)).await;
    };
    publisher.published(Publish::to(&topic).retain(true)).await?;
    bench.check(found, "the retained message", format!("no message in {:?}", agreement(bench)))?;
    let message = subscriber.expect_publish(&topic, "kept").await?;
    bench.equal("RETAIN", true, message.retain)
}

async fn takeover_ends_the_connection_at_another_node(bench: &mut Bench) -> CaseResult {
    let mut old = at(bench, 0, "client").await?;
    let _new = at(bench, 1, "client").await?;
    old.expect_closed(&[0x8e]).await
}

async fn sessions_are_resumed_at_another_node(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut client = bench.opened_at(1, "client").await?;
    client.send(lasting(bench, "client")).await?;
    client.expect_accepted().await.set_up("connecting")?;
    client.subscribed(&topic, 1).await?;
    let mut publisher = at(bench, 1, "pub").await?;
    client.disconnected().await?;
    publisher.published(Publish::to(&topic).qos(1).payload("meanwhile")).await?;
    let mut again = bench.opened_at(0, "again").await?;
    again.send(lasting(bench, "client")).await?;
    again.expect_accepted().await.set_up("connecting again")?;
    let present = again.connack.as_ref().is_some_and(|connack| connack.session_present);
    bench.equal("Session Present", true, present)?;
    let message = again.expect_publish(&topic, "meanwhile").await.cites(bench.pick(V311("3.1.2-5"), V5("3.1.2-23")))?;
    again.acknowledged(&message).await?;
    again.ping().await?;
    end_session(bench, again, 0, "client").await
}

/// Leaves nothing behind.
async fn end_session(bench: &Bench, mut peer: Peer, node: usize, name: &str) -> CaseResult {
    peer.disconnected().await?;
    at(bench, node, name).await?.disconnected().await
}

async fn shared_subscriptions_span_nodes(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let filter = format!("$share/{}/{topic}", bench.id("group"));
    let mut one = at(bench, 0, "one").await?;
    let mut two = at(bench, 1, "two").await?;
    let mut publisher = at(bench, 0, "pub").await?;
    // A member at the other node alone gets everything.
    two.subscribed(&filter, 1).await?;
    settled(bench, &mut publisher, &mut two, &topic).await?;
    one.subscribed(&filter, 1).await?;
    const MANY: usize = 40;
    for number in 0..MANY {
        publisher.published(Publish::to(&topic).qos(1).payload(number.to_string())).await?;
    }
    let mut counts = vec![0_usize; MANY];
    let deadline = Instant::now() + agreement(bench);
    while counts.iter().sum::<usize>() < MANY && Instant::now() < deadline {
        for member in [&mut one, &mut two] {
            member.ping().await?;
            count(member, &mut counts).await?;
        }
    }
    // Whatever is too much comes before these.
    for member in [&mut one, &mut two] {
        member.ping().await?;
        count(member, &mut counts).await?;
    }
    let wrong: Vec<String> = counts
        .iter()
        .enumerate()
        .filter(|(_, times)| **times != 1)
        .map(|(number, times)| format!("{number}: {times}"))
        .collect();
    bench.check(wrong.is_empty(), "each message once", format!("message: times, {}", wrong.join(", ")))
}

/// Takes what has come.
async fn count(member: &mut Peer, counts: &mut [usize]) -> CaseResult {
    while member.unread().next().is_some() {
        let message = member.expect_any_publish().await?;
        member.acknowledged(&message).await?;
        let number = String::from_utf8_lossy(&message.payload).parse::<usize>().ok();
        if let Some(times) = number.and_then(|number| counts.get_mut(number)) {
            *times += 1;
        }
    }
    Ok(())
}

async fn outlives_a_node(bench: &mut Bench) -> CaseResult {
    let last = bench.site().nodes.len() - 1;
    let mortal = bench.mortal(last).await?;
    let topic = bench.topic("t");
    let mut survivor = at(bench, 0, "sub").await?;
    survivor.subscribed(&topic, 1).await?;
    let mut orphan = bench.opened_on(&mortal.endpoint, "orphan").await?;
    orphan.send(lasting(bench, "orphan")).await?;
    orphan.expect_accepted().await.set_up("connecting")?;
    orphan.subscribed(&bench.topic("orphan"), 1).await?;
    settled(bench, &mut orphan, &mut survivor, &topic).await?;
    mortal.stop().await?;
    orphan.expect_closed(&[]).await.set_up("stopping the node")?;
    // Those who are left go on: the standard knows one server, and that is still there.
    let mut publisher = reached(bench, 0, "pub", |name| bench.connect(name)).await?;
    settled(bench, &mut publisher, &mut survivor, &topic).await?;
    let again = reached(bench, 0, "orphan", |name| lasting(bench, name)).await?;
    let present = again.connack.as_ref().is_some_and(|connack| connack.session_present);
    bench.advise(present, "the session of a client whose node is gone, Session Present 1", "Session Present 0");
    end_session(bench, again, 0, "orphan").await
}

/// A client at a node that may be busy with the loss of another.
async fn reached(bench: &Bench, node: usize, name: &str, connect: impl Fn(&str) -> Connect) -> CaseResult<Peer> {
    let began = Instant::now();
    loop {
        let mut peer = bench.opened_at(node, name).await?;
        peer.send(connect(name)).await?;
        match peer.expect_accepted().await {
            Ok(_) => return Ok(peer),
            Err(_) if began.elapsed() < agreement(bench) => sleep(Duration::from_millis(200)).await,
            Err(stop) => return Err(stop).set_up("connecting to a node that is left"),
        }
    }
}
