//! Two sides, each with several runs of one scenario: is the new one worse?
//!
//! ```text
//!   run folders ─▶ Recorded: one value per metric ─▶ they are of one kind, which of them count ─▶ intervals ─▶ Comparison
//! ```
//!
//! The unit is the run. Latencies within a run depend on each other, so thousands of them say no more about the next run than
//! their one percentile does; an interval comes from how the runs of a side differ. Who measures lets the sides take turns,
//! so that a drift of the machine meets both.

mod interval;
mod verdict;

use std::path::Path;

use reports::{
    Counter, Labels, Reader, Summary,
    comparison::{COMPARISON_SCHEMA, ComparedRun, Comparison, Outcome, Settings, Side},
    observation::{Ending, Environment, RunStarted, ScenarioInfo, TargetInfo, Tool},
    run_folder::file,
};
use scenarios::{
    Scenario,
    model::{Measure, Metric},
};

use crate::{Exit, judge::Jury};

pub use interval::{RESAMPLES, change, difference};
use verdict::{Counted, Whole};

/// A recorded run, with what it says of each metric.
#[derive(Debug)]
pub struct Recorded {
    folder: String,
    summary: Summary,
    values: Vec<Option<f64>>,
}

/// Why runs cannot be compared: a lowercase sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(String);

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Task {
    /// The metrics; empty for [`usual`] ones.
    pub metrics: Vec<Measure>,
    /// How to judge.
    pub settings: Settings,
    /// The program.
    pub tool: Tool,
    /// The command line, secrets replaced.
    pub command: Vec<String>,
    /// Now, RFC 3339.
    pub compared_at: String,
}

/// What is compared when nobody says: a metric that neither side has is left out.
pub fn usual() -> Vec<Measure> {
    let by_qos = (0..=2).flat_map(|qos| {
        [format!("e2e{{qos:{qos}}} p(50)"), format!("e2e{{qos:{qos}}} p(99)"), format!("loss{{qos:{qos}}} rate")]
    });
    let whole = ["delivery_rate avg", "broker_cpu_per_message avg", "broker_memory max"].map(str::to_owned);
    by_qos.chain(whole).map(|text| text.parse().expect("a metric of ours")).collect()
}

impl Recorded {
    /// Reads a run folder, and what it says of `metrics`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no run of a scenario.
    pub fn read(folder: &Path, metrics: &[Measure]) -> Result<Self, reports::ReadError> {
        let thresholds: Vec<_> = metrics.iter().map(Measure::threshold).collect();
        let (mut summary, mut jury) = (Summary::new(), Jury::new(&thresholds));
        let path = folder.join(file::OBSERVATIONS);
        for observation in Reader::open(&path)? {
            let observation = observation?;
            jury.apply(&observation);
            summary.apply(&observation);
        }
        if summary.run().is_none() {
            return Err(reports::ReadError::NotARun { path });
        }
        let values = jury.outcomes(&summary).into_iter().map(|outcome| outcome.observed).collect();
        Ok(Self { folder: folder.display().to_string(), summary, values })
    }

    fn run(&self) -> &RunStarted {
        self.summary.run().expect("was checked when it was read")
    }

    /// Why its figures say nothing about the target, or less than those of others.
    fn uncounted(&self) -> Option<String> {
        let ended = match self.summary.ended() {
            None => return Some("it was cut off".to_owned()),
            Some(ended) => ended,
        };
        let first = ended.reasons.first().cloned().unwrap_or_default();
        match (ended.ending, Exit::from_code(ended.exit_code)) {
            (Ending::Interrupted, _) => Some("it was interrupted".to_owned()),
            (_, Some(Exit::Invalid)) => Some(first),
            (Ending::Aborted, _) => Some(format!("it ended before its time: {first}")),
            (_, None | Some(Exit::Internal | Exit::Usage | Exit::Unreachable | Exit::NothingRan)) => Some(first),
            _ if self.run().segment().is_some() => {
                Some("it is one segment of a run: join all of them first".to_owned())
            }
            _ if self.summary.counter(Counter::Sent, &Labels::none()).unwrap_or(0) == 0 => {
                Some("it sent nothing".to_owned())
            }
            _ => None,
        }
    }

    /// Whether its broker could be started: of a run that could not begin only the reason is known.
    fn has_begun(&self) -> bool {
        !self.run().stages.is_empty()
    }

    fn told(&self) -> ComparedRun {
        let run = self.run();
        let reason = self.uncounted();
        ComparedRun {
            folder: self.folder.clone(),
            run_id: run.run_id.clone(),
            started_at: run.started_at.to_string(),
            exit_code: self.summary.ended().map(|ended| ended.exit_code),
            counted: reason.is_none(),
            reason: reason.unwrap_or_default(),
            report: None,
        }
    }
}

/// What a comparison is about, besides its sides.
struct Subject {
    scenario: ScenarioInfo,
    seed: u64,
    environment: Environment,
}

/// Compares the runs of `new` with those of `base`; both were read with the metrics of `task`, at least one run each.
///
/// # Errors
///
/// When they are not of one kind: another scenario, seed, plan or kind of machine.
pub fn compare(
    task: Task,
    base: (String, Vec<Recorded>),
    new: (String, Vec<Recorded>),
) -> Result<Comparison, Mismatch> {
    let ((base_name, mut base), (new_name, mut new)) = (base, new);
    for side in [&mut base, &mut new] {
        side.sort_by_key(|one| one.run().started_at);
    }
    if base.is_empty() {
        return Err(Mismatch(format!("{base_name} has no run")));
    }
    if new.is_empty() {
        return Err(Mismatch(format!("{new_name} has no run")));
    }
    let mut warnings = Vec::new();
    let first = first(&base, &new);
    for other in base.iter().chain(&new) {
        same_kind(first, other)?;
        if other.has_begun() {
            warnings.extend(strange(first, other));
        }
    }
    warnings.sort();
    warnings.dedup();
    if !task.settings.interleaved {
        warnings.push(
            "the sides did not take turns, so a drift of the machine may look like a change: measure both with --scenario"
                .to_owned(),
        );
    }
    for (name, side) in [(&base_name, &base), (&new_name, &new)] {
        let missed = side
            .iter()
            .filter(|one| one.summary.ended().is_some_and(|ended| ended.exit_code == Exit::Thresholds.code()));
        let missed = missed.count();
        if missed > 0 {
            warnings.push(format!("{missed} of {} runs of {name} missed a threshold of the scenario", side.len()));
        }
    }
    let usual_ones = task.metrics.is_empty();
    let metrics = if usual_ones { usual() } else { task.metrics.clone() };
    let mut compared = Vec::new();
    for (place, metric) in metrics.iter().enumerate() {
        let values = |side: &[Recorded]| -> Vec<f64> {
            let counted = side.iter().filter(|one| one.uncounted().is_none());
            counted.filter_map(|one| one.values.get(place).copied().flatten()).collect()
        };
        let (of_base, of_new) = (values(&base), values(&new));
        match (of_base.is_empty(), of_new.is_empty()) {
            (true, true) if usual_ones => {}
            // What one broker uses is known and what the other one uses is not: nobody asked, so nothing is left undecided by it.
            (unknown, other) if usual_ones && unknown != other && is_of_process(metric) => {
                let name = if unknown { &base_name } else { &new_name };
                warnings
                    .push(format!("{metric} is not compared: it is not known of {name} (--metrics, --new-metrics)"));
            }
            _ => compared.push(verdict::of_metric(metric, of_base, of_new, &task.settings)),
        }
    }
    let whole = verdict::in_all(&compared, [counted(&base_name, &base), counted(&new_name, &new)], &task.settings);
    let run = first.run();
    let subject = Subject { scenario: run.scenario.clone(), seed: run.seed, environment: run.environment.clone() };
    let sides = [side(base_name, &base), side(new_name, &new)];
    let code = exit(whole.verdict);
    Ok(Comparison { metrics: compared, warnings, ..document(task, subject, sides, whole, code) })
}

/// A comparison of two sides of `scenario` that came to nothing, and `why`, a clause; it ends with `exit`. The runs that were made by
/// then are listed, if there are any.
pub fn given_up(
    task: Task,
    scenario: &Scenario,
    base: (String, Vec<Recorded>),
    new: (String, Vec<Recorded>),
    exit: Exit,
    why: &str,
) -> Comparison {
    let ((base_name, base), (new_name, new)) = (base, new);
    let begun = base.iter().chain(&new).find(|one| one.has_begun());
    let subject = Subject {
        scenario: ScenarioInfo {
            name: scenario.name.to_string(),
            title: scenario.title.clone(),
            description: scenario.description.clone(),
            phase: None,
        },
        seed: scenario.seed,
        environment: begun.map_or_else(Environment::default, |one| one.run().environment.clone()),
    };
    let whole = Whole {
        verdict: Outcome::Inconclusive,
        headline: format!("{new_name} was not compared with {base_name}: {why}"),
        reasons: Vec::new(),
    };
    document(task, subject, [side(base_name, &base), side(new_name, &new)], whole, exit)
}

/// The document, without metrics and warnings.
fn document(task: Task, subject: Subject, [base, new]: [Side; 2], whole: Whole, exit: Exit) -> Comparison {
    Comparison {
        schema: COMPARISON_SCHEMA,
        tool: task.tool,
        compared_at: task.compared_at,
        command: task.command,
        scenario: subject.scenario,
        seed: subject.seed,
        environment: subject.environment,
        settings: task.settings,
        base,
        new,
        metrics: Vec::new(),
        verdict: whole.verdict,
        exit_code: exit.code(),
        headline: whole.headline,
        reasons: whole.reasons,
        warnings: Vec::new(),
    }
}

fn side(name: String, runs: &[Recorded]) -> Side {
    let target = runs.first().map_or_else(TargetInfo::default, |one| one.run().target.clone());
    Side { name, target, runs: runs.iter().map(Recorded::told).collect() }
}

/// The run that others must be like: the first that began, or just the first; of sides that have runs.
fn first<'a>(base: &'a [Recorded], new: &'a [Recorded]) -> &'a Recorded {
    base.iter().chain(new).find(|one| one.has_begun()).unwrap_or(&base[0])
}

fn counted<'a>(name: &'a str, side: &[Recorded]) -> Counted<'a> {
    let left_out: Vec<String> = side.iter().filter_map(Recorded::uncounted).collect();
    Counted { name, runs: side.len() - left_out.len(), left_out: left_out.into_iter().next() }
}

/// Whether it is about what the broker's process uses.
fn is_of_process(metric: &Measure) -> bool {
    matches!(metric.series.metric, Metric::BrokerCpuPerMessage | Metric::BrokerMemory)
}

/// What the process ends with.
pub const fn exit(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Pass => Exit::Pass,
        Outcome::Regressed => Exit::Thresholds,
        Outcome::Inconclusive => Exit::Inconclusive,
    }
}

fn same_kind(first: &Recorded, other: &Recorded) -> Result<(), Mismatch> {
    let (one, two) = (first.run(), other.run());
    let differ = |what: &str, a: String, b: String| {
        let (first, other) = (&first.folder, &other.folder);
        Mismatch(format!("cannot compare {other} with {first}: {what}: {b} and {a}"))
    };
    if one.scenario.name != two.scenario.name {
        return Err(differ("the scenarios are", one.scenario.name.clone(), two.scenario.name.clone()));
    }
    if one.seed != two.seed {
        return Err(differ("the seeds are", one.seed.to_string(), two.seed.to_string()));
    }
    if !first.has_begun() || !other.has_begun() {
        return Ok(());
    }
    let stages = |run: &RunStarted| {
        let stages = run.stages.iter().map(|stage| {
            let rate = stage.rate.map_or_else(String::new, |rate| format!(" at {rate}/s"));
            format!("{} for {:.1}s{rate}", stage.name, stage.duration.as_secs_f64())
        });
        stages.collect::<Vec<_>>().join(", ")
    };
    if one.stages != two.stages {
        return Err(differ("the stages are", stages(one), stages(two)));
    }
    let groups = |run: &RunStarted| {
        let groups = run.groups.iter().map(|group| format!("{} {}", group.count, group.name));
        groups.collect::<Vec<_>>().join(", ")
    };
    if one.groups != two.groups {
        return Err(differ("the clients are", groups(one), groups(two)));
    }
    let machine = |environment: &Environment| {
        let cores = environment.cores.map_or_else(|| "unknown cores".to_owned(), |cores| format!("{cores} cores"));
        format!(
            "{cores} of {}",
            if environment.processor.is_empty() { "an unknown processor" } else { &environment.processor }
        )
    };
    let (here, there) = (&one.environment, &two.environment);
    if (&here.processor, here.cores) != (&there.processor, there.cores) {
        return Err(differ("the machines have", machine(here), machine(there)));
    }
    Ok(())
}

/// What differs and may be harmless.
fn strange(first: &Recorded, other: &Recorded) -> Vec<String> {
    let (one, two) = (&first.run().environment, &other.run().environment);
    let mut all = Vec::new();
    if one.host != two.host {
        all.push(format!("the hosts differ: {} and {}", one.host, two.host));
    }
    if one.kernel != two.kernel {
        all.push(format!("the kernels differ: {} and {}", one.kernel, two.kernel));
    }
    let (mine, theirs) = (&first.run().tool.version, &other.run().tool.version);
    if mine != theirs {
        all.push(format!("the versions of Paddock differ: {mine} and {theirs}"));
    }
    all
}

#[cfg(test)]
mod tests;
