//! Wills of 5.0: Will Delay Interval, and Will Properties that travel with the message.

use std::time::{Duration, Instant};

use wire::{Property, Value};

use super::prelude::*;
use crate::{Peer, Stop};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "will.is_delayed",
        title: "A Will is published when its Will Delay Interval has passed, and not before",
        decides: &[V5("3.1.2-8")],
        tags: &["time"],
        mutants: &[
            Mutant::rules("does not wait", || {
                client(Kind::Connect).edit(|connect: &mut Connect| delay(connect, 0)).into()
            }),
            Mutant::rules("waits ten times as long", || {
                client(Kind::Connect).edit(|connect: &mut Connect| delay(connect, 20)).into()
            }),
        ],
        script: run!(is_delayed),
        ..Case::PLAIN
    },
    Case {
        id: "will.ends_its_delay_with_the_session",
        title: "A Will whose session ends before its Will Delay Interval is published then",
        decides: &[V5("3.1.2-8")],
        mutants: &[Mutant::rules("delays Wills beyond the session", || {
            client(Kind::Connect)
                .edit(|connect: &mut Connect| connect.properties.0.push(Property::session_expiry_interval(100)))
                .into()
        })],
        script: run!(ends_its_delay_with_the_session),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_called_off_by_return",
        title: "A Will is not published when its client resumes the session within the Will Delay Interval",
        decides: &[V5("3.1.3-9"), V5("3.1.2-8")],
        needs: &[Capability::Sessions],
        tags: &["time"],
        mutants: &[Mutant::rules("publishes Wills in spite of the return", || {
            client(Kind::Connect).edit(|connect: &mut Connect| delay(connect, 0)).into()
        })],
        script: run!(is_called_off_by_return),
        ..Case::PLAIN
    },
    Case {
        id: "will.is_published_when_a_clean_start_ends_the_session",
        title: "A delayed Will is published when Clean Start 1 ends its session",
        decides: &[V5("3.1.2-8")],
        needs: &[Capability::Sessions],
        mutants: &[Mutant::rules("forgets the Will at Clean Start", || {
            client(Kind::Connect).by("dying").edit(|connect: &mut Connect| connect.clean_start = false).into()
        })
        .against_advice()],
        script: run!(is_published_when_a_clean_start_ends_the_session),
        ..Case::PLAIN
    },
    Case {
        id: "will.user_properties_keep_their_order",
        title: "The User Properties of a Will keep their order",
        decides: &[V5("3.1.3-10")],
        mutants: &[
            Mutant::rules("turns User Properties round", || {
                server(Kind::Publish).edit(|publish: &mut Publish| publish.properties.0.reverse()).into()
            }),
            Mutant::rules("loses User Properties", || {
                server(Kind::Publish).edit(|publish: &mut Publish| publish.properties.0.clear()).into()
            }),
        ],
        script: run!(user_properties_keep_their_order),
        ..Case::PLAIN
    },
];

/// Puts this in the place of every Will Delay Interval.
fn delay(connect: &mut Connect, seconds: u32) {
    let properties = connect.will.iter_mut().flat_map(|will| will.properties.0.iter_mut());
    for property in properties.filter(|property| property.identifier == 0x18) {
        property.value = Value::FourByte(seconds);
    }
}

fn will(bench: &Bench, delay: u32) -> Will {
    Will::to(bench.topic("will")).payload("gone").with(Property::will_delay_interval(delay))
}

async fn watching(bench: &Bench) -> CaseResult<Peer> {
    let mut watcher = bench.connected("watcher").await?;
    watcher.subscribed(&bench.topic("will"), 0).await?;
    Ok(watcher)
}

/// Its session outlives its connection by so many seconds.
async fn mortal(bench: &Bench, will: Will, session: u32) -> CaseResult<Peer> {
    let connect = bench.connect("dying").clean(false).will(will);
    let connect = if session > 0 { connect.with(Property::session_expiry_interval(session)) } else { connect };
    bench.connected_as("dying", connect).await
}

async fn is_delayed(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench).await?;
    let mut dying = mortal(bench, will(bench, 2), 300).await?;
    let severed = Instant::now();
    dying.severed().await?;
    let delay = Duration::from_secs(2);
    watcher.expect_publish_after(delay, &bench.topic("will"), "gone").await?;
    let after = severed.elapsed();
    let expected = "the Will comes 2 s after the connection has ended";
    bench.check(after + bench.tolerance() >= delay, expected, format!("after {after:?}"))
}

async fn ends_its_delay_with_the_session(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench).await?;
    mortal(bench, will(bench, 100), 0).await?.severed().await?;
    watcher.expect_publish(&bench.topic("will"), "gone").await.map(|_| ())
}

async fn is_called_off_by_return(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench).await?;
    let mut dying = mortal(bench, will(bench, 1), 300).await?;
    let severed = Instant::now();
    dying.severed().await?;
    let back = bench.connect("dying").clean(false).with(Property::session_expiry_interval(300));
    let mut back = bench.connected_as("back", back).await?;
    let away = severed.elapsed();
    if away >= Duration::from_secs(1) {
        return Err(Stop::Inconclusive(format!(
            "the client was back after {away:?} only, and its Will was due after 1 s"
        )));
    }
    bench.let_pass(Duration::from_millis(1200)).await;
    back.ping().await.set_up("the return")?;
    bench.fence(&mut back, &mut watcher).await
}

async fn is_published_when_a_clean_start_ends_the_session(bench: &mut Bench) -> CaseResult {
    let mut watcher = watching(bench).await?;
    mortal(bench, will(bench, 100), 300).await?.severed().await?;
    let _anew = bench.connected("dying").await?;
    // A new connection of the Client Identifier calls the Will off (MQTT-3.1.2-8), one to the same session does (MQTT-3.1.3-9),
    // and by the comment of 3.1.4 this one does not: nothing that could be demanded.
    match watcher.expect_publish(&bench.topic("will"), "gone").await.set_up("the Will") {
        Err(Stop::Inconclusive(_)) => {
            bench.advise(false, "PUBLISH of the Will, whose session has ended", "nothing");
            Ok(())
        }
        seen => seen.map(|_| ()),
    }
}

async fn user_properties_keep_their_order(bench: &mut Bench) -> CaseResult {
    let pairs = [("b", "1"), ("a", "2"), ("b", "3"), ("a", "2")];
    let will = Will::to(bench.topic("will")).payload("gone");
    let will = pairs.iter().fold(will, |will, (name, value)| will.with(Property::user(name, value)));
    let mut watcher = watching(bench).await?;
    bench.connected_as("dying", bench.connect("dying").will(will)).await?.severed().await?;
    let message = watcher.expect_publish(&bench.topic("will"), "gone").await.set_up("the Will")?;
    bench.equal("the User Properties", pairs.to_vec(), message.properties.user())
}
