//! A whole search without a network: what is run, and what is made of the outcomes.

use std::time::Duration;

use loadgen::{
    Exit, Outcome,
    capacity::{Frame, Hunt, Job, Shape, Step, search::Settings},
};
use reports::{
    Summary,
    capacity::{Answer, Capacity, Ceiling, Limit, Resource, StepKind, StepVerdict, Subject},
    observation::{Ending, TargetInfo, Tool},
};
use scenarios::{
    Scenario,
    model::{Dimension, Load, Role},
};

const HOLD: Duration = Duration::from_secs(10);

fn scenario() -> Scenario {
    scenarios::load("phase-1").expect("it is in the catalogue")
}

fn job(dimension: Dimension, most: f64) -> Job {
    let shape = Shape::new(scenario(), dimension, HOLD).expect("its load is a rate");
    let settings = Settings {
        start: shape.own(),
        least: shape.least(),
        most,
        tolerance: 0.05,
        confirmations: 3,
        whole: dimension != Dimension::Rate,
    };
    Job {
        shape,
        settings,
        most_because: "it is the most that was asked for".into(),
        most_resource: None,
        hold: HOLD,
        confirmation_hold: HOLD * 3,
    }
}

fn frame() -> Frame {
    Frame {
        tool: Tool { name: "test".into(), version: "0".into() },
        seed: 42,
        command: Vec::new(),
        target: TargetInfo { address: "mqtt://127.0.0.1:1".into(), ..TargetInfo::default() },
        subject: Subject::Broker,
    }
}

fn hunt(job: Job) -> Hunt {
    Hunt::new(job, frame())
}

fn outcome(exit: Exit) -> Outcome {
    Outcome {
        verdict: exit.verdict(),
        exit,
        reasons: if exit == Exit::Pass { Vec::new() } else { vec![format!("because {exit}")] },
        answered: true,
        interrupted: false,
        unwritten: None,
        summary: Summary::new(),
    }
}

/// Lets `target` say how each step ends; gives the hunt when nothing more is to be run.
fn run(mut hunt: Hunt, mut target: impl FnMut(&Step) -> Outcome) -> Hunt {
    while let Some(step) = hunt.next() {
        hunt.learn(&target(&step));
        assert_eq!(hunt.document().steps.len(), step.number as usize);
    }
    hunt
}

fn knee(at: f64) -> impl FnMut(&Step) -> Outcome {
    move |step| outcome(if step.trial.figure <= at { Exit::Pass } else { Exit::Thresholds })
}

fn concluded(mut hunt: Hunt) -> (Capacity, u8) {
    let exit = hunt.conclude();
    assert_eq!(hunt.document().exit_code, Some(exit));
    (hunt.document().clone(), exit)
}

#[test]
fn a_step_is_the_scenario_at_one_rate_and_nothing_else_of_it_changes() {
    let mut hunt = hunt(job(Dimension::Rate, 1e6));
    let steps: Vec<Step> = std::iter::from_fn(|| {
        let step = hunt.next()?;
        hunt.learn(&outcome(if step.trial.figure <= 900.0 { Exit::Pass } else { Exit::Thresholds }));
        Some(step)
    })
    .collect();
    let base = scenario();
    for step in &steps {
        let Load::Rate(rate) = step.scenario.stages[0].load else { panic!("{:?}", step.scenario.stages) };
        assert!((rate.per_second() - step.trial.figure).abs() < 1e-9, "{rate:?} for {}", step.trial.figure);
        assert_eq!((step.scenario.seed, &step.scenario.devices), (base.seed, &base.devices));
        assert_eq!(step.scenario.stages[0].ramp, Duration::ZERO, "nothing is measured, or lost, on a ramp");
        let longer = if step.trial.kind == StepKind::Confirmation { 3 } else { 1 };
        assert_eq!(step.scenario.stages[0].hold, HOLD * longer);
        assert!(!step.scenario.warm_up.is_zero());
        assert!(step.scenario.thresholds.iter().all(|demand| !demand.to_string().starts_with("generator")));
    }
    let folders: Vec<&str> = steps.iter().take(3).map(|step| step.folder.as_str()).collect();
    assert_eq!(folders, ["steps/01-500", "steps/02-500", "steps/03-1000"]);
}

#[test]
fn the_generator_may_lag_a_tenth_of_the_latency_that_the_slo_allows() {
    let mut base = scenario();
    base.search.slo = ["p(99)<200ms", "loss count==0"].map(|text| scenarios::demand(text).unwrap()).to_vec();
    let shape = Shape::new(base, Dimension::Rate, HOLD).unwrap();
    let hunt = hunt(Job { shape, ..job(Dimension::Rate, 1e6) });
    let lag = Duration::from_millis(20);
    assert_eq!(hunt.next().unwrap().scenario.lag_limit, Some(lag), "by which the step is judged");
    let told = hunt.document().search.lag_limit.clone().unwrap();
    assert_eq!((told.limit, told.because.as_str()), (lag, "a tenth of what e2e: p(99)<200ms allows"));
}

#[test]
fn connections_beyond_the_scenario_s_are_idle_and_fan_out_replaces_its_readers() {
    let shape = Shape::new(scenario(), Dimension::Connections, HOLD).unwrap();
    let at = shape.at(5000.0, HOLD);
    assert_eq!((at.connection_count(), shape.connections(5000.0)), (5000, 5000));
    assert_eq!(at.subscribers.last().unwrap().role, Role::Idle);
    assert_eq!(at.peak_rate(), scenario().peak_rate());
    assert!(shape.slo().iter().any(|demand| demand.to_string() == "connect: p(99)<1s"));
    let shape = Shape::new(scenario(), Dimension::FanOut, HOLD).unwrap();
    let at = shape.at(7.0, HOLD);
    assert_eq!((at.subscribers.len(), at.subscribers[0].count), (1, 7));
    assert_eq!(at.subscribers[0].expect.len(), at.devices.len());
}

#[test]
fn a_confirmed_figure_needs_the_generator_s_ceiling_and_may_fall_to_it() {
    let found = run(hunt(job(Dimension::Rate, 1e6)), knee(3800.0));
    assert_eq!(found.needs_ceiling(), Some(3750.0));
    let ceiling = |figure| Ceiling { figure, at_least: false, source: "x".into() };

    let mut high = found.clone();
    high.set_ceiling(ceiling(7500.0));
    let (capacity, exit) = concluded(high);
    assert_eq!(capacity.answer, Answer::Confirmed { figure: 3750.0, confirmations: 3, broke_at: 3880.0 });
    assert_eq!((exit, capacity.ending), (0, Some(Ending::Completed)));
    assert_eq!(capacity.headroom.iter().map(|phase| phase.holds).collect::<Vec<_>>(), [true, true, true]);
    assert_eq!((capacity.held, capacity.not_held), (Some(3750.0), Some(3880.0)));

    let mut low = found;
    low.set_ceiling(ceiling(7499.0));
    let (capacity, exit) = concluded(low);
    assert!(
        matches!(capacity.answer, Answer::AtLeast { figure: 3750.0, limited_by: Limit::Generator, .. }),
        "{:?}",
        capacity.answer
    );
    assert_eq!((exit, capacity.limiter.unwrap().resource), (0, Resource::Generator));
    assert!(capacity.sentence.contains("sustains at least 3,750 msg/s, limited by the generator"));
}

#[test]
fn a_saturated_generator_bounds_the_answer_as_its_own() {
    let target = |step: &Step| outcome(if step.trial.figure <= 2000.0 { Exit::Pass } else { Exit::Invalid });
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Rate, 1e6)), target));
    assert!(matches!(capacity.answer, Answer::AtLeast { figure: 2000.0, limited_by: Limit::Generator, .. }));
    assert_eq!((exit, capacity.limiter.unwrap().resource), (0, Resource::Generator));
    assert!(capacity.steps.iter().any(|step| step.verdict == StepVerdict::Saturated && step.attempt == 2));
}

#[test]
fn a_figure_of_the_generator_below_the_start_is_no_answer() {
    // Of a machine that is busy with other things, say.
    let starved = |step: &Step| outcome(if step.trial.figure <= 1.7 { Exit::Pass } else { Exit::Invalid });
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Rate, 1e6)), starved));
    assert_eq!((exit, &capacity.held, capacity.headroom.len()), (7, &Some(1.67), 0), "{}", capacity.sentence);
    for said in ["the generator was the bottleneck below the 500 msg/s", "drove 1.7 msg/s", "--start", "other work"] {
        assert!(capacity.sentence.contains(said), "{said}: {}", capacity.sentence);
    }
    assert_eq!(capacity.limiter.map(|limiter| limiter.resource), Some(Resource::Generator));
    // The start itself is what was asked for.
    let at_start = |step: &Step| outcome(if step.trial.figure <= 500.0 { Exit::Pass } else { Exit::Invalid });
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Rate, 1e6)), at_start));
    assert!(matches!((capacity.answer, exit), (Answer::AtLeast { figure: 500.0, .. }, 0)));
    // A generator that holds nothing at all says nothing either.
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Rate, 1e6)), |_| outcome(Exit::Invalid)));
    assert!(matches!((&capacity.answer, exit), (Answer::None { .. }, 7)), "{}", capacity.sentence);
    // Its ceiling may be what is too low.
    let mut low = run(hunt(job(Dimension::Rate, 1e6)), knee(300.0));
    low.set_ceiling(Ceiling { figure: 500.0, at_least: false, source: "x".into() });
    let (capacity, exit) = concluded(low);
    assert!(matches!((&capacity.answer, exit), (Answer::None { .. }, 7)), "{}", capacity.sentence);
    // What the target itself does not hold is its own, however far below.
    let mut slow = run(hunt(job(Dimension::Rate, 1e6)), knee(300.0));
    slow.set_ceiling(Ceiling { figure: 600.0, at_least: true, source: "x".into() });
    assert!(matches!(concluded(slow), (Capacity { answer: Answer::Confirmed { .. }, .. }, 0)));
    // The generator's own ceiling is what it is.
    let mut own = frame();
    own.subject = Subject::Generator;
    let (capacity, exit) = concluded(run(Hunt::new(job(Dimension::Rate, 1e6), own), starved));
    assert!(matches!((capacity.answer, exit), (Answer::AtLeast { figure: 1.67, .. }, 0)));
}

#[test]
fn nothing_is_said_to_be_the_target_s_own_while_the_ceiling_is_not_known() {
    let mut found = run(hunt(job(Dimension::Rate, 1e6)), knee(3800.0));
    found.set_no_ceiling("its search found none: ceiling/report.html".into());
    let (capacity, exit) = concluded(found);
    assert!(matches!(capacity.answer, Answer::AtLeast { figure: 3750.0, limited_by: Limit::Undecided, .. }));
    assert_eq!(exit, 0);
    assert!(capacity.sentence.contains("its own ceiling is not known (its search found none"), "{}", capacity.sentence);
}

#[test]
fn a_target_that_goes_away_breaks_no_slo() {
    let mut hunt = hunt(job(Dimension::Rate, 1e6));
    while let Some(step) = hunt.next() {
        match step.trial.figure < 4000.0 {
            true => hunt.learn(&outcome(Exit::Pass)),
            false => hunt.lose(&outcome(Exit::Thresholds), "its process ended: signal: 9 (SIGKILL)"),
        }
    }
    let (capacity, exit) = concluded(hunt);
    let last = capacity.steps.last().unwrap();
    assert_eq!((exit, capacity.ending, last.verdict), (5, Some(Ending::Aborted), StepVerdict::Gone));
    assert_eq!((capacity.held, capacity.not_held, capacity.limiter), (Some(2000.0), None, None));
    for said in ["went away in the step at 4,000 msg/s, its process ended: signal: 9", "2,000 msg/s was held once"] {
        assert!(capacity.sentence.contains(said), "{said}: {}", capacity.sentence);
    }
}

#[test]
fn the_most_that_may_be_tried_is_no_capacity() {
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Rate, 1000.0)), knee(1e9)));
    assert!(matches!(capacity.answer, Answer::AtLeast { figure: 1000.0, limited_by: Limit::Maximum, .. }));
    assert_eq!((exit, capacity.limiter), (0, None));
    let machine = Job { most_resource: Some(Resource::LocalPorts), ..job(Dimension::Connections, 4000.0) };
    let (capacity, _) = concluded(run(hunt(machine), knee(1e9)));
    assert!(matches!(capacity.answer, Answer::AtLeast { figure: 4000.0, limited_by: Limit::Machine, .. }));
    assert_eq!(capacity.limiter.unwrap().resource, Resource::LocalPorts);
    assert!(capacity.headroom.is_empty(), "phases have rates");
}

#[test]
fn nothing_that_holds_is_inconclusive() {
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Rate, 1e6)), knee(0.0)));
    assert!(matches!(&capacity.answer, Answer::None { reason } if reason == "the SLO broke at 1 msg/s already"));
    assert_eq!(exit, 8);
}

#[test]
fn a_target_that_is_gone_ends_the_search_and_one_that_refuses_more_does_not() {
    let gone = |step: &Step| match step.number {
        1..4 => outcome(Exit::Pass),
        _ => Outcome { answered: false, ..outcome(Exit::Unreachable) },
    };
    let found = run(hunt(job(Dimension::Rate, 1e6)), gone);
    assert_eq!(found.needs_ceiling(), None);
    let (capacity, exit) = concluded(found);
    assert_eq!((exit, capacity.ending, capacity.steps.len()), (5, Some(Ending::Aborted), 4));
    assert!(matches!(&capacity.answer, Answer::None { reason } if reason == "because 5"));
    let full = |step: &Step| outcome(if step.trial.figure <= 1000.0 { Exit::Pass } else { Exit::Unreachable });
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Connections, 1e5)), full));
    assert!(matches!(capacity.answer, Answer::Confirmed { .. }), "{:?}", capacity.answer);
    assert_eq!((exit, capacity.limiter.unwrap().resource), (0, Resource::Connections));
}

#[test]
fn an_interrupt_ends_with_what_is_known() {
    let target = |step: &Step| match step.number {
        1..5 => outcome(Exit::Pass),
        _ => Outcome { interrupted: true, ..outcome(Exit::Inconclusive) },
    };
    let (capacity, exit) = concluded(run(hunt(job(Dimension::Rate, 1e6)), target));
    assert_eq!((exit, capacity.ending, capacity.held), (130, Some(Ending::Interrupted), Some(2000.0)));
    assert_eq!(capacity.steps.last().unwrap().verdict, StepVerdict::Interrupted, "it was not judged");
    assert!(capacity.sentence.contains("interrupted") && capacity.sentence.contains("2,000 msg/s was held once"));
}

#[test]
fn a_hiccup_of_the_generator_is_no_bound_of_the_answer() {
    let mut once = true;
    let mut broker = knee(3800.0);
    let target = |step: &Step| match step.trial.figure == 1000.0 && std::mem::take(&mut once) {
        true => outcome(Exit::Invalid),
        false => broker(step),
    };
    let mut found = run(hunt(job(Dimension::Rate, 1e6)), target);
    let mut interrupted = found.clone();
    found.set_ceiling(Ceiling { figure: 1e6, at_least: true, source: "x".into() });
    let (capacity, _) = concluded(found);
    assert_eq!((capacity.held, capacity.not_held), (Some(3750.0), Some(3880.0)));
    assert_ne!(capacity.limiter.unwrap().resource, Resource::Generator);
    // While the ceiling is measured, say: the figure held by then, but whose it is was not found out.
    interrupted.interrupt();
    let (capacity, exit) = concluded(interrupted);
    assert!(matches!((&capacity.answer, exit), (Answer::AtLeast { limited_by: Limit::Undecided, .. }, 130)));
    assert!(capacity.sentence.contains("at least 3,750 msg/s"), "{}", capacity.sentence);
}

#[test]
fn natural_load_cannot_be_searched() {
    let scenario = scenarios::load("phase-1-day").unwrap();
    let refused = Shape::new(scenario, Dimension::Rate, HOLD).unwrap_err().to_string();
    assert!(refused.contains("natural"), "{refused}");
}
