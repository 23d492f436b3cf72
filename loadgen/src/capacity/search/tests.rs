//! The search on brokers whose truth is known.

use proptest::prelude::*;

use super::*;

const RATE: Settings =
    Settings { start: 500.0, least: 1.0, most: 1e7, tolerance: 0.05, confirmations: 3, whole: false };

/// Lets `broker` answer every trial; gives what was found and all trials with their outcomes.
fn run(settings: Settings, mut broker: impl FnMut(Trial) -> Came) -> (Finding, Vec<(Trial, Came)>) {
    let mut search = Search::new(settings);
    let mut trials = Vec::new();
    loop {
        match search.next() {
            Next::Found(finding) => return (finding, trials),
            Next::Try(trial) => {
                let came = broker(trial);
                search.learn(came);
                trials.push((trial, came));
                assert!(trials.len() <= bound(&settings), "the search does not end: {trials:?}");
            }
        }
    }
}

/// More trials than any search needs: everything twice, as repeated trials are.
fn bound(settings: &Settings) -> usize {
    let widening = (settings.most / settings.least).log2().ceil() as usize + 2;
    let narrowing = (2.0 / settings.tolerance).log2().ceil() as usize + 2;
    let confirming = (STEPS_DOWN as usize + 1) * settings.confirmations as usize;
    2 * (1 + widening + narrowing + confirming)
}

fn knee(at: f64) -> impl FnMut(Trial) -> Came {
    move |trial| if trial.figure <= at { Came::Held } else { Came::Broke }
}

fn figures(trials: &[(Trial, Came)], kind: StepKind) -> Vec<f64> {
    trials.iter().filter(|(trial, _)| trial.kind == kind).map(|(trial, _)| trial.figure).collect()
}

#[test]
fn it_warms_up_doubles_bisects_and_confirms() {
    let (finding, trials) = run(RATE, knee(3800.0));
    assert_eq!(finding, Finding::Sustained { figure: 3750.0, above: Some((3880.0, Came::Broke)) });
    assert_eq!(figures(&trials, StepKind::WarmUp), [500.0]);
    assert_eq!(figures(&trials, StepKind::Doubling), [500.0, 1000.0, 2000.0, 4000.0]);
    assert_eq!(figures(&trials, StepKind::Bisection), [3000.0, 3500.0, 3750.0, 3880.0]);
    assert_eq!(figures(&trials, StepKind::Confirmation), [3750.0; 3]);
}

#[test]
fn a_start_that_is_too_much_is_halved() {
    let (finding, trials) = run(RATE, knee(70.0));
    assert_eq!(figures(&trials, StepKind::Doubling), [500.0, 250.0, 125.0, 62.5]);
    let Finding::Sustained { figure, .. } = finding else { panic!("{finding:?}") };
    assert!((66.5..=70.0).contains(&figure), "{figure}");
}

#[test]
fn nothing_holds_at_all() {
    let (finding, trials) = run(RATE, knee(0.0));
    assert_eq!(finding, Finding::Nothing { lowest: 1.0, came: Came::Broke, held_once: false });
    assert!(figures(&trials, StepKind::Confirmation).is_empty());
}

#[test]
fn the_highest_allowed_figure_is_confirmed_and_no_other_tried_above() {
    let (finding, trials) = run(Settings { most: 3000.0, ..RATE }, knee(1e9));
    assert_eq!(finding, Finding::Sustained { figure: 3000.0, above: None });
    assert!(trials.iter().all(|(trial, _)| trial.figure <= 3000.0));
}

#[test]
fn a_saturated_trial_is_repeated_once_and_then_bounds_the_answer() {
    let (finding, trials) = run(RATE, |trial| if trial.figure > 1000.0 { Came::Saturated } else { Came::Held });
    assert!(matches!(finding, Finding::Sustained { figure: 1000.0, above: Some((_, Came::Saturated)) }), "{finding:?}");
    let at_2000 = trials.iter().filter(|(trial, _)| trial.figure == 2000.0);
    assert_eq!(at_2000.map(|(trial, _)| trial.attempt).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn one_hiccup_changes_nothing() {
    for hiccup in [Came::Saturated, Came::Undecided] {
        let mut broker = knee(3800.0);
        let mut once = true;
        let (finding, _) = run(RATE, |trial| match trial.figure == 2000.0 && std::mem::take(&mut once) {
            true => hiccup,
            false => broker(trial),
        });
        assert_eq!(finding, Finding::Sustained { figure: 3750.0, above: Some((3880.0, Came::Broke)) });
    }
}

#[test]
fn what_the_warm_up_says_is_ignored() {
    for said in [Came::Held, Came::Broke, Came::Saturated, Came::Undecided] {
        let mut broker = knee(3800.0);
        let (finding, _) = run(RATE, |trial| if trial.kind == StepKind::WarmUp { said } else { broker(trial) });
        assert_eq!(finding, Finding::Sustained { figure: 3750.0, above: Some((3880.0, Came::Broke)) });
    }
}

#[test]
fn a_failed_confirmation_steps_down_and_begins_again() {
    let long = |trial: Trial| match trial.kind {
        StepKind::Confirmation => trial.figure <= 3000.0,
        _ => trial.figure <= 3800.0,
    };
    let (finding, trials) = run(RATE, |trial| if long(trial) { Came::Held } else { Came::Broke });
    assert_eq!(figures(&trials, StepKind::Confirmation), [3750.0, 3560.0, 3200.0, 2560.0, 2560.0, 2560.0]);
    assert_eq!(finding, Finding::Sustained { figure: 2560.0, above: Some((3200.0, Came::Broke)) });
}

#[test]
fn confirmations_that_never_hold_end_the_search() {
    let (finding, trials) = run(RATE, |trial| match trial.kind {
        StepKind::Confirmation => Came::Broke,
        _ if trial.figure <= 3800.0 => Came::Held,
        _ => Came::Broke,
    });
    assert!(matches!(finding, Finding::Nothing { held_once: true, came: Came::Broke, .. }), "{finding:?}");
    assert_eq!(figures(&trials, StepKind::Confirmation).len(), STEPS_DOWN as usize + 1);
}

#[test]
fn whole_numbers_stay_whole() {
    let settings = Settings { start: 1.0, whole: true, ..RATE };
    for truth in 1..200 {
        let (finding, trials) = run(settings, knee(f64::from(truth)));
        assert!(trials.iter().all(|(trial, _)| trial.figure.fract() == 0.0), "{trials:?}");
        let Finding::Sustained { figure, above: Some((above, _)) } = finding else { panic!("{finding:?}") };
        assert!(figure <= f64::from(truth) && above > f64::from(truth), "{finding:?}");
        assert!(above - figure <= (figure * 0.05).max(1.0), "{finding:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_knee_of_a_steady_broker_is_found_to_the_tolerance(
        truth in 2.0..5e6_f64, start in 1.0..1e5_f64, tolerance in 0.02..0.3_f64,
    ) {
        let (finding, _) = run(Settings { start, tolerance, ..RATE }, knee(truth));
        let Finding::Sustained { figure, above: Some((above, Came::Broke)) } = finding else {
            return Err(TestCaseError::fail(format!("{finding:?}")));
        };
        prop_assert!(figure <= truth && truth < above, "{finding:?}");
        // Three digits are kept, so that a gap of a hundredth may stay.
        prop_assert!(above - figure <= figure * tolerance.max(0.0101), "{finding:?}");
    }

    #[test]
    fn the_generator_s_limit_is_never_taken_for_the_broker_s(truth in 2.0..1e6_f64, ceiling in 2.0..1e6_f64) {
        let (finding, _) = run(RATE, |trial| match trial.figure {
            // Whatever the broker does then, it was not measured.
            figure if figure > ceiling => Came::Saturated,
            figure if figure > truth => Came::Broke,
            _ => Came::Held,
        });
        let Finding::Sustained { figure, above: Some((above, came)) } = finding else {
            return Err(TestCaseError::fail(format!("{finding:?}")));
        };
        prop_assert!(figure <= truth.min(ceiling));
        prop_assert!(above > truth.min(ceiling) && above - figure <= figure * 0.0501, "{finding:?}");
        match came {
            Came::Broke => prop_assert!(truth < above && above <= ceiling),
            _ => prop_assert!(ceiling < above),
        }
    }

    /// Near its knee such a broker holds or breaks by chance, and any trial may say nothing.
    #[test]
    fn noise_never_raises_the_answer_above_the_noisy_band(
        truth in 10.0..1e6_f64, noise in prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 200),
    ) {
        let mut noise = noise.into_iter().cycle();
        let (finding, trials) = run(RATE, |trial| {
            let (chance, hiccup) = noise.next().expect("it goes round");
            match trial.figure / truth {
                _ if hiccup < 0.05 => Came::Undecided,
                share if share > 1.1 => Came::Broke,
                share if share < 0.9 => Came::Held,
                share if chance < (share - 0.9) / 0.2 => Came::Broke,
                _ => Came::Held,
            }
        });
        match finding {
            Finding::Sustained { figure, .. } => {
                prop_assert!(figure <= truth * 1.1, "{finding:?}");
                let confirmed = trials.iter().rev().filter(|(_, came)| *came != Came::Undecided).take(3);
                prop_assert!(confirmed.clone().all(|(trial, came)| {
                    trial.figure == figure && *came == Came::Held && trial.kind == StepKind::Confirmation
                }), "{trials:?}");
            }
            Finding::Nothing { came, .. } => prop_assert!(came != Came::Held),
        }
    }

    /// Once overloaded, such a broker holds less for a while.
    #[test]
    fn a_broker_that_recovers_slowly_is_never_overstated(
        truth in 100.0..1e6_f64, hurt in 0.5..1.0_f64, recovery in 0..6_usize,
    ) {
        let mut hurting = 0_usize;
        let (finding, _) = run(RATE, |trial| {
            let knee = if hurting > 0 { truth * hurt } else { truth };
            hurting = hurting.saturating_sub(1);
            if trial.figure <= knee { return Came::Held; }
            hurting = recovery;
            Came::Broke
        });
        let Finding::Sustained { figure, .. } = finding else {
            return Err(TestCaseError::fail(format!("{finding:?}")));
        };
        prop_assert!(figure <= truth && figure >= truth * hurt * 0.5, "{finding:?} of {truth}");
    }

    #[test]
    fn any_outcomes_end_the_search(seed in prop::collection::vec(0..4_u8, 1..50), most in 2.0..1e6_f64) {
        let mut outcomes = seed.into_iter().cycle();
        let settings = Settings { start: 2.0, most, ..RATE };
        let (finding, trials) = run(settings, |_| match outcomes.next().expect("it goes round") {
            0 => Came::Held,
            1 => Came::Broke,
            2 => Came::Saturated,
            _ => Came::Undecided,
        });
        prop_assert!(trials.iter().all(|(trial, _)| (1.0..=most).contains(&trial.figure)), "{trials:?}");
        if let Finding::Sustained { figure, above } = finding {
            prop_assert!(above.is_none_or(|(above, _)| above > figure));
        }
    }
}
