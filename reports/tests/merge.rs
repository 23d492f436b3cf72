//! Segments that do not make up a run are refused, each with its reason; those that do keep their times.

mod specimen;

use reports::merge::{Joint, MergeError, Part, merge};
use reports::observation::{Attendance, BrokerDrops, Evidence, Observation, RunEnded, RunStarted, SegmentInfo, Window};
use specimen::Kind;
use std::collections::BTreeMap;
use std::time::Duration;

/// Share `index` of two, which says what the specimen says, and after it what `change` made of it.
fn segment(index: u32, change: impl Fn(&mut Observation)) -> Vec<Observation> {
    let mut run = specimen::run(Kind::Passing);
    let Observation::RunStarted(started) = &mut run[0] else { panic!("a run begins with its frame") };
    started.segments = vec![SegmentInfo {
        index,
        count: 2,
        started_at: started.started_at,
        agreed: true,
        plan: Kind::Passing.name().to_owned(),
        machine: "barn".to_owned(),
        clock_error: None,
        reading_error: Duration::from_micros(1),
    }];
    run.truncate(40);
    let evidence = Evidence { attendance: Some(Attendance::default()), ..Evidence::default() };
    run.push(Observation::Evidence(Box::new(evidence)));
    let whole = specimen::run(Kind::Passing);
    run.extend(whole.iter().filter(|one| matches!(one, Observation::Histogram(_))).take(1).cloned());
    run.extend(whole.last().cloned());
    run.iter_mut().for_each(change);
    run
}

/// Joins them; with what was recorded by then.
fn joined(segments: Vec<Vec<Observation>>) -> (Result<Joint, MergeError>, Vec<Observation>) {
    let names = ["one", "two", "three"];
    let parts = segments.into_iter().zip(names);
    let parts = parts.map(|(run, name)| Part { name: name.to_owned(), reader: run.into_iter().map(Ok) });
    let mut recorded = Vec::new();
    let joint = merge(parts.collect(), |observation| recorded.push(observation));
    (joint, recorded)
}

fn frame(change: impl Fn(&mut RunStarted)) -> impl Fn(&mut Observation) {
    move |observation| {
        if let Observation::RunStarted(run) = observation {
            change(run);
        }
    }
}

fn info(change: impl Fn(&mut SegmentInfo)) -> impl Fn(&mut Observation) {
    frame(move |run| run.segments.iter_mut().for_each(&change))
}

fn windows(change: impl Fn(&mut Window)) -> impl Fn(&mut Observation) {
    move |observation| {
        if let Observation::Window(window) = observation {
            change(window);
        }
    }
}

fn as_it_was(_: &mut Observation) {}

#[test]
fn what_is_no_run_in_segments_is_refused_before_anything_is_recorded() {
    let one = || segment(1, as_it_was);
    let two = |change: &dyn Fn(&mut Observation)| segment(2, change);
    let cases: [(Vec<Vec<Observation>>, &str); 16] = [
        (vec![], "there is nothing to join"),
        (vec![one(), vec![]], "two holds no run of `paddock run`"),
        (vec![one(), one()[1..].to_vec()], "two holds no run of `paddock run`"),
        (vec![one(), two(&frame(|run| run.segments.clear()))], "two is a whole run"),
        (vec![one(), two(&frame(|run| run.segments.extend(run.segments.clone())))], "two is joined already"),
        (
            vec![one(), two(&frame(|run| run.scenario.name = "other".into()))],
            "the scenario is phase-1 in the first and",
        ),
        (vec![one(), two(&frame(|run| run.seed = 7))], "the seed is 42 in the first and 7 in the second"),
        (vec![one(), two(&frame(|run| run.run_id = "5eed0007".into()))], "the run id is 5eed0042 in the first and"),
        (vec![one(), two(&frame(|run| run.tool.version = "9".into()))], "the version is "),
        (vec![one(), two(&info(|info| info.count = 3))], "the number of segments is 2 in the first and 3"),
        (vec![one(), two(&info(|info| info.plan = "0dd".into()))], "the plan of the scenario is passing in the first"),
        (vec![one(), two(&info(|info| info.agreed = false))], "the second"),
        (vec![one(), one()], "one and two are both segment 1/2"),
        (vec![one(), two(&as_it_was), segment(2, info(|info| info.index = 3))], "three claims to be segment 3/2"),
        (vec![segment(1, info(|info| info.index = 0)), two(&as_it_was)], "one claims to be segment 0/2"),
        (vec![two(&as_it_was)], "segments are missing: 1/2"),
    ];
    for (segments, expected) in cases {
        let (joint, recorded) = joined(segments);
        let why = joint.expect_err(expected).to_string();
        assert!(why.contains(expected), "{expected}: {why}");
        assert!(recorded.is_empty(), "{expected}");
    }
    let two = segment(2, info(|info| info.agreed = false));
    let why = joined(vec![one(), two]).0.expect_err("no agreed start").to_string();
    assert!(why.contains("the agreed start is 2026-") && why.ends_with("not agreed on in the second"), "{why}");
}

#[test]
fn segments_that_hold_too_little_are_refused() {
    let garbage = || serde_json::from_str("\"bm90aGluZw==\"").unwrap();
    let without = |what: fn(&Observation) -> bool| {
        let mut run = segment(2, as_it_was);
        run.retain(|one| !what(one));
        run
    };
    let ended_badly = |mut run: Vec<Observation>| {
        if let Some(Observation::RunEnded(ended)) = run.last_mut() {
            *ended = RunEnded { reasons: vec!["target unreachable: refused".into()], ..ended.clone() };
        }
        run
    };
    let broken_histogram = segment(2, |observation| {
        if let Observation::Histogram(record) = observation {
            record.histogram = garbage();
        }
    });
    let cases: [(Vec<Observation>, &str); 6] = [
        (without(|one| matches!(one, Observation::RunEnded(_))), "two was cut off before its account was closed"),
        (
            ended_badly(without(|one| matches!(one, Observation::Evidence(_)))),
            "two did not run: target unreachable: refused",
        ),
        (
            ended_badly(without(|one| matches!(one, Observation::StageStarted(_)))),
            "two did not run: target unreachable: refused",
        ),
        (broken_histogram, "two: histogram is not HdrHistogram V2"),
        (segment(2, windows(|window| window.e2e.histogram = Some(garbage()))), "two: histogram is not HdrHistogram V2"),
        (segment(2, windows(|window| window.lag.histogram = None)), "two holds a window without its distributions"),
    ];
    for (other, expected) in cases {
        let why = joined(vec![segment(1, as_it_was), other]).0.expect_err(expected).to_string();
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

/// The second segment is named first and started 1.6 s after the other one: its seconds are the other's, two later.
#[test]
fn times_count_from_the_first_segment_s_start() {
    let agreed = |late: u64| {
        info(move |info| (info.agreed, info.started_at) = (false, info.started_at + Duration::from_millis(late)))
    };
    let (joint, recorded) = joined(vec![segment(2, agreed(1600)), segment(1, agreed(0))]);
    let joint = joint.unwrap();
    let offsets: Vec<_> = joint.segments.iter().map(|one| (one.info.index, one.offset)).collect();
    assert_eq!(offsets, [(1, Duration::ZERO), (2, Duration::from_millis(1600))]);
    let first_started = joint.segments[0].info.started_at;
    assert_eq!((joint.run.started_at, joint.run.segments.len()), (first_started, 2));
    let flows = |run: &[Observation]| {
        let mut flows = BTreeMap::new();
        for one in run {
            if let Observation::Window(window) = one {
                *flows.entry(window.at.as_secs()).or_insert(0) += window.total.sent;
            }
        }
        flows
    };
    let (alone, both) = (flows(&segment(1, as_it_was)), flows(&recorded));
    let of = |second: u64| alone.get(&second).copied().unwrap_or(0);
    let expected =
        (0..=alone.len() as u64 + 1).map(|second| (second, of(second) + second.checked_sub(2).map_or(0, of)));
    assert_eq!(both, expected.collect());
    let stages: Vec<_> = recorded
        .iter()
        .filter_map(|one| match one {
            Observation::StageStarted(stage) => Some((stage.stage.as_str(), stage.at.as_secs())),
            Observation::StageEnded(stage) => Some((stage.stage.as_str(), stage.at.as_secs())),
            _ => None,
        })
        .collect();
    // A stage begins with the first segment that begins it and ends with the last.
    assert_eq!(stages, [("ramp", 0), ("hold", 8), ("ramp", 10)]);
}

#[test]
fn of_what_the_broker_says_the_longest_look_counts() {
    let saw = |index, slow| {
        let mut run = segment(index, as_it_was);
        let causes = [("slow".to_owned(), slow)].into();
        run.insert(
            41,
            Observation::BrokerDrops(BrokerDrops { source: "http://b/metrics".into(), causes, note: String::new() }),
        );
        run
    };
    let (joint, _) = joined(vec![saw(1, 30), saw(2, 28)]);
    assert_eq!(joint.unwrap().drops.map(|drops| drops.total()), Some(30));
}
