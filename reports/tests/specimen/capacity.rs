//! Searches as they come out, for every renderer.

use jiff::Timestamp;
use reports::capacity::{
    Answer, BrokerLoad, CAPACITY_DOCUMENT, CAPACITY_SCHEMA, Capacity, Ceiling, Dimension, Fit, GeneratorLoad, Headroom,
    LagLimit, Latency, Limit, Limiter, Resource, Searched, Step, StepKind, StepVerdict, Subject, sentence,
};
use reports::observation::{
    Ending, Environment, Health, Preflight, ScenarioInfo, TargetInfo, ThresholdOutcome, ThresholdResult, Tool, Unit,
};
use std::time::Duration;

/// A broker whose one thread is full at 4,000 messages per second: a confirmed answer.
pub(crate) fn confirmed() -> Capacity {
    let asked = [500.0, 500.0, 1000.0, 2000.0, 4000.0, 3000.0, 3500.0, 3750.0, 3870.0];
    let mut steps: Vec<Step> = asked.iter().zip(1..).map(|(asked, number)| step(number, *asked)).collect();
    steps[0].kind = StepKind::WarmUp;
    steps[5..].iter_mut().for_each(|step| step.kind = StepKind::Bisection);
    for number in 10..13 {
        let hold = Duration::from_secs(30);
        steps.push(Step { kind: StepKind::Confirmation, hold, ..step(number, 3750.0) });
    }
    let answer = Answer::Confirmed { figure: 3750.0, confirmations: 3, broke_at: 3870.0 };
    signed(Capacity {
        held: Some(3750.0),
        not_held: Some(3870.0),
        limiter: Some(Limiter {
            resource: Resource::BrokerCpu,
            evidence: "it used 0.98 of one core at 3,870 msg/s".into(),
        }),
        headroom: Headroom::of(3750.0),
        ceiling: Some(Ceiling { figure: 52_000.0, at_least: true, source: "ceiling/capacity.json".into() }),
        fit: Some(Fit { lambda: 2600.0, sigma: 0.61, kappa: 0.002, points: 8, r_squared: 0.987, peak: Some(4010.0) }),
        ..frame(steps, answer, Some(0))
    })
}

/// The generator was the bottleneck before the broker was.
pub(crate) fn generator_limited() -> Capacity {
    let mut steps: Vec<Step> =
        [500.0, 1000.0, 2000.0, 4000.0].iter().zip(1..).map(|(asked, n)| step(n, *asked)).collect();
    steps[3] = Step {
        verdict: StepVerdict::Saturated,
        reason: "the generator was saturated: p99.9 of its lag was 41.0 ms (limit 20ms, of 40,000 messages), waits for the \
                 target left out; it waited 4 s of 12 s for a processor that others had; the host took 5 % of this \
                 machine's processor time away (steal); its send queues were empty: the target did not hold it up; this \
                 process used 64 % of a core"
            .into(),
        generator: GeneratorLoad { health: Some(Health::Saturated), ..steps[3].generator.clone() },
        ..steps[3].clone()
    };
    let answer = Answer::AtLeast {
        figure: 2000.0,
        confirmations: 3,
        limited_by: Limit::Generator,
        reason: "at 4,000 msg/s the generator was saturated".into(),
    };
    signed(Capacity {
        held: Some(2000.0),
        not_held: Some(4000.0),
        limiter: Some(Limiter { resource: Resource::Generator, evidence: "its lag was 41.0ms".into() }),
        headroom: Headroom::of(2000.0),
        ..frame(steps, answer, Some(0))
    })
}

/// Nothing could be confirmed, and the names are hostile.
pub(crate) fn none() -> Capacity {
    let broke = Step {
        verdict: StepVerdict::Broke,
        reason: "missed: e2e: p(99)<200ms (observed 2.31s) <script>alert(1)</script>\u{1b}[2J".into(),
        broker: BrokerLoad::default(),
        latency: None,
        achieved: None,
        ..step(1, 1.0)
    };
    let answer = Answer::None { reason: "the SLO broke at 1 subscriber per message already".into() };
    let mut capacity = Capacity { not_held: Some(1.0), ..frame(vec![broke], answer, Some(8)) };
    capacity.scenario.title = "</title><script>alert(1)</script>".into();
    capacity.search.dimension = Dimension::FanOut;
    capacity.search.rate = Some(500.0);
    signed(capacity)
}

/// A search that goes on, or was cut off.
pub(crate) fn unfinished() -> Capacity {
    let answer = Answer::None { reason: "the search goes on".into() };
    signed(Capacity { ended_at: None, ending: None, ..frame(vec![step(1, 500.0)], answer, None) })
}

fn frame(steps: Vec<Step>, answer: Answer, exit_code: Option<u8>) -> Capacity {
    Capacity {
        document: CAPACITY_DOCUMENT.into(),
        schema: CAPACITY_SCHEMA,
        tool: Tool { name: "paddock".into(), version: "0.1.0".into() },
        seed: 42,
        started_at: Timestamp::from_second(1_795_000_000).expect("a time"),
        ended_at: Timestamp::from_second(1_795_000_300).ok(),
        command: ["paddock", "capacity", "phase-1"].map(str::to_owned).to_vec(),
        scenario: ScenarioInfo {
            name: "phase-1".into(),
            title: "Phase 1, constant rate".into(),
            ..ScenarioInfo::default()
        },
        target: TargetInfo {
            address: "mqtt://127.0.0.1:41883".into(),
            description: "reference broker 0.1.0, child process".into(),
            versions: vec!["5.0".into()],
        },
        subject: Subject::Broker,
        search: Searched {
            dimension: Dimension::Rate,
            slo: ["e2e: p(99)<200ms", "loss: count==0"].map(str::to_owned).to_vec(),
            lag_limit: Some(LagLimit {
                limit: Duration::from_millis(20),
                because: "a tenth of what e2e: p(99)<200ms allows".into(),
            }),
            rate: None,
            start: 500.0,
            most: 1_000_000.0,
            most_because: "the highest rate that a search tries".into(),
            tolerance: 0.05,
            confirmations: 3,
            hold: Duration::from_secs(10),
            confirmation_hold: Duration::from_secs(30),
        },
        steps,
        held: None,
        not_held: None,
        answer,
        sentence: String::new(),
        limiter: None,
        headroom: Vec::new(),
        ceiling: None,
        fit: None,
        environment: Environment { host: "barn".into(), cores: Some(2), ..Environment::default() },
        preflight: vec![Preflight {
            name: "open files".into(),
            observed: "1048576".into(),
            wanted: "364".into(),
            ok: Some(true),
            ..Preflight::default()
        }],
        remarks: Vec::new(),
        ending: Some(Ending::Completed),
        exit_code,
    }
}

fn signed(capacity: Capacity) -> Capacity {
    Capacity { sentence: sentence(&capacity), ..capacity }
}

/// A queue in front of one thread that is full at 4,000 messages per second.
fn step(number: u32, asked: f64) -> Step {
    let broke = asked > 3800.0;
    let p50 = if broke { Duration::from_millis(1200) } else { Duration::from_secs_f64(1.0 / (4000.0 - asked)) };
    Step {
        number,
        kind: StepKind::Doubling,
        attempt: 1,
        asked,
        achieved: Some(asked.min(3810.0)),
        hold: Duration::from_secs(10),
        verdict: if broke { StepVerdict::Broke } else { StepVerdict::Held },
        reason: if broke { "missed: e2e: p(99)<200ms (observed 2.31s)".into() } else { String::new() },
        slo: vec![ThresholdOutcome {
            expression: "e2e: p(99)<200ms".into(),
            observed: Some((p50 * 4).as_nanos() as f64),
            unit: Unit::Nanoseconds,
            result: if broke { ThresholdResult::Fail } else { ThresholdResult::Pass },
            reason: String::new(),
            worst: None,
        }],
        sent_per_second: Some(asked.min(3810.0)),
        received_per_second: Some(asked.min(3810.0) * 2.5),
        latency: Some(Latency {
            count: (asked * 10.0) as u64,
            mean: p50 * 5 / 4,
            p50,
            p95: p50 * 3,
            p99: p50 * 4,
            max: p50 * 6,
        }),
        connect: None,
        connections: 300,
        intended: (asked * 10.0) as u64,
        lost: 0,
        duplicated: 0,
        not_sent: 0,
        unacknowledged: 0,
        generator: GeneratorLoad {
            health: Some(Health::Sound),
            lag_p999: Some(Duration::from_micros(800)),
            cpu: Some(asked / 20_000.0),
        },
        broker: BrokerLoad {
            cpu: Some((asked / 4000.0).min(0.98)),
            cpu_peak: Some((asked / 3900.0).min(1.0)),
            rss_bytes: Some(12 << 20),
            open_files: Some(312),
        },
        folder: format!("steps/{number:02}-{asked}"),
    }
}
