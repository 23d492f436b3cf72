//! The server as the sender: what it repeats when a session goes on, and what it may not (4.3, 4.4).

use std::{collections::BTreeSet, time::Duration};

use wire::{Disconnect, Property};

use super::super::{forward::lasting, prelude::*};
use crate::{Peer, Stop};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "qos.first_copy_at_qos_1",
        title: "A message at QoS 1 is first sent with QoS 1, DUP 0 and a Packet Identifier",
        decides: &[V311("4.3.2-1"), V5("4.3.2-2")],
        needs: &[Capability::Qos1],
        mutants: &[
            Mutant::rules("sends the first copy with DUP 1", || {
                server(Kind::Publish).edit(|publish: &mut Publish| publish.dup = true).into()
            }),
            Mutant::rules("lowers QoS 1", lowered),
        ],
        script: run!(first_copy_at_qos_1),
        ..Case::PLAIN
    },
    Case {
        id: "qos.first_copy_at_qos_2",
        title: "A message at QoS 2 is first sent with QoS 2, DUP 0 and a Packet Identifier",
        decides: &[V311("4.3.3-1"), V5("4.3.3-2")],
        needs: &[Capability::Qos2],
        mutants: &[
            Mutant::rules("sends the first copy with DUP 1", || {
                server(Kind::Publish).edit(|publish: &mut Publish| publish.dup = true).into()
            }),
            Mutant::rules("lowers QoS 2", lowered),
        ],
        script: run!(first_copy_at_qos_2),
        ..Case::PLAIN
    },
    Case {
        id: "qos.identifiers_are_distinct",
        title: "Messages that are not acknowledged have Packet Identifiers of their own",
        decides: &[V311("2.3.1-4"), V5("2.2.1-4"), Both("4.3.2-1"), Both("4.3.3-1")],
        needs: &[Capability::Qos2],
        mutants: &[Mutant::rules("gives all messages one Packet Identifier", || {
            server(Kind::Publish).edit(|publish: &mut Publish| publish.packet_identifier = Some(1)).into()
        })],
        script: run!(identifiers_are_distinct),
        ..Case::PLAIN
    },
    Case {
        id: "qos.unacknowledged_qos_1_is_repeated",
        title: "A message at QoS 1 without PUBACK is sent again when the session goes on: the same identifier, DUP 1",
        decides: &[Both("4.4.0-1"), Both("3.3.1-1"), V311("4.3.2-1"), V5("4.3.2-3"), V311("2.3.1-4")],
        needs: &[Capability::Qos1, Capability::Sessions],
        mutants: &[
            Mutant::rules("forgets what was not acknowledged", || repeated().drop().into()),
            Mutant::rules("repeats without DUP", || {
                repeated().edit(|publish: &mut Publish| publish.dup = false).into()
            }),
            Mutant::rules("repeats with another Packet Identifier", other_identifier),
        ],
        script: run!(unacknowledged_qos_1_is_repeated),
        ..Case::PLAIN
    },
    Case {
        id: "qos.unacknowledged_qos_2_is_repeated",
        title: "A message at QoS 2 without PUBREC is sent again when the session goes on: the same identifier, DUP 1",
        decides: &[Both("4.4.0-1"), Both("3.3.1-1"), V311("4.3.3-1"), V5("4.3.3-3"), V311("2.3.1-4")],
        needs: &[Capability::Qos2, Capability::Sessions],
        mutants: &[
            Mutant::rules("forgets what was not acknowledged", || repeated().drop().into()),
            Mutant::rules("repeats without DUP", || {
                repeated().edit(|publish: &mut Publish| publish.dup = false).into()
            }),
            Mutant::rules("repeats with another Packet Identifier", other_identifier),
        ],
        script: run!(unacknowledged_qos_2_is_repeated),
        ..Case::PLAIN
    },
    Case {
        id: "qos.pubrec_is_answered_by_pubrel",
        title: "A PUBREC that does not refuse is answered by PUBREL with its Packet Identifier",
        decides: &[V5("4.3.3-4"), V311("4.3.3-1")],
        needs: &[Capability::Qos2],
        mutants: &[Mutant::rules("loses PUBREL", || server(Kind::Pubrel).drop().into())],
        script: run!(pubrec_is_answered_by_pubrel),
        ..Case::PLAIN
    },
    Case {
        id: "qos.pubrel_is_repeated",
        title: "A PUBREL without PUBCOMP is sent again when the session goes on, and its PUBLISH is not",
        decides: &[Both("4.4.0-1"), V311("4.3.3-1"), V5("4.3.3-5"), V5("4.3.3-6")],
        needs: &[Capability::Qos2, Capability::Sessions],
        mutants: &[
            Mutant::rules("forgets PUBREL", || server(Kind::Pubrel).since(resumed()).drop().into()),
            Mutant::rules("repeats the PUBLISH", || {
                server(Kind::Pubrel).since(resumed()).precede(|seen: &Sight<'_>| revenant(seen, 2)).into()
            }),
        ],
        script: run!(pubrel_is_repeated),
        ..Case::PLAIN
    },
    Case {
        id: "qos.refused_qos_1_is_settled",
        title: "A message that was refused by PUBACK is not sent again when the session goes on",
        decides: &[V5("4.4.0-2")],
        needs: &[Capability::Qos1, Capability::Sessions],
        mutants: &[Mutant::rules("repeats what was refused", || {
            resumed().follow(|seen: &Sight<'_>| revenant(seen, 1)).into()
        })],
        script: run!(refused_qos_1_is_settled),
        ..Case::PLAIN
    },
    Case {
        id: "qos.refused_qos_2_is_settled",
        title: "A message that was refused by PUBREC is neither released nor sent again when the session goes on",
        decides: &[V5("4.4.0-2"), V5("4.3.3-4")],
        needs: &[Capability::Qos2, Capability::Sessions],
        mutants: &[
            Mutant::rules("repeats what was refused", || resumed().follow(|seen: &Sight<'_>| revenant(seen, 2)).into()),
            Mutant::rules("releases what was refused", || {
                client(Kind::Pubrec).answer(|seen: &Sight<'_>| Ack::pubrel(seen.id())).into()
            }),
        ],
        script: run!(refused_qos_2_is_settled),
        ..Case::PLAIN
    },
    Case {
        id: "qos.sent_does_not_expire",
        title: "A message at QoS 2 that was sent is sent again although it has expired meanwhile",
        decides: &[V5("4.3.3-7")],
        needs: &[Capability::Qos2, Capability::Sessions],
        tags: &["time"],
        mutants: &[Mutant::rules("lets expire what it has sent", || repeated().drop().into())],
        script: run!(sent_does_not_expire),
        ..Case::PLAIN
    },
    Case {
        id: "qos.repeated_on_resumption_only",
        title: "A message without PUBACK is not sent again on the connection that it was sent on",
        decides: &[V5("4.4.0-1")],
        needs: &[Capability::Qos1],
        tags: &["time"],
        mutants: &[Mutant::rules("repeats after half a second", || {
            server(Kind::Publish)
                .inject_to_client_later(Duration::from_millis(500), |seen: &Sight<'_>| {
                    Publish::to(seen.topic().unwrap_or_default()).qos(1).id(seen.id()).dup(true).payload("x")
                })
                .into()
        })],
        script: run!(repeated_on_resumption_only),
        ..Case::PLAIN
    },
];

fn lowered() -> faults::Rules {
    server(Kind::Publish)
        .edit(|publish: &mut Publish| {
            publish.qos = 0;
            publish.packet_identifier = None;
        })
        .into()
}

/// A CONNACK that goes on with a session.
fn resumed() -> faults::Clause {
    server(Kind::Connack).when(|connack| connack.session_present() == Some(true))
}

/// A PUBLISH after it.
fn repeated() -> faults::Clause {
    server(Kind::Publish).since(resumed())
}

fn other_identifier() -> faults::Rules {
    repeated()
        .edit(|publish: &mut Publish| publish.packet_identifier = publish.packet_identifier.map(|id| id ^ 0x100))
        .into()
}

/// The message of these cases once more.
fn revenant(seen: &Sight<'_>, qos: u8) -> Publish {
    let tag = seen.client_id().strip_suffix("sub").unwrap_or_default();
    Publish::to(format!("{tag}/t")).qos(qos).id(seen.id().max(1)).dup(true).payload("x")
}

/// A client with a lasting session, and the message that it was sent and has not acknowledged.
async fn sent(bench: &Bench, message: Publish) -> CaseResult<(Peer, Publish, u16)> {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected_as("sub", lasting(bench, "sub")).await?;
    subscriber.subscribed(&topic, message.qos).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(message).await?;
    let message = subscriber.expect_publish(&topic, "x").await.set_up("delivery")?;
    let id = message.packet_identifier.ok_or_else(|| Stop::Inconclusive("it came at QoS 0".into()))?;
    Ok((subscriber, message, id))
}

/// The message of these cases.
fn message(bench: &Bench, qos: u8) -> Publish {
    Publish::to(bench.topic("t")).qos(qos).payload("x")
}

/// Comes back to the session, which must be there.
async fn back(bench: &Bench) -> CaseResult<Peer> {
    let peer = bench.connected_as("sub", lasting(bench, "sub")).await?;
    match peer.connack.as_ref().is_some_and(|connack| connack.session_present) {
        true => Ok(peer),
        false => Err(Stop::Inconclusive("the session is gone".into())),
    }
}

async fn first_copy_at_qos_1(bench: &mut Bench) -> CaseResult {
    first_copy(bench, 1).await
}

async fn first_copy_at_qos_2(bench: &mut Bench) -> CaseResult {
    first_copy(bench, 2).await
}

async fn first_copy(bench: &Bench, qos: u8) -> CaseResult {
    let topic = bench.topic("t");
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&topic, qos).await?;
    let mut publisher = bench.connected("pub").await?;
    publisher.published(message(bench, qos)).await?;
    let message = subscriber.expect_publish(&topic, "x").await.set_up("delivery")?;
    bench.equal("QoS", qos, message.qos)?;
    bench.equal("DUP", false, message.dup)
}

async fn identifiers_are_distinct(bench: &mut Bench) -> CaseResult {
    let mut subscriber = bench.connected("sub").await?;
    subscriber.subscribed(&bench.topic("t"), 2).await?;
    let mut publisher = bench.connected("pub").await?;
    for qos in [1, 2, 1, 2] {
        publisher.published(message(bench, qos)).await?;
    }
    let messages = subscriber.expect_publishes(4).await.set_up("delivery")?;
    let ids: Vec<u16> = messages.iter().filter_map(|message| message.packet_identifier).collect();
    let distinct: BTreeSet<u16> = ids.iter().copied().collect();
    bench.check(distinct.len() == 4, "four different Packet Identifiers", format!("{ids:?}"))
}

async fn unacknowledged_qos_1_is_repeated(bench: &mut Bench) -> CaseResult {
    is_repeated(bench, 1).await
}

async fn unacknowledged_qos_2_is_repeated(bench: &mut Bench) -> CaseResult {
    is_repeated(bench, 2).await
}

async fn is_repeated(bench: &Bench, qos: u8) -> CaseResult {
    let (mut subscriber, _, id) = sent(bench, message(bench, qos)).await?;
    subscriber.severed().await?;
    let mut subscriber = back(bench).await?;
    let again = subscriber.expect_publish(&bench.topic("t"), "x").await?;
    bench.equal("Packet Identifier", Some(id), again.packet_identifier)?;
    bench.equal("QoS", qos, again.qos)?;
    bench.equal("DUP", true, again.dup).cites(Both("3.3.1-1"))?;
    subscriber.acknowledged(&again).await
}

async fn pubrec_is_answered_by_pubrel(bench: &mut Bench) -> CaseResult {
    let (mut subscriber, _, id) = sent(bench, message(bench, 2)).await?;
    subscriber.send(Ack::pubrec(id)).await?;
    subscriber.expect_pubrel(id).await.map(|_| ())
}

async fn pubrel_is_repeated(bench: &mut Bench) -> CaseResult {
    let (mut subscriber, _, id) = sent(bench, message(bench, 2)).await?;
    subscriber.send(Ack::pubrec(id)).await?;
    subscriber.expect_pubrel(id).await.set_up("PUBREL")?;
    subscriber.severed().await?;
    let mut subscriber = back(bench).await?;
    subscriber.expect_pubrel(id).await?;
    subscriber.send(Ack::pubcomp(id)).await?;
    subscriber.fence().await.cites(bench.pick(V311("4.3.3-1"), V5("4.3.3-6")))
}

async fn refused_qos_1_is_settled(bench: &mut Bench) -> CaseResult {
    is_settled(bench, 1, |id| Ack::puback(id).reason(0x80)).await
}

async fn refused_qos_2_is_settled(bench: &mut Bench) -> CaseResult {
    is_settled(bench, 2, |id| Ack::pubrec(id).reason(0x80)).await
}

async fn is_settled(bench: &Bench, qos: u8, refusal: fn(u16) -> Ack) -> CaseResult {
    let (mut subscriber, _, id) = sent(bench, message(bench, qos)).await?;
    subscriber.send(refusal(id)).await?;
    subscriber.fence().await.cites(V5("4.3.3-4"))?;
    subscriber.disconnected_with(Disconnect::normal()).await?;
    let mut subscriber = back(bench).await?;
    subscriber.fence().await
}

async fn sent_does_not_expire(bench: &mut Bench) -> CaseResult {
    let short = Property::message_expiry_interval(1);
    let (mut subscriber, _, id) = sent(bench, message(bench, 2).with(short)).await?;
    bench.let_pass(Duration::from_secs(2)).await;
    subscriber.severed().await?;
    let mut subscriber = back(bench).await?;
    let again = subscriber.expect_publish(&bench.topic("t"), "x").await?;
    bench.equal("Packet Identifier", Some(id), again.packet_identifier)
}

async fn repeated_on_resumption_only(bench: &mut Bench) -> CaseResult {
    let (mut subscriber, first, _) = sent(bench, message(bench, 1)).await?;
    subscriber.expect_open_for(Duration::from_secs(1)).await.set_up("a connection")?;
    subscriber.fence().await?;
    subscriber.acknowledged(&first).await
}
