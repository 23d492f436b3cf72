//! Whole runs against a broker that misbehaves on purpose: the report must say exactly what it did.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

#[path = "truth/comings.rs"]
mod comings;
#[path = "truth/onlooker.rs"]
mod onlooker;
#[path = "support/plan.rs"]
mod plan;
#[path = "truth/requests.rs"]
mod requests;
mod support;

use std::{
    future::{pending, poll_fn},
    io,
    sync::{Arc, Mutex},
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use loadgen::{Exit, Outcome, Plan, Stamp, judge, measure::SEND_LAG, schedule::Segment};
use protocol::{ReasonCode, Utf8String};
use reports::{
    Counter, Labels, Observation, Sink, Summary, label, metric,
    observation::{Ending, EventKind, GeneratorHealth, Health, Witness, WitnessKind},
};
use scenarios::model::{Anchor, Moment};
use simulator::TopicPrefix;
use support::{Deeds, Script};
use tokio::sync::Notify;

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

/// Remembers all that a run observes, and wakes whoever waits for more of it.
#[derive(Clone, Default)]
struct Memory {
    observations: Arc<Mutex<Vec<Observation>>>,
    news: Arc<Notify>,
}

impl Memory {
    fn saw(&self, wanted: impl Fn(&Observation) -> bool) -> bool {
        self.observations.lock().unwrap().iter().any(wanted)
    }
}

impl Sink for Memory {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.observations.lock().unwrap().push(observation.clone());
        self.news.notify_one();
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

fn plan(address: &str, hold: &str, rate: u32) -> Plan {
    plan::plan(&SCENARIO.replace("HOLD", hold).replace("RATE", &rate.to_string()), address)
}

fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(40), work).await.expect("the run ends") })
}

/// What a run left behind.
struct Judged {
    outcome: Outcome,
    observations: Vec<Observation>,
    deeds: Deeds,
}

/// A run against a broker in a thread of its own, so that neither slows the other.
fn judged(script: Script, hold: &str, rate: u32, change: impl FnOnce(&mut Plan)) -> Judged {
    interrupted(script, hold, rate, change, |_| pending())
}

/// The same with an interrupt, which is made from what was observed so far.
fn interrupted<I: Future<Output = ()>>(
    script: Script,
    hold: &str,
    rate: u32,
    change: impl FnOnce(&mut Plan),
    interrupt: impl FnOnce(Memory) -> I,
) -> Judged {
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let broker = thread::spawn(move || {
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
    let outcome = on_one_thread(loadgen::run(plan, vec![Box::new(memory.clone())], interrupt(memory.clone())));
    let deeds = deeds.borrow().clone();
    drop(end);
    broker.join().unwrap();
    let observations = memory.observations.lock().unwrap().clone();
    Judged { outcome, observations, deeds }
}

/// What the recorded figures alone come to, whatever the machine did to the generator; and that the run ended with it, or
/// with 7 where the generator was saturated.
fn exit_by_figures(run: &Judged) -> Exit {
    let mut summary = Summary::new();
    for observation in &run.observations {
        match observation {
            Observation::GeneratorHealth(health) => {
                let sound = GeneratorHealth { health: Health::Sound, ..health.clone() };
                summary.apply(&Observation::GeneratorHealth(sound));
            }
            other => summary.apply(other),
        }
    }
    let (exit, reasons) = judge::verdict(&summary, None);
    let saturated = run.outcome.summary.generator().is_some_and(|it| it.health == Health::Saturated);
    let ended = if saturated { Exit::worst([exit, Exit::Invalid]) } else { exit };
    assert_eq!(run.outcome.exit, ended, "{:?}", run.outcome.reasons);
    for reason in &reasons {
        assert!(run.outcome.reasons.contains(reason), "{reason} is missing in {:?}", run.outcome.reasons);
    }
    exit
}

/// The run's topics and names on a broker that others use.
fn shared(plan: &mut Plan) {
    plan.target.prefix = TopicPrefix::new("paddock/test").unwrap();
    plan.target.client_prefix = Utf8String::new("1a2b3c4d-").unwrap();
    plan.clear_retained = true;
}

/// Resolves when a window was recorded.
async fn after_a_window(memory: Memory) {
    while !memory.saw(|it| matches!(it, Observation::Window(_))) {
        memory.news.notified().await;
    }
}

/// Never resolves, and from the load's beginning takes `pause` of its thread each time the run looks, for so long. The sleep
/// is what is tested, a generator that gets no time, and waits for nothing.
fn wasteful(memory: Memory, pause: Duration, lasts: Duration) -> impl Future<Output = ()> {
    let mut began: Option<Instant> = None;
    poll_fn(move |_| {
        if began.is_none() && memory.saw(|it| matches!(it, Observation::StageStarted(_))) {
            began = Some(Instant::now());
        }
        if began.is_some_and(|began| began.elapsed() < lasts) {
            thread::sleep(pause);
        }
        Poll::Pending
    })
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

#[test]
fn a_faithful_broker_passes_with_sent_equal_to_intended() {
    let run = judged(Script::default(), "1s", 300, |_| {});
    assert_eq!(exit_by_figures(&run), Exit::Pass);
    for counter in [Counter::Intended, Counter::Sent, Counter::Expected, Counter::Received] {
        assert_eq!(count(&run.outcome, counter), 300, "{counter:?}");
    }
}

#[test]
fn the_ledger_names_exactly_the_swallowed_messages() {
    let script = Script { swallow: vec![3, 50, 51, 120, 199], ..Script::default() };
    let run = judged(script, "1s", 200, |_| {});
    assert_eq!(run.deeds.swallowed.len(), 5);
    assert_eq!(witnesses(&run.observations, WitnessKind::Lost), stamps(&run.deeds.swallowed));
    assert_eq!(count(&run.outcome, Counter::Lost), 5);
    assert_eq!(exit_by_figures(&run), Exit::Thresholds);
}

#[test]
fn the_ledger_names_exactly_the_doubled_messages() {
    let script = Script { double: vec![0, 7, 77, 199], ..Script::default() };
    let run = judged(script, "1s", 200, |_| {});
    assert_eq!(run.deeds.doubled.len(), 4);
    assert_eq!(witnesses(&run.observations, WitnessKind::Duplicated), stamps(&run.deeds.doubled));
    assert_eq!(count(&run.outcome, Counter::Duplicated), 4);
    assert_eq!(exit_by_figures(&run), Exit::Thresholds);
}

#[test]
fn a_copy_cannot_hide_behind_the_end_of_the_run() {
    // It comes when everything else has come, before the answer to the fence.
    let run = judged(Script { double_late: vec![42, 99], ..Script::default() }, "1s", 100, |_| {});
    assert_eq!(run.deeds.doubled.len(), 2);
    assert_eq!(witnesses(&run.observations, WitnessKind::Duplicated), stamps(&run.deeds.doubled));
}

#[test]
fn the_ledger_names_exactly_the_overtaken_messages() {
    let script = Script { delay: vec![5, 60, 100], ..Script::default() };
    let run = judged(script, "1s", 200, |_| {});
    assert_eq!(run.deeds.delayed.len(), 3);
    assert_eq!(witnesses(&run.observations, WitnessKind::Reordered), stamps(&run.deeds.delayed));
    assert_eq!((count(&run.outcome, Counter::Reordered), count(&run.outcome, Counter::Lost)), (3, 0));
    assert_eq!(exit_by_figures(&run), Exit::Pass, "the scenario demands no order");
}

#[test]
fn a_stalled_broker_shows_in_the_latency_and_not_in_the_rate() {
    // A virtual machine may pause on its own, and the figures of that attempt then tell of it; the account must hold always.
    let mut seen = Vec::new();
    for _ in 0..3 {
        let p95 = stalled();
        if is_the_stall(p95) {
            return;
        }
        seen.push(p95);
    }
    panic!("p95 of end-to-end latency, of the way to sending, of the generator's lag: {seen:?}");
}

/// One run with a second of silence: p95 of end-to-end latency, of the way to sending, and of the generator's lag.
fn stalled() -> [Duration; 3] {
    let script = Script { freeze: Some((500, Duration::from_secs(1))), ..Script::default() };
    let run = judged(script, "5s", 250, |_| {});
    let outcome = &run.outcome;
    assert_eq!((count(outcome, Counter::Intended), count(outcome, Counter::Sent)), (1250, 1250));
    assert_eq!(count(outcome, Counter::Lost), 0);
    [metric::E2E, SEND_LAG, metric::GENERATOR_LAG]
        .map(|metric| outcome.summary.quantile(metric, &Labels::none(), 0.95).unwrap())
}

/// 20 % of the messages fall into the silence and wait between 0 and 1 s: p95 is 0.75 s. The wait was the target's doing: it
/// is no lag of the generator.
fn is_the_stall([end_to_end, to_sending, generator]: [Duration; 3]) -> bool {
    (600..=1000).contains(&end_to_end.as_millis())
        && to_sending > Duration::from_millis(500)
        && generator < Duration::from_millis(50)
}

#[test]
fn a_flood_waits_for_a_broker_that_does_not_answer() {
    let script = Script { freeze: Some((0, Duration::from_secs(2))), ..Script::default() };
    let run = judged(script, "1s", 1, |plan| {
        let text = SCENARIO.replace("HOLD", "1s").replace("rate = RATE", "shape = \"flood\"\nin_flight = 3");
        plan.scenario = scenarios::parse("truth.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    });
    let outcome = &run.outcome;
    let (intended, sent) = (count(outcome, Counter::Intended), count(outcome, Counter::Sent));
    // Three of each of eight devices at most: nothing came back before the load was over.
    assert!((3..=8 * 3).contains(&intended), "{intended}");
    assert_eq!((sent, count(outcome, Counter::Lost)), (intended, 0));
}

#[test]
fn a_generator_that_is_late_makes_the_run_invalid() {
    let pause = Duration::from_millis(20);
    let run =
        interrupted(Script::default(), "1s", 300, |_| {}, |memory| wasteful(memory, pause, Duration::from_secs(2)));
    assert_eq!(exit_by_figures(&run), Exit::Pass, "the target did nothing wrong");
    assert_eq!(run.outcome.exit, Exit::Invalid);
    let reason = &run.outcome.reasons[0];
    assert!(reason.starts_with("the generator was saturated: p96.66 of its lag was "), "{reason}");
    assert!(reason.contains("(limit 5ms, of 300 messages)"), "{reason}");
    assert_eq!(count(&run.outcome, Counter::Sent), 300);
}

#[test]
fn a_generator_that_cannot_keep_up_ends_in_time_and_says_what_it_left_out() {
    // At most 256 messages in each turn, and a turn takes a quarter of a second: about half of 2,000 per second.
    let pause = Duration::from_millis(250);
    let began = Instant::now();
    let run =
        interrupted(Script::default(), "2s", 2000, |_| {}, |memory| wasteful(memory, pause, Duration::from_secs(4)));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(run.outcome.exit, Exit::Invalid);
    let reason = &run.outcome.reasons[0];
    assert!(reason.contains("of 4,000 intended messages") && reason.contains("were never offered"), "{reason}");
    assert_eq!(count(&run.outcome, Counter::Intended), 4000);
    let (sent, unsent) = (count(&run.outcome, Counter::Sent), count(&run.outcome, Counter::NotSent));
    assert_eq!(sent + unsent, 4000);
    assert!(unsent > 100, "{unsent}");
}

#[test]
fn a_shared_broker_is_left_as_it_was() {
    let run = judged(Script::default(), "1s", 50, shared);
    assert_eq!(exit_by_figures(&run), Exit::Pass);
    assert_eq!(run.deeds.retained.keys().collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(run.deeds.clients.len(), 8 + 1 + 2, "devices, a subscriber, the probe and the cleaner");
    assert!(run.deeds.clients.iter().all(|id| id.starts_with("1a2b3c4d-")), "{:?}", run.deeds.clients);
}

#[test]
fn an_interrupted_run_leaves_a_shared_broker_as_it_was() {
    let run = interrupted(Script::default(), "60s", 50, shared, after_a_window);
    assert!(run.outcome.interrupted);
    assert_eq!(run.deeds.retained.keys().collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(run.deeds.farewells, run.deeds.clients.len(), "everybody said DISCONNECT");
}

#[test]
fn what_segments_cannot_account_for_is_not_begun() {
    let run = judged(Script::default(), "1s", 10, |plan| {
        plan.scenario.subscribers[0].from = Some(Moment { anchor: Anchor::Start, offset: Duration::from_millis(500) });
        plan.segment = Segment::new(1, 2).unwrap();
    });
    assert_eq!(run.outcome.exit, Exit::Usage);
    assert!(
        run.outcome.reasons[0].starts_with("segment 1/2: subscribers.archive come late"),
        "{:?}",
        run.outcome.reasons
    );
    assert_eq!(run.deeds, Deeds::default(), "nobody connected");
}

#[test]
fn a_segment_in_which_nothing_is_due_is_a_part_like_others() {
    let run = judged(Script::default(), "1s", 10, |plan| plan.segment = Segment::new(20, 20).unwrap());
    assert_eq!((run.outcome.exit, run.outcome.reasons.len()), (Exit::Inconclusive, 2), "{:?}", run.outcome.reasons);
    assert!(run.outcome.reasons[0].starts_with("partial: this is segment 20/20 alone"), "{:?}", run.outcome.reasons);
}

#[test]
fn nobody_at_the_address_is_exit_5() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("mqtt://{}", listener.local_addr().unwrap())
    };
    let outcome = on_one_thread(loadgen::run(plan(&address, "1s", 10), Vec::new(), pending()));
    assert_eq!(outcome.exit, Exit::Unreachable);
    assert_eq!(outcome.reasons.len(), 1, "{:?}", outcome.reasons);
    assert!(outcome.reasons[0].starts_with("target unreachable: cannot connect: "), "{:?}", outcome.reasons);
}

#[test]
fn a_listener_that_never_answers_is_exit_5_within_the_time_out() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut plan = plan(&format!("mqtt://{}", listener.local_addr().unwrap()), "1s", 10);
    plan.target.connect_timeout = Duration::from_millis(200);
    let began = Instant::now();
    let outcome = on_one_thread(loadgen::run(plan, Vec::new(), pending()));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(outcome.exit, Exit::Unreachable);
    assert_eq!(outcome.reasons, ["target unreachable: no CONNACK in time"]);
}

#[test]
fn a_wrong_password_is_exit_5_and_one_reason() {
    let script = Script { refuse: Some(ReasonCode::BadUserNameOrPassword), ..Script::default() };
    let run = judged(script, "1s", 10, shared);
    assert_eq!(run.outcome.exit, Exit::Unreachable);
    assert_eq!(run.outcome.reasons.len(), 1, "{:?}", run.outcome.reasons);
    let reason = &run.outcome.reasons[0];
    assert!(reason.starts_with("target unreachable: the broker refused the connection: "), "{reason}");
    assert!(reason.ends_with("; check the user and the password"), "{reason}");
    assert_eq!(run.deeds.clients.len(), 1, "it is not asked again");
}

#[test]
fn a_broker_that_dies_ends_the_run() {
    let script = Script { die: Some(60), ..Script::default() };
    let began = Instant::now();
    let run = judged(script, "60s", 50, |plan| plan.target.connect_timeout = Duration::from_millis(500));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(run.outcome.exit, Exit::Unreachable);
    let reason = &run.outcome.reasons[0];
    assert!(reason.starts_with("target unreachable: the last connection was lost 1."), "{reason}");
    assert!(reason.ends_with("and none came back within 1s"), "{reason}");
    let lost = run.outcome.summary.events().get(&EventKind::ConnectionLost).map(|events| events.count());
    assert_eq!(lost, Some(9), "eight devices and a subscriber");
    assert!(run.outcome.summary.ended().is_some());
}

#[test]
fn a_broker_that_dies_towards_the_end_is_no_pass() {
    // Nobody waits ten seconds for it: the load is over long before.
    let run = judged(Script { die: Some(60), ..Script::default() }, "3s", 40, |_| {});
    assert_eq!(run.outcome.exit, Exit::Unreachable);
    assert!(run.outcome.reasons[0].contains("none was back when the load was over"), "{:?}", run.outcome.reasons);
    assert_eq!(count(&run.outcome, Counter::Intended), 120, "what was due is booked all the same");
}

#[test]
fn deliveries_are_measured_by_subscriber() {
    let run = judged(Script::default(), "1s", 20, |_| {});
    let archive = Labels::none().with(label::SUBSCRIBER, "archive");
    let of = |metric| run.outcome.summary.histogram(metric, &archive).map(|it| it.len());
    assert_eq!((of(metric::E2E), of(metric::SERVICE)), (Some(20), Some(20)));
    assert_eq!(of(metric::GENERATOR_LAG), None);
}

#[test]
fn an_interrupt_ends_the_run_with_what_happened_so_far() {
    let run = interrupted(Script::default(), "60s", 50, |_| {}, after_a_window);
    assert!(run.outcome.interrupted);
    let intended = count(&run.outcome, Counter::Intended);
    assert!((40..400).contains(&intended), "{intended}");
    assert_eq!(count(&run.outcome, Counter::Lost), 0);
    let ended = run.outcome.summary.ended().unwrap();
    assert_eq!((ended.ending, ended.exit_code), (Ending::Interrupted, Exit::INTERRUPTED));
    let held = run.outcome.reasons.contains(&"interrupted: what was measured so far held".to_owned());
    // Or the machine was too slow, which is said alone.
    assert_eq!((run.outcome.exit, held), if held { (Exit::Inconclusive, true) } else { (Exit::Invalid, false) });
}
