//! What a conformance run came to: one word, one sentence.

use super::{Standing, StatementCounts, Suite, standing::Standings};
use crate::{
    figures::{count, span},
    observation::SuiteTarget,
};

/// The first thing that a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Headline {
    /// In capitals.
    pub(crate) word: &'static str,
    /// Without the word, ending in a full stop.
    pub(crate) sentence: String,
}

/// One word for an exit code; none for a run that was cut off.
pub(crate) fn word(exit_code: Option<u8>) -> &'static str {
    match exit_code {
        Some(0) => "PASS",
        Some(3) => "FAIL",
        Some(4) => "NOTHING RAN",
        Some(8) => "INCONCLUSIVE",
        Some(130) => "INTERRUPTED",
        Some(_) => "ERROR",
        None => "CUT OFF",
    }
}

/// Killed and surviving mutants of the cases that they belong to.
pub(crate) fn kills(suite: &Suite) -> (u64, u64) {
    let own = || suite.mutants.iter().filter(|mutant| mutant.case == mutant.owner);
    let killed = own().filter(|mutant| mutant.killed).count() as u64;
    (killed, own().count() as u64 - killed)
}

impl Headline {
    pub(crate) fn of(suite: &Suite) -> Self {
        let exit_code = suite.ended().map(|ended| ended.exit_code);
        let word = word(exit_code);
        let sentence = match exit_code {
            None | Some(130) => stopped(suite),
            Some(_) if !suite.mutants.is_empty() => proof(suite),
            Some(_) => verdict(suite),
        };
        Self { word, sentence }
    }
}

fn stopped(suite: &Suite) -> String {
    let came = (suite.judged.len() + suite.mutants.len()) as u64;
    let after = suite.ended().map_or(String::new(), |ended| format!(" after {}", span(ended.at)));
    format!("The run ended early{after}: {} of {} judgements came.", count(came), count(came + suite.missing()))
}

fn proof(suite: &Suite) -> String {
    match kills(suite) {
        (killed, 0) => format!("Every one of {} mutants is seen by its case.", count(killed)),
        (killed, lived) => format!("{} of {} mutants survive.", count(lived), count(killed + lived)),
    }
}

fn verdict(suite: &Suite) -> String {
    let standings = Standings::of(suite);
    let statements = |target: &SuiteTarget| {
        let mut all = StatementCounts::default();
        for statement in suite.statements() {
            all.add(standings.verdict(target, statement).standing);
        }
        all
    };
    let counted: Vec<_> = suite.targets().iter().map(|target| (&target.name, statements(target))).collect();
    let of_target = |(name, all): &(&String, StatementCounts)| {
        (name.to_string(), all.of(Standing::Fail), all.decided(), suite.counts(Some(name)).fail)
    };
    let targets: Vec<_> = counted.iter().map(of_target).collect();
    let known =
        counted.iter().filter(|(_, all)| all.known > 0).map(|(name, all)| format!("{name} {}", count(all.known)));
    let known: Vec<String> = known.collect();
    let broken: Vec<_> = targets.iter().filter(|(_, statements, _, cases)| statements + cases > 0).collect();
    match (&targets[..], &broken[..]) {
        ([], _) => "No broker was judged.".to_owned(),
        ([(name, .., 0, _)], []) => format!("Nothing was decided about {name}."),
        ([(name, _, decided, _)], []) if !known.is_empty() => {
            let known = count(counted[0].1.known);
            format!("{name} breaks {known} of the {} statements that were decided, all known.", count(*decided))
        }
        ([(name, _, decided, _)], []) => {
            format!("{name} keeps the {} statements that were decided.", count(*decided))
        }
        ([_], [(name, 0, _, cases)]) => format!("{name} fails {}.", cases_in_words(*cases)),
        ([_], [(name, fail, decided, _)]) => {
            format!("{name} breaks {} of the {} statements that were decided.", count(*fail), count(*decided))
        }
        (all, []) if known.is_empty() => format!("None of {} brokers breaks a statement.", all.len()),
        (_, []) => format!("No broker breaks a statement that it is not known to break: {}.", known.join(", ")),
        (all, broken) if broken.len() > 4 => format!("{} of {} brokers break statements.", broken.len(), all.len()),
        (all, broken) => {
            let each: Vec<String> = broken.iter().map(|(name, fail, ..)| format!("{name} {}", count(*fail))).collect();
            format!("{} of {} brokers break statements: {}.", broken.len(), all.len(), each.join(", "))
        }
    }
}

fn cases_in_words(number: u64) -> String {
    if number == 1 { "1 case".to_owned() } else { format!("{} cases", count(number)) }
}
