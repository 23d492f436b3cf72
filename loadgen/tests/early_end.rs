//! A run that a threshold ends before its time, against a broker that stands still.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

#[path = "support/plan.rs"]
mod plan;
mod support;

use std::{
    io,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use loadgen::{Exit, Outcome, judge};
use reports::{
    Observation, Sink, Summary,
    observation::{Ending, ThresholdResult},
};
use support::Script;

const SCENARIO: &str = r##"
[scenario]
name = "early"
lag_limit = "20s"

[brokers.broker]
url = "mqtt://127.0.0.1:1"

[devices.meter]
model = "milk_meter"
count = 4
qos = 1

[subscribers.archive]
role = "service"
count = 1
filters = ["#"]
qos = 1

[[stages]]
name = "hold"
hold = "30s"
rate = 50

[thresholds]
"e2e{qos:1,group:meter}" = ["p(50)<1s over 2s abort_on_fail"]
"connections{group:meter}" = ["min>=4"]
loss = ["count==0"]
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

fn run(script: Script) -> (Outcome, Vec<Observation>) {
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let broker = thread::spawn(move || {
        runtime().block_on(async {
            tell.send(support::start(script).await).unwrap();
            let _dropped = ended.await;
        });
    });
    let (address, _deeds) = told.recv().unwrap();
    let plan = plan::plan(SCENARIO, &address);
    let memory = Memory::default();
    let work = loadgen::run(plan, vec![Box::new(memory.clone())], std::future::pending());
    let outcome =
        runtime().block_on(async { tokio::time::timeout(Duration::from_secs(60), work).await.expect("the run ends") });
    drop(end);
    broker.join().unwrap();
    let observations = memory.0.lock().unwrap().clone();
    (outcome, observations)
}

#[test]
fn a_threshold_that_failed_ends_the_run_and_says_so() {
    // Two seconds of load, then three in which the broker does nothing.
    let (outcome, observations) = run(Script { freeze: Some((100, Duration::from_secs(3))), ..Script::default() });
    let ended = outcome.summary.ended().unwrap();
    assert_eq!((outcome.exit, ended.ending), (Exit::Thresholds, Ending::Aborted), "{:?}", outcome.reasons);
    assert!(outcome.reasons[0].starts_with("ended early, "), "{:?}", outcome.reasons);
    assert!(outcome.reasons[0].contains("by e2e{qos:1,group:meter}: p(50)<1s over 2s"), "{:?}", outcome.reasons);
    assert!(ended.at < Duration::from_secs(25), "{:?} of 30 s", ended.at);
    assert!(outcome.summary.aborted().is_some());
    let results: Vec<ThresholdResult> = outcome.summary.thresholds().iter().map(|one| one.result).collect();
    assert_eq!(results, [ThresholdResult::Fail, ThresholdResult::Pass, ThresholdResult::Pass]);
    // What is on disk is enough to come to the same again.
    let mut jury = judge::Jury::new(&judge::contract(&outcome.summary).unwrap());
    let mut figures = Summary::new();
    for observation in observations.iter().filter(|one| !matches!(one, Observation::Threshold(_))) {
        jury.apply(observation);
        figures.apply(observation);
    }
    let (exit, judgement) = judge::again(&figures, &jury, Some(ended));
    assert_eq!(exit, outcome.exit);
    assert_eq!(judgement.last(), Some(&Observation::RunEnded(ended.clone())));
    assert_eq!(jury.outcomes(&figures), outcome.summary.thresholds());
}
