//! UNSUBSCRIBE and UNSUBACK: sections 3.10 and 3.11.

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case::row(
        "unsubscribe.flags_are_0010",
        "An UNSUBSCRIBE with other flags than 0010 closes the connection",
        &[Both("3.10.1-1"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).flags(0),
        &[Outcome::Closed(&[0x81])],
        &[Mutant::rules("does not look at the flags of UNSUBSCRIBE", || {
            client(Kind::Unsubscribe).bytes(|packet| packet[0] = 0xa2).into()
        })],
    ),
    Case::row(
        "unsubscribe.filter_is_utf8",
        "An UNSUBSCRIBE whose Topic Filter is ill-formed UTF-8 closes the connection",
        &[Both("3.10.3-1"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).replace_text("topic_filter", [0xc3, 0x28]),
        &[Outcome::Closed(&[0x81])],
        CONTENT,
    ),
    Case::row(
        "unsubscribe.has_a_filter",
        "An UNSUBSCRIBE without a Topic Filter closes the connection",
        &[Both("3.10.3-2"), V311("4.8.0-1"), V5("4.13.1-1")],
        Connecting,
        |bench| Unsubscribe::new(7).draft(bench.version()),
        &[Outcome::Closed(&[0x82, 0x81])],
        CONTENT,
    ),
    Case::row(
        "unsubscribe.has_only_its_properties",
        "An UNSUBSCRIBE with a property of another packet closes the connection",
        &[V5("4.13.1-1")],
        Connecting,
        |bench| plain(bench).with(Property::subscription_identifier(1)),
        &[Outcome::Closed(&[0x81, 0x82])],
        CONTENT,
    ),
    Case {
        id: "unsubscribe.is_acknowledged",
        title: "An UNSUBSCRIBE is answered by UNSUBACK with its Packet Identifier",
        decides: &[Both("3.10.4-4"), V5("3.10.4-5"), V311("2.3.1-7"), V5("2.2.1-6")],
        mutants: &[
            Mutant::rules("loses UNSUBACK", || server(Kind::Unsuback).drop().into()),
            Mutant::rules("acknowledges another Packet Identifier", || {
                server(Kind::Unsuback).edit(|unsuback: &mut Unsuback| unsuback.packet_identifier ^= 0x100).into()
            }),
        ],
        script: run!(is_acknowledged),
        ..Case::PLAIN
    },
    Case {
        id: "unsubscribe.unknown_is_acknowledged",
        title: "An UNSUBSCRIBE that removes nothing is answered by UNSUBACK",
        decides: &[Both("3.10.4-5"), V5("3.10.4-4")],
        mutants: &[Mutant::rules("is silent when nothing was removed", || server(Kind::Unsuback).drop().into())],
        script: run!(unknown_is_acknowledged),
        ..Case::PLAIN
    },
    Case {
        id: "unsubscribe.ends_delivery",
        title: "After UNSUBACK nothing more comes for the subscription",
        decides: &[Both("3.10.4-2"), Both("3.10.4-1")],
        mutants: &[Mutant::rules("goes on delivering", || {
            client(Kind::Unsubscribe).answer_instead(|seen: &Sight<'_>| Unsuback::new(seen.id()).reason(0)).into()
        })],
        script: run!(ends_delivery),
        ..Case::PLAIN
    },
    Case {
        id: "unsubscribe.filters_are_compared_literally",
        title: "An UNSUBSCRIBE removes the subscription with just its Topic Filter, not what that matches",
        decides: &[Both("3.10.4-1")],
        needs: &[Capability::Wildcards],
        mutants: &[
            Mutant::rules("takes the filter of UNSUBSCRIBE for a pattern", || {
                client(Kind::Unsubscribe)
                    .edit(|unsubscribe: &mut Unsubscribe| {
                        unsubscribe.filters = unsubscribe.filters.iter().map(|f| f.replace("/#", "/+")).collect();
                    })
                    .into()
            }),
            Mutant::rules("removes whatever matches the topic", || {
                client(Kind::Unsubscribe)
                    .edit(|unsubscribe: &mut Unsubscribe| {
                        unsubscribe.filters = unsubscribe.filters.iter().map(|f| f.replace("/a", "/+")).collect();
                    })
                    .into()
            }),
        ],
        script: run!(filters_are_compared_literally),
        ..Case::PLAIN
    },
    Case {
        id: "unsubscribe.open_deliveries_are_finished",
        title: "A delivery at QoS 2 that has begun is finished after UNSUBSCRIBE",
        decides: &[Both("3.10.4-3")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("drops what it was delivering", || server(Kind::Pubrel).drop().into()),
            Mutant::rules("closes on an acknowledgement that it has forgotten", || client(Kind::Pubrec).sever().into()),
        ],
        script: run!(open_deliveries_are_finished),
        ..Case::PLAIN
    },
    Case {
        id: "unsubscribe.many_filters_are_many_requests",
        title: "Each Topic Filter of one UNSUBSCRIBE is removed, and one UNSUBACK answers all",
        decides: &[Both("3.10.4-6"), Both("3.10.4-4")],
        mutants: &[
            Mutant::rules("removes the first filter alone", || {
                client(Kind::Unsubscribe)
                    .edit(|unsubscribe: &mut Unsubscribe| elsewhere(unsubscribe.filters.get_mut(1)))
                    .into()
            }),
            Mutant::rules("removes the last filter alone", || {
                client(Kind::Unsubscribe)
                    .edit(|unsubscribe: &mut Unsubscribe| elsewhere(unsubscribe.filters.first_mut()))
                    .into()
            }),
            Mutant::rules("sends two UNSUBACKs", || server(Kind::Unsuback).duplicate().into()),
        ],
        script: run!(many_filters_are_many_requests),
        ..Case::PLAIN
    },
    Case {
        id: "unsubscribe.codes_follow_the_filters",
        title: "UNSUBACK has one code for each Topic Filter, in their order",
        decides: &[V5("3.11.3-1"), V5("3.11.3-2")],
        mutants: &[
            Mutant::rules("turns the codes round", || {
                server(Kind::Unsuback).edit(|unsuback: &mut Unsuback| unsuback.reasons.reverse()).into()
            }),
            Mutant::rules("leaves out a code", || {
                server(Kind::Unsuback).edit(|unsuback: &mut Unsuback| unsuback.reasons.truncate(1)).into()
            }),
            Mutant::rules("uses a code of SUBACK", || {
                server(Kind::Unsuback)
                    .edit(|unsuback: &mut Unsuback| unsuback.reasons.iter_mut().take(1).for_each(|code| *code = 1))
                    .into()
            }),
        ],
        script: run!(codes_follow_the_filters),
        ..Case::PLAIN
    },
];

/// What every server refuses that reads on.
const CONTENT: &[Mutant] = &[Mutant::rules("acknowledges whatever it is asked", || {
    client(Kind::Unsubscribe).answer_instead(|seen: &Sight<'_>| Unsuback::new(seen.id()).reason(0x11)).into()
})];

/// An UNSUBSCRIBE with nothing wrong.
fn plain(bench: &Bench) -> Draft {
    Unsubscribe::new(7).filter(bench.topic("t")).draft(bench.version())
}

/// The filter becomes another, that nobody has subscribed to.
fn elsewhere(filter: Option<&mut String>) {
    if let Some(filter) = filter {
        filter.push_str("/other");
    }
}

async fn is_acknowledged(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&topic, 0).await?;
    peer.send(Unsubscribe::new(7).filter(&topic)).await?;
    peer.expect_unsuback(7).await.map(|_| ())
}

async fn unknown_is_acknowledged(bench: &mut Bench) -> CaseResult {
    let mut peer = bench.connected("client").await?;
    peer.send(Unsubscribe::new(7).filter(bench.topic("t"))).await?;
    let unsuback = peer.expect_unsuback(7).await?;
    if bench.is_v5() {
        bench.advise(unsuback.reasons == [0x11], "UNSUBACK 0x11", format!("codes {:02x?}", unsuback.reasons));
    }
    Ok(())
}

async fn ends_delivery(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    let mut publisher = bench.connected("pub").await?;
    subscriber.subscribed(&topic, 0).await?;
    publisher.published(Publish::to(&topic).payload("before")).await?;
    subscriber.expect_publish(&topic, "before").await.set_up("delivery")?;
    subscriber.unsubscribed(&topic).await?;
    publisher.published(Publish::to(&topic).payload("after")).await?;
    bench.fence(&mut publisher, &mut subscriber).await
}

async fn filters_are_compared_literally(bench: &mut Bench) -> CaseResult {
    let (filter, topic) = (bench.topic("+"), bench.topic("a"));
    let mut subscriber = bench.connected("sub").await?;
    let mut publisher = bench.connected("pub").await?;
    subscriber.subscribed(&filter, 0).await?;
    for (nth, other) in [topic.clone(), bench.topic("#")].iter().enumerate() {
        subscriber.unsubscribed(other).await?;
        publisher.published(Publish::to(&topic).payload(nth.to_string())).await?;
        subscriber.expect_publish(&topic, nth.to_string()).await?;
    }
    Ok(())
}

async fn open_deliveries_are_finished(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    let mut publisher = bench.connected("pub").await?;
    subscriber.subscribed(&topic, 2).await?;
    publisher.published(Publish::to(&topic).qos(2).payload("x")).await?;
    let message = subscriber.expect_publish(&topic, "x").await.set_up("delivery")?;
    bench.equal("QoS", 2, message.qos).set_up("delivery at QoS 2")?;
    subscriber.unsubscribed(&topic).await?;
    let id = message.packet_identifier.unwrap_or_default();
    subscriber.send(Ack::pubrec(id)).await?;
    subscriber.expect_pubrel(id).await?;
    subscriber.send(Ack::pubcomp(id)).await?;
    subscriber.fence().await
}

async fn many_filters_are_many_requests(bench: &mut Bench) -> CaseResult {
    let (first, kept, last) = (bench.topic("first"), bench.topic("kept"), bench.topic("last"));
    let mut subscriber = bench.connected("sub").await?;
    let mut publisher = bench.connected("pub").await?;
    for topic in [&first, &kept, &last] {
        subscriber.subscribed(topic, 0).await?;
    }
    subscriber.send(Unsubscribe::new(7).filter(&first).filter(&last)).await?;
    subscriber.expect_unsuback(7).await.cites(Both("3.10.4-4"))?;
    subscriber.fence().await?;
    for topic in [&first, &last, &kept] {
        publisher.published(Publish::to(topic).payload("x")).await?;
    }
    subscriber.expect_publish(&kept, "x").await?;
    bench.fence(&mut publisher, &mut subscriber).await
}

async fn codes_follow_the_filters(bench: &mut Bench) -> CaseResult {
    let (known, unknown) = (bench.topic("known"), bench.topic("unknown"));
    let mut peer = bench.connected("client").await?;
    peer.subscribed(&known, 0).await?;
    peer.send(Unsubscribe::new(7).filter(&unknown).filter(&known)).await?;
    let codes = peer.expect_unsuback(7).await.set_up("unsubscribing")?.reasons;
    bench.equal("the number of codes", 2, codes.len()).cites(V5("3.11.3-2"))?;
    let fits = codes[1] != 0x11;
    bench.check(fits, "for the second filter another code than 0x11", format!("codes {codes:02x?}"))?;
    bench.advise(codes == [0x11, 0], "codes 0x11 and 0x00", format!("codes {codes:02x?}"));
    Ok(())
}
