//! What a server hands on: sections 3.3.2.3 (properties), 3.3.4 (3.3.5 in 3.1.1), 4.5 and 4.6.

use std::time::{Duration, Instant};

use wire::{Property, Subscribe};

use super::{prelude::*, retain};
use crate::{Peer, Stop};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "forward.topic_fits_the_filter",
        title: "A message reaches a subscriber with the topic that it was published to",
        decides: &[Both("3.3.2-3")],
        needs: &[Capability::Wildcards],
        mutants: &[Mutant::rules("writes another topic", || {
            server(Kind::Publish).edit(|publish: &mut Publish| publish.topic.push_str("/x")).into()
        })],
        script: run!(topic_fits_the_filter),
        ..Case::PLAIN
    },
    Case {
        id: "forward.payload_format_indicator",
        title: "The Payload Format Indicator reaches subscribers as it was published",
        decides: &[V5("3.3.2-4")],
        mutants: &[Mutant::rules("loses the Payload Format Indicator", || without(0x01))],
        script: run!(payload_format_indicator),
        ..Case::PLAIN
    },
    Case {
        id: "forward.response_topic",
        title: "The Response Topic reaches subscribers as it was published",
        decides: &[V5("3.3.2-15")],
        mutants: &[Mutant::rules("loses the Response Topic", || without(0x08))],
        script: run!(response_topic),
        ..Case::PLAIN
    },
    Case {
        id: "forward.correlation_data",
        title: "The Correlation Data reach subscribers as they were published",
        decides: &[V5("3.3.2-16")],
        mutants: &[Mutant::rules("loses the Correlation Data", || without(0x09))],
        script: run!(correlation_data),
        ..Case::PLAIN
    },
    Case {
        id: "forward.content_type",
        title: "The Content Type reaches subscribers as it was published",
        decides: &[V5("3.3.2-20")],
        mutants: &[Mutant::rules("loses the Content Type", || without(0x03))],
        script: run!(content_type),
        ..Case::PLAIN
    },
    Case {
        id: "forward.user_properties",
        title: "All User Properties reach subscribers, in their order",
        decides: &[V5("3.3.2-17"), V5("3.3.2-18")],
        mutants: &[
            Mutant::rules("loses a User Property", || {
                server(Kind::Publish).edit(|publish: &mut Publish| drop(publish.properties.0.pop())).into()
            }),
            Mutant::rules("sorts User Properties", || {
                server(Kind::Publish)
                    .edit(|publish: &mut Publish| publish.properties.0.sort_by_key(Property::encode))
                    .into()
            }),
        ],
        script: run!(user_properties),
        ..Case::PLAIN
    },
    Case {
        id: "forward.overlap_has_the_highest_qos",
        title: "A message that fits several subscriptions of a client is delivered at the highest QoS of theirs",
        decides: &[V311("3.3.5-1"), V5("3.3.4-2")],
        needs: &[Capability::Qos1, Capability::Wildcards],
        mutants: &[Mutant::rules("delivers at the lowest QoS", || {
            server(Kind::Publish)
                .edit(|publish: &mut Publish| {
                    publish.qos = 0;
                    publish.packet_identifier = None;
                })
                .into()
        })],
        script: run!(overlap_has_the_highest_qos),
        ..Case::PLAIN
    },
    Case {
        id: "forward.overlap_has_the_identifiers",
        title: "A message that fits several subscriptions of a client comes with their Subscription Identifiers",
        decides: &[V5("3.3.4-3"), V5("3.3.4-4"), V5("3.3.4-5")],
        needs: &[Capability::SubscriptionIdentifiers, Capability::Wildcards],
        mutants: &[
            Mutant::rules("sends no Subscription Identifiers", || without(0x0b)),
            Mutant::rules("sends one Subscription Identifier of two", || {
                server(Kind::Publish).edit(|publish: &mut Publish| drop(publish.properties.0.pop())).into()
            }),
        ],
        script: run!(overlap_has_the_identifiers),
        ..Case::PLAIN
    },
    Case {
        id: "forward.copies_have_their_identifier",
        title: "A copy of a message for each subscription comes with the Subscription Identifier of that one",
        decides: &[V5("3.3.4-5"), V5("3.3.4-3")],
        // Of the embedded configurations the one that uses aliases is also the one that sends several copies.
        needs: &[Capability::SubscriptionIdentifiers, Capability::Wildcards, Capability::OutgoingTopicAliases],
        mutants: &[Mutant::rules("writes one identifier into all copies", || {
            server(Kind::Publish)
                .edit(|publish: &mut Publish| {
                    publish.properties.0.retain(|property| property.identifier != 0x0b);
                    publish.properties.0.push(Property::subscription_identifier(1000));
                })
                .into()
        })],
        script: run!(overlap_has_the_identifiers),
        ..Case::PLAIN
    },
    Case {
        id: "forward.online_and_offline",
        title: "A message reaches every client with a matching subscription, those that are away once they return",
        decides: &[Both("4.5.0-1")],
        needs: &[Capability::Qos1, Capability::Sessions],
        mutants: &[
            Mutant::rules("forgets who is away", || server(Kind::Publish).by("away").drop().into()),
            Mutant::rules("forgets who is there", || server(Kind::Publish).by("there").drop().into()),
        ],
        script: run!(online_and_offline),
        ..Case::PLAIN
    },
    ordered("forward.qos_0_is_ordered", "Messages at QoS 0 arrive in the order of their publication", &[], run!(qos_0)),
    ordered(
        "forward.qos_1_is_ordered",
        "Messages at QoS 1 arrive in the order of their publication",
        &[Capability::Qos1],
        run!(qos_1),
    ),
    ordered(
        "forward.qos_2_is_ordered",
        "Messages at QoS 2 arrive in the order of their publication",
        &[Capability::Qos2],
        run!(qos_2),
    ),
    Case {
        id: "forward.expired_is_not_sent",
        title: "A message whose Message Expiry Interval has passed is not sent any more",
        decides: &[V5("3.3.2-5")],
        needs: &[Capability::Qos1, Capability::Sessions],
        tags: &["time"],
        mutants: &[Mutant::rules("does not know expiry", || {
            client(Kind::Publish)
                .edit(|publish: &mut Publish| publish.properties.0.retain(|property| property.identifier != 0x02))
                .into()
        })],
        script: run!(expired_is_not_sent),
        ..Case::PLAIN
    },
    Case {
        id: "forward.expiry_counts_down",
        title: "The Message Expiry Interval is forwarded less the time that the message waited",
        decides: &[V5("3.3.2-6")],
        needs: &[Capability::Qos1, Capability::Sessions],
        tags: &["time"],
        mutants: &[
            Mutant::rules("forwards the interval as it came", || {
                server(Kind::Publish)
                    .edit(|publish: &mut Publish| {
                        publish.properties.0.retain(|property| property.identifier != 0x02);
                        publish.properties.0.push(Property::message_expiry_interval(100));
                    })
                    .into()
            }),
            Mutant::rules("loses the interval", || without(0x02)),
        ],
        script: run!(expiry_counts_down),
        ..Case::PLAIN
    },
];

/// Strips a property from what is forwarded.
fn without(identifier: u32) -> faults::Rules {
    server(Kind::Publish)
        .edit(move |publish: &mut Publish| publish.properties.0.retain(|property| property.identifier != identifier))
        .into()
}

/// A case about the order of messages.
const fn ordered(id: &'static str, title: &'static str, needs: &'static [Capability], script: crate::Script) -> Case {
    const MUTANTS: &[Mutant] =
        &[Mutant::rules("lets a message overtake another", || server(Kind::Publish).nth(3).swap_with_next().into())];
    Case { id, title, decides: &[Both("4.6.0-6"), Both("4.6.0-5")], needs, mutants: MUTANTS, script, ..Case::PLAIN }
}

async fn topic_fits_the_filter(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("a/b/c");
    for filter in ["a/#", "a/+/c"] {
        let mut peer = bench.connected("client").await?;
        peer.subscribed(&bench.topic(filter), 0).await?;
        peer.send(Publish::to(&topic).payload("x")).await?;
        let message = peer.expect_any_publish().await.set_up("delivery")?;
        bench.equal("the topic", topic.as_str(), &message.topic)?;
        peer.disconnected().await?;
    }
    Ok(())
}

/// What becomes of properties on their way to a subscriber.
async fn forwarded(bench: &Bench, properties: &[Property]) -> CaseResult<Publish> {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 0).await?;
    let message = Publish::to(&topic).payload("x");
    peer.send(properties.iter().cloned().fold(message, Publish::with)).await?;
    peer.expect_publish(&topic, "x").await.set_up("delivery")
}

async fn payload_format_indicator(bench: &mut Bench) -> CaseResult {
    let message = forwarded(bench, &[Property::payload_format_indicator(1)]).await?;
    bench.equal("Payload Format Indicator", Some(1), message.properties.payload_format_indicator())?;
    // 0 says no more than its absence.
    let message = forwarded(bench, &[Property::payload_format_indicator(0)]).await?;
    bench.equal("Payload Format Indicator", 0, message.properties.payload_format_indicator().unwrap_or(0))
}

async fn response_topic(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("réponse/\u{1f40e}");
    let message = forwarded(bench, &[Property::response_topic(&topic)]).await?;
    bench.equal("Response Topic", Some(topic.as_str()), message.properties.response_topic())
}

async fn correlation_data(bench: &mut Bench) -> CaseResult {
    let data = [0, 255, 128, 10];
    let message = forwarded(bench, &[Property::correlation_data(&data)]).await?;
    bench.equal("Correlation Data", Some(data.as_slice()), message.properties.correlation_data())
}

async fn content_type(bench: &mut Bench) -> CaseResult {
    let message = forwarded(bench, &[Property::content_type("Text/Plain; é")]).await?;
    bench.equal("Content Type", Some("Text/Plain; é"), message.properties.content_type())
}

async fn user_properties(bench: &mut Bench) -> CaseResult {
    let pairs = [("b", "2"), ("a", "1"), ("b", "1"), ("", ""), ("b", "2"), ("a", "0")];
    let properties = pairs.map(|(name, value)| Property::user(name, value));
    let message = forwarded(bench, &properties).await?;
    let seen = message.properties.user();
    let (mut sorted, mut expected) = (seen.clone(), pairs.to_vec());
    sorted.sort_unstable();
    expected.sort_unstable();
    bench.equal("the User Properties, sorted,", &expected, &sorted)?;
    bench.equal("the User Properties", pairs.as_slice(), seen.as_slice()).cites(V5("3.3.2-18"))
}

async fn overlap_has_the_highest_qos(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("a/b");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&bench.topic("a/#"), 1).await?;
    peer.subscribed(&topic, 0).await?;
    peer.published(Publish::to(&topic).qos(1).payload("x")).await?;
    let message = peer.expect_publish(&topic, "x").await.set_up("delivery")?;
    if message.qos == 1 {
        return Ok(());
    }
    // A copy for each subscription is allowed as well.
    match peer.expect_publish(&topic, "x").await.set_up("another copy") {
        Ok(second) => {
            bench.note("several copies");
            bench.equal("QoS of one of the copies", 1, second.qos)
        }
        Err(Stop::Inconclusive(_)) => {
            Err(Stop::breach("PUBLISH at QoS 1, the highest of the subscriptions", "one PUBLISH, at QoS 0"))
        }
        Err(other) => Err(other),
    }
}

async fn overlap_has_the_identifiers(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("a/b");
    let mut publisher = bench.connected("pub").await?;
    let mut peer = bench.connected("sub").await?;
    for (id, filter) in [(1, "a/#"), (2, "a/b")] {
        let identifier = Property::subscription_identifier(u32::from(id) * 1000);
        peer.send(Subscribe::new(id).filter(bench.topic(filter), 0).with(identifier)).await?;
        peer.expect_suback(id).await.set_up("subscribing")?;
    }
    publisher.send(Publish::to(&topic).payload("x")).await?;
    let messages = retain::gathered(bench, &mut publisher, &mut peer).await?;
    let mut seen: Vec<Vec<u32>> = messages.iter().map(|m| m.properties.subscription_identifiers()).collect();
    seen.iter_mut().for_each(|identifiers| identifiers.sort_unstable());
    seen.sort_unstable();
    let none = seen.iter().all(Vec::is_empty);
    bench.check(!none, "Subscription Identifiers 1000 and 2000", format!("{} messages without", seen.len()))?;
    match seen.as_slice() {
        [one] => bench.equal("Subscription Identifiers", [1000, 2000].as_slice(), one).cites(V5("3.3.4-4")),
        several => {
            bench.note("several copies");
            bench
                .equal("Subscription Identifiers of the copies", [vec![1000], vec![2000]].as_slice(), several)
                .cites(V5("3.3.4-5"))
        }
    }
}

/// A session that outlives its connection.
pub(super) fn lasting(bench: &Bench, name: &str) -> Connect {
    let connect = bench.connect(name).clean(false);
    if bench.is_v5() { connect.with(Property::session_expiry_interval(60)) } else { connect }
}

async fn online_and_offline(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut away = bench.connected_as("away", lasting(bench, "away")).await?;
    away.subscribed(&topic, 1).await?;
    away.disconnected().await?;
    let mut there = bench.connected("there").await?;
    there.subscribed(&topic, 1).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).qos(1).payload("x")).await?;
    let message = there.expect_publish(&topic, "x").await?;
    there.acknowledged(&message).await?;
    let mut away = bench.connected_as("away", lasting(bench, "away")).await?;
    let message = away.expect_publish(&topic, "x").await?;
    away.acknowledged(&message).await
}

async fn qos_0(bench: &mut Bench) -> CaseResult {
    in_order(bench, 0).await
}

async fn qos_1(bench: &mut Bench) -> CaseResult {
    in_order(bench, 1).await
}

async fn qos_2(bench: &mut Bench) -> CaseResult {
    in_order(bench, 2).await
}

/// Publishes ten messages at once, and takes them one by one.
async fn in_order(bench: &Bench, qos: u8) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, qos).await?;
    let mut publisher = bench.connected("pub").await?;
    // Not more than a server may have announced as its Receive Maximum.
    let limit = publisher.connack.as_ref().and_then(|connack| connack.properties.receive_maximum()).unwrap_or(10);
    let ids = 1..=limit.min(10);
    let messages = ids.clone().map(|id| Publish::to(&topic).qos(qos).id(id).payload(id.to_string()));
    publisher
        .send_together(messages.map(|message| message.draft(bench.version()).encode()).collect::<Vec<_>>())
        .await?;
    if qos == 2 {
        for id in ids.clone() {
            publisher.expect_pubrec(id).await.set_up("publishing")?;
            publisher.send(Ack::pubrel(id)).await?;
        }
    }
    for id in ids {
        let message = subscriber.expect_publish(&topic, id.to_string()).await?;
        subscriber.acknowledged(&message).await?;
    }
    Ok(())
}

/// Publishes a message with this expiry to a client that is away.
async fn stored(bench: &Bench, expiry: u32) -> CaseResult<Peer> {
    let topic = bench.topic("t");
    let mut away = bench.connected_as("away", lasting(bench, "away")).await?;
    away.subscribed(&topic, 1).await?;
    away.disconnected().await?;
    let mut publisher = bench.connected("pub").await?;
    let expiry = Property::message_expiry_interval(expiry);
    publisher.published(Publish::to(&topic).qos(1).payload("x").with(expiry)).await?;
    Ok(publisher)
}

async fn expired_is_not_sent(bench: &mut Bench) -> CaseResult {
    let mut publisher = stored(bench, 1).await?;
    bench.let_pass(Duration::from_secs(1) + bench.tolerance()).await;
    let mut away = bench.connected_as("away", lasting(bench, "away")).await?;
    let messages = retain::gathered(bench, &mut publisher, &mut away).await?;
    retain::payloads_are(bench, &[], &messages)
}

async fn expiry_counts_down(bench: &mut Bench) -> CaseResult {
    let started = Instant::now();
    stored(bench, 100).await?.disconnected().await?;
    let waits = Duration::from_millis(2100);
    bench.let_pass(waits).await;
    let mut away = bench.connected_as("away", lasting(bench, "away")).await?;
    let message = away.expect_publish(&bench.topic("t"), "x").await.set_up("delivery")?;
    // A second is lost or won by rounding, at either end.
    let waited = started.elapsed();
    let least = 98_u64.saturating_sub(waited.as_secs());
    let most = 99;
    match message.properties.message_expiry_interval() {
        Some(left) if (least..=most).contains(&u64::from(left)) => Ok(()),
        other => Err(Stop::breach(
            format!("a Message Expiry Interval of {least} to {most} after {waited:?}"),
            other.map_or("none".into(), |left| left.to_string()),
        )),
    }
}
