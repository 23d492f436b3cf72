//! What stands on the terminal.

use super::specimen::{cut_off, mixed, passing, play, proof};
use reports::observation::{CaseVerdict, Observation};
use reports::{Progress, SuiteTerminal};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// A writer whose content outlives it.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shown(run: &[Observation], colour: bool) -> String {
    let screen = Screen::default();
    play(run, Box::new(SuiteTerminal::new(Box::new(screen.clone()), Progress::Quiet, colour)));
    let bytes = screen.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_verdict_is_told() {
    insta::assert_snapshot!(shown(&mixed(), false));
}

#[test]
fn a_pass_is_a_summary_and_a_line() {
    insta::assert_snapshot!(shown(&passing(), false));
}

#[test]
fn a_proof_names_survivors() {
    insta::assert_snapshot!(shown(&proof(), false));
}

#[test]
fn a_run_that_was_cut_off_says_so() {
    let said = shown(&cut_off(), false);
    assert_eq!(said.lines().last(), Some("CUT OFF; 1 judgement; seed 7"));
}

#[test]
fn colour_adds_nothing_to_the_words_and_peers_cannot_paint() {
    let plain = shown(&mixed(), false);
    assert!(!plain.contains('\u{1b}'), "what a peer sent must not steer the terminal");
    let coloured = shown(&mixed(), true);
    let words: String = coloured
        .split('\u{1b}')
        .enumerate()
        .map(|(place, part)| if place == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_ne!(coloured, plain);
    assert_eq!(words, plain);
}

#[test]
fn many_failures_are_named_at_the_end_up_to_a_bound() {
    let mut run = mixed();
    let failed = run
        .iter()
        .position(|one| matches!(one, Observation::CaseJudged(judged) if judged.verdict == CaseVerdict::Fail));
    let failed = run[failed.unwrap()].clone();
    for _ in 0..30 {
        run.insert(1, failed.clone());
    }
    let said = shown(&run, false);
    assert_eq!(said.lines().filter(|line| line.starts_with("failed: publish.")).count(), 20);
    assert!(said.contains("failed: 13 more, above"), "{said}");
}
