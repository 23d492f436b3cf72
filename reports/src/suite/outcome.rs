//! What a conformance run came to: one word, one sentence.

use super::{Standing, StatementCounts, Suite, standing::Standings};
use crate::figures::{count, span};
use crate::observation::SuiteTarget;

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

/// What a target's statements and cases come to.
struct Account<'a> {
    name: &'a str,
    broken: u64,
    known: u64,
    decided: u64,
    failed_cases: u64,
    passed_cases: u64,
}

fn verdict(suite: &Suite) -> String {
    let standings = Standings::of(suite);
    let accounts = suite.targets().iter().map(|target| Account::of(suite, &standings, target));
    match &accounts.collect::<Vec<_>>()[..] {
        [] => "No broker was judged.".to_owned(),
        [one] => of_one(one),
        several => of_several(several),
    }
}

impl<'a> Account<'a> {
    fn of(suite: &Suite, standings: &Standings<'_>, target: &'a SuiteTarget) -> Self {
        let mut all = StatementCounts::default();
        suite.statements().iter().for_each(|statement| all.add(standings.verdict(target, statement).standing));
        Self {
            name: &target.name,
            broken: all.of(Standing::Fail),
            known: all.of(Standing::Known),
            decided: all.decided(),
            failed_cases: suite.counts(Some(&target.name)).fail,
            passed_cases: suite.counts(Some(&target.name)).pass,
        }
    }
}

fn of_one(account: &Account<'_>) -> String {
    let Account { name, broken, known, decided, failed_cases, passed_cases } = account;
    let all = format!("of the {} statements that were decided", count(*decided));
    match (broken, failed_cases, known, decided) {
        (1, _, _, 1) => format!("{name} breaks 1 statement."),
        (1.., ..) if broken == decided => format!("{name} breaks {} statements.", count(*broken)),
        (1.., ..) => format!("{name} breaks {} {all}.", count(*broken)),
        (0, 1, ..) => format!("{name} fails 1 case about rules without a number."),
        (0, 2.., ..) => format!("{name} fails {} cases about rules without a number.", count(*failed_cases)),
        (0, 0, _, 0) if *passed_cases == 1 => format!("{name} passes 1 case about rules without a number."),
        (0, 0, _, 0) if *passed_cases > 0 => {
            format!("{name} passes {} cases about rules without a number.", count(*passed_cases))
        }
        (0, 0, _, 0) => format!("No statement was decided about {name}."),
        (0, 0, 0, _) => format!("{name} keeps the {} statements that were decided.", count(*decided)),
        (0, 0, ..) => format!("{name} departs only where it is known to: from {} {all}.", count(*known)),
    }
}

fn of_several(accounts: &[Account<'_>]) -> String {
    let all = accounts.len();
    let broken: Vec<_> = accounts.iter().filter(|one| one.broken + one.failed_cases > 0).collect();
    let known: Vec<_> = accounts.iter().filter(|one| one.known > 0).collect();
    let listed = |of: &[&Account<'_>], number: fn(&Account<'_>) -> u64| match of.len() {
        0..=4 => {
            let each: Vec<String> = of.iter().map(|one| format!("{} {}", one.name, count(number(one)))).collect();
            format!(": {}.", each.join(", "))
        }
        _ => ".".to_owned(),
    };
    match (&broken[..], &known[..]) {
        ([], []) => format!("None of {all} brokers breaks a statement."),
        ([], known) => {
            format!("No broker departs but where it is known to{}", listed(known, |one| one.known))
        }
        (broken, _) => {
            format!("{} of {all} brokers break statements{}", broken.len(), listed(broken, |one| one.broken))
        }
    }
}
