//! Runs that never happened, for tests and for looking at reports: one that passes, one with losses and a frozen broker,
//! one stopped half way, one whose generator was the bottleneck.

use hdrhistogram::Histogram;
use reports::observation::{
    DeviceGroup, EncodedHistogram, Ending, Environment, Event, EventKind, Flow, GeneratorHealth, Health,
    HistogramRecord, Ledger, LedgerCounts, LedgerRow, Observation, Percentiles, PlannedStage, Preflight, ProcessUsage,
    Qos, Role, RunEnded, RunStarted, SCHEMA, ScenarioInfo, StageEnded, StageStarted, TargetInfo, ThresholdOutcome,
    ThresholdResult, Tool, Unit, Verdict, Window, Witness, WitnessKind, house_histogram,
};
use reports::{Labels, label, metric};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// Which run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Passing,
    Failing,
    Interrupted,
    Invalid,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Passing, Self::Failing, Self::Interrupted, Self::Invalid];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Failing => "failing",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
        }
    }
}

/// Groups: name, model, clients, QoS, messages per second.
const GROUPS: [(&str, &str, u64, Qos, u64); 5] = [
    ("milk_meters", "milk_meter", 40, Qos::AtLeastOnce, 100),
    ("rfid_readers", "rfid_reader", 24, Qos::ExactlyOnce, 60),
    ("climate", "temperature", 76, Qos::AtMostOnce, 190),
    ("collars", "collar", 50, Qos::AtLeastOnce, 125),
    ("tanks", "cold_storage", 10, Qos::AtLeastOnce, 25),
];
const RATE: u64 = 500;
const WARM_UP: u64 = 8;
const END: u64 = 68;

/// All observations of a run, in order.
pub(crate) fn run(kind: Kind) -> Vec<Observation> {
    static RUNS: LazyLock<[Vec<Observation>; 4]> = LazyLock::new(|| Kind::ALL.map(compose));
    RUNS[kind as usize].clone()
}

fn compose(kind: Kind) -> Vec<Observation> {
    let mut run = vec![Observation::RunStarted(Box::new(started(kind)))];
    let until = if kind == Kind::Interrupted { 31 } else { END };
    let mut noise = Noise(42);
    let mut latencies: BTreeMap<(String, String, String), Histogram<u64>> = BTreeMap::new();
    for second in 0..until {
        run.extend(stage_changes(second));
        run.extend(events(kind, second));
        run.push(Observation::Window(Box::new(window(kind, second, &mut noise, &mut latencies))));
    }
    if kind != Kind::Interrupted {
        run.push(Observation::StageEnded(StageEnded { at: seconds(END), stage: "hold".to_owned() }));
    }
    run.extend(witnesses(kind));
    run.push(Observation::Ledger(ledger(kind, until)));
    run.extend(latencies.into_iter().map(|((metric, qos, stage), histogram)| {
        let labels = Labels::none().with(label::STAGE, stage);
        let labels = match qos.split_once('/') {
            Some((qos, group)) => labels.with(label::QOS, qos).with(label::GROUP, group),
            None => labels,
        };
        Observation::Histogram(HistogramRecord { metric, labels, histogram: EncodedHistogram::of(&histogram) })
    }));
    run.extend(connects(kind, &mut noise));
    run.push(Observation::GeneratorHealth(health(kind)));
    run.extend(thresholds(kind).into_iter().map(Observation::Threshold));
    run.push(Observation::RunEnded(ended(kind, until)));
    run
}

/// How long connecting took: all at the beginning, and the 37 that were lost once more, slower.
fn connects(kind: Kind, noise: &mut Noise) -> Vec<Observation> {
    let again = if kind == Kind::Failing { 37 } else { 0 };
    let of_stage = |(stage, number, factor): (&str, u64, u64)| {
        let mut histogram = house_histogram();
        (0..number).for_each(|_| histogram.saturating_record(noise.latency() * factor));
        Observation::Histogram(HistogramRecord {
            metric: metric::CONNECT.to_owned(),
            labels: Labels::none().with(label::STAGE, stage),
            histogram: EncodedHistogram::of(&histogram),
        })
    };
    let stages = [("ramp", 300, 2), ("hold", again, 9)];
    stages.into_iter().filter(|(_, number, _)| *number > 0).map(of_stage).collect()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn started(kind: Kind) -> RunStarted {
    let group = |(name, model, count, qos, _): &(&str, &str, u64, Qos, u64)| DeviceGroup {
        name: (*name).to_owned(),
        model: (*model).to_owned(),
        role: Role::Device,
        count: *count,
        qos: Some(*qos),
    };
    let application = |name: &str, model: &str, role, count| DeviceGroup {
        name: name.to_owned(),
        model: model.to_owned(),
        role,
        count,
        qos: Some(Qos::AtLeastOnce),
    };
    let mut groups: Vec<DeviceGroup> = GROUPS.iter().map(group).collect();
    groups.push(application("farm_services", "service", Role::Subscriber, 4));
    groups.push(application("dashboards", "dashboard", Role::Idle, 96));
    RunStarted {
        schema: SCHEMA,
        tool: Tool { name: "paddock".to_owned(), version: "0.1.0".to_owned() },
        run_id: "5eed0042".to_owned(),
        seed: 42,
        started_at: "2026-11-21T05:42:00Z".parse().expect("a time"),
        scenario: ScenarioInfo {
            name: "phase-1".to_owned(),
            title: "Phase 1 at its design rate".to_owned(),
            description: "The first dairy goes live: 200 devices in one barn publish 500 messages a second, and the farm's \
                          own services, dashboards and apps listen.\n\nThe rate is constant. What a real day looks like, \
                          with its milking peaks, is the scenario phase-1-day."
                .to_owned(),
            phase: Some("phase 1".to_owned()),
        },
        target: TargetInfo {
            address: "mqtt://127.0.0.1:41883".to_owned(),
            description: "reference broker 0.1.0, child process, 1 worker".to_owned(),
            versions: vec!["5.0".to_owned(), "3.1.1".to_owned()],
        },
        command: ["paddock", "run", "scenarios/catalogue/phase-1.toml", "--seed", "42"].map(str::to_owned).to_vec(),
        stages: vec![
            PlannedStage { name: "ramp".to_owned(), start: seconds(0), duration: seconds(WARM_UP), rate: None, measured: false },
            PlannedStage {
                name: "hold".to_owned(),
                start: seconds(WARM_UP),
                duration: seconds(END - WARM_UP),
                rate: Some(RATE as f64),
                measured: true,
            },
        ],
        groups,
        thresholds: thresholds(kind).into_iter().map(|outcome| outcome.expression).collect(),
        environment: Environment {
            host: "barn".to_owned(),
            kernel: "Linux 6.1.0-28-amd64".to_owned(),
            processor: "AMD EPYC 7B13".to_owned(),
            cores: Some(2),
            memory_bytes: Some(8 << 30),
            file_limit: Some(1_048_576),
            shared_with_target: true,
        },
        preflight: vec![
            Preflight {
                name: "open files".to_owned(),
                observed: "1,048,576".to_owned(),
                wanted: "at least 1,224".to_owned(),
                ok: Some(true),
                why: "Every connection of the generator is an open file.".to_owned(),
                how: "ulimit -Hn 1224".to_owned(),
            },
            Preflight {
                name: "net.ipv4.tcp_max_syn_backlog".to_owned(),
                observed: "not readable".to_owned(),
                wanted: "at least 4,096".to_owned(),
                ok: None,
                why: "Connections half open.".to_owned(),
                how: "sysctl -w net.ipv4.tcp_max_syn_backlog=\"4096\"".to_owned(),
            },
            Preflight {
                name: "net.core.somaxconn".to_owned(),
                observed: "128".to_owned(),
                wanted: "at least 4,096".to_owned(),
                ok: Some(kind == Kind::Passing),
                why: "Connections that wait to be accepted.".to_owned(),
                how: "sysctl -w net.core.somaxconn=\"4096\"".to_owned(),
            },
        ],
        segments: Vec::new(),
    }
}

fn stage_changes(second: u64) -> Vec<Observation> {
    let began = |stage: &str| Observation::StageStarted(StageStarted { at: seconds(second), stage: stage.to_owned() });
    match second {
        0 => vec![began("ramp")],
        WARM_UP => {
            vec![Observation::StageEnded(StageEnded { at: seconds(second), stage: "ramp".to_owned() }), began("hold")]
        }
        _ => Vec::new(),
    }
}

fn events(kind: Kind, second: u64) -> Vec<Observation> {
    let event = |event, count, text: &str| {
        Observation::Event(Event {
            at: seconds(second),
            event,
            count,
            client: None,
            group: None,
            text: text.to_owned(),
        })
    };
    match (kind, second) {
        (Kind::Failing, 30) => vec![event(EventKind::Injected, 1, "broker frozen for 2 s")],
        (Kind::Failing, 46) => vec![event(EventKind::ConnectionLost, 37, "connection reset by peer")],
        (Kind::Failing, 49) => vec![event(EventKind::Reconnected, 37, "")],
        (Kind::Invalid, 34) => vec![event(EventKind::Warning, 1, "the generator used 1.0 of the 2 cores for 10 s")],
        _ => Vec::new(),
    }
}

fn window(
    kind: Kind,
    second: u64,
    noise: &mut Noise,
    latencies: &mut BTreeMap<(String, String, String), Histogram<u64>>,
) -> Window {
    let stage = if second < WARM_UP { "ramp" } else { "hold" };
    let ramp = if second < WARM_UP { second * RATE / WARM_UP } else { RATE };
    let frozen = kind == Kind::Failing && (30..32).contains(&second);
    let thawed = kind == Kind::Failing && second == 32;
    let starved = kind == Kind::Invalid && second > 30;
    let mut window = Window { at: seconds(second), length: seconds(1), stage: stage.to_owned(), ..Window::default() };
    let mut distributions = [house_histogram(), house_histogram(), house_histogram()];
    for (name, _, _, qos, share) in GROUPS {
        let intended = ramp * share / RATE;
        let sent = if starved { intended * 7 / 10 } else { intended };
        let lost = if kind == Kind::Failing && (46..49).contains(&second) && name == "climate" { sent / 5 } else { 0 };
        let received = match () {
            () if frozen => 0,
            () if thawed => sent * 3,
            () => sent - lost,
        };
        let acknowledged = if qos == Qos::AtMostOnce { 0 } else { received };
        let flow = Flow { intended, sent, acknowledged, expected: sent, received };
        window.total += flow;
        window.qos[qos.index()] += flow;
        window.groups.insert(name.to_owned(), flow);
        for index in 0..received {
            let service = noise.latency() + if thawed { 2_000_000_000 * (index % 97) / 97 } else { 0 };
            let lag = noise.lag() + if starved { (second - 30) * 40_000_000 + noise.latency() } else { 0 };
            let samples = [(metric::E2E, service + lag), (metric::SERVICE, service), (metric::GENERATOR_LAG, lag)];
            for (distribution, (metric, value)) in distributions.iter_mut().zip(samples) {
                distribution.saturating_record(value);
                let key = (metric.to_owned(), format!("{}/{name}", u8::from(qos)), stage.to_owned());
                latencies.entry(key).or_insert_with(house_histogram).saturating_record(value);
            }
        }
    }
    let [e2e, service, lag] = distributions.each_ref().map(percentiles);
    let offline = if kind == Kind::Failing && (46..49).contains(&second) { 37 } else { 0 };
    window.connections = (300 * (second + 1) / 4).min(300) - offline;
    (window.e2e, window.service, window.lag) = (e2e, service, lag);
    let busy = if frozen { 0.0 } else { 0.11 + noise.share() * 0.03 };
    window.target =
        Some(ProcessUsage { cpu: Some(busy), rss_bytes: Some((9 << 20) + second * 4096), open_files: Some(312) });
    let own = if starved { 1.0 } else { 0.18 + noise.share() * 0.02 };
    window.generator = Some(ProcessUsage { cpu: Some(own), rss_bytes: Some(21 << 20), open_files: Some(318) });
    window
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
    Percentiles {
        count: histogram.len(),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        max: at(1.0),
        histogram: (!histogram.is_empty()).then(|| EncodedHistogram::of(histogram)),
    }
}

fn lost(kind: Kind) -> u64 {
    if kind == Kind::Failing { 114 } else { 0 }
}

fn witnesses(kind: Kind) -> Vec<Observation> {
    let witness = |index: u64| {
        Observation::Witness(Witness {
            fault: WitnessKind::Lost,
            topic: format!("farm/f1/barn/b{}/temperature/t{:02}/data", index % 3, index % 38),
            client: format!("climate-{:05}", index % 76),
            group: "climate".to_owned(),
            subscriber: "$share/ingest/farm/#".to_owned(),
            stream: 64 + (index % 76) as u32,
            sequence: 95 + (index / 76) as u32,
            qos: Qos::AtMostOnce,
            intended: Some(Duration::from_micros(46_000_000 + index * 26_300)),
            received: None,
        })
    };
    let duplicated = |index: u64| {
        Observation::Witness(Witness {
            fault: WitnessKind::Duplicated,
            topic: "farm/f1/parlour/p1/milk/m07/data".to_owned(),
            client: "milk-00007".to_owned(),
            group: "milk_meters".to_owned(),
            subscriber: "farm-services-1".to_owned(),
            stream: 7,
            sequence: 112 + index as u32,
            qos: Qos::AtLeastOnce,
            intended: Some(Duration::from_millis(45_960 + index)),
            received: Some(Duration::from_millis(49_120 + index)),
        })
    };
    match kind {
        Kind::Failing => (0..lost(kind)).map(witness).chain((0..3).map(duplicated)).collect(),
        _ => Vec::new(),
    }
}

fn ledger(kind: Kind, until: u64) -> Ledger {
    let rows = GROUPS.iter().map(|(group, _, _, qos, share)| {
        let intended = share * (until - WARM_UP);
        let not_sent = if kind == Kind::Invalid { intended * 3 / 10 } else { 0 };
        let published = intended - not_sent;
        let lost = if *group == "climate" { lost(kind) } else { 0 };
        let duplicated = if kind == Kind::Failing && *group == "milk_meters" { 3 } else { 0 };
        let received = published - lost + duplicated;
        let counts = LedgerCounts {
            intended,
            published,
            not_sent,
            expected: published,
            received,
            lost,
            duplicated,
            ..LedgerCounts::default()
        };
        LedgerRow { qos: *qos, group: (*group).to_owned(), stage: String::new(), counts }
    });
    Ledger { rows: rows.collect() }
}

fn health(kind: Kind) -> GeneratorHealth {
    let lag = |p99: u64| Percentiles {
        count: 30_000,
        p50: Duration::from_micros(40),
        p95: Duration::from_micros(p99 / 2),
        p99: Duration::from_micros(p99),
        max: Duration::from_micros(p99 * 3),
        histogram: None,
    };
    match kind {
        Kind::Invalid => GeneratorHealth {
            health: Health::Saturated,
            lag: lag(1_400_000),
            lag_p999: Duration::from_millis(1_500),
            cpu: Some(1.0),
            cause:
                "lag p99.9 1.50 s against a limit of 5 ms, with empty send queues; 30 % of the schedule was not sent"
                    .to_owned(),
        },
        _ => GeneratorHealth {
            health: Health::Sound,
            lag: lag(310),
            lag_p999: Duration::from_micros(420),
            cpu: Some(0.19),
            cause: String::new(),
        },
    }
}

fn thresholds(kind: Kind) -> Vec<ThresholdOutcome> {
    let outcome = |expression: &str, observed: f64, unit, held: bool, reason: &str| ThresholdOutcome {
        expression: expression.to_owned(),
        observed: Some(observed),
        unit,
        result: match (kind, held) {
            (Kind::Interrupted, _) => ThresholdResult::Inconclusive,
            (_, true) => ThresholdResult::Pass,
            (_, false) => ThresholdResult::Fail,
        },
        reason: if held { String::new() } else { reason.to_owned() },
        worst: None,
    };
    let (p99, lost, sent) = match kind {
        Kind::Failing => (1.53e9, 114.0, 500.0),
        Kind::Invalid => (1.52e9, 0.0, 360.0),
        _ => (2.72e6, 0.0, 500.0),
    };
    vec![
        outcome("e2e: p(99)<200ms", p99, Unit::Nanoseconds, p99 < 2e8, "7.6 times the limit"),
        outcome("loss: count==0", lost, Unit::Count, lost == 0.0, "all of them at QoS 0 from climate"),
        outcome(
            "rate{stage:hold}: min>=0.99*intended",
            sent,
            Unit::PerSecond,
            sent > 495.0,
            "72 % of the intended rate",
        ),
        outcome(
            "generator_lag: p(99.9)<5ms",
            if kind == Kind::Invalid { 1.5e9 } else { 4.2e5 },
            Unit::Nanoseconds,
            kind != Kind::Invalid,
            "300 times the limit",
        ),
    ]
}

fn ended(kind: Kind, until: u64) -> RunEnded {
    let (ending, verdict, exit_code, reasons) = match kind {
        Kind::Passing => (Ending::Completed, Verdict::Pass, 0, vec![]),
        Kind::Failing => (
            Ending::Completed,
            Verdict::Fail,
            6,
            vec!["e2e: p(99) was 1.53 s, demanded <200ms", "loss: count was 114, demanded ==0"],
        ),
        Kind::Interrupted => (Ending::Interrupted, Verdict::Inconclusive, 130, vec!["stopped by Ctrl-C"]),
        Kind::Invalid => (Ending::Completed, Verdict::Invalid, 7, vec!["the generator could not keep its schedule"]),
    };
    RunEnded {
        at: seconds(until),
        ended_at: "2026-11-21T05:43:08Z".parse().expect("a time"),
        ending,
        verdict,
        exit_code,
        reasons: reasons.into_iter().map(str::to_owned).collect(),
    }
}

/// A small seeded generator, so that specimens are the same everywhere.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn share(&mut self) -> f64 {
        self.next() as f64 / f64::from(1_u32 << 31)
    }

    /// Nanoseconds with a tail: mostly under a millisecond, one in a hundred a few times that.
    fn latency(&mut self) -> u64 {
        let rare = self.share().max(1e-6);
        (320_000.0 + 180_000.0 * rare.powf(-0.55)) as u64
    }

    fn lag(&mut self) -> u64 {
        let rare = self.share().max(1e-6);
        (20_000.0 + 12_000.0 * rare.powf(-0.5)) as u64
    }
}
