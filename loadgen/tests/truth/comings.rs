//! Clients that come and go: when they connect, what is told of it, and what a scenario had no time for.

use super::*;
use reports::observation::Event;

/// The devices of the other tests, whose collars keep a session. All connect in a ramp of a second; in the hold after it a storm
/// takes the collars, and the subscriber is sent away for a moment.
fn stormy(plan: &mut Plan) {
    let text = SCENARIO
        .replace("hold = \"HOLD\"", "ramp = \"1s\"\nhold = \"2s\"")
        .replace("RATE", "40")
        .replace("client_id = \"collar_{n:03}\"", "clean_start = false\nsession_expiry = \"1m\"")
        + r#"
[[events]]
at = "hold+200ms"
do = "reconnect_storm"
group = "collar"
spread = "400ms"
for = "100ms"

[[events]]
at = "hold+1s"
do = "disconnect"
group = "archive"
for = "200ms"
"#;
    plan.scenario = scenarios::parse("stormy.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
}

fn events(run: &Judged, kind: EventKind) -> impl Iterator<Item = &Event> {
    run.observations.iter().filter_map(move |one| match one {
        Observation::Event(event) if event.event == kind => Some(event),
        _ => None,
    })
}

/// How often it happened to clients of this group.
fn count_of(run: &Judged, kind: EventKind, group: &str) -> u64 {
    events(run, kind).filter(|event| event.group.as_deref() == Some(group)).map(|event| event.count).sum()
}

#[test]
fn who_comes_back_is_told_and_timed_in_its_stage() {
    let run = judged(Script::default(), "2s", 40, stormy);
    let connected = |labels: Labels| run.outcome.summary.histogram(metric::CONNECT, &labels).map_or(0, |it| it.len());
    for (group, in_ramp, in_hold) in [("meter", 4, 0), ("collar", 4, 4)] {
        let of = |stage| connected(Labels::none().with(label::GROUP, group).with(label::STAGE, stage));
        assert_eq!((of("hold ramp"), of("hold")), (in_ramp, in_hold), "{group}");
        assert_eq!(count_of(&run, EventKind::Reconnected, group), in_hold, "{group}");
    }
    let archive = Labels::none().with(label::SUBSCRIBER, "archive");
    assert_eq!(connected(archive.clone().with(label::STAGE, "hold")), 1);
    assert_eq!(connected(archive), 2, "before the first stage and when it came back");
    assert_eq!(count_of(&run, EventKind::SessionLost, "collar"), 4);
    assert_eq!(events(&run, EventKind::ConnectionLost).count(), 0, "it was done on purpose");
    let told: Vec<&str> = events(&run, EventKind::Injected).map(|event| event.text.as_str()).collect();
    let expected = [
        "reconnect storm: 4 devices of collar cut within 400ms, away for 100ms",
        "1 client disconnected, away for 200ms",
    ];
    for text in expected {
        assert!(told.contains(&text), "{text} is not in {told:?}");
    }
}

#[test]
fn an_event_that_the_load_was_too_short_for_is_told() {
    let told = |run: &Judged| events(run, EventKind::Warning).any(|event| event.text.contains("after the load"));
    // As a shorter run makes it.
    let late = |plan: &mut Plan| {
        stormy(plan);
        plan.scenario.events.last_mut().unwrap().offset = Duration::from_secs(3600);
    };
    let run = judged(Script::default(), "2s", 40, late);
    let warned: Vec<&Event> = events(&run, EventKind::Warning).collect();
    let text = |event: &&Event| event.text.starts_with("an event of the scenario was due at 1h");
    assert!(told(&run) && warned.iter().any(text), "{warned:?}");
    let interrupted = interrupted(Script::default(), "2s", 40, late, after_a_window);
    assert!(interrupted.outcome.interrupted && !told(&interrupted), "whoever interrupts a run knows why");
}

#[test]
fn connecting_is_measured_by_group() {
    let run = judged(Script::default(), "1s", 20, |_| {});
    let of = |labels: Labels| run.outcome.summary.histogram(metric::CONNECT, &labels).map(|it| it.len());
    assert_eq!(of(Labels::none()), Some(9));
    assert_eq!(of(Labels::none().with(label::GROUP, "collar")), Some(4));
    assert_eq!(of(Labels::none().with(label::SUBSCRIBER, "archive")), Some(1));
}
