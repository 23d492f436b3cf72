//! Shared Subscriptions: section 4.8.2 of 5.0.

use super::prelude::*;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "shared.name_has_a_character",
        title: "A Shared Subscription without a ShareName is refused",
        decides: &[V5("4.8.2-1")],
        needs: &[Capability::SharedSubscriptions],
        mutants: GRANTS,
        script: run!(name_has_a_character),
        ..Case::PLAIN
    },
    Case {
        id: "shared.name_is_followed_by_a_filter",
        title: "A Shared Subscription with a wildcard in its ShareName, or no Topic Filter behind it, is refused",
        decides: &[V5("4.8.2-2")],
        needs: &[Capability::SharedSubscriptions, Capability::Wildcards],
        mutants: GRANTS,
        script: run!(name_is_followed_by_a_filter),
        ..Case::PLAIN
    },
    Case {
        id: "shared.retained_is_not_sent",
        title: "Nothing that is retained is sent for a new Shared Subscription",
        unnumbered: &[V5("section 3.8.4")],
        needs: &[Capability::SharedSubscriptions, Capability::Retain],
        mutants: &[Mutant::rules("sends what is retained to new members", || {
            client(Kind::Subscribe).by("member").nth(1).edit(unshared).into()
        })],
        script: run!(retained_is_not_sent),
        ..Case::PLAIN
    },
    Case {
        id: "shared.granted_qos_is_the_members",
        title: "A shared message is delivered at no more than the QoS that its receiver was granted",
        decides: &[V5("4.8.2-3")],
        needs: &[Capability::SharedSubscriptions, Capability::Qos1],
        mutants: &[
            Mutant::rules("delivers shared messages at their own QoS", || {
                server(Kind::Publish)
                    .by("low")
                    .topic("/t")
                    .edit(|publish: &mut Publish| (publish.qos, publish.packet_identifier) = (1, Some(9_999)))
                    .into()
            }),
            Mutant::rules("delivers shared messages at the lowest QoS of the group", || {
                server(Kind::Publish)
                    .by("high")
                    .topic("/t")
                    .edit(|publish: &mut Publish| (publish.qos, publish.packet_identifier) = (0, None))
                    .into()
            }),
        ],
        script: run!(granted_qos_is_the_members),
        ..Case::PLAIN
    },
    Case {
        id: "shared.qos_2_is_finished_with_its_member",
        title: "An interrupted delivery at QoS 2 is finished with the same member, and none other gets the message",
        decides: &[V5("4.8.2-4")],
        needs: &[Capability::SharedSubscriptions, Capability::Qos2, Capability::Sessions],
        mutants: &[
            Mutant::rules("passes on what a member left unfinished", || {
                client_closes().by("one").inject_to_client_of("two", passed_on).into()
            }),
            Mutant::rules("does not finish with a member that comes back", || {
                server(Kind::Publish).by("one").when(|publish| publish.dup() == Some(true)).drop().into()
            }),
            Mutant::rules("forgets the second half", || server(Kind::Pubrel).by("one").drop().into()),
        ],
        script: run!(qos_2_is_finished_with_its_member),
        ..Case::PLAIN
    },
    Case {
        id: "shared.qos_2_waits_for_the_only_member",
        title: "An interrupted delivery at QoS 2 to the only member of a group is finished when it comes back",
        decides: &[V5("4.8.2-4")],
        needs: &[Capability::SharedSubscriptions, Capability::Qos2, Capability::Sessions],
        mutants: &[
            Mutant::rules("does not finish with a member that comes back", || {
                server(Kind::Publish).by("one").when(|publish| publish.dup() == Some(true)).drop().into()
            }),
            Mutant::rules("forgets the second half", || server(Kind::Pubrel).by("one").drop().into()),
        ],
        script: run!(qos_2_waits_for_the_only_member),
        ..Case::PLAIN
    },
    Case {
        id: "shared.qos_2_ends_with_its_session",
        title: "A message at QoS 2 whose member's session ended goes to no other member",
        decides: &[V5("4.8.2-5")],
        needs: &[Capability::SharedSubscriptions, Capability::Qos2],
        mutants: &[Mutant::rules("passes on what a member left unfinished", || {
            client_closes().by("one").inject_to_client_of("two", passed_on).into()
        })],
        script: run!(qos_2_ends_with_its_session),
        ..Case::PLAIN
    },
    Case {
        id: "shared.refused_is_discarded",
        title: "A shared message that its receiver refuses goes to no other member",
        decides: &[V5("4.8.2-6")],
        needs: &[Capability::SharedSubscriptions, Capability::Qos2],
        mutants: &[
            Mutant::rules("passes on what PUBACK refuses", || {
                client(Kind::Puback).by("one").inject_to_client_of("two", passed_on).into()
            }),
            Mutant::rules("passes on what PUBREC refuses", || {
                client(Kind::Pubrec).by("one").inject_to_client_of("two", passed_on).into()
            }),
        ],
        script: run!(refused_is_discarded),
        ..Case::PLAIN
    },
];

/// What every server refuses that shares whatever it is given.
const GRANTS: &[Mutant] = &[Mutant::rules("grants any Shared Subscription", || {
    client(Kind::Subscribe).answer_instead(|seen: &Sight<'_>| Suback::new(seen.id()).reason(0)).into()
})];

/// The message of the case, as its group would get it.
fn passed_on(seen: &Sight<'_>) -> Publish {
    let tag = seen.client_id().strip_suffix("two").unwrap_or_default();
    Publish::to(format!("{tag}/t")).payload("x")
}

/// The group of a case, for its topic `t`.
fn group(bench: &Bench) -> String {
    format!("$share/{}/{}", bench.id("group"), bench.topic("t"))
}

async fn name_has_a_character(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("t");
    refused(bench, &[format!("$share//{topic}")]).await
}

async fn name_is_followed_by_a_filter(bench: &mut Bench) -> CaseResult {
    let (name, topic) = (bench.id("group"), bench.topic("t"));
    let filters = [
        format!("$share/{name}"),
        format!("$share/{name}/"),
        format!("$share/+/{topic}"),
        format!("$share/#/{topic}"),
        format!("$share/{name}+/{topic}"),
    ];
    refused(bench, &filters).await
}

async fn refused(bench: &Bench, filters: &[String]) -> CaseResult {
    for filter in filters {
        let mut peer = bench.connected("client").await?;
        peer.send(Subscribe::new(7).filter(filter, 0)).await?;
        let outcomes = [
            Outcome::Answer(Kind::Suback, &[0x8f, 0x80, 0x83, 0x87, 0x9e]),
            Outcome::Closed(&[0x81, 0x82, 0x8f, 0x9e]),
        ];
        peer.expect_one_of(&outcomes).await?;
    }
    Ok(())
}

/// Takes each filter of a Shared Subscription for that of a subscription of the client alone.
fn unshared(subscribe: &mut Subscribe) {
    for (filter, _) in &mut subscribe.filters {
        if let Some((_, rest)) = filter.strip_prefix("$share/").and_then(|name| name.split_once('/')) {
            *filter = rest.to_owned();
        }
    }
}

async fn retained_is_not_sent(bench: &mut Bench) -> CaseResult {
    let mut publisher = bench.connected("pub").await?;
    publisher.published(Publish::to(bench.topic("t")).retain(true).payload("kept")).await?;
    let mut member = bench.connected("member").await?;
    member.subscribed(&group(bench), 0).await?;
    bench.fence(&mut publisher, &mut member).await
}

async fn granted_qos_is_the_members(bench: &mut Bench) -> CaseResult {
    let (filter, topic) = (group(bench), bench.topic("t"));
    let mut low = bench.connected("low").await?;
    let mut high = bench.connected("high").await?;
    let mut publisher = bench.connected("pub").await?;
    low.subscribed(&filter, 0).await?;
    high.subscribed(&filter, 1).await?;
    for _ in 0..6 {
        publisher.published(Publish::to(&topic).qos(1).payload("x")).await?;
    }
    for (member, granted, fence) in [(&mut low, 0, "end of low"), (&mut high, 1, "end of high")] {
        for message in before(bench, &mut publisher, member, fence).await? {
            bench.equal("QoS", granted, message.qos)?;
        }
    }
    // A server may have given all to one of them. Alone, each gets all.
    high.unsubscribed(&filter).await?;
    publisher.published(Publish::to(&topic).qos(1).payload("to low")).await?;
    let message = low.expect_publish(&topic, "to low").await.set_up("delivery")?;
    bench.equal("QoS", 0, message.qos)?;
    high.subscribed(&filter, 1).await?;
    low.unsubscribed(&filter).await?;
    publisher.published(Publish::to(&topic).qos(1).payload("to high")).await?;
    let message = high.expect_publish(&topic, "to high").await.set_up("delivery")?;
    bench.equal("QoS", 1, message.qos)
}

/// What comes to `to` before a message that `from` publishes now.
async fn before(bench: &Bench, from: &mut Peer, to: &mut Peer, fence: &str) -> CaseResult<Vec<Publish>> {
    let fence = bench.topic(fence);
    to.subscribed(&fence, 0).await?;
    from.send(Publish::to(&fence).payload("end")).await?;
    let mut before = Vec::new();
    loop {
        let message = to.expect_any_publish().await.set_up("fencing")?;
        if message.topic == fence {
            return Ok(before);
        }
        before.push(message);
    }
}

/// The only member of the group has been sent a message, and another joins.
async fn chosen(bench: &Bench, one: &mut Peer, publisher: &mut Peer, qos: u8) -> CaseResult<(Peer, u16)> {
    let (filter, topic) = (group(bench), bench.topic("t"));
    one.subscribed(&filter, 2).await?;
    publisher.published(Publish::to(&topic).qos(qos).payload("x")).await?;
    let message = one.expect_publish(&topic, "x").await.set_up("delivery")?;
    bench.equal("QoS", qos, message.qos).set_up("delivery")?;
    let mut two = bench.connected("two").await?;
    two.subscribed(&filter, 2).await?;
    Ok((two, message.packet_identifier.unwrap_or_default()))
}

async fn qos_2_is_finished_with_its_member(bench: &mut Bench) -> CaseResult {
    let connect = bench.connect("one").clean(false).with(Property::session_expiry_interval(60));
    let mut one = bench.connected_as("one", connect.clone()).await?;
    let mut publisher = bench.connected("pub").await?;
    let (mut two, _) = chosen(bench, &mut one, &mut publisher, 2).await?;
    one.severed().await?;
    bench.fence(&mut publisher, &mut two).await?;
    finished(bench, connect).await?;
    bench.fence(&mut publisher, &mut two).await
}

async fn qos_2_waits_for_the_only_member(bench: &mut Bench) -> CaseResult {
    let connect = bench.connect("one").clean(false).with(Property::session_expiry_interval(60));
    let mut one = bench.connected_as("one", connect.clone()).await?;
    let mut publisher = bench.connected("pub").await?;
    one.subscribed(&group(bench), 2).await?;
    publisher.published(Publish::to(bench.topic("t")).qos(2).payload("x")).await?;
    one.expect_publish(&bench.topic("t"), "x").await.set_up("delivery")?;
    one.severed().await?;
    finished(bench, connect).await
}

/// The member comes back to its session, and the delivery that was interrupted goes on to its end.
async fn finished(bench: &Bench, connect: Connect) -> CaseResult {
    let mut one = bench.opened("one").await?;
    one.send(connect).await?;
    let connack = one.expect_accepted().await?;
    bench.equal("Session Present", true, connack.session_present).set_up("coming back")?;
    let message = one.expect_publish(&bench.topic("t"), "x").await?;
    let id = message.packet_identifier.unwrap_or_default();
    one.send(Ack::pubrec(id)).await?;
    one.expect_pubrel(id).await?;
    one.send(Ack::pubcomp(id)).await
}

async fn qos_2_ends_with_its_session(bench: &mut Bench) -> CaseResult {
    let mut one = bench.connected("one").await?;
    let mut publisher = bench.connected("pub").await?;
    let (mut two, _) = chosen(bench, &mut one, &mut publisher, 2).await?;
    // Without a Session Expiry Interval the session ends with the connection.
    one.severed().await?;
    bench.fence(&mut publisher, &mut two).await
}

async fn refused_is_discarded(bench: &mut Bench) -> CaseResult {
    for qos in [1, 2] {
        let mut one = bench.connected("one").await?;
        let mut publisher = bench.connected("pub").await?;
        let (mut two, id) = chosen(bench, &mut one, &mut publisher, qos).await?;
        one.send(if qos == 1 { Ack::puback(id).reason(0x83) } else { Ack::pubrec(id).reason(0x83) }).await?;
        one.fence().await?;
        bench.fence(&mut publisher, &mut two).await?;
        two.disconnected().await?;
        one.disconnected().await?;
    }
    Ok(())
}
