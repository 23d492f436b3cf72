//! What SUBACK says, and that it and UNSUBACK keep to what the client takes.

use super::super::prelude::*;

pub(in super::super) const CASES: &[Case] = &[
    Case {
        id: "subscribe.is_acknowledged",
        title: "A SUBSCRIBE is answered by SUBACK with its Packet Identifier",
        decides: &[Both("3.8.4-1"), Both("3.8.4-2"), V311("3.8.4-5"), V5("3.8.4-6"), V311("2.3.1-7"), V5("2.2.1-6")],
        mutants: &[
            Mutant::rules("loses SUBACK", || server(Kind::Suback).drop().into()),
            Mutant::rules("acknowledges another Packet Identifier", || {
                server(Kind::Suback).edit(|suback: &mut Suback| suback.packet_identifier ^= 0x100).into()
            }),
        ],
        script: run!(is_acknowledged),
        ..Case::PLAIN
    },
    Case {
        id: "subscribe.codes_follow_the_filters",
        title: "SUBACK has one code for each Topic Filter, in their order, none above the requested QoS",
        decides: &[
            Both("3.9.3-1"),
            V311("3.8.4-5"),
            V5("3.8.4-6"),
            V5("3.8.4-7"),
            V311("3.8.4-4"),
            V5("3.8.4-5"),
            Both("3.9.3-2"),
        ],
        mutants: &[
            Mutant::rules("turns the codes round", || {
                server(Kind::Suback).edit(|suback: &mut Suback| suback.reasons.reverse()).into()
            }),
            Mutant::rules("leaves out a code", || {
                server(Kind::Suback).edit(|suback: &mut Suback| suback.reasons.truncate(2)).into()
            }),
            Mutant::rules("grants more than was asked", || {
                server(Kind::Suback)
                    .edit(|suback: &mut Suback| suback.reasons.iter_mut().skip(1).take(1).for_each(|code| *code = 2))
                    .into()
            }),
            Mutant::rules("grants QoS 3", || {
                server(Kind::Suback)
                    .bytes(|packet| {
                        packet.pop();
                        packet.push(3);
                    })
                    .into()
            }),
            Mutant::rules("answers with a second SUBACK", || server(Kind::Suback).duplicate().into()),
        ],
        script: run!(codes_follow_the_filters),
        ..Case::PLAIN
    },
    Case {
        id: "subscribe.many_filters_are_many_subscriptions",
        title: "Each Topic Filter of one SUBSCRIBE is a subscription of its own",
        decides: &[V311("3.8.4-4"), V5("3.8.4-5")],
        mutants: &[
            Mutant::rules("takes the first filter alone", || server(Kind::Publish).topic("/second").drop().into()),
            Mutant::rules("takes the last filter alone", || server(Kind::Publish).topic("/first").drop().into()),
        ],
        script: run!(many_filters_are_many_subscriptions),
        ..Case::PLAIN
    },
    Case {
        needs: &[Capability::NoWildcards],
        ..Case::row(
            "subscribe.wildcards_are_refused",
            "A server without wildcards refuses a Topic Filter that has them",
            &[V311("3.8.3-2"), V5("4.13.1-1")],
            Connecting,
            |bench| Subscribe::new(7).filter(bench.topic("+"), 0).draft(bench.version()),
            &[Outcome::Answer(Kind::Suback, &[0x80, 0xa2, 0x8f, 0x83, 0x87]), Outcome::Closed(&[0xa2])],
            &[Mutant::configuration("takes wildcards all the same", "default")],
        )
    },
    Case {
        needs: &[Capability::NoSharedSubscriptions],
        ..Case::row(
            "subscribe.shared_is_refused",
            "A server without Shared Subscriptions refuses one",
            &[V5("4.13.1-1")],
            Connecting,
            |bench| {
                let filter = format!("$share/{}/{}", bench.id("group"), bench.topic("t"));
                Subscribe::new(7).filter(filter, 0).draft(bench.version())
            },
            &[Outcome::Answer(Kind::Suback, &[0x9e, 0x80, 0x8f, 0x83, 0x87]), Outcome::Closed(&[0x9e])],
            &[Mutant::configuration("shares all the same", "default")],
        )
    },
    Case {
        needs: &[Capability::NoSubscriptionIdentifiers],
        ..Case::row(
            "subscribe.identifier_is_refused",
            "A server without Subscription Identifiers refuses one",
            &[V5("4.13.1-1")],
            Connecting,
            |bench| {
                let subscribe = Subscribe::new(7).filter(bench.topic("t"), 0);
                subscribe.with(Property::subscription_identifier(5)).draft(bench.version())
            },
            &[Outcome::Answer(Kind::Suback, &[0xa1, 0x80, 0x83, 0x87]), Outcome::Closed(&[0xa1])],
            &[Mutant::configuration("takes identifiers all the same", "default")],
        )
    },
    Case {
        id: "subscribe.suback_keeps_to_the_packet_size",
        title: "SUBACK says no more than fits in the client's Maximum Packet Size",
        decides: &[V5("3.9.2-1"), V5("3.9.2-2")],
        mutants: &[
            Mutant::rules("explains itself at any length", || {
                server(Kind::Suback).edit(|suback: &mut Suback| suback.properties.0.push(reason())).into()
            }),
            Mutant::rules("adds User Properties at any length", || {
                server(Kind::Suback).edit(|suback: &mut Suback| suback.properties.0.push(remark())).into()
            }),
        ],
        script: run!(suback_keeps_to_the_packet_size),
        ..Case::PLAIN
    },
    Case {
        id: "unsubscribe.unsuback_keeps_to_the_packet_size",
        title: "UNSUBACK says no more than fits in the client's Maximum Packet Size",
        decides: &[V5("3.11.2-1"), V5("3.11.2-2")],
        mutants: &[
            Mutant::rules("explains itself at any length", || {
                server(Kind::Unsuback).edit(|unsuback: &mut Unsuback| unsuback.properties.0.push(reason())).into()
            }),
            Mutant::rules("adds User Properties at any length", || {
                server(Kind::Unsuback).edit(|unsuback: &mut Unsuback| unsuback.properties.0.push(remark())).into()
            }),
        ],
        script: run!(unsuback_keeps_to_the_packet_size),
        ..Case::PLAIN
    },
];

async fn is_acknowledged(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Subscribe::new(7).filter(bench.topic("t"), 0)).await?;
    let suback = peer.expect_suback(7).await?;
    bench.equal("the number of codes", 1, suback.reasons.len()).cites(bench.pick(V311("3.8.4-5"), V5("3.8.4-6")))
}

async fn codes_follow_the_filters(bench: &mut Bench) -> CaseResult {
    // Turned round in whatever way, a code stands above what was asked for in its place.
    const ASKED: [u8; 3] = [2, 0, 1];
    let mut peer = bench.connected("client").await?;
    let filters = ASKED.iter().zip(["a", "b", "c"]);
    peer.send(filters.fold(Subscribe::new(7), |all, (qos, name)| all.filter(bench.topic(name), *qos))).await?;
    let codes = peer.expect_suback(7).await?.reasons;
    bench.equal("the number of codes", 3, codes.len()).cites(bench.pick(V311("3.8.4-5"), V5("3.8.4-6")))?;
    let fit = codes.iter().zip(ASKED).all(|(code, asked)| *code <= asked || *code >= 0x80);
    bench.check(fit, "codes not above the QoS 2, 0 and 1 that were asked for", format!("codes {codes:02x?}"))?;
    peer.fence().await.cites(bench.pick(V311("3.8.4-4"), V5("3.8.4-5")))
}

async fn many_filters_are_many_subscriptions(bench: &mut Bench) -> CaseResult {
    let topics = ["first", "second"].map(|name| bench.topic(name));
    let mut subscriber = bench.connected("sub").await?;
    subscriber.send(topics.iter().fold(Subscribe::new(7), |all, topic| all.filter(topic, 0))).await?;
    let codes = subscriber.expect_suback(7).await.set_up("subscribing")?.reasons;
    bench.equal("the codes", vec![0, 0], codes).set_up("subscribing")?;
    let mut publisher = bench.connected("pub").await?;
    for topic in &topics {
        publisher.published(Publish::to(topic).payload("x")).await?;
        subscriber.expect_publish(topic, "x").await?;
    }
    Ok(())
}

/// A client that takes little more than its CONNACK, and how much.
async fn narrow(bench: &Bench) -> CaseResult<(Peer, usize)> {
    let first = bench.connected("first").await?;
    let connack = first.connack.as_ref().map_or(0, |connack| connack.draft(Version::V5).encode().len());
    let most = connack.max(12);
    let connect = bench.connect("client").with(Property::maximum_packet_size(u32::try_from(most).unwrap_or(u32::MAX)));
    Ok((bench.connected_as("client", connect).await?, most))
}

async fn suback_keeps_to_the_packet_size(bench: &mut Bench) -> CaseResult {
    let (mut peer, most) = narrow(bench).await?;
    peer.send(Subscribe::new(7).filter(bench.topic("t"), 0)).await?;
    let suback = peer.expect_suback(7).await?;
    judge(bench, &suback.properties, suback.draft(Version::V5).encode().len(), most, V5("3.9.2-2"))
}

async fn unsuback_keeps_to_the_packet_size(bench: &mut Bench) -> CaseResult {
    let (mut peer, most) = narrow(bench).await?;
    peer.send(Unsubscribe::new(7).filter(bench.topic("t"))).await?;
    let unsuback = peer.expect_unsuback(7).await.set_up("unsubscribing")?;
    judge(bench, &unsuback.properties, unsuback.draft(Version::V5).encode().len(), most, V5("3.11.2-2"))
}

fn judge(bench: &Bench, properties: &Properties, length: usize, most: usize, of_pairs: Mark) -> CaseResult {
    let within =
        bench.check(length <= most, format!("a packet of at most {most} bytes"), format!("one of {length} bytes"));
    if properties.reason_string().is_some() { within } else { within.cites(of_pairs) }
}

/// Longer than any CONNACK that `narrow` may have seen.
fn reason() -> Property {
    Property::reason_string(&"because ".repeat(1_000))
}

fn remark() -> Property {
    Property::user("remark", &"because ".repeat(1_000))
}
