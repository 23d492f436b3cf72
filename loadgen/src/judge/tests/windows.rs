//! What the seconds of a run say, and where they say nothing.

use std::collections::BTreeMap;

use reports::observation::{Event, EventKind, Kept, ProcessUsage, Unit};

use super::{
    seconds::{encoded, hold, second, stretch, windowed},
    *,
};

/// A second of the hold with so many messages, in its own QoS and group too.
fn paced(at: u32, intended: u64, sent: u64) -> Observation {
    window(at, "hold", intended, sent)
}

fn altered(observation: Observation, change: impl FnOnce(&mut Window)) -> Observation {
    let Observation::Window(mut window) = observation else { unreachable!("a window") };
    change(&mut window);
    Observation::Window(window)
}

fn flow(intended: u64, sent: u64) -> Flow {
    Flow { intended, sent, ..Flow::default() }
}

#[test]
fn a_rate_bears_the_one_message_at_a_border() {
    let judged = |expression: &str, seen: &[Observation]| windowed("rate", expression, seen).result;
    assert_eq!(judged("min>=0.99*intended", &[paced(3, 101, 99)]), ThresholdResult::Pass, "99.99 less one");
    assert_eq!(judged("min>=0.99*intended", &[paced(3, 101, 98)]), ThresholdResult::Fail);
    assert_eq!(judged("max<=1.01*intended", &[paced(3, 100, 102)]), ThresholdResult::Pass);
    assert_eq!(judged("max<=1.01*intended", &[paced(3, 100, 103)]), ThresholdResult::Fail);
    assert_eq!(judged("min>=99", &[paced(3, 100, 98)]), ThresholdResult::Fail, "a number is one");
    // One message is more of half a second than of a whole one.
    let half = altered(paced(3, 500, 494), |window| window.length = SECOND / 2);
    assert_eq!(judged("min>=0.99*intended", &[half, paced(4, 1000, 988)]), ThresholdResult::Fail);
}

#[test]
fn a_moment_at_a_border_has_no_rate_and_has_connections() {
    let moment = altered(second(4, "hold", 10), |window| {
        window.length = SECOND / 10;
        window.connections = 100;
        window.total.sent = 0;
    });
    let seconds = [second(3, "hold", 10), moment];
    assert_eq!(windowed("rate", "min>=90", &seconds).result, ThresholdResult::Pass);
    assert_eq!(windowed("connections", "min>=200", &seconds).result, ThresholdResult::Fail);
}

#[test]
fn rates_are_told_apart_by_what_windows_keep() {
    let second = |keeps: bool| {
        altered(paced(3, 100, 100), |window| {
            window.qos[1] = flow(60, 50);
            window.groups = BTreeMap::from([("meters".to_owned(), flow(40, 30))]);
            if keeps {
                let kept = Kept { flow: flow(20, 10), ..Kept::default() };
                window.kept.insert("rate{qos:1,group:meters}".to_owned(), kept);
            }
        })
    };
    for (series, expression) in [
        ("rate", "avg==100"),
        ("rate{qos:1}", "avg==50"),
        ("rate{group:meters}", "avg==30"),
        ("rate{model:milk_meter}", "avg==30"),
        ("rate{model:collar}", "avg==0"),
        ("rate{group:meters,qos:1}", "avg==10"),
        ("rate{group:meters,qos:1}", "min==10"),
    ] {
        assert_eq!(
            windowed(series, expression, &[second(true)]).result,
            ThresholdResult::Pass,
            "{series} {expression}"
        );
    }
    for expression in ["avg>=0", "min>=0"] {
        let unkept = windowed("rate{group:meters,qos:1}", expression, &[second(false)]);
        assert_eq!(unkept.result, ThresholdResult::Inconclusive);
        assert_eq!(unkept.reason, "the run did not keep rate{group:meters,qos:1} second by second");
    }
}

#[test]
fn what_windows_outside_did_not_keep_is_not_missed() {
    let kept = |observation| {
        altered(observation, |window| {
            window.kept.insert("e2e{qos:1}".to_owned(), Kept { samples: Some(encoded([10])), ..Kept::default() });
        })
    };
    let seconds = [second(2, "warm-up", 10), kept(second(3, "hold", 10)), kept(second(4, "hold", 10))];
    let short = windowed("e2e{qos:1}", "max<1s over 3s", &seconds);
    assert_eq!(short.reason, "nothing was measured for as long as 3s within one stage");
}

#[test]
fn nothing_measured_is_said_so() {
    for (series, expression) in [
        ("rate", "min>=1 over 3s"),
        ("rate", "avg>=1"),
        ("broker_cpu_per_message", "avg<1s"),
        ("disconnects", "count==0"),
        ("disconnects", "count==0 over 3s"),
    ] {
        let none = windowed(series, expression, &[]);
        assert_eq!((none.result, &*none.reason), (ThresholdResult::Inconclusive, "nothing was measured"), "{series}");
    }
    let idle = altered(second(3, "hold", 10), |window| window.total.sent = 0);
    for expression in ["avg<1s", "avg<1s over 1s"] {
        let none = windowed("broker_cpu_per_message", expression, std::slice::from_ref(&idle));
        assert_eq!(
            (none.result, &*none.reason),
            (ThresholdResult::Inconclusive, "nothing was measured"),
            "of nothing sent"
        );
    }
    let empty = altered(second(3, "hold", 10), |window| window.e2e.histogram = None);
    let of_none = |expression: &str| windowed("e2e", expression, std::slice::from_ref(&empty)).result;
    assert_eq!(of_none("max<1s over 1s"), ThresholdResult::Inconclusive);
    assert_eq!(of_none("count>=1 over 1s"), ThresholdResult::Fail, "none is a number");
}

#[test]
fn where_nothing_is_measured_all_but_the_drain_counts() {
    let Observation::RunStarted(mut run) = started() else { unreachable!("a first line") };
    run.stages.iter_mut().for_each(|stage| stage.measured = false);
    let mut jury = Jury::new(&[threshold("rate", "avg==100")]);
    let drain = altered(paced(4, 0, 0), |window| window.stage.clear());
    [Observation::RunStarted(run), paced(3, 100, 100), drain].iter().for_each(|observation| jury.apply(observation));
    assert_eq!(jury.outcomes(&Summary::new())[0].result, ThresholdResult::Pass);
}

/// The hold of the usual plan, a measured stage after it, and one that is not between them.
fn two_stages() -> Observation {
    let Observation::RunStarted(mut run) = started() else { unreachable!("a first line") };
    let [_, hold] = &run.stages[..] else { unreachable!("two stages") };
    let peak = PlannedStage { name: "peak".to_owned(), start: SECOND * 8, ..hold.clone() };
    let ramp = PlannedStage { name: "peak ramp".to_owned(), start: SECOND * 6, measured: false, ..hold.clone() };
    run.stages.extend([ramp, peak]);
    Observation::RunStarted(run)
}

fn over_both(expression: &str, seconds: &[Observation]) -> ThresholdOutcome {
    let mut jury = Jury::new(&[threshold("e2e", expression)]);
    [two_stages()].iter().chain(seconds).for_each(|observation| jury.apply(observation));
    jury.outcomes(&Summary::new()).remove(0)
}

#[test]
fn no_window_reaches_from_one_stage_into_another() {
    let seconds = [second(4, "hold", 10), second(5, "hold", 10), second(8, "peak", 10), second(9, "peak", 10)];
    assert_eq!(over_both("max<1s over 2s", &seconds).result, ThresholdResult::Pass);
    assert_eq!(over_both("max<1s over 3s", &seconds).result, ThresholdResult::Inconclusive);
}

#[test]
fn what_arrives_after_its_stage_belongs_to_the_last_window_of_it() {
    let late = |keeps: bool| {
        altered(second(6, "peak ramp", 900), |window| {
            if keeps {
                window.kept.insert("e2e".to_owned(), Kept { samples: Some(encoded([900])), ..Kept::default() });
            }
        })
    };
    let fast = [second(4, "hold", 10), second(5, "hold", 10)];
    let mine = over_both("max<200ms over 2s", &[&fast[..], &[late(true)]].concat());
    assert_eq!((mine.result, mine.worst), (ThresholdResult::Fail, stretch(4, 2)));
    let others = over_both("max<200ms over 2s", &[&fast[..], &[late(false)]].concat());
    assert_eq!(others.result, ThresholdResult::Pass, "what the ramp sent is not asked for");
    // It leaves with its window.
    let slow =
        [second(4, "hold", 900), second(5, "hold", 900), late(true), second(8, "peak", 10), second(9, "peak", 10)];
    let forgotten = over_both("max>500ms over 2s", &slow);
    assert_eq!((forgotten.result, forgotten.worst), (ThresholdResult::Fail, stretch(8, 2)));
}

#[test]
fn the_worst_depends_on_what_is_compared() {
    let connections = |counts: [u64; 2]| -> Vec<Observation> {
        let seconds = counts.into_iter().zip(3..);
        seconds.map(|(count, at)| altered(second(at, "hold", 10), |window| window.connections = count)).collect()
    };
    let sent = |counts: [u64; 2]| -> Vec<Observation> {
        counts.into_iter().zip(3..).map(|(count, at)| paced(at, 100, count)).collect()
    };
    for (series, expression, seen, expected) in [
        ("connections", "min<=150", connections([200, 100]), ThresholdResult::Pass),
        ("connections", "max>=150", connections([100, 200]), ThresholdResult::Pass),
        ("connections", "min>=150", connections([200, 100]), ThresholdResult::Fail),
        ("sent", "count==100 over 1s", sent([100, 90]), ThresholdResult::Fail),
        ("sent", "count==100 over 1s", sent([100, 100]), ThresholdResult::Pass),
        ("sent", "count!=90 over 1s", sent([100, 90]), ThresholdResult::Fail),
        ("sent", "count!=90 over 1s", sent([90, 100]), ThresholdResult::Fail),
        ("sent", "count!=90 over 1s", sent([100, 80]), ThresholdResult::Pass),
    ] {
        assert_eq!(windowed(series, expression, &seen).result, expected, "{series} {expression}");
    }
}

#[test]
fn an_average_weighs_seconds_by_their_length() {
    let busy = |at, cpu, length| {
        altered(second(at, "hold", 10), |window| {
            window.target = Some(ProcessUsage { cpu: Some(cpu), ..ProcessUsage::default() });
            window.length = length;
        })
    };
    let seconds = [busy(3, 0.2, SECOND), busy(4, 0.8, SECOND / 2)];
    for expression in ["avg<45%", "avg<45% over 1500ms"] {
        let outcome = windowed("broker_cpu", expression, &seconds);
        assert_eq!((outcome.result, outcome.unit), (ThresholdResult::Pass, Unit::Cores), "{expression}: {outcome:?}");
    }
}

#[test]
fn disconnects_in_windows_are_judged_when_they_are_decided() {
    let event = |millis: u64, event| {
        let (at, group) = (Duration::from_millis(millis), Some("meters".to_owned()));
        Observation::Event(Event { at, event, count: 1, client: None, group, text: String::new() })
    };
    let seconds = |events: &[(u64, EventKind)]| {
        let mut all = hold(&[10; 9]);
        for (millis, kind) in events.iter().rev() {
            all.insert((millis / 1000) as usize - 3, event(*millis, *kind));
        }
        all
    };
    let lost = EventKind::ConnectionLost;
    let some = seconds(&[(4500, lost), (7500, lost), (10_500, lost)]);
    for (expression, seen, expected) in [
        // No window is judged for what may still come in it.
        ("count>=1 over 4s", &some, ThresholdResult::Pass),
        ("count==1 over 3s", &some, ThresholdResult::Pass),
        ("count==0 over 3s", &some, ThresholdResult::Fail),
        ("count==0 over 60s", &some, ThresholdResult::Fail),
        ("count<=2 over 60s", &some, ThresholdResult::Fail),
        ("count<=3 over 60s", &some, ThresholdResult::Pass),
        ("count>=1 over 60s", &some, ThresholdResult::Inconclusive),
        // The first whole window begins with the stage.
        ("count>=1 over 4s", &seconds(&[(7500, lost), (10_500, lost)]), ThresholdResult::Fail),
        ("count==0 over 4s", &seconds(&[(4500, EventKind::Reconnected)]), ThresholdResult::Pass),
    ] {
        let outcome = windowed("disconnects{stage:hold}", expression, seen);
        assert_eq!(outcome.result, expected, "{expression}: {outcome:?}");
    }
    // It is told with the window that it came after, and does not belong to it.
    let mut next = hold(&[10; 9]);
    next.insert(4, event(8005, lost));
    assert_eq!(windowed("disconnects", "count>=1 over 5s", &next).result, ThresholdResult::Fail);
    let early = [event(100, lost)];
    assert_eq!(windowed("disconnects", "count==0", &early).result, ThresholdResult::Fail, "before any window");
    assert_eq!(windowed("disconnects", "count==0", &hold(&[10])).result, ThresholdResult::Pass);
}
