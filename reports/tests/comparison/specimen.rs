//! Comparisons that never happened: one that passes, one that regressed, one that cannot tell.

use reports::comparison::{
    Better, COMPARISON_SCHEMA, Compared, ComparedRun, Comparison, Interval, Outcome, Settings, Side, Values,
};
use reports::observation::{Environment, ScenarioInfo, TargetInfo, Tool, Unit};

pub(crate) fn all() -> [(&'static str, Comparison); 4] {
    [("passing", passing()), ("regressed", regressed()), ("inconclusive", inconclusive()), ("given_up", given_up())]
}

/// Nothing changed but noise.
pub(crate) fn passing() -> Comparison {
    let metrics = vec![
        latency(
            "e2e{qos:1} p(99)",
            "end to end p99 at QoS 1",
            [820e3, 850e3, 835e3],
            [828e3, 841e3, 826e3],
            Outcome::Pass,
            "",
        ),
        lossless(),
    ];
    comparison(metrics, Outcome::Pass, "candidate is no worse than mosquitto within 5 %", &[])
}

/// The tail grew, the processor works more, one run does not count, and a name tries to be markup.
pub(crate) fn regressed() -> Comparison {
    let tail = "12.1 % worse, and 5 % is tolerated";
    let metrics = vec![
        latency(
            "e2e{qos:1} p(50)",
            "end to end p50 at QoS 1",
            [120e3, 118e3, 121e3],
            [121e3, 119e3, 120e3],
            Outcome::Pass,
            "",
        ),
        latency(
            "e2e{qos:1} p(99)",
            "end to end p99 at QoS 1",
            [820e3, 850e3, 835e3],
            [920e3, 955e3, 933e3],
            Outcome::Regressed,
            tail,
        ),
        lossless(),
        rate(),
        latency(
            "broker_cpu_per_message avg",
            "broker CPU per message",
            [21.0e3, 22.0e3, 21.4e3],
            [21.1e3, 26.0e3, 20.9e3],
            Outcome::Inconclusive,
            "the interval reaches from -9.6% to +24.0%: repeat more often",
        ),
    ];
    let reasons = ["e2e{qos:1} p(99): 12.1 % worse, and 5 % is tolerated", "undecided: broker_cpu_per_message avg"];
    let mut it =
        comparison(metrics, Outcome::Regressed, "<b>candidate</b> is worse than mosquitto in 1 of 5 metrics", &reasons);
    it.new.name = "<b>candidate</b>".into();
    it.new.runs.push(ComparedRun {
        exit_code: Some(7),
        counted: false,
        reason: "its generator was saturated: p99.9 of its lag was 9.1ms".into(),
        report: Some("javascript:alert(1)//report.html".into()),
        ..run("new", 4)
    });
    it.warnings = vec!["the hosts differ: barn-ci-1 and barn-ci-2".into()];
    it
}

/// One run on one side.
pub(crate) fn inconclusive() -> Comparison {
    let mut metric = latency(
        "e2e{qos:1} p(99)",
        "end to end p99 at QoS 1",
        [820e3, 850e3, 835e3],
        [828e3, 841e3, 826e3],
        Outcome::Inconclusive,
        "1 run of new counts and 3 are needed",
    );
    metric.new = values(&[828e3]);
    metric.change = None;
    metric.difference = None;
    let mut it = comparison(
        vec![metric],
        Outcome::Inconclusive,
        "too few runs count to compare",
        &["1 run of new counts and 3 are needed"],
    );
    it.new.runs.truncate(1);
    it.settings.repeats = None;
    it.settings.interleaved = false;
    it
}

/// The second broker could not be started.
pub(crate) fn given_up() -> Comparison {
    let why = "candidate was not compared with mosquitto: run 2 of 6 (new, candidate) could not begin: candidate: cannot \
               start /opt/candidate/bin/broker: No such file or directory (os error 2)";
    let mut it = comparison(Vec::new(), Outcome::Inconclusive, why, &[]);
    it.exit_code = 5;
    it.base.runs.truncate(1);
    it.new.target = TargetInfo::default();
    it.new.runs.truncate(1);
    let failed = &mut it.new.runs[0];
    (failed.exit_code, failed.counted) = (Some(5), false);
    failed.reason = "candidate: cannot start /opt/candidate/bin/broker: No such file or directory (os error 2)".into();
    it
}

fn comparison(metrics: Vec<Compared>, verdict: Outcome, headline: &str, reasons: &[&str]) -> Comparison {
    let side = |name: &str, role: &str, address: &str| Side {
        name: name.into(),
        target: TargetInfo {
            address: address.into(),
            description: format!("{name}, started for each run"),
            versions: vec!["5.0".into()],
        },
        runs: (1..=3).map(|nth| run(role, nth)).collect(),
    };
    Comparison {
        schema: COMPARISON_SCHEMA,
        tool: Tool { name: "paddock".into(), version: "0.1.0".into() },
        compared_at: "2026-11-21T05:42:00Z".into(),
        command: ["paddock", "compare", "mosquitto", "candidate"].map(String::from).to_vec(),
        scenario: ScenarioInfo {
            name: "phase-1".into(),
            title: "Phase 1, design rate".into(),
            ..ScenarioInfo::default()
        },
        seed: 42,
        environment: Environment {
            host: "barn-ci-1".into(),
            processor: "Example 3000".into(),
            cores: Some(2),
            ..Environment::default()
        },
        settings: Settings {
            confidence: 0.95,
            max_regression: 0.05,
            repeats: Some(3),
            resamples: 10_000,
            seed: 42,
            interleaved: true,
        },
        base: side("mosquitto", "base", "mqtt://127.0.0.1:41883"),
        new: side("candidate", "new", "mqtt://127.0.0.1:41884"),
        metrics,
        verdict,
        exit_code: match verdict {
            Outcome::Pass => 0,
            Outcome::Regressed => 6,
            Outcome::Inconclusive => 8,
        },
        headline: headline.into(),
        reasons: reasons.iter().map(|&reason| reason.into()).collect(),
        warnings: Vec::new(),
    }
}

fn run(role: &str, nth: u32) -> ComparedRun {
    ComparedRun {
        folder: format!("runs/20261121T054200Z-compare-phase-1/{:02}-{role}", 2 * nth - u32::from(role == "base")),
        run_id: format!("0000{nth:04x}"),
        started_at: format!("2026-11-21T05:{:02}:00Z", 40 + nth),
        exit_code: Some(0),
        counted: true,
        reason: String::new(),
        report: Some(format!("{:02}-{role}/report.html", 2 * nth - u32::from(role == "base"))),
    }
}

fn latency(metric: &str, title: &str, base: [f64; 3], new: [f64; 3], verdict: Outcome, reason: &str) -> Compared {
    compared(metric, title, Unit::Nanoseconds, Better::Lower, base, new, verdict, reason)
}

fn lossless() -> Compared {
    compared("loss{qos:1} rate", "losses at QoS 1", Unit::Ratio, Better::Lower, [0.0; 3], [0.0; 3], Outcome::Pass, "")
}

fn rate() -> Compared {
    let (base, new) = ([1498.7, 1499.2, 1500.0], [1499.1, 1499.9, 1498.8]);
    compared(
        "delivery_rate avg",
        "deliveries per second",
        Unit::PerSecond,
        Better::Higher,
        base,
        new,
        Outcome::Pass,
        "",
    )
}

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
fn compared(
    metric: &str,
    title: &str,
    unit: Unit,
    better: Better,
    base: [f64; 3],
    new: [f64; 3],
    verdict: Outcome,
    reason: &str,
) -> Compared {
    let (base, new) = (values(&base), values(&new));
    let (before, after) = (base.mean.unwrap_or_default(), new.mean.unwrap_or_default());
    let around = |estimate: f64, width: f64| Interval { estimate, low: estimate - width, high: estimate + width };
    let width = if verdict == Outcome::Inconclusive { 0.168 } else { 0.021 };
    Compared {
        metric: metric.into(),
        title: title.into(),
        unit,
        better,
        difference: Some(around(after - before, before * width)),
        change: (before != 0.0).then(|| around(after / before - 1.0, width)),
        base,
        new,
        tolerance: 0.05,
        verdict,
        reason: reason.into(),
    }
}

fn values(per_run: &[f64]) -> Values {
    Values { per_run: per_run.to_vec(), mean: Some(per_run.iter().sum::<f64>() / per_run.len() as f64) }
}
