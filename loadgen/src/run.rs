//! A run: one scenario against one target.
//!
//! ```text
//!   limits, preflight ─▶ subscribers ready ─▶ devices online ─▶ parts of the scenario ─▶ drain ─▶ fence ─▶ farewell ─▶ verdict
//!        exit 2, 5            exit 5           (no first ramp)    open loop: intended        all arrived, or the deadline
//!                                                                 starts, whatever comes back
//! ```

mod absence;
mod appointment;
mod chronicle;
mod closing;
mod drive;
mod ending;
mod exchange;
mod flood;
mod happenings;
mod load;
mod network;
mod preflight;
mod prepare;
mod program;
mod reactions;
mod readers;
mod recorder;
mod replays;
mod resources;
mod side;
mod split;
mod starvation;
mod sys;
mod upheaval;

use std::{
    pin::{Pin, pin},
    time::Duration,
};

use jiff::Timestamp;
use protocol::ReasonCode;
use reports::{
    Observation, Sink,
    observation::{Ending, TargetInfo, Tool},
};
use scenarios::Scenario;
use simulator::{Clock, Target};
use transport::Scheme;

use crate::{
    Exit, MetricsPage, Outcome, RunId,
    judge::{Failure, Jury},
    metrics::Drops,
    schedule::Segment,
};

use appointment::Appointment;
use chronicle::Chronicle;
use drive::Drive;
use upheaval::Broker;
pub use upheaval::{BrokerControl, Deed, Done};

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// The scenario, overrides applied.
    pub scenario: Scenario,
    /// The broker: address, credentials, topic prefix. Give a broker that others use a prefix of the run's own, such as
    /// `paddock/<run id>`.
    pub target: Target,
    /// What to say about the target in reports.
    pub described: TargetInfo,
    /// The process of the target, when it runs on this machine: sampled once per second.
    pub process: Option<u32>,
    /// Where the target's own metrics are, on this machine or another: read about once per second, and what the windows then
    /// say of the target.
    pub metrics: Option<MetricsPage>,
    /// Where the target tells what it dropped: read before the load and after it, and not in between. [`metrics`](Self::metrics) when
    /// absent.
    pub tells: Option<MetricsPage>,
    /// The broker itself, when it was started for this run: events may freeze, kill and restart it. A scenario with such events
    /// against another broker is refused.
    pub broker: Option<Box<dyn BrokerControl>>,
    /// Seeds everything random.
    pub seed: u64,
    /// The run's id: [`RunId::from_seed`] on a broker of its own, [`RunId::unique`] on one that others use.
    pub run_id: RunId,
    /// The share of the devices and subscribers that this process drives. What segments [cannot account
    /// for](Segment::accounts_for) is refused before anything is sent.
    pub segment: Segment,
    /// When the run starts, so that several processes start at the same moment; absent for as soon as everybody is ready.
    pub start_at: Option<Timestamp>,
    /// Whether to clear every retained message of the run at its end.
    pub clear_retained: bool,
    /// The program.
    pub tool: Tool,
    /// The command line that reproduces the run, secrets replaced.
    pub command: Vec<String>,
}

/// Runs `plan` and records all there is to say into `sinks`. When `interrupt` resolves, the run ends early and what
/// happened so far is judged.
///
/// Needs a current-thread tokio runtime with time and input/output; devices, subscribers and measuring share its thread.
/// Never fails: what went wrong is the outcome.
pub async fn run(mut plan: Plan, sinks: Vec<Box<dyn Sink>>, interrupt: impl Future<Output = ()>) -> Outcome {
    let clock = Clock::new();
    // Thresholds are about the whole of a run: whoever joins the segments judges them.
    let thresholds = if plan.segment.is_whole() { &plan.scenario.thresholds[..] } else { &[] };
    let jury = Jury::new(thresholds);
    let chronicle = Chronicle::new(sinks, jury, plan.process, port(&plan.target), clock);
    let chronicle = Box::new(chronicle.reading(plan.metrics.as_ref()));
    let interrupt = pin!(interrupt);
    let broker = plan.broker.take().map(Broker::new);
    let connections = drive::connections(&plan);
    let spread = plan.target.spread(connections).map_err(|reason| Failure { exit: Exit::Usage, reason });
    let ended = drive((&plan, connections), spread, clock, chronicle, broker, interrupt).await;
    let Ended { mut chronicle, ending, at, failure, answered } = ended;
    let (exit, mut reasons) = closing::conclude(&plan, &mut chronicle, ending, at, failure.as_ref());
    let (summary, sink_failure) = chronicle.finish();
    let mut all = vec![exit];
    let unwritten = sink_failure.map(|error| format!("cannot write the report: {error}"));
    if let Some(reason) = &unwritten {
        reasons.insert(0, reason.clone());
        all.push(Exit::Usage);
    }
    let exit = Exit::worst(all);
    let interrupted = ending == Ending::Interrupted;
    Outcome { verdict: exit.verdict(), exit, reasons, answered, interrupted, unwritten, summary }
}

/// What is left of a run when everybody has gone.
struct Ended {
    chronicle: Box<Chronicle>,
    ending: Ending,
    at: Duration,
    failure: Option<Failure>,
    answered: bool,
}

async fn drive(
    (plan, connections): (&Plan, u64),
    spread: Result<(), Failure>,
    clock: Clock,
    mut chronicle: Box<Chronicle>,
    broker: Option<Broker>,
    interrupt: Pin<&mut dyn Future<Output = ()>>,
) -> Ended {
    let stillborn = |mut chronicle: Box<Chronicle>, failure, limit| {
        closing::frame(plan, limit, connections, &Appointment::now(), |frame| chronicle.record(&frame));
        Ended { chronicle, ending: Ending::Aborted, at: Duration::ZERO, failure: Some(failure), answered: false }
    };
    if let Err(failure) = spread.and_then(|()| accountable(plan, broker.is_some())) {
        return stillborn(chronicle, failure, None);
    }
    let limit = match resources::raise_file_limit(connections) {
        Ok(limit) => Some(limit),
        Err(failure) => return stillborn(chronicle, failure, None),
    };
    let mut drive = match Drive::new(plan, clock, chronicle, broker, interrupt) {
        Ok(drive) => drive,
        Err((returned, failure)) => {
            chronicle = returned;
            return stillborn(chronicle, failure, limit);
        }
    };
    let mut said = None;
    let mut drops = plan.tells.as_ref().or(plan.metrics.as_ref()).map(Drops::watch);
    let prepared = drive.prepare().await.and_then(|()| Appointment::at(plan.start_at, clock));
    let (appointment, mut failure) = match prepared {
        Ok(appointment) => (appointment, None),
        Err(failure) => (Appointment::now(), Some(failure)),
    };
    closing::frame(plan, limit, connections, &appointment, |frame| drive.scribe.record(frame));
    if failure.is_none() {
        if let Some(drops) = &mut drops {
            drive.look_at_page(drops).await;
        }
        failure = drive.keep(&appointment).await.err();
    }
    if failure.is_none() {
        drive.begin(appointment.at);
        failure = drive.load().await.err();
        if failure.is_none() {
            drive.drain().await;
            failure = drive.failure.take();
            if !drops.as_ref().is_some_and(Drops::tells) {
                said = drive.ask_sys().await;
            }
        }
    }
    if let Some(drops) = &mut drops {
        drops.look_again();
    }
    drive.farewell().await;
    let ending = match (&failure, drive.interrupted) {
        (Some(_), _) => Ending::Aborted,
        (None, _) if drive.aborted => Ending::Aborted,
        (None, true) => Ending::Interrupted,
        (None, false) => Ending::Completed,
    };
    let answered = drive.reached;
    let began_again = drive.broker.as_ref().is_some_and(Broker::began_again);
    let (mut chronicle, at) = drive.settle();
    if let Some(drops) = drops.and_then(|drops| drops.told(began_again)).or(said) {
        chronicle.record(&Observation::BrokerDrops(drops));
    }
    Ended { chronicle, ending, at, failure, answered }
}

/// Refuses a share of a run that nobody could join with the others.
fn accountable(plan: &Plan, ours: bool) -> Result<(), Failure> {
    let Plan { segment, scenario, .. } = plan;
    let apart = !segment.is_whole() && ours;
    let apart = apart.then(|| "segments meet on one broker, and this one was started for one of them".to_owned());
    let reason = segment.accounts_for(scenario).err().or(apart);
    reason.map_or(Ok(()), |why| Err(Failure { exit: Exit::Usage, reason: format!("segment {segment}: {why}") }))
}

/// The port of the target, when it is one of TCP.
fn port(target: &Target) -> Option<u16> {
    (target.endpoint.scheme != Scheme::Unix).then_some(target.endpoint.port)
}

fn unreachable(reason: impl std::fmt::Display) -> Failure {
    Failure { exit: Exit::Unreachable, reason: format!("target unreachable: {reason}") }
}

/// A refused CONNECT, in words that say what to do where that is known.
fn refused(reason: ReasonCode) -> String {
    let hint = match reason {
        ReasonCode::BadUserNameOrPassword | ReasonCode::NotAuthorized => "; check the user and the password",
        ReasonCode::ClientIdentifierNotValid => "; the broker does not take the names of the scenario's clients",
        _ => "",
    };
    format!("the broker refused the connection: {reason}{hint}")
}
