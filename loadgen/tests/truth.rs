//! Whole runs against a broker that misbehaves on purpose: the report must say exactly what it did.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{
    future::pending,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use loadgen::{Exit, Outcome, Plan, RunId, Stamp, measure::SEND_LAG, schedule::Segment};
use reports::{
    Counter, Labels, Observation, Sink, metric,
    observation::{Health, TargetInfo, Tool, Witness, WitnessKind},
};
use simulator::{Target, TopicPrefix};
use support::{Deeds, Script};

/// A handful of devices, one reader of everything.
const SCENARIO: &str = r##"
[scenario]
name = "truth"
title = "Truth"
seed = 7
drain = "5s"

[brokers.broker]
url = "mqtt://127.0.0.1:1"

[devices.meter]
model = "milk_meter"
count = 4
client_id = "meter_{n:03}"
qos = 1

[devices.collar]
model = "collar"
count = 4
client_id = "collar_{n:03}"
qos = 2

[subscribers.archive]
role = "service"
count = 1
filters = ["#"]
qos = 2

[[stages]]
name = "hold"
hold = "HOLD"
rate = RATE

[thresholds]
loss = ["count==0"]
duplicates = ["count==0"]
"##;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Observation>>>);

impl Sink for Memory {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.0.lock().unwrap().push(observation.clone());
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

fn plan(address: &str, hold: &str, rate: u32) -> Plan {
    let text = SCENARIO.replace("HOLD", hold).replace("RATE", &rate.to_string());
    let scenario = scenarios::parse("truth.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let seed = scenario.seed;
    Plan {
        scenario,
        target: Target::new(address.parse().unwrap()),
        described: TargetInfo::default(),
        process: None,
        seed,
        run_id: RunId::from_seed(seed),
        segment: Segment::WHOLE,
        clear_retained: false,
        tool: Tool { name: "test".into(), version: "0".into() },
        command: Vec::new(),
    }
}

fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(40), work).await.expect("the run ends") })
}

/// A run against a broker in a thread of its own, so that neither slows the other.
fn judged(script: Script, hold: &str, rate: u32, change: impl FnOnce(&mut Plan)) -> (Outcome, Vec<Observation>, Deeds) {
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let broker = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tell.send(support::start(script).await).unwrap();
            let _dropped = ended.await;
        });
    });
    let (address, deeds) = told.recv().unwrap();
    let memory = Memory::default();
    let mut plan = plan(&address, hold, rate);
    change(&mut plan);
    let outcome = on_one_thread(loadgen::run(plan, vec![Box::new(memory.clone())], pending()));
    let deeds = deeds.borrow().clone();
    drop(end);
    broker.join().unwrap();
    let observations = memory.0.lock().unwrap().clone();
    (outcome, observations, deeds)
}

fn witnesses(observations: &[Observation], fault: WitnessKind) -> Vec<(u32, u32)> {
    let of = |witness: &Witness| (witness.stream, witness.sequence);
    let found = observations.iter().filter_map(|observation| match observation {
        Observation::Witness(witness) if witness.fault == fault => Some(of(witness)),
        _ => None,
    });
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    found
}

fn stamps(payloads: &[Vec<u8>]) -> Vec<(u32, u32)> {
    let of = |payload: &Vec<u8>| Stamp::parse(payload).map(|stamp| (stamp.stream.value(), stamp.sequence)).unwrap();
    let mut stamps: Vec<_> = payloads.iter().map(of).collect();
    stamps.sort_unstable();
    stamps
}

fn count(outcome: &Outcome, counter: Counter) -> u64 {
    outcome.summary.counter(counter, &Labels::none()).unwrap()
}

/// What the process ends with; on a machine that starves the generator a run is invalid, and says so.
fn unless_saturated(outcome: &Outcome, exit: Exit) -> Exit {
    let health = outcome.summary.generator().map(|generator| generator.health);
    if health == Some(Health::Saturated) { Exit::Invalid } else { exit }
}

#[test]
fn a_faithful_broker_passes_with_sent_equal_to_intended() {
    let (outcome, _, _) = judged(Script::default(), "1s", 300, |_| {});
    assert_eq!(outcome.exit, unless_saturated(&outcome, Exit::Pass), "{:?}", outcome.reasons);
    for counter in [Counter::Intended, Counter::Sent, Counter::Expected, Counter::Received] {
        assert_eq!(count(&outcome, counter), 300, "{counter:?}");
    }
}

#[test]
fn the_ledger_names_exactly_the_swallowed_messages() {
    let script = Script { swallow: vec![3, 50, 51, 120, 199], ..Script::default() };
    let (outcome, observations, deeds) = judged(script, "1s", 200, |_| {});
    assert_eq!(deeds.swallowed.len(), 5);
    assert_eq!(witnesses(&observations, WitnessKind::Lost), stamps(&deeds.swallowed));
    assert_eq!(count(&outcome, Counter::Lost), 5);
    assert_eq!(outcome.exit, unless_saturated(&outcome, Exit::Thresholds), "{:?}", outcome.reasons);
}

#[test]
fn the_ledger_names_exactly_the_doubled_messages() {
    let script = Script { double: vec![0, 7, 77, 199], ..Script::default() };
    let (outcome, observations, deeds) = judged(script, "1s", 200, |_| {});
    assert_eq!(deeds.doubled.len(), 4);
    assert_eq!(witnesses(&observations, WitnessKind::Duplicated), stamps(&deeds.doubled));
    assert_eq!(count(&outcome, Counter::Duplicated), 4);
    assert_eq!(outcome.exit, unless_saturated(&outcome, Exit::Thresholds), "{:?}", outcome.reasons);
}

#[test]
fn the_ledger_names_exactly_the_overtaken_messages() {
    let script = Script { delay: vec![5, 60, 100], ..Script::default() };
    let (outcome, observations, deeds) = judged(script, "1s", 200, |_| {});
    assert_eq!(deeds.delayed.len(), 3);
    assert_eq!(witnesses(&observations, WitnessKind::Reordered), stamps(&deeds.delayed));
    assert_eq!((count(&outcome, Counter::Reordered), count(&outcome, Counter::Lost)), (3, 0));
}

#[test]
fn a_stalled_broker_shows_in_the_latency_and_not_in_the_rate() {
    // 20 % of the messages fall into the second of silence and wait between 0 and 1 s: p95 is 0.75 s.
    let script = Script { freeze: Some((500, Duration::from_secs(1))), ..Script::default() };
    let (outcome, _, _) = judged(script, "5s", 250, |_| {});
    assert_eq!((count(&outcome, Counter::Intended), count(&outcome, Counter::Sent)), (1250, 1250));
    assert_eq!(count(&outcome, Counter::Lost), 0);
    let p95 = outcome.summary.quantile(metric::E2E, &Labels::none(), 0.95).unwrap();
    assert!((675..=825).contains(&p95.as_millis()), "{p95:?}");
    // The wait was the target's doing: it is no lag of the generator.
    let held_up = outcome.summary.quantile(SEND_LAG, &Labels::none(), 0.95).unwrap();
    assert!(held_up > Duration::from_millis(500), "{held_up:?}");
    let own = outcome.summary.quantile(metric::GENERATOR_LAG, &Labels::none(), 0.95).unwrap();
    assert!(own < Duration::from_millis(100), "{own:?}");
}

#[test]
fn a_shared_broker_is_left_as_it_was() {
    let (outcome, _, deeds) = judged(Script::default(), "1s", 50, |plan| {
        plan.target.prefix = TopicPrefix::new("paddock/test").unwrap();
        plan.clear_retained = true;
    });
    assert_eq!(outcome.exit, unless_saturated(&outcome, Exit::Pass), "{:?}", outcome.reasons);
    assert_eq!(deeds.retained.keys().collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn nobody_at_the_address_is_exit_5() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("mqtt://{}", listener.local_addr().unwrap())
    };
    let outcome = on_one_thread(loadgen::run(plan(&address, "1s", 10), Vec::new(), pending()));
    assert_eq!(outcome.exit, Exit::Unreachable);
    assert!(outcome.reasons[0].contains("target unreachable"), "{:?}", outcome.reasons);
}

#[test]
fn an_interrupt_ends_the_run_with_what_happened_so_far() {
    let memory = Memory::default();
    let windows = memory.0.clone();
    let seen = move || windows.lock().unwrap().iter().filter(|it| matches!(it, Observation::Window(_))).count();
    let outcome = on_one_thread(async {
        let (address, _deeds) = support::start(Script::default()).await;
        let interrupt = async {
            // The second window has begun when the first one was recorded.
            while seen() == 0 {
                tokio::task::yield_now().await;
            }
        };
        loadgen::run(plan(&address, "60s", 50), vec![Box::new(memory.clone())], interrupt).await
    });
    assert!(outcome.interrupted);
    let intended = count(&outcome, Counter::Intended);
    assert!((40..400).contains(&intended), "{intended}");
    assert_eq!(count(&outcome, Counter::Lost), 0);
}
