//! A whole search: which scenario comes next, what each said, and the document of it all.

use std::time::Duration;

use jiff::Timestamp;
use reports::{
    capacity::{
        Answer, CAPACITY_DOCUMENT, CAPACITY_SCHEMA, Capacity, CapacityFolder, Ceiling, Dimension, Headroom, Limit,
        Limiter, Resource, Searched, Step as Recorded, StepKind, StepVerdict, Subject, figure, sentence,
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

/// A search under way.
#[derive(Clone, Debug)]
pub struct Hunt {
    job: Job,
    search: Search,
    document: Capacity,
    failure: Option<(Exit, String)>,
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
        let mut hunt = Self { search: Search::new(job.settings), job, document, failure: None };
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
        let Some(step) = self.next() else { return };
        if let Some(run) = outcome.summary.run() {
            self.document.environment = run.environment.clone();
            self.document.preflight.clone_from(&run.preflight);
        }
        let (verdict, reason) = if outcome.interrupted {
            (StepVerdict::Interrupted, "interrupted".to_owned())
        } else {
            match judged::came(outcome) {
                Ok((came, reason)) => {
                    self.search.learn(came);
                    (verdict(came), reason)
                }
                Err((exit, reason)) => {
                    self.failure = Some((exit, reason.clone()));
                    (StepVerdict::Inconclusive, reason)
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

    /// The answer as it stands when the generator's ceiling is left out of account, and whether it hangs on that ceiling: a
    /// figure that is the target's own unless it is above half of what the generator can do at all.
    #[must_use]
    pub fn needs_ceiling(&self) -> Option<f64> {
        let confirmed = matches!(self.answer(), Answer::Confirmed { .. });
        let asks = confirmed && self.document.subject == Subject::Broker && self.failure.is_none();
        (asks && self.job.shape.dimension() == model::Dimension::Rate).then(|| self.answer().figure()).flatten()
    }

    /// Takes the generator's ceiling into account.
    pub fn set_ceiling(&mut self, ceiling: Ceiling) {
        self.document.ceiling = Some(ceiling);
    }

    /// Says what a reader must know besides.
    pub fn remark(&mut self, remark: String) {
        self.document.remarks.push(remark);
    }

    /// The answer, the sentence and the exit code, now that nothing more is to be run; gives that code.
    pub fn conclude(&mut self) -> u8 {
        self.document.answer = self.answer();
        self.document.limiter = self.limiter();
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
        let unit = self.document.search.dimension.unit();
        let quantity = |value: f64| format!("{} {unit}", figure(self.document.search.dimension, value));
        match self.search.next() {
            Next::Try(_) => Answer::None { reason: "the search goes on".to_owned() },
            Next::Found(Finding::Nothing { lowest, came, held_once }) => {
                let which = match came {
                    Came::Saturated => "the generator was saturated",
                    Came::Undecided => "too little was known to decide",
                    Came::Broke | Came::Held => "the SLO broke",
                };
                let (at, when) = (quantity(lowest), if held_once { "in a longer run" } else { "already" });
                Answer::None { reason: format!("{which} at {at} {when}") }
            }
            Next::Found(Finding::Sustained { figure, above: Some((broke_at, Came::Broke | Came::Held)) }) => {
                match self.document.ceiling.as_ref().filter(|ceiling| figure > ceiling.figure / 2.0) {
                    None => Answer::Confirmed { figure, confirmations, broke_at },
                    Some(ceiling) => Answer::AtLeast {
                        figure,
                        confirmations,
                        limited_by: Limit::Generator,
                        reason: format!(
                            "that is above half of the generator's own ceiling of {}, so that what broke at {} may have \
                             been the generator",
                            quantity(ceiling.figure),
                            quantity(broke_at)
                        ),
                    },
                }
            }
            Next::Found(Finding::Sustained { figure, above }) => {
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

/// The steps that count: no warm-up, nothing that was interrupted or tried again.
fn decided(steps: &[Recorded]) -> impl Iterator<Item = &Recorded> {
    let again = |place: usize| steps.get(place + 1).is_some_and(|next| next.attempt > 1);
    let counts = move |(place, step): &(usize, &Recorded)| {
        step.kind != StepKind::WarmUp && step.verdict != StepVerdict::Interrupted && !again(*place)
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
