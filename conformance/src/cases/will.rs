//! Wills: when they are published, how, and when they are not.

use std::time::Duration;

use wire::{Disconnect, Packet};

use super::prelude::*;
use crate::Peer;

/// A server may be done with a connection before its Will is on the way.
const SETTLING: Duration = Duration::from_millis(200);

pub(super) const CASES: &[Case] = &[
    Case {
        id: "will.is_published",
        title: "A Will is published when its connection breaks off",
        decides: &[Both("3.1.2-8"), V5("3.1.2-7")],
        mutants: &[Mutant::rules("does not publish Wills", faults::withhold_will)],
        script: run!(is_published),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_published_after_an_error",
        title: "A Will is published when the server closes the connection for a protocol error",
        decides: &[Both("3.1.2-8")],
        mutants: &[Mutant::rules("takes its own close for a good-bye of the client", || {
            client(Kind::Connect).by("dying").after(1).replace(|_| Packet::from(Disconnect::normal())).into()
        })],
        script: run!(is_published_after_an_error),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_published_after_silence",
        title: "A Will is published when its client was silent for one and a half times its Keep Alive",
        decides: &[V311("3.1.2-24"), V311("3.1.2-8"), V5("3.1.2-22"), V5("3.1.2-8")],
        tags: &["time"],
        mutants: &[Mutant::rules("does not count the silence of clients", || {
            client(Kind::Connect).edit(|connect: &mut Connect| connect.keep_alive = 600).into()
        })],
        script: run!(is_published_after_silence),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_published_at_takeover",
        title: "A Will is published when another connection takes over its Client Identifier",
        decides: &[Both("3.1.2-8")],
        mutants: &[Mutant::rules("forgets the Will at takeover", || {
            server(Kind::Publish).topic("/will").drop().into()
        })],
        script: run!(is_published_at_takeover),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_published_when_its_session_goes_on",
        title: "A Will is published when another connection takes over its session and goes on with it",
        // The words of 5.0 may be read so that the new connection calls it off.
        decides: &[V311("3.1.2-8")],
        needs: &[Capability::Sessions],
        mutants: &[Mutant::rules("forgets the Will with the connection", || {
            server(Kind::Publish).topic("/will").drop().into()
        })],
        script: run!(is_published_when_its_session_goes_on),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_published_once",
        title: "A Will is published once, and does not come back with its client",
        decides: &[Both("3.1.2-10")],
        mutants: &[
            Mutant::rules("publishes Wills twice", || server(Kind::Publish).topic("/will").duplicate().into()),
            Mutant::rules("keeps Wills for later connections", || {
                client(Kind::Connect).by("dying").edit(bequeath).into()
            }),
        ],
        script: run!(is_published_once),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_forgotten_at_disconnect",
        title: "DISCONNECT discards the Will",
        decides: &[Both("3.14.4-3"), Both("3.1.2-10"), Both("3.1.2-8")],
        mutants: &[Mutant::rules("publishes Wills after DISCONNECT", faults::forget_disconnect)],
        script: run!(is_forgotten_at_disconnect),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_published_when_disconnect_asks_for_it",
        title: "DISCONNECT with reason 0x04 publishes the Will",
        decides: &[V5("3.1.2-8")],
        mutants: &[Mutant::rules("discards the Will at every DISCONNECT", || {
            client(Kind::Disconnect).edit(|disconnect: &mut Disconnect| disconnect.reason = 0).into()
        })],
        script: run!(is_published_when_disconnect_asks_for_it),
        ..Case::PLAIN
    },
    Case {
        id: "will.without_flag_there_is_none",
        title: "Nothing is published when a connection without a Will breaks off",
        decides: &[V311("3.1.2-12")],
        mutants: &[Mutant::rules("makes up a Will", || client(Kind::Connect).by("dying").edit(bequeath).into())],
        script: run!(without_flag_there_is_none),
        ..Case::PLAIN
    },
    Case {
        id: "will.has_its_qos",
        title: "A Will is published at its QoS",
        decides: &[V311("3.1.2-9"), V5("3.1.2-8")],
        needs: &[Capability::Qos2],
        mutants: &[Mutant::rules("publishes Wills at QoS 0", || {
            client(Kind::Connect)
                .edit(|connect: &mut Connect| connect.will.iter_mut().for_each(|will| will.qos = 0))
                .into()
        })],
        script: run!(has_its_qos),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_retained",
        title: "A Will with Will Retain 1 is kept as the retained message",
        decides: &[V311("3.1.2-17"), V5("3.1.2-15")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("does not retain Wills", || {
            client(Kind::Connect)
                .edit(|connect: &mut Connect| connect.will.iter_mut().for_each(|will| will.retain = false))
                .into()
        })],
        script: run!(is_retained),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_not_retained",
        title: "A Will with Will Retain 0 is not kept as the retained message",
        decides: &[V311("3.1.2-16"), V5("3.1.2-14")],
        needs: &[Capability::Retain],
        mutants: &[Mutant::rules("retains every Will", || {
            client(Kind::Connect)
                .edit(|connect: &mut Connect| connect.will.iter_mut().for_each(|will| will.retain = true))
                .into()
        })],
        script: run!(is_not_retained),
        ..Case::PLAIN
    },
];

/// A Will to `/will` of the case for a client that has none.
fn bequeath(connect: &mut Connect) {
    let run: String = connect.client_identifier.chars().take(8).collect();
    connect.will.get_or_insert_with(|| Will::to(format!("{run}/will")).payload("gone"));
}

fn will(bench: &Bench) -> Will {
    Will::to(bench.topic("will")).payload("gone")
}

/// One who has subscribed to Wills, at this QoS.
async fn watching(bench: &Bench, qos: u8) -> CaseResult<Peer> {
    let mut watcher = bench.connected("watcher").await?;
    watcher.subscribed(&bench.topic("will"), qos).await?;
    Ok(watcher)
}

/// One with this Will.
async fn mortal(bench: &Bench, will: Will) -> CaseResult<Peer> {
    bench.connected_as("dying", bench.connect("dying").will(will)).await
}

/// Nothing more comes to the watcher, also if a server takes its time.
async fn nothing_comes(bench: &Bench, watcher: &mut Peer) -> CaseResult {
    bench.let_pass(SETTLING).await;
    let mut publisher = bench.connected("pub").await?;
    bench.fence(&mut publisher, watcher).await
}

async fn is_published(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    mortal(bench, will(bench)).await?.severed().await?;
    watcher.expect_publish(&bench.topic("will"), "gone").await.map(|_| ())
}

async fn is_published_after_an_error(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    let mut dying = mortal(bench, will(bench)).await?;
    dying.send(bench.connect("dying")).await?;
    dying.expect_closed(&[]).await.set_up("a protocol error")?;
    watcher.expect_publish(&bench.topic("will"), "gone").await.map(|_| ())
}

async fn is_published_after_silence(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    let connect = bench.connect("dying").keep_alive(1).will(will(bench));
    let _dying = bench.connected_as("dying", connect).await?;
    let silence = Duration::from_millis(1500);
    watcher.expect_publish_after(silence, &bench.topic("will"), "gone").await.map(|_| ())
}

async fn is_published_at_takeover(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    let mut old = mortal(bench, will(bench)).await?;
    let _new = bench.connected("dying").await?;
    old.expect_closed(&[]).await.set_up("taking over")?;
    watcher.expect_publish(&bench.topic("will"), "gone").await.map(|_| ())
}

async fn is_published_when_its_session_goes_on(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    let lasting = bench.connect("dying").clean(false);
    let mut old = bench.connected_as("dying", lasting.clone().will(will(bench))).await?;
    let _new = bench.connected_as("again", lasting).await?;
    old.expect_closed(&[]).await.set_up("taking over")?;
    watcher.expect_publish(&bench.topic("will"), "gone").await.map(|_| ())
}

async fn is_published_once(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    mortal(bench, will(bench)).await?.severed().await?;
    watcher.expect_publish(&bench.topic("will"), "gone").await.set_up("the Will")?;
    bench.connected("dying").await?.severed().await?;
    nothing_comes(bench, &mut watcher).await
}

async fn is_forgotten_at_disconnect(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    mortal(bench, will(bench)).await?.disconnected().await?;
    nothing_comes(bench, &mut watcher).await
}

async fn is_published_when_disconnect_asks_for_it(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench, 0).await?;
    mortal(bench, will(bench)).await?.disconnected_with(Disconnect::because(0x04)).await?;
    watcher.expect_publish(&bench.topic("will"), "gone").await.map(|_| ())
}

async fn without_flag_there_is_none(bench: &mut Bench) -> CaseResult {
    let mut watcher = bench.connected("watcher").await?;
    watcher.subscribed(&bench.topic("+"), 0).await?;
    bench.connected("dying").await?.severed().await?;
    nothing_comes(bench, &mut watcher).await
}

async fn has_its_qos(bench: &mut Bench) -> CaseResult {
    for qos in 0..=2 {
        let topic = bench.topic("will");
        let mut watcher = watching(bench, 2).await?;
        mortal(bench, will(bench).qos(qos)).await?.severed().await?;
        let message = watcher.expect_publish(&topic, "gone").await?;
        bench.equal("QoS", qos, message.qos)?;
    }
    Ok(())
}

async fn is_retained(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("will");
    let mut watcher = watching(bench, 0).await?;
    mortal(bench, will(bench).retain(true)).await?.severed().await?;
    watcher.expect_publish(&topic, "gone").await.set_up("the Will")?;
    let mut late = bench.connected("late").await?;
    late.subscribed(&topic, 0).await?;
    let message = late.expect_publish(&topic, "gone").await?;
    bench.equal("RETAIN", true, message.retain)
}

async fn is_not_retained(bench: &mut Bench) -> CaseResult {
    let topic = bench.topic("will");
    let mut watcher = watching(bench, 0).await?;
    mortal(bench, will(bench)).await?.severed().await?;
    let message = watcher.expect_publish(&topic, "gone").await.set_up("the Will")?;
    bench.equal("RETAIN", false, message.retain)?;
    let mut late = bench.connected("late").await?;
    late.subscribed(&topic, 0).await?;
    bench.fence(&mut watcher, &mut late).await
}
