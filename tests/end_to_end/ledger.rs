//! A proxy in front of the real broker loses, repeats and delays messages at random: the ledger names exactly those.
//!
//! TCP loses no packet by itself; a proxy between two connections can. What it takes at QoS 1 on the way to a subscriber the
//! broker sends again only when the subscriber comes back.

#[path = "../../loadgen/tests/support/plan.rs"]
mod plan;

use std::{
    collections::BTreeSet,
    future::pending,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use faults::{Actions, Manner, Proxy, Rules, Seen, Time};
use loadgen::{Exit, Outcome, RunId, Stamp};
use reports::{
    Counter, Labels, Observation, Sink,
    observation::{EventKind, WitnessKind},
};
use tokio::sync::oneshot;
use wire::{Direction, Kind};

use crate::support::Broker;

/// Of everything random: which messages, and their content.
const SEED: u64 = 20_251_121;

const SCENARIO: &str = r##"
[scenario]
name = "ledger"
seed = SEED
drain = "3s"
lag_limit = "5s"

[brokers.broker]
url = "mqtt://127.0.0.1:1"

[devices.meter]
model = "milk_meter"
count = 8
client_id = "meter_{n:03}"
qos = QOS

[subscribers.archive]
role = "service"
count = 1
filters = ["#"]
qos = QOS
clean_start = false
session_expiry = "1m"

[[stages]]
name = "hold"
hold = "2s"
rate = 200

[thresholds]
loss = ["count==0"]
duplicates = ["count==0"]
reordered = ["count==0"]
"##;

/// A message by its topic, its stream and its place in it.
type Name = (String, u32, u32);

/// The messages that the proxy mistreated.
type Deeds = Arc<Mutex<BTreeSet<Name>>>;

/// The stamped message that is seen, on its way to the broker or to a subscriber.
fn message(seen: Seen<'_>) -> Option<(Direction, Name, Stamp)> {
    let Seen::Frame(direction, frame) = seen else { return None };
    let stamp = Stamp::parse(frame.bytes()).filter(|_| frame.kind() == Some(Kind::Publish))?;
    let topic = frame.topic().expect("a PUBLISH without an alias").to_owned();
    Some((direction, (topic, stamp.stream.value(), stamp.sequence), stamp))
}

/// One of twenty messages, at random, whichever way and in whatever order they come.
fn is_chosen(stamp: &Stamp) -> bool {
    let RunId(dice) = RunId::unique(SEED, u64::from(stamp.stream.value()) << 32 | u64::from(stamp.sequence));
    dice.is_multiple_of(20)
}

/// Mistreats the chosen messages that go this way.
fn mistreat(
    deeds: &Deeds,
    way: Direction,
    how: impl Fn(&Stamp, &mut Actions<'_>) -> bool + Copy + Send + Sync + 'static,
) -> Rules {
    let deeds = Arc::clone(deeds);
    Rules::new(move |_| {
        let deeds = Arc::clone(&deeds);
        move |_now: Time, seen: Seen<'_>, actions: &mut Actions<'_>| {
            if let Some((direction, name, stamp)) = message(seen)
                && direction == way
                && is_chosen(&stamp)
                && how(&stamp, actions)
            {
                deeds.lock().expect("nobody panics with it").insert(name);
            }
        }
    })
}

/// The witnesses of a run.
#[derive(Clone, Default)]
struct Witnesses(Arc<Mutex<Vec<(WitnessKind, Name)>>>);

impl Sink for Witnesses {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        if let Observation::Witness(witness) = observation {
            let name = (witness.topic.clone(), witness.stream, witness.sequence);
            self.0.lock().expect("nobody panics with it").push((witness.fault, name));
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

impl Witnesses {
    fn of(&self, fault: WitnessKind) -> Vec<Name> {
        let all = self.0.lock().expect("nobody panics with it");
        let mut names: Vec<Name> = all.iter().filter(|one| one.0 == fault).map(|one| one.1.clone()).collect();
        names.sort();
        names
    }
}

/// Runs 400 messages of one QoS through a proxy with these rules.
fn run(qos: u8, rules: Rules) -> (Outcome, Witnesses) {
    let broker = Broker::start();
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = oneshot::channel::<()>();
    let upstream = broker.address;
    // In a thread of its own, so that neither slows the other.
    let network = thread::spawn(move || {
        on_this_thread(async {
            let proxy = Proxy::start(upstream, rules, SEED).await.expect("a port is free");
            tell.send(proxy.address()).expect("the test waits for it");
            let _dropped = ended.await;
        });
    });
    let address = format!("mqtt://{}", told.recv().expect("the proxy starts"));
    let text = SCENARIO.replace("SEED", &SEED.to_string()).replace("QOS", &qos.to_string());
    let plan = plan::plan(&text, &address);
    let witnesses = Witnesses::default();
    let outcome = on_this_thread(loadgen::run(plan, vec![Box::new(witnesses.clone())], pending()));
    drop(end);
    network.join().expect("the proxy ends");
    (outcome, witnesses)
}

fn on_this_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), work).await.expect("it ends") })
}

fn count(outcome: &Outcome, counter: Counter) -> u64 {
    outcome.summary.counter(counter, &Labels::none()).expect("it is counted")
}

/// The ledger names these messages, all of them and no others, and the run fails for it.
fn names_exactly(outcome: &Outcome, witnesses: &Witnesses, fault: WitnessKind, counter: Counter, deeds: &Deeds) {
    let deeds: Vec<Name> = deeds.lock().expect("nobody panics with it").iter().cloned().collect();
    assert!(deeds.len() >= 5, "seed {SEED}: {deeds:?}");
    assert_eq!(witnesses.of(fault), deeds, "seed {SEED}");
    assert_eq!(count(outcome, counter), deeds.len() as u64);
    assert_eq!(count(outcome, Counter::Intended), 400);
    assert_eq!(outcome.exit, Exit::Thresholds, "{:?}", outcome.reasons);
    for other in [Counter::Lost, Counter::Duplicated, Counter::Reordered].into_iter().filter(|it| *it != counter) {
        assert_eq!(count(outcome, other), 0, "{other:?}");
    }
}

fn swallow(_: &Stamp, actions: &mut Actions<'_>) -> bool {
    actions.swallow();
    true
}

#[test]
fn messages_lost_on_the_way_to_the_broker_are_named() {
    let deeds = Deeds::default();
    let (outcome, witnesses) = run(0, mistreat(&deeds, Direction::FromClient, swallow));
    names_exactly(&outcome, &witnesses, WitnessKind::Lost, Counter::Lost, &deeds);
}

#[test]
fn messages_lost_on_the_way_to_a_subscriber_are_named() {
    for qos in [0, 1] {
        let deeds = Deeds::default();
        let (outcome, witnesses) = run(qos, mistreat(&deeds, Direction::FromServer, swallow));
        names_exactly(&outcome, &witnesses, WitnessKind::Lost, Counter::Lost, &deeds);
    }
}

#[test]
fn messages_that_come_twice_are_named() {
    for qos in [0, 1] {
        let deeds = Deeds::default();
        let double = |_: &Stamp, actions: &mut Actions<'_>| {
            actions.duplicate(1);
            true
        };
        let (outcome, witnesses) = run(qos, mistreat(&deeds, Direction::FromServer, double));
        names_exactly(&outcome, &witnesses, WitnessKind::Duplicated, Counter::Duplicated, &deeds);
    }
}

#[test]
fn messages_that_were_overtaken_are_named() {
    for qos in [0, 1] {
        let deeds = Deeds::default();
        // The next of its stream, of which there are eight, comes within sixteen packets; the last has none behind it.
        let delay = |stamp: &Stamp, actions: &mut Actions<'_>| {
            let early = stamp.intended_start() < Duration::from_millis(1500);
            if early {
                actions.overtaken_by(40);
            }
            early
        };
        let (outcome, witnesses) = run(qos, mistreat(&deeds, Direction::FromServer, delay));
        names_exactly(&outcome, &witnesses, WitnessKind::Reordered, Counter::Reordered, &deeds);
    }
}

#[test]
fn what_the_broker_sends_again_to_a_subscriber_that_came_back_is_not_lost() {
    let (deeds, severed) = (Deeds::default(), Arc::new(AtomicBool::new(false)));
    let (taken, cut) = (Arc::clone(&deeds), Arc::clone(&severed));
    let rules = Rules::new(move |_| {
        let (taken, cut) = (Arc::clone(&taken), Arc::clone(&cut));
        move |_now: Time, seen: Seen<'_>, actions: &mut Actions<'_>| {
            let Some((Direction::FromServer, name, stamp)) = message(seen) else { return };
            if cut.load(Ordering::Relaxed) {
                return;
            }
            if stamp.intended_start() > Duration::from_secs(1) {
                cut.store(true, Ordering::Relaxed);
                actions.sever(Manner::Reset);
            } else if is_chosen(&stamp) {
                taken.lock().expect("nobody panics with it").insert(name);
                actions.swallow();
            }
        }
    });
    let (outcome, witnesses) = run(1, rules);
    assert!(deeds.lock().expect("nobody panics with it").len() >= 5);
    assert_eq!(witnesses.of(WitnessKind::Lost), []);
    // What had come already, and was not acknowledged yet, comes twice.
    let once = count(&outcome, Counter::Received) - count(&outcome, Counter::Duplicated);
    assert_eq!((count(&outcome, Counter::Lost), once), (0, 400));
    let events = outcome.summary.events();
    assert_eq!(events.get(&EventKind::ConnectionLost).map(|events| events.count()), Some(1));
    assert!(!events.contains_key(&EventKind::SessionLost), "its session was kept");
}
