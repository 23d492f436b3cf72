//! A run: chosen cases against targets, side by side, observed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    time::Duration,
};

use jiff::Timestamp;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use reports::{
    Observation, Sink,
    observation::{CaseJudged, CaseVerdict, Ending, SCHEMA, SuiteCase, SuiteEnded, SuiteStarted, SuiteStatement, Tool},
};
use tokio::{task::JoinSet, time::Instant};
use wire::Version;

use crate::{
    Case, Chosen, Statement, Subject, excused,
    subject::covers,
    trial::{Judgement, Trial},
};

#[cfg(test)]
mod tests;

/// The tag of cases that take something away from the target for good: they run after all others, one at a time.
pub const LAST: &str = "last";

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The brokers.
    pub targets: Vec<Subject>,
    /// The cases.
    pub chosen: Vec<Chosen>,
    /// How often each case runs, at least 1.
    pub repeat: u32,
    /// Runs them in an order that the seed decides, instead of that of the tables.
    pub shuffle: bool,
    /// How many run side by side, at least 1; of one target at most [`Subject::jobs`]. Most of them wait most of the time.
    pub jobs: usize,
    /// Ends with the first case that fails.
    pub fail_fast: bool,
    /// A departure from a SHOULD counts as one from a MUST.
    pub strict: bool,
    /// Everything random follows from it.
    pub seed: u64,
    /// Keeps identifiers apart from those of earlier runs against a broker that remembers them; 0 for one that was just
    /// started.
    pub salt: u64,
    /// The longest that a case may take.
    pub deadline: Duration,
    /// The program, for reports.
    pub tool: Tool,
    /// What the user typed, without secrets, for reports.
    pub command: Vec<String>,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many cases came out how; accepted deviations are not among them.
    pub counts: BTreeMap<CaseVerdict, u64>,
    /// Failures and warnings that a deviation accepts.
    pub known: u64,
    /// The exit code.
    pub exit_code: u8,
    /// Why, the most important first; empty for a clean pass.
    pub reasons: Vec<String>,
}

/// Runs everything and says so to `sink`, until `interrupted` completes.
///
/// # Errors
///
/// When the sink can no longer be written.
pub async fn run(plan: Plan, sink: &mut dyn Sink, interrupted: impl Future<Output = ()>) -> io::Result<Outcome> {
    let began = Instant::now();
    let mut waiting = plan.trials();
    sink.record(&Observation::SuiteStarted(Box::new(plan.frame(waiting.len()))))?;
    let mut running = JoinSet::new();
    // Cases that run, target by target.
    let mut busy = vec![0; plan.targets.len()];
    let mut tally = Tally::default();
    let mut stopped = false;
    let mut side_by_side = plan.jobs.max(1);
    let mut interrupted = std::pin::pin!(interrupted);
    loop {
        while !stopped && running.len() < side_by_side {
            // What takes something away from the others waits for them, and is alone.
            let last = waiting.front().is_some_and(|ticket: &Ticket| ticket.is_last());
            if last && !running.is_empty() {
                break;
            }
            let Some(ticket) = plan.next(&mut waiting, &busy) else { break };
            if last {
                side_by_side = 1;
            }
            busy[ticket.target] += 1;
            running.spawn(async move { (ticket.clone(), ticket.trial.run().await) });
        }
        let joined = tokio::select! {
            joined = running.join_next() => joined,
            () = &mut interrupted => {
                running.abort_all();
                tally.interrupted = true;
                None
            }
        };
        let Some(joined) = joined else { break };
        let (ticket, judgement) = joined.map_err(io::Error::other)?;
        busy[ticket.target] -= 1;
        let judged = ticket.judged(judgement, &plan, began.elapsed());
        let counts = match judged.verdict {
            CaseVerdict::Fail => true,
            CaseVerdict::Warn => plan.strict,
            _ => false,
        };
        stopped |= plan.fail_fast && counts && judged.deviation.is_none();
        tally.count(&judged);
        sink.record(&Observation::CaseJudged(Box::new(judged)))?;
    }
    if !tally.interrupted {
        tally.gone = plan.gone().await;
    }
    let outcome = tally.outcome(&plan);
    sink.record(&Observation::SuiteEnded(SuiteEnded {
        at: began.elapsed(),
        ended_at: Timestamp::now(),
        ending: if tally.interrupted { Ending::Interrupted } else { Ending::Completed },
        exit_code: outcome.exit_code,
        reasons: outcome.reasons.clone(),
    }))?;
    Ok(outcome)
}

/// One try, with its place in the plan.
#[derive(Clone, Debug)]
struct Ticket {
    trial: Trial,
    target: usize,
    repetition: u32,
}

impl Plan {
    fn trials(&self) -> VecDeque<Ticket> {
        let mut tickets = Vec::new();
        for repetition in 1..=self.repeat.max(1) {
            for (target, subject) in self.targets.iter().enumerate() {
                for chosen in &self.chosen {
                    let Some(site) = subject.site_for(chosen) else { continue };
                    let seed = self.seed_of(chosen, repetition, target);
                    let trial = Trial { chosen: *chosen, site, deadline: self.deadline, seed };
                    tickets.push(Ticket { trial, target, repetition });
                }
            }
        }
        if self.shuffle {
            tickets.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        }
        tickets.sort_by_key(Ticket::is_last);
        tickets.into()
    }

    /// The next try whose target stands one more; those that come last keep their turn.
    fn next(&self, waiting: &mut VecDeque<Ticket>, busy: &[usize]) -> Option<Ticket> {
        let has_room = |ticket: &Ticket| self.targets[ticket.target].jobs.is_none_or(|most| busy[ticket.target] < most);
        let may = |ticket: &&Ticket| !ticket.is_last();
        let ready = waiting.iter().take_while(may).position(has_room);
        let alone = waiting.front().is_some_and(Ticket::is_last).then_some(0);
        ready.or(alone).and_then(|at| waiting.remove(at))
    }

    fn seed_of(&self, chosen: &Chosen, repetition: u32, target: usize) -> u64 {
        seed_of((self.seed, self.salt, chosen.case.id, chosen.version, repetition, target))
    }

    /// Targets that serve nobody any more, whose last verdicts are none.
    async fn gone(&self) -> Vec<String> {
        let mut gone = Vec::new();
        for subject in &self.targets {
            for site in &subject.sites {
                if !site.answers(self.seed).await {
                    gone.push(subject.name.clone());
                    break;
                }
            }
        }
        gone
    }

    pub(crate) fn frame(&self, planned: usize) -> SuiteStarted {
        let mut cases: Vec<&'static Case> = self.chosen.iter().map(|chosen| chosen.case).collect();
        cases.dedup_by_key(|case| case.id);
        SuiteStarted {
            schema: SCHEMA,
            tool: self.tool.clone(),
            seed: self.seed,
            started_at: Timestamp::now(),
            command: self.command.clone(),
            strict: self.strict,
            targets: self.targets.iter().map(Subject::described).collect(),
            statements: Statement::all().iter().map(described).collect(),
            cases: cases.into_iter().map(described_case).collect(),
            planned: planned as u64,
        }
    }
}

/// A seed that follows from all of this.
pub(crate) fn seed_of(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

impl Ticket {
    fn is_last(&self) -> bool {
        self.trial.chosen.case.tags.contains(&LAST)
    }

    fn judged(&self, judgement: Judgement, plan: &Plan, at: Duration) -> CaseJudged {
        let chosen = &self.trial.chosen;
        let departs = matches!(judgement.verdict, CaseVerdict::Fail | CaseVerdict::Warn);
        let subject = &plan.targets[self.target];
        let deviation = subject.deviation(chosen).filter(|_| departs).map(|deviation| deviation.reason.clone());
        CaseJudged {
            at,
            took: judgement.took,
            target: subject.name.clone(),
            configuration: self.trial.site.configuration.clone(),
            case: chosen.case.id.to_owned(),
            version: chosen.version.to_string(),
            statements: chosen.case.numbers(chosen.version).map(str::to_owned).collect(),
            repetition: self.repetition,
            verdict: judgement.verdict,
            reason: judgement.reason,
            findings: judgement.findings,
            notes: judgement.notes,
            deviation,
            transcript: judgement.transcript,
        }
    }
}

pub(crate) fn described(statement: &Statement) -> SuiteStatement {
    SuiteStatement {
        version: statement.version.to_string(),
        number: statement.number.to_owned(),
        section: statement.section.to_owned(),
        level: statement.level.to_owned(),
        text: statement.text.to_owned(),
        excused: excused::reason(statement).map(str::to_owned),
    }
}

fn described_case(case: &'static Case) -> SuiteCase {
    let statements = |version: Version| case.numbers(version).map(move |number| format!("{version}:{number}"));
    let rules = |version: Version| case.rules(version).map(move |place| format!("{version}:{place}"));
    SuiteCase {
        id: case.id.to_owned(),
        title: case.title.to_owned(),
        statements: case.versions().flat_map(statements).collect(),
        rules: case.versions().flat_map(rules).collect(),
        needs: case.needs.iter().map(ToString::to_string).collect(),
        tags: case.tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

/// What has come so far.
#[derive(Debug, Default)]
struct Tally {
    counts: BTreeMap<CaseVerdict, u64>,
    known: u64,
    interrupted: bool,
    /// Targets that answer no CONNECT at the end.
    gone: Vec<String>,
    /// Target, case and version of what a deviation accepted, and of what decided nothing, so that it may be needed.
    needed: BTreeSet<(String, String, String)>,
}

impl Tally {
    fn count(&mut self, judged: &CaseJudged) {
        let undecided = matches!(judged.verdict, CaseVerdict::Inconclusive | CaseVerdict::Error);
        if judged.deviation.is_some() || undecided {
            self.needed.insert((judged.target.clone(), judged.case.clone(), judged.version.clone()));
        }
        match &judged.deviation {
            Some(_) => self.known += 1,
            None => *self.counts.entry(judged.verdict).or_default() += 1,
        }
    }

    fn outcome(&self, plan: &Plan) -> Outcome {
        let count = |verdict: CaseVerdict| self.counts.get(&verdict).copied().unwrap_or(0);
        let decided = count(CaseVerdict::Pass) + count(CaseVerdict::Warn) + count(CaseVerdict::Fail) + self.known;
        let idle = self.idle_deviations(plan);
        let mut reasons: Vec<(u8, String)> = Vec::new();
        let mut because = |code: u8, number: u64, one: &str, many: &str| {
            if number > 0 {
                reasons.push((code, format!("{number} {}", if number == 1 { one } else { many })));
            }
        };
        because(1, count(CaseVerdict::Error), "error of the suite", "errors of the suite");
        let stale = |what: &str| format!("{what} in a descriptor: {}", idle.join(", "));
        because(2, idle.len() as u64, &stale("stale known deviation"), &stale("stale known deviations"));
        let gone = format!("answers no CONNECT any more, so that many verdicts are none: {}", self.gone.join(", "));
        because(5, self.gone.len() as u64, &format!("target {gone}"), &format!("targets {gone}"));
        because(3, count(CaseVerdict::Fail), "case failed", "cases failed");
        let advice = if plan.strict { count(CaseVerdict::Warn) } else { 0 };
        because(3, advice, "departure from advice (--strict)", "departures from advice (--strict)");
        because(8, count(CaseVerdict::Inconclusive), "case is inconclusive", "cases are inconclusive");
        if decided == 0 {
            reasons.push((4, "no case was decided".into()));
        }
        let exit_code = if self.interrupted { 130 } else { reasons.first().map_or(0, |(code, _)| *code) };
        let reasons = reasons.into_iter().map(|(_, reason)| reason).collect();
        Outcome { counts: self.counts.clone(), known: self.known, exit_code, reasons }
    }

    /// Deviations whose cases all ran, and none departed: each with its target and why nothing needs it.
    fn idle_deviations(&self, plan: &Plan) -> Vec<String> {
        let all = || crate::cases::all().flat_map(|case| case.versions().map(move |version| Chosen { case, version }));
        let ran =
            |of: &Chosen| plan.chosen.iter().any(|chosen| chosen.case.id == of.case.id && chosen.version == of.version);
        let mut idle = Vec::new();
        let whole = |subject: &&Subject| !self.interrupted && !plan.fail_fast && !self.gone.contains(&subject.name);
        for subject in plan.targets.iter().filter(whole) {
            let needed = |of: &Chosen| {
                let key = (subject.name.clone(), of.case.id.to_owned(), of.version.to_string());
                self.needed.contains(&key)
            };
            for deviation in &subject.deviations {
                let covered: Vec<Chosen> = all().filter(|chosen| covers(deviation, chosen)).collect();
                let why = match covered.is_empty() {
                    true => "there is no such case",
                    false => "no such case fails any more",
                };
                if covered.iter().all(ran) && !covered.iter().any(needed) {
                    idle.push(format!("`{}` of {} ({why})", deviation.cases, subject.name));
                }
            }
        }
        idle
    }
}
