//! Retained messages: section 3.3.1.3 and the subscription options about them (3.8.3.1).

use wire::{Options, Subscribe};

use super::prelude::*;
use crate::Peer;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "retain.each_matching_topic",
        title: "A new subscription is sent the last retained message of each topic that matches",
        decides: &[V311("3.3.1-6"), V5("3.3.1-9"), Both("3.3.1-5")],
        needs: &[Capability::Retain, Capability::Wildcards],
        mutants: &[
            Mutant::rules("sends one retained message only", || server(Kind::Publish).by("sub").after(1).drop().into()),
            Mutant::rules("keeps the first retained message", || {
                client(Kind::Publish).when(says(b"new")).drop().into()
            }),
        ],
        script: run!(each_matching_topic),
        ..Case::PLAIN
    },
    Case {
        id: "retain.qos_is_kept",
        title: "A retained message is sent with the QoS that it was published with",
        decides: &[Both("3.3.1-5")],
        needs: &[Capability::Retain, Capability::Qos1],
        mutants: &[Mutant::rules("retains at QoS 0", || {
            server(Kind::Publish)
                .by("sub")
                .edit(|publish: &mut Publish| {
                    publish.qos = 0;
                    publish.packet_identifier = None;
                })
                .into()
        })],
        script: run!(qos_is_kept),
        ..Case::PLAIN
    },
    Case {
        id: "retain.qos_0_replaces",
        title: "A retained message at QoS 0 takes the place of the one before",
        decides: &[V311("3.3.1-7"), V5("3.3.1-5")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("keeps the old message", || client(Kind::Publish).when(says(b"new")).drop().into())],
        script: run!(qos_0_replaces),
        ..Case::PLAIN
    },
    Case {
        id: "retain.flag_tells_new_subscribers",
        title: "A message that is sent because of a new subscription has RETAIN 1",
        decides: &[V311("3.3.1-8")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("sends retained messages with RETAIN 0", || {
            server(Kind::Publish).edit(|publish: &mut Publish| publish.retain = false).into()
        })],
        script: run!(flag_tells_new_subscribers),
        ..Case::PLAIN
    },
    Case {
        id: "retain.flag_is_not_forwarded",
        title: "A message for a subscription that was there before has RETAIN 0",
        decides: &[V311("3.3.1-9"), V5("3.3.1-12")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("forwards RETAIN", || {
            server(Kind::Publish).edit(|publish: &mut Publish| publish.retain = true).into()
        })],
        script: run!(flag_is_not_forwarded),
        ..Case::PLAIN
    },
    Case {
        id: "retain.as_published",
        title: "With Retain As Published, RETAIN is forwarded as the publisher set it",
        decides: &[V5("3.3.1-13")],
        needs: &[Capability::Retain],
        mutants: &[
            Mutant::rules("clears RETAIN", || {
                server(Kind::Publish).edit(|publish: &mut Publish| publish.retain = false).into()
            }),
            Mutant::rules("sets RETAIN", || {
                server(Kind::Publish).edit(|publish: &mut Publish| publish.retain = true).into()
            }),
        ],
        script: run!(as_published),
        ..Case::PLAIN
    },
    Case {
        id: "retain.empty_erases",
        title: "An empty message with RETAIN 1 is delivered, and erases the retained message",
        decides: &[V311("3.3.1-10"), V5("3.3.1-6")],
        needs: &[Capability::Retain],
        mutants: &[
            Mutant::rules("does not deliver empty messages", || {
                server(Kind::Publish).by("live").when(says(b"")).drop().into()
            }),
            Mutant::rules("does not erase", || {
                client(Kind::Publish).when(says(b"")).edit(|publish: &mut Publish| publish.retain = false).into()
            }),
        ],
        script: run!(empty_erases),
        ..Case::PLAIN
    },
    Case {
        id: "retain.empty_is_not_kept",
        title: "An empty message with RETAIN 1 is not retained itself",
        decides: &[V311("3.3.1-11"), V5("3.3.1-7")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("retains empty messages", || {
            // The tag of the run is what the Client Identifier begins with.
            server(Kind::Suback)
                .by("late")
                .once()
                .follow(|seen: &Sight<'_>| {
                    let tag = seen.client_id().strip_suffix("late").unwrap_or_default();
                    Publish::to(format!("{tag}/t")).retain(true)
                })
                .into()
        })],
        script: run!(empty_is_not_kept),
        ..Case::PLAIN
    },
    Case {
        id: "retain.unretained_leaves_it",
        title: "A message with RETAIN 0 leaves the retained message of its topic as it is",
        decides: &[V311("3.3.1-12"), V5("3.3.1-8")],
        needs: &[Capability::Retain],
        mutants: &[
            Mutant::rules("retains every message", || {
                client(Kind::Publish).edit(|publish: &mut Publish| publish.retain = true).into()
            }),
            Mutant::rules("forgets the retained message", || {
                client(Kind::Publish)
                    .when(|seen| seen.retain() == Some(false))
                    .precede(|seen: &Sight<'_>| Publish::to(seen.topic().unwrap_or_default()).retain(true))
                    .into()
            }),
        ],
        script: run!(unretained_leaves_it),
        ..Case::PLAIN
    },
    Case {
        id: "retain.handling_0",
        title: "With Retain Handling 0, every SUBSCRIBE is sent the retained messages",
        decides: &[V5("3.3.1-9")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("sends retained messages to new subscriptions only", || handling(1))],
        script: run!(handling_0),
        ..Case::PLAIN
    },
    Case {
        id: "retain.handling_1",
        title: "With Retain Handling 1, only a SUBSCRIBE that makes a subscription is sent the retained messages",
        decides: &[V5("3.3.1-10")],
        needs: &[Capability::Retain],
        mutants: &[
            Mutant::rules("sends retained messages every time", || handling(0)),
            Mutant::rules("sends no retained messages", || handling(2)),
        ],
        script: run!(handling_1),
        ..Case::PLAIN
    },
    Case {
        id: "retain.handling_2",
        title: "With Retain Handling 2, no retained messages are sent because of SUBSCRIBE",
        decides: &[V5("3.3.1-11")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("sends retained messages all the same", || handling(0))],
        script: run!(handling_2),
        ..Case::PLAIN
    },
];

/// A PUBLISH with this payload.
fn says(payload: &'static [u8]) -> impl Fn(&Sight<'_>) -> bool + Send + Sync + 'static {
    move |seen| seen.payload(seen.version()) == Some(payload)
}

/// Takes every SUBSCRIBE for one with this Retain Handling.
fn handling(value: u8) -> faults::Rules {
    client(Kind::Subscribe)
        .edit(move |subscribe: &mut Subscribe| {
            subscribe.filters.iter_mut().for_each(|(_, options)| options.retain_handling = value);
        })
        .into()
}

/// What has been sent to `to` and was not taken, up to a message that `from` publishes now.
pub(super) async fn gathered(bench: &Bench, from: &mut Peer, to: &mut Peer) -> CaseResult<Vec<Publish>> {
    let marker = bench.topic("marker");
    to.subscribed(&marker, 0).await?;
    from.send(Publish::to(&marker).payload("marker")).await?;
    let mut messages = Vec::new();
    loop {
        let message = to.expect_any_publish().await.set_up("the message that ends the wait")?;
        if message.topic == marker {
            return Ok(messages);
        }
        messages.push(message);
    }
}

/// Judges that these are the payloads, in whatever order.
pub(super) fn payloads_are(bench: &Bench, expected: &[&str], messages: &[Publish]) -> CaseResult {
    let mut expected: Vec<&str> = expected.to_vec();
    let mut seen: Vec<String> = messages.iter().map(|m| String::from_utf8_lossy(&m.payload).into_owned()).collect();
    expected.sort_unstable();
    seen.sort_unstable();
    bench.check(expected == seen, format!("messages {expected:?}"), format!("messages {seen:?}"))
}

async fn each_matching_topic(bench: &mut Bench) -> CaseResult {
    let mut publisher = bench.connected("pub").await?;
    for (topic, payload) in [("r/a", "old"), ("r/a", "new"), ("r/b", "b"), ("r/b/c", "c")] {
        publisher.published(Publish::to(bench.topic(topic)).retain(true).payload(payload)).await?;
    }
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&bench.topic("r/#"), 0).await?;
    let messages = subscriber.expect_publishes(3).await?;
    payloads_are(bench, &["new", "b", "c"], &messages)
}

async fn qos_is_kept(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).qos(1).retain(true).payload("x")).await?;
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 1).await?;
    let message = subscriber.expect_publish(&topic, "x").await?;
    bench.equal("QoS", 1, message.qos)
}

async fn qos_0_replaces(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    for payload in ["old", "new"] {
        publisher.published(Publish::to(&topic).retain(true).payload(payload)).await?;
    }
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    let messages = gathered(bench, &mut publisher, &mut subscriber).await?;
    // It should be kept, but may be discarded at any time.
    bench.advise(!messages.is_empty(), "the new message is retained", "it is not");
    if messages.is_empty() { Ok(()) } else { payloads_are(bench, &["new"], &messages) }
}

async fn flag_tells_new_subscribers(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut watcher = bench.connected("watcher").await?;
    let mut peer = bench.connected("client").await?;
    watcher.subscribed(&topic, 0).await?;
    peer.published(Publish::to(&topic).retain(true).payload("x")).await?;
    // Before it has been delivered, it may come to a new subscription for itself, with RETAIN 0.
    watcher.expect_publish(&topic, "x").await.set_up("delivery")?;
    peer.subscribed(&topic, 0).await?;
    let message = peer.expect_publish(&topic, "x").await.set_up("a retained message")?;
    bench.equal("RETAIN", true, message.retain)
}

async fn flag_is_not_forwarded(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 0).await?;
    for retain in [true, false] {
        peer.send(Publish::to(&topic).retain(retain).payload("x")).await?;
        let message = peer.expect_publish(&topic, "x").await.set_up("delivery")?;
        bench.equal("RETAIN", false, message.retain)?;
    }
    Ok(())
}

async fn as_published(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.send(Subscribe::new(1).filter(&topic, Options::qos(0).retain_as_published())).await?;
    peer.expect_suback(1).await.set_up("subscribing")?;
    for retain in [true, false] {
        peer.send(Publish::to(&topic).retain(retain).payload("x")).await?;
        let message = peer.expect_publish(&topic, "x").await.set_up("delivery")?;
        bench.equal("RETAIN", retain, message.retain)?;
    }
    Ok(())
}

async fn empty_erases(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).retain(true).payload("x")).await?;
    let mut live = bench.connected("live").await?;
    live.subscribed(&topic, 0).await?;
    live.expect_publish(&topic, "x").await.set_up("a retained message")?;
    publisher.published(Publish::to(&topic).retain(true)).await?;
    live.expect_publish(&topic, "").await?;
    let mut late = bench.connected("late").await?;
    late.subscribed(&topic, 0).await?;
    let messages = gathered(bench, &mut publisher, &mut late).await?;
    payloads_are(bench, &[], &messages)
}

async fn empty_is_not_kept(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).retain(true)).await?;
    let mut late = bench.connected("late").await?;
    late.subscribed(&topic, 0).await?;
    let messages = gathered(bench, &mut publisher, &mut late).await?;
    payloads_are(bench, &[], &messages)
}

async fn unretained_leaves_it(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).retain(true).payload("kept")).await?;
    publisher.published(Publish::to(&topic).payload("passing")).await?;
    let mut late = bench.connected("late").await?;
    late.subscribed(&topic, 0).await?;
    let messages = gathered(bench, &mut publisher, &mut late).await?;
    payloads_are(bench, &["kept"], &messages)
}

async fn handling_0(bench: &mut Bench) -> CaseResult {
    subscribed_twice(bench, 0, [true, true]).await
}

async fn handling_1(bench: &mut Bench) -> CaseResult {
    subscribed_twice(bench, 1, [true, false]).await
}

async fn handling_2(bench: &mut Bench) -> CaseResult {
    subscribed_twice(bench, 2, [false, false]).await
}

/// Subscribes twice to a topic with a retained message, and judges whether it came after each.
async fn subscribed_twice(bench: &Bench, handling: u8, comes: [bool; 2]) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).retain(true).payload("x")).await?;
    let mut subscriber = bench.connected("sub").await?;
    for (id, comes) in (1..).zip(comes) {
        subscriber.send(Subscribe::new(id).filter(&topic, Options::qos(0).retain_handling(handling))).await?;
        subscriber.expect_suback(id).await.set_up("subscribing")?;
        let messages = gathered(bench, &mut publisher, &mut subscriber).await?;
        payloads_are(bench, if comes { &["x"] } else { &[] }, &messages)?;
    }
    Ok(())
}
