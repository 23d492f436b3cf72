//! Many programs, several at a time; what fails is tried again, shrunk and told.

use std::{collections::BTreeSet, time::Duration};

use tokio::task::JoinSet;

use super::{Caught, Discrepancy, Line, Mix, Outcome, Report, Site, execute, generate, shrink};
use crate::model::Program;

/// How to search.
#[derive(Clone, Debug)]
pub struct Search {
    /// What programs are made of.
    pub mix: Mix,
    /// With the number of a case it makes a program. Printed with every finding.
    pub seed: u64,
    /// The number of the first program. Default 0.
    pub first: u64,
    /// How many programs. Default 500.
    pub cases: u64,
    /// How many at a time, at least 1. Default 8.
    pub jobs: usize,
    /// After so many different findings the search ends; at least 1. Default 3.
    pub findings: usize,
    /// Runs that the shrinking of one finding may take. Default 300.
    pub attempts: usize,
    /// The patience with which a finding is tried again before it is believed. Default 5 s.
    pub second_patience: Duration,
}

impl Search {
    /// The defaults.
    pub fn new(mix: Mix, seed: u64) -> Self {
        Self {
            mix,
            seed,
            first: 0,
            cases: 500,
            jobs: 8,
            findings: 3,
            attempts: 300,
            second_patience: Duration::from_secs(5),
        }
    }
}

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Programs that ran.
    pub cases: u64,
    /// Of these, runs that decided nothing, with the reason of the last one.
    pub void: u64,
    /// Why.
    pub void_because: Option<String>,
    /// What no conforming server does, each rule once.
    pub found: Vec<Found>,
    /// What went wrong once and not again. It is no finding, and worth a look.
    pub unrepeated: Vec<Caught>,
    /// What went wrong in one version and was not tried again, as a finding in the other version is about the same rule; once
    /// for each rule.
    pub alike: Vec<Caught>,
    /// The target could not be reached: why.
    pub unreachable: Option<String>,
}

impl Summary {
    /// Remembers what breaks a rule in a version that no finding about it is of.
    fn note_alike(&mut self, case: u64, discrepancy: Discrepancy, transcript: Vec<Line>) {
        let same = |other: &Discrepancy| other.rule == discrepancy.rule && other.version == discrepancy.version;
        let mut known =
            self.found.iter().map(|found| &found.discrepancy).chain(self.alike.iter().map(|one| &one.discrepancy));
        if !known.any(same) {
            self.alike.push(Caught { case, discrepancy, transcript });
        }
    }
}

/// A finding.
#[derive(Clone, Debug)]
pub struct Found {
    /// The case whose program failed first.
    pub case: u64,
    /// The shortest program that fails.
    pub program: Program,
    /// What no conforming server does.
    pub discrepancy: Discrepancy,
    /// The packets of the shortest program.
    pub transcript: Vec<Line>,
    /// How often the first program failed again when it was tried again; twice is enough.
    pub repeated: usize,
}

/// How often a program that failed is tried again.
const TRIES: usize = 4;

/// While a program is shrunk nobody waits long: what is only late then is seen by the patient run that comes last.
const ROUNDS: u32 = 20;

impl Found {
    /// The program as a file for `paddock conformance replay`.
    pub fn to_text(&self, seed: u64) -> String {
        let transcript: Vec<String> = self.transcript.iter().map(|line| format!("  {line}")).collect();
        let comment = format!(
            "{}\nfound with --only programs --seed {seed} --case {}\n\n{}",
            self.discrepancy,
            self.case,
            transcript.join("\n")
        );
        self.program.to_text(&comment)
    }
}

/// Runs the programs of a search against the target; `progress` is told the number of programs that are done.
pub async fn search(search: &Search, site: &Site, mut progress: impl FnMut(u64)) -> Summary {
    let mut summary = Summary::default();
    let mut known = BTreeSet::new();
    let mut running = JoinSet::new();
    let (mut next, end) = (search.first, search.first.saturating_add(search.cases));
    loop {
        while running.len() < search.jobs.max(1) && next < end && summary.unreachable.is_none() {
            let (mix, seed, case, site) = (search.mix.clone(), search.seed, next, site.clone());
            next += 1;
            running.spawn(async move {
                let program = generate(&mix, seed, case);
                let report = execute(&program, &site).await;
                (case, program, report)
            });
        }
        let Some(joined) = running.join_next().await else { return summary };
        let (case, program, report) = match joined {
            Ok(done) => done,
            // A fault of the suite is not to be passed over.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => continue,
        };
        summary.cases += 1;
        progress(summary.cases);
        match report.outcome {
            Outcome::Allowed => {}
            Outcome::Void(why) => {
                summary.void += 1;
                summary.void_because = Some(why);
            }
            Outcome::Unreachable(why) => summary.unreachable = Some(why),
            Outcome::Broken(discrepancy) => {
                if !known.insert(discrepancy.rule.clone()) {
                    summary.note_alike(case, discrepancy, report.transcript);
                    continue;
                }
                match confirm(search, site, case, &program, &discrepancy).await {
                    Some(found) => {
                        summary.found.push(found);
                        // The shortest program may break the rule in the other version.
                        summary.note_alike(case, discrepancy, report.transcript);
                    }
                    None => {
                        known.remove(&discrepancy.rule);
                        summary.unrepeated.push(Caught { case, discrepancy, transcript: report.transcript });
                    }
                }
                if summary.found.len() >= search.findings {
                    running.shutdown().await;
                    return summary;
                }
            }
        }
    }
}

/// Tries the program again with more patience; if it fails again, shrinks it.
async fn confirm(
    search: &Search,
    site: &Site,
    case: u64,
    program: &Program,
    discrepancy: &Discrepancy,
) -> Option<Found> {
    let patient = site.patience(search.second_patience.max(site.patience));
    let mut repeated = 0;
    for _ in 0..TRIES {
        repeated += usize::from(breaks(&execute(program, &patient).await, discrepancy).is_some());
        // What fails at once every time need not be asked more often.
        if repeated == 2 {
            break;
        }
    }
    if repeated == 0 {
        return None;
    }
    let tries = if repeated == 2 { 1 } else { TRIES };
    let hasty = site.rounds(ROUNDS);
    let shortest = shrink(program, search.attempts, async |program| {
        for _ in 0..tries {
            if breaks(&execute(program, &hasty).await, discrepancy).is_some() {
                return true;
            }
        }
        false
    })
    .await;
    // The transcript is one of a patient run, if that fails: then nothing was late.
    let mut last = None;
    for _ in 0..=TRIES {
        let report = execute(&shortest, &patient).await;
        if let Some(discrepancy) = breaks(&report, discrepancy) {
            last = Some((discrepancy.clone(), report.transcript));
            break;
        }
    }
    let (discrepancy, transcript, program) = match last {
        Some((discrepancy, transcript)) => (discrepancy, transcript, shortest),
        None => (discrepancy.clone(), Vec::new(), program.clone()),
    };
    Some(Found { case, program, discrepancy, transcript, repeated })
}

/// The discrepancy of `report`, if it breaks the same rule.
fn breaks<'a>(report: &'a Report, before: &Discrepancy) -> Option<&'a Discrepancy> {
    match &report.outcome {
        Outcome::Broken(discrepancy) if discrepancy.rule == before.rule => Some(discrepancy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use wire::Version;

    use super::*;

    /// Whatever the finding is of in the end: shrinking may change the version.
    #[test]
    fn a_rule_that_is_broken_in_both_versions_is_remembered_of_both() {
        let of = |version| Discrepancy::new(version, None, "never", String::new());
        let found = Found {
            case: 1,
            program: Program { clients: Vec::new(), steps: Vec::new() },
            discrepancy: of(Version::V5),
            transcript: Vec::new(),
            repeated: 2,
        };
        let mut summary = Summary { found: vec![found], ..Summary::default() };
        for (case, version) in [(2, Version::V5), (3, Version::V3_1_1), (4, Version::V3_1_1)] {
            summary.note_alike(case, of(version), Vec::new());
        }
        let alike: Vec<_> = summary.alike.iter().map(|one| (one.case, one.discrepancy.version)).collect();
        assert_eq!(alike, [(3, Version::V3_1_1)]);
    }
}
