//! A whole search: which scenario comes next, what each said, and the document of it all.

use std::time::Duration;

use jiff::Timestamp;
use reports::{
    capacity::{
        Answer, CAPACITY_DOCUMENT, CAPACITY_SCHEMA, Capacity, CapacityFolder, Ceiling, Dimension, Headroom, Limit,
        Limiter, Resource, Searched, Step as Recorded, StepKind, StepVerdict, Subject, sentence,
    },
    observation::{Ending, Environment, ScenarioInfo, TargetInfo, Tool},
};
use scenarios::{Scenario, model};

use super::{
    fit, judged, limiter,
    search::{Came, Finding, Next, Search, Settings, Trial},
    shape::Shape,
};
use crate::{Exit, Outcome};

/// What to search.
#[derive(Clone, Debug)]
pub struct Job {
    /// The scenario.
    pub shape: Shape,
    /// How far.
    pub settings: Settings,
    /// Why nothing above `settings.most` is tried, as a fragment.
    pub most_because: String,
    /// The limit of this machine that it is, if it is one.
    pub most_resource: Option<Resource>,
    /// How long a step is measured.
    pub hold: Duration,
    /// How long a confirmation is measured.
    pub confirmation_hold: Duration,
}

/// What the document says of the search besides.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The program.
    pub tool: Tool,
    /// Seeds every step.
    pub seed: u64,
    /// The command line, secrets replaced.
    pub command: Vec<String>,
    /// Against what.
    pub target: TargetInfo,
    /// Whose capacity is searched.
    pub subject: Subject,
}

/// What to run next.
#[derive(Clone, Debug)]
pub struct Step {
    /// Counts from 1.
    pub number: u32,
    /// What for, and at which figure.
    pub trial: Trial,
    /// How long it is measured.
    pub hold: Duration,
    /// Its run folder, relative to the search's.
    pub folder: String,
    /// What to run.
    pub scenario: Scenario,
}

/// What to do about a saturated generator.
const RELIEF: &str = ": free this machine of other work (and build with --release), generate from another one";

/// A search under way.
#[derive(Clone, Debug)]
pub struct Hunt {
    job: Job,
    search: Search,
    document: Capacity,
    failure: Option<(Exit, String)>,
    /// Why the generator's ceiling is not known, where it was asked for.
    unknown_ceiling: Option<String>,
}

impl Hunt {
    /// Before the first step.
    #[must_use]
    pub fn new(job: Job, frame: Frame) -> Self {
        let scenario = job.shape.base();
        let document = Capacity {
            document: CAPACITY_DOCUMENT.to_owned(),
            schema: CAPACITY_SCHEMA,
            tool: frame.tool,
            seed: frame.seed,
            started_at: Timestamp::now(),
            ended_at: None,
            command: frame.command,
            scenario: ScenarioInfo {
                name: scenario.name.to_string(),
                title: scenario.title.clone(),
                description: scenario.description.clone(),
                phase: None,
            },
            target: frame.target,
            subject: frame.subject,
            search: Searched {
                dimension: match job.shape.dimension() {
                    model::Dimension::Rate => Dimension::Rate,
                    model::Dimension::Connections => Dimension::Connections,
                    model::Dimension::FanOut => Dimension::FanOut,
                },
                slo: job.shape.slo().iter().map(ToString::to_string).collect(),
                lag_limit: Some(job.shape.lag_limit().clone()),
                rate: scenario.peak_rate().filter(|_| job.shape.dimension() != model::Dimension::Rate),
                start: job.settings.start,
                most: job.settings.most,
                most_because: job.most_because.clone(),
                tolerance: job.settings.tolerance,
                confirmations: job.settings.confirmations,
                hold: job.hold,
                confirmation_hold: job.confirmation_hold,
            },
            steps: Vec::new(),
            held: None,
            not_held: None,
            answer: Answer::None { reason: "the search goes on".to_owned() },
            sentence: String::new(),
            limiter: None,
            headroom: Vec::new(),
            ceiling: None,
            fit: None,
            environment: Environment::default(),
            preflight: Vec::new(),
            remarks: job.shape.remarks(),
            ending: None,
            exit_code: None,
        };
        let mut hunt = Self { search: Search::new(job.settings), job, document, failure: None, unknown_ceiling: None };
        hunt.sign();
        hunt
    }

    /// What to run next; `None` when nothing more is to be run.
    #[must_use]
    pub fn next(&self) -> Option<Step> {
        if self.failure.is_some() {
            return None;
        }
        let Next::Try(trial) = self.search.next() else { return None };
        let number = u32::try_from(self.document.steps.len()).unwrap_or(u32::MAX).saturating_add(1);
        let hold = match trial.kind {
            StepKind::Confirmation => self.job.confirmation_hold,
            StepKind::WarmUp | StepKind::Doubling | StepKind::Bisection => self.job.hold,
        };
        let scenario = self.job.shape.at(trial.figure, hold);
        let folder = CapacityFolder::step_name(number, trial.figure);
        Some(Step { number, trial, hold, folder, scenario })
    }

    /// Takes the outcome of the step that [`Hunt::next`] gave.
    pub fn learn(&mut self, outcome: &Outcome) {
        self.take(outcome, None);
    }

    /// Takes the outcome of a step during which the target went away, and ends the search: what broke there was no SLO. `how` says
    /// what is known of it, as a fragment.
    pub fn lose(&mut self, outcome: &Outcome, how: &str) {
        self.take(outcome, Some(how));
    }

    fn take(&mut self, outcome: &Outcome, gone: Option<&str>) {
        let Some(step) = self.next() else { return };
        if let Some(run) = outcome.summary.run() {
            self.document.environment = run.environment.clone();
            self.document.preflight.clone_from(&run.preflight);
        }
        let (verdict, reason) = if outcome.interrupted {
            (StepVerdict::Interrupted, "interrupted".to_owned())
        } else if let Some(how) = gone {
            let at = self.quantity(step.trial.figure);
            self.failure = Some((Exit::Unreachable, format!("the target went away in the step at {at}, {how}")));
            (StepVerdict::Gone, format!("the target went away, {how}"))
        } else {
            match judged::came(outcome) {
                Ok((came, reason)) => {
                    self.search.learn(came);
                    (verdict(came), reason)
                }
                Err((exit, reason)) => {
                    self.failure = Some((exit, reason.clone()));
                    let gone = exit == Exit::Unreachable;
                    (if gone { StepVerdict::Gone } else { StepVerdict::Inconclusive }, reason)
                }
            }
        };
        self.document.steps.push(record(&step, outcome, self.job.shape.dimension(), verdict, reason));
        let (held, missed): (Vec<&Recorded>, _) =
            decided(&self.document.steps).partition(|step| step.verdict == StepVerdict::Held);
        self.document.held = held.iter().map(|step| step.asked).reduce(f64::max);
        self.document.not_held = missed.iter().map(|step| step.asked).reduce(f64::min);
        if outcome.interrupted {
            self.interrupt();
        }
    }

    /// Ends the search with what is known. What was confirmed by then stays so.
    pub fn interrupt(&mut self) {
        self.document.ending = Some(Ending::Interrupted);
        if matches!(self.search.next(), Next::Try(_)) {
            self.failure.get_or_insert((Exit::Inconclusive, "interrupted before the search was over".to_owned()));
        }
    }

    /// The figure that is the target's own unless it is above half of what the generator can do at all; `None` where the answer
    /// does not hang on that.
    #[must_use]
    pub fn needs_ceiling(&self) -> Option<f64> {
        match self.search.next() {
            Next::Found(Finding::Sustained { figure, above: Some((_, Came::Broke)) })
                if self.failure.is_none() && self.hangs_on_ceiling() =>
            {
                Some(figure)
            }
            _ => None,
        }
    }

    fn hangs_on_ceiling(&self) -> bool {
        self.document.subject == Subject::Broker && self.job.shape.dimension() == model::Dimension::Rate
    }

    /// Takes the generator's ceiling into account.
    pub fn set_ceiling(&mut self, ceiling: Ceiling) {
        self.document.ceiling = Some(ceiling);
    }

    /// Says that the ceiling could not be found out, as a fragment: nothing is then said to be the target's own.
    pub fn set_no_ceiling(&mut self, why: String) {
        self.unknown_ceiling = Some(why);
    }

    /// Says what a reader must know besides.
    pub fn remark(&mut self, remark: String) {
        self.document.remarks.push(remark);
    }

    /// The answer, the sentence and the exit code, now that nothing more is to be run; gives that code.
    pub fn conclude(&mut self) -> u8 {
        self.document.answer = self.answer();
        self.document.limiter = self.limiter();
        let saturated = self.was_saturated();
        let capacity = &mut self.document;
        capacity.ended_at = Some(Timestamp::now());
        capacity.ending.get_or_insert(if self.failure.is_some() { Ending::Aborted } else { Ending::Completed });
        if capacity.search.dimension == Dimension::Rate && capacity.subject == Subject::Broker {
            capacity.headroom = capacity.answer.figure().map_or_else(Vec::new, Headroom::of);
            capacity.fit = fit::usl(&capacity.steps);
        }
        let exit = match (&capacity.ending, &self.failure, &capacity.answer) {
            (Some(Ending::Interrupted), ..) => Exit::INTERRUPTED,
            (_, Some((exit, _)), _) => exit.code(),
            (_, None, Answer::None { .. }) if saturated => Exit::Invalid.code(),
            (_, None, Answer::None { .. }) => Exit::Inconclusive.code(),
            (_, None, _) => Exit::Pass.code(),
        };
        capacity.exit_code = Some(exit);
        self.sign();
        exit
    }

    /// What is searched.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The document as it stands.
    #[must_use]
    pub fn document(&self) -> &Capacity {
        &self.document
    }

    fn sign(&mut self) {
        self.document.sentence = sentence(&self.document);
    }

    fn answer(&self) -> Answer {
        if let Some((_, reason)) = &self.failure {
            return Answer::None { reason: reason.clone() };
        }
        let confirmations = self.job.settings.confirmations;
        let quantity = |value: f64| self.quantity(value);
        let finding = match self.search.next() {
            Next::Try(_) => return Answer::None { reason: "the search goes on".to_owned() },
            Next::Found(finding) => finding,
        };
        match finding {
            Finding::Nothing { lowest, came, held_once } => {
                let which = match came {
                    Came::Saturated => "the generator was saturated",
                    Came::Undecided => "too little was known to decide",
                    Came::Broke | Came::Held => "the SLO broke",
                };
                let (at, when) = (quantity(lowest), if held_once { "in a longer run" } else { "already" });
                let then = if came == Came::Saturated { RELIEF } else { "" };
                Answer::None { reason: format!("{which} at {at} {when}{then}") }
            }
            Finding::Sustained { figure, .. } if self.was_saturated() => {
                let (start, held) = (quantity(self.job.settings.start), quantity(figure));
                Answer::None {
                    reason: format!(
                        "the generator was the bottleneck below the {start} that the search began with (it drove {held}){RELIEF}, \
                         or begin lower with --start"
                    ),
                }
            }
            Finding::Sustained { figure, above: Some((broke_at, Came::Broke | Came::Held)) } => {
                if let Some(ceiling) = self.too_low_ceiling(figure) {
                    let reason = format!(
                        "that is above half of the generator's own ceiling of {}, so that what broke at {} may have been the \
                         generator",
                        quantity(ceiling.figure),
                        quantity(broke_at)
                    );
                    return Answer::AtLeast { figure, confirmations, limited_by: Limit::Generator, reason };
                }
                if self.document.ceiling.is_some() || !self.hangs_on_ceiling() {
                    return Answer::Confirmed { figure, confirmations, broke_at };
                }
                let why = self.unknown_ceiling.as_deref().unwrap_or("it was not measured");
                let reason = format!(
                    "the SLO broke at {}, which may have been the generator's doing: its own ceiling is not known ({why})",
                    quantity(broke_at)
                );
                Answer::AtLeast { figure, confirmations, limited_by: Limit::Undecided, reason }
            }
            Finding::Sustained { figure, above } => {
                let (limited_by, reason) = match above {
                    Some((at, Came::Saturated)) => {
                        (Limit::Generator, format!("at {} the generator was saturated", quantity(at)))
                    }
                    Some((at, _)) => (Limit::Undecided, format!("{} could not be decided", quantity(at))),
                    None if self.job.most_resource.is_some() => (Limit::Machine, self.job.most_because.clone()),
                    None => (Limit::Maximum, self.job.most_because.clone()),
                };
                Answer::AtLeast { figure, confirmations, limited_by, reason }
            }
        }
    }

    /// Whether the generator, and not the target, kept the search from an answer: nothing was found because of it, or only
    /// what is below the figure that the search was asked to begin with. To be measured itself is no such failure.
    fn was_saturated(&self) -> bool {
        let Next::Found(finding) = self.search.next() else { return false };
        match finding {
            Finding::Nothing { came, .. } => came == Came::Saturated,
            Finding::Sustained { figure, above } => {
                let by_generator = match above {
                    Some((_, Came::Saturated)) => true,
                    Some((_, Came::Broke)) => self.too_low_ceiling(figure).is_some(),
                    _ => false,
                };
                by_generator && self.document.subject == Subject::Broker && figure < self.job.settings.start
            }
        }
    }

    /// The generator's ceiling, when `figure` is above half of it.
    fn too_low_ceiling(&self, figure: f64) -> Option<&Ceiling> {
        self.document.ceiling.as_ref().filter(|ceiling| figure > ceiling.figure / 2.0)
    }

    /// A figure of the search with its unit.
    fn quantity(&self, value: f64) -> String {
        reports::capacity::quantity(self.document.search.dimension, value)
    }

    /// What ended the search: the resource behind the step above the answer.
    fn limiter(&self) -> Option<Limiter> {
        let capacity = &self.document;
        if let Answer::AtLeast { limited_by, reason, .. } = &capacity.answer {
            let resource = match limited_by {
                Limit::Generator => Resource::Generator,
                Limit::Machine => self.job.most_resource?,
                Limit::Maximum | Limit::Undecided => return None,
            };
            return Some(Limiter { resource, evidence: reason.clone() });
        }
        let bounding = match capacity.answer {
            Answer::Confirmed { broke_at, .. } => broke_at,
            _ if self.failure.is_some() => return None,
            _ => capacity.not_held?,
        };
        let not_held = |step: &&Recorded| step.asked == bounding && step.verdict != StepVerdict::Held;
        let ended = decided(&capacity.steps).filter(not_held).last()?;
        let held = decided(&capacity.steps).filter(|step| step.verdict == StepVerdict::Held).last();
        let shared = capacity.environment.shared_with_target;
        limiter::limiter(ended, held, capacity.environment.cores.filter(|_| shared))
    }
}

/// The steps that count: no warm-up, nothing that was interrupted or tried again, and none in which the target went away.
fn decided(steps: &[Recorded]) -> impl Iterator<Item = &Recorded> {
    let again = |place: usize| steps.get(place + 1).is_some_and(|next| next.attempt > 1);
    let counts = move |(place, step): &(usize, &Recorded)| {
        let says_nothing = matches!(step.verdict, StepVerdict::Interrupted | StepVerdict::Gone);
        step.kind != StepKind::WarmUp && !says_nothing && !again(*place)
    };
    steps.iter().enumerate().filter(counts).map(|(_, step)| step)
}

fn verdict(came: Came) -> StepVerdict {
    match came {
        Came::Held => StepVerdict::Held,
        Came::Broke => StepVerdict::Broke,
        Came::Saturated => StepVerdict::Saturated,
        Came::Undecided => StepVerdict::Inconclusive,
    }
}

fn record(
    step: &Step,
    outcome: &Outcome,
    dimension: model::Dimension,
    verdict: StepVerdict,
    reason: String,
) -> Recorded {
    let summary = &outcome.summary;
    let rate = summary.rate(&reports::Labels::none());
    let counts = judged::counts(summary);
    Recorded {
        number: step.number,
        kind: step.trial.kind,
        attempt: step.trial.attempt,
        asked: step.trial.figure,
        achieved: judged::achieved(summary, dimension),
        hold: step.hold,
        verdict,
        reason,
        slo: summary.thresholds().to_vec(),
        sent_per_second: rate.map(|rate| rate.sent),
        received_per_second: rate.map(|rate| rate.received),
        latency: judged::end_to_end(summary),
        connect: judged::connecting(summary),
        connections: judged::connections(summary),
        intended: counts.intended,
        lost: counts.lost,
        duplicated: counts.duplicated,
        not_sent: counts.not_sent,
        unacknowledged: counts.unacknowledged,
        generator: judged::generator(summary),
        broker: judged::broker(summary),
        folder: step.folder.clone(),
    }
}
