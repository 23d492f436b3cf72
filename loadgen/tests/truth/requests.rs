//! Requests and answers against a broker that misbehaves on purpose.

use super::*;
use reports::observation::RequestCounts;

/// The devices of the other tests, who are asked a hundred times a second for three seconds.
fn asking(plan: &mut Plan, version: &str) {
    let text = SCENARIO.replace("HOLD", "3s").replace("RATE", "10").replace(
        "[[stages]]",
        &format!(
            "[requests.parlour]\nto = [\"meter\", \"collar\"]\nrate = 100\nrequesters = 2\nversion = \"{version}\"\n\
             timeout = \"500ms\"\n\n[[stages]]"
        ),
    ) + "unanswered = [\"count==0\"]\n";
    plan.scenario = scenarios::parse("asking.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
}

fn asked(run: &Judged) -> RequestCounts {
    run.outcome.summary.request_counts(&Labels::none()).unwrap()
}

#[test]
fn every_request_is_answered_and_timed_in_both_versions() {
    for version in ["5.0", "3.1.1"] {
        let run = judged(Script::default(), "3s", 10, |plan| asking(plan, version));
        let counts = asked(&run);
        assert_eq!((counts.intended, counts.sent, counts.answered), (300, 300, 300), "{version}");
        assert_eq!((counts.unanswered, counts.repeated, counts.not_sent), (0, 0, 0), "{version}");
        for labels in [Labels::none(), Labels::none().with(label::GROUP, "parlour").with(label::QOS, 1)] {
            let timed = run.outcome.summary.histogram(metric::ROUND_TRIP, &labels).map(|samples| samples.len());
            assert_eq!(timed, Some(300), "{version} {labels}");
        }
        assert_eq!(exit_by_figures(&run), Exit::Pass, "{version}");
    }
}

#[test]
fn exactly_the_requests_are_named_that_were_never_answered() {
    for version in ["5.0", "3.1.1"] {
        let script = Script { mute: vec![0, 7, 100, 101, 299], ..Script::default() };
        let run = judged(script, "3s", 10, |plan| asking(plan, version));
        let counts = asked(&run);
        assert_eq!((counts.sent, counts.answered, counts.unanswered), (300, 295, 5), "{version}");
        let named = run.observations.iter().filter_map(|observation| match observation {
            Observation::Witness(witness) if witness.fault == WitnessKind::Unanswered => Some(&witness.topic),
            _ => None,
        });
        let mut named: Vec<&String> = named.collect();
        let mut muted: Vec<&String> = run.deeds.muted.iter().collect();
        named.sort_unstable();
        muted.sort_unstable();
        assert_eq!((named.len(), named), (5, muted), "{version}");
        assert_eq!(exit_by_figures(&run), Exit::Thresholds, "{version}");
        assert_eq!(count(&run.outcome, Counter::Lost), 0, "no measured message was lost");
    }
}

#[test]
fn a_stalled_broker_shows_in_the_round_trips_and_makes_answers_late() {
    let script = Script { freeze_at_command: Some((100, Duration::from_secs(1))), ..Script::default() };
    let run = judged(script, "3s", 10, |plan| asking(plan, "5.0"));
    let counts = asked(&run);
    assert_eq!((counts.intended, counts.sent, counts.unanswered), (300, 300, 0));
    // A third of the requests fall into the silence and wait between 0 and 1 s: p90 is 0.7 s, and half of them are late.
    let p90 = run.outcome.summary.quantile(metric::ROUND_TRIP, &Labels::none(), 0.90).unwrap();
    assert!(p90 >= Duration::from_millis(600), "{p90:?}");
    assert!(counts.late >= 45, "{counts:?}");
    assert_eq!(counts.answered, 300, "late ones are answered");
    let late = run.observations.iter().filter(|observation| {
        matches!(observation, Observation::Witness(witness) if witness.fault == WitnessKind::LateAnswer
            && witness.received.unwrap() - witness.intended.unwrap() > Duration::from_millis(500))
    });
    assert_eq!(late.count() as u64, counts.late);
}

#[test]
fn a_generator_that_is_late_with_a_request_counts_that_time() {
    // It looks four times a second: a request waits for up to a quarter of a second before it is sent.
    let pause = Duration::from_millis(250);
    let run = interrupted(
        Script::default(),
        "3s",
        10,
        |plan| {
            asking(plan, "5.0");
            plan.scenario.requests[0].timeout = Duration::from_millis(1);
        },
        |memory| wasteful(memory, pause, Duration::from_secs(6)),
    );
    let of = |metric| run.outcome.summary.quantile(metric, &Labels::none(), 0.5).unwrap();
    assert!(of(metric::ROUND_TRIP) >= Duration::from_millis(250), "{:?}", of(metric::ROUND_TRIP));
    let lag = Labels::none().with(label::GROUP, "parlour");
    let lag = run.outcome.summary.quantile(metric::GENERATOR_LAG, &lag, 0.5).unwrap();
    assert!(lag >= Duration::from_millis(60), "{lag:?}");
    // An answer is late but to what is intended in the last millisecond before a look, and so nearly each request is named: with
    // the moment of the schedule, and nothing else is what was timed.
    let late = run.observations.iter().filter_map(|observation| match observation {
        Observation::Witness(witness) if witness.fault == WitnessKind::LateAnswer => {
            Some((witness.intended.unwrap(), witness.received.unwrap()))
        }
        _ => None,
    });
    let mut late: Vec<(Duration, Duration)> = late.collect();
    late.sort_unstable();
    assert!((290..=300).contains(&late.len()), "{}", late.len());
    for pair in late.windows(2) {
        let apart = (pair[1].0 - pair[0].0).as_secs_f64() * 100.0;
        assert!(apart > 0.5 && (apart - apart.round()).abs() < 1e-4, "{apart} hundredths of a second");
    }
    let mut trips: Vec<Duration> = late.iter().map(|(intended, received)| *received - *intended).collect();
    trips.sort_unstable();
    let timed = of(metric::ROUND_TRIP);
    let middle = trips[trips.len() / 2];
    assert!(timed.abs_diff(middle) <= timed / 50, "{timed:?} {middle:?}");
    assert_eq!(run.outcome.exit, Exit::Invalid);
}
