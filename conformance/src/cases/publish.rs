//! PUBLISH: section 3.3.

use wire::Property;

use super::{fixed_header::malformed, prelude::*};
use crate::Stop;

pub(super) const CASES: &[Case] = &[
    Case::row(
        "publish.qos_3_is_malformed",
        "A PUBLISH with both QoS bits set closes the connection",
        &[Both("3.3.1-4")],
        Connecting,
        |bench| Publish::to(bench.topic("t")).qos(1).id(7).draft(bench.version()).flags(0b0110),
        &[Outcome::Closed(&[0x81])],
        &[Mutant::rules("takes QoS 3 for QoS 1", || client(Kind::Publish).bytes(|packet| packet[0] = 0x32).into())],
    ),
    Case::row(
        "publish.topic_has_no_wildcards",
        "A PUBLISH to a topic with a wildcard is refused",
        &[Both("3.3.2-2"), V311("4.7.1-1"), V5("4.7.0-1")],
        Connecting,
        |bench| Publish::to(bench.topic("#")).qos(1).id(7).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82, 0x90]), Outcome::Answer(Kind::Puback, &[0x90])],
        &[Mutant::rules("takes wildcards in topics for ordinary characters", || {
            client(Kind::Publish).answer_instead(|seen: &Sight<'_>| Ack::puback(seen.id())).into()
        })],
    ),
    Case::row(
        "publish.topic_has_no_single_level_wildcard",
        "A PUBLISH to a topic with a single-level wildcard is refused",
        &[Both("3.3.2-2"), V311("4.7.1-1"), V5("4.7.0-1")],
        Connecting,
        |bench| Publish::to(bench.topic("a/+/b")).qos(1).id(7).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82, 0x90]), Outcome::Answer(Kind::Puback, &[0x90])],
        &[Mutant::rules("takes + in topics for an ordinary character", || {
            client(Kind::Publish).answer_instead(|seen: &Sight<'_>| Ack::puback(seen.id())).into()
        })],
    ),
    malformed(
        "publish.has_a_topic",
        "A PUBLISH that ends before its topic closes the connection",
        &[Both("3.3.2-1"), V311("4.8.0-1"), V5("4.13.1-1")],
        |bench| Publish::to("t").draft(bench.version()).truncate(0),
    ),
    malformed(
        "publish.has_an_identifier_above_qos_0",
        "A PUBLISH at QoS 1 that ends before its Packet Identifier closes the connection",
        &[V311("4.8.0-1"), V5("4.13.1-1")],
        |bench| Publish::to("t").qos(1).id(7).draft(bench.version()).truncate(3),
    ),
    Case::row(
        "publish.topic_is_not_empty",
        "A PUBLISH to an empty topic, without Topic Alias, is refused",
        &[V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| Publish::to("").qos(1).id(7).draft(bench.version()),
        &[Outcome::Closed(&[0x81, 0x82, 0x90])],
        &[Mutant::overlooks("passes over an empty topic")],
    ),
    malformed(
        "publish.client_has_no_subscription_identifier",
        "A PUBLISH of a client with a Subscription Identifier closes the connection",
        &[V5("3.3.4-6"), V5("4.13.1-1")],
        |bench| Publish::to(bench.topic("t")).with(Property::subscription_identifier(1)).draft(bench.version()),
    ),
    malformed(
        "publish.response_topic_stands_once",
        "A PUBLISH with two Response Topics closes the connection",
        &[V5("4.13.1-1")],
        |bench| twice(bench, Property::response_topic("t")),
    ),
    malformed(
        "publish.correlation_data_stands_once",
        "A PUBLISH with Correlation Data twice closes the connection",
        &[V5("4.13.1-1")],
        |bench| twice(bench, Property::correlation_data(b"x")),
    ),
    malformed(
        "publish.content_type_stands_once",
        "A PUBLISH with two Content Types closes the connection",
        &[V5("4.13.1-1")],
        |bench| twice(bench, Property::content_type("text/plain")),
    ),
    Case {
        id: "publish.response_topic_has_no_wildcards",
        title: "A PUBLISH whose Response Topic has a wildcard is refused",
        decides: &[V5("3.3.2-14")],
        needs: &[Capability::Qos1],
        mutants: &[Mutant::rules("takes any Response Topic", || {
            client(Kind::Publish).answer_instead(|seen: &Sight<'_>| Ack::puback(seen.id())).into()
        })
        .against_advice()],
        script: run!(response_topic_has_no_wildcards),
        ..Case::PLAIN
    },
    Case {
        id: "publish.qos_0_is_not_acknowledged",
        title: "A PUBLISH at QoS 0 is not answered",
        decides: &[Both("3.3.4-1")],
        mutants: &[Mutant::rules("acknowledges QoS 0", || {
            client(Kind::Publish).answer(|_: &Sight<'_>| Ack::puback(7)).into()
        })],
        script: run!(qos_0_is_not_acknowledged),
        ..Case::PLAIN
    },
    Case {
        id: "publish.qos_2_is_answered_by_pubrec",
        title: "A PUBLISH at QoS 2 is answered by PUBREC with its Packet Identifier",
        decides: &[Both("3.3.4-1"), V311("2.3.1-6"), V5("2.2.1-5"), V311("4.3.3-2"), V5("4.3.3-8")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("loses PUBREC", || server(Kind::Pubrec).drop().into()),
            Mutant::rules("answers QoS 2 by PUBACK", || {
                client(Kind::Publish).answer_instead(|seen: &Sight<'_>| Ack::puback(seen.id())).into()
            }),
        ],
        script: run!(qos_2_is_answered_by_pubrec),
        ..Case::PLAIN
    },
    Case {
        id: "publish.forbidden_has_no_error",
        title: "A PUBLISH that is not allowed is acknowledged like others, or ends the connection",
        decides: &[V311("3.3.5-2")],
        needs: &[Capability::ForbiddenTopic],
        mutants: &[Mutant::rules("does not answer what is not allowed", || {
            server(Kind::Puback).drop().and(faults::keep_open())
        })],
        script: run!(forbidden_has_no_error),
        ..Case::PLAIN
    },
    Case {
        id: "publish.qos_0_has_no_identifier",
        title: "A message at QoS 0 reaches subscribers with QoS 0, DUP 0 and without Packet Identifier",
        decides: &[V311("2.3.1-5"), V5("2.2.1-2"), Both("3.3.1-2"), Both("4.3.1-1"), V311("3.8.4-6"), V5("3.8.4-8")],
        mutants: &[
            Mutant::rules("writes a Packet Identifier at QoS 0", || {
                server(Kind::Publish)
                    .replace(|publish| publish.insert_before("payload", "packet_identifier", [0, 7]))
                    .into()
            }),
            Mutant::rules("sets DUP at QoS 0", || server(Kind::Publish).bytes(|packet| packet[0] |= 8).into()),
            Mutant::rules("raises QoS 0", || {
                server(Kind::Publish)
                    .edit(|publish: &mut Publish| {
                        publish.qos = 1;
                        publish.packet_identifier = Some(7);
                    })
                    .into()
            }),
        ],
        script: run!(qos_0_has_no_identifier),
        ..Case::PLAIN
    },
    Case {
        id: "publish.qos_1_is_acknowledged",
        title: "A PUBLISH at QoS 1 is answered by PUBACK with its Packet Identifier",
        decides: &[Both("3.3.4-1"), V311("2.3.1-6"), V5("2.2.1-5"), V311("4.3.2-2"), V5("4.3.2-4")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("loses PUBACK", || server(Kind::Puback).drop().into()),
            Mutant::rules("acknowledges another Packet Identifier", || {
                server(Kind::Puback).edit(|puback: &mut Ack| puback.packet_identifier ^= 0x100).into()
            }),
        ],
        script: run!(qos_1_is_acknowledged),
        ..Case::PLAIN
    },
    Case {
        id: "publish.dup_is_not_copied",
        title: "The DUP flag of a publisher does not reach subscribers",
        decides: &[Both("3.3.1-3")],
        needs: &[Capability::Qos1],
        mutants: &[Mutant::rules("hands on DUP", || {
            server(Kind::Publish).edit(|publish: &mut Publish| publish.dup = true).into()
        })],
        script: run!(dup_is_not_copied),
        ..Case::PLAIN
    },
    Case {
        id: "publish.retained_is_kept",
        title: "A retained message reaches a client that subscribes later, with RETAIN 1",
        decides: &[Both("3.3.1-5"), V311("3.3.1-6"), V311("3.3.1-8")],
        needs: &[Capability::Retain],
        mutants: &[
            Mutant::rules("does not retain", || {
                client(Kind::Publish).edit(|publish: &mut Publish| publish.retain = false).into()
            }),
            Mutant::rules("keeps the first retained message", || client(Kind::Publish).nth(2).drop().into()),
        ],
        script: run!(retained_is_kept),
        ..Case::PLAIN
    },
    Case {
        id: "publish.unretained_is_not_kept",
        title: "A message without RETAIN does not reach a client that subscribes later",
        decides: &[V311("3.3.1-12"), V5("3.3.1-8")],
        mutants: &[Mutant::rules("retains everything", || {
            client(Kind::Publish).topic("/kept").edit(|publish: &mut Publish| publish.retain = true).into()
        })],
        script: run!(unretained_is_not_kept),
        ..Case::PLAIN
    },
];

/// A PUBLISH with this property twice.
fn twice(bench: &Bench, property: Property) -> Draft {
    Publish::to(bench.topic("t")).with(property.clone()).with(property).draft(bench.version())
}

/// The statement binds who sends; that a server refuses is advice.
async fn response_topic_has_no_wildcards(bench: &mut Bench) -> CaseResult {
    const TAKEN: Outcome = Outcome::Answer(Kind::Puback, &[0x00, 0x10]);
    let mut peer = bench.connected("client").await?;
    let wild = Property::response_topic(&bench.topic("#"));
    peer.send(Publish::to(bench.topic("t")).qos(1).id(7).with(wild)).await?;
    let refusals = [Outcome::Closed(&[0x81, 0x82, 0x90]), Outcome::Answer(Kind::Puback, &[0x80, 0x83, 0x90])];
    let seen = peer.expect_one_of(&[refusals[0], refusals[1], TAKEN]).await?;
    bench.advise(seen != TAKEN, "a refusal", "PUBACK that takes it");
    Ok(())
}

async fn qos_0_is_not_acknowledged(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Publish::to(bench.topic("t")).payload("x")).await?;
    peer.fence().await
}

async fn qos_2_is_answered_by_pubrec(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Publish::to(bench.topic("t")).qos(2).id(7)).await?;
    peer.expect_pubrec(7).await.map(|_| ())
}

async fn forbidden_has_no_error(bench: &mut Bench) -> CaseResult {
    let Some(topic) = bench.site().facts.forbidden_topic.clone() else {
        return Err(Stop::NotApplicable("no topic is forbidden".into()));
    };
    let mut peer = bench.connected("client").await?;
    peer.send(Publish::to(topic).qos(1).id(7).payload("x")).await?;
    peer.expect_one_of(&[Outcome::Answer(Kind::Puback, &[]), Outcome::Closed(&[])]).await.map(|_| ())
}

async fn qos_0_has_no_identifier(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 1).await?;
    peer.send(Publish::to(&topic).payload("x")).await?;
    let message = peer.expect_any_publish().await.set_up("delivery")?;
    bench.equal("QoS", 0, message.qos).cites(bench.pick(V311("3.8.4-6"), V5("3.8.4-8")))?;
    bench.equal("DUP", false, message.dup).cites(Both("3.3.1-2"))?;
    // A stray Packet Identifier stands where the payload begins.
    bench.equal("payload", b"x".as_slice(), message.payload.as_slice())
}

async fn qos_1_is_acknowledged(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Publish::to(bench.topic("t")).qos(1).id(7)).await?;
    // 5.0 may say 0x10 when nobody has subscribed.
    peer.expect_puback(7).await.map(|_| ())
}

async fn dup_is_not_copied(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 1).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).qos(1).dup(true).payload("x")).await?;
    let message = subscriber.expect_publish(&topic, "x").await.set_up("delivery")?;
    bench.equal("DUP", false, message.dup)
}

async fn retained_is_kept(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut publisher = bench.connected("pub").await?;
    for payload in ["first", "second"] {
        publisher.published(Publish::to(&topic).retain(true).payload(payload)).await?;
    }
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    let message = subscriber.expect_publish(&topic, "second").await?;
    bench.equal("RETAIN", true, message.retain).cites(V311("3.3.1-8"))
}

async fn unretained_is_not_kept(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("kept");
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(&topic).payload("x")).await?;
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, 0).await?;
    bench.fence(&mut publisher, &mut subscriber).await
}
