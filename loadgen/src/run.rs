//! A run: one scenario against one target.
//!
//! ```text
//!   limits, preflight ─▶ subscribers ready ─▶ devices online ─▶ parts of the scenario ─▶ drain ─▶ fence ─▶ farewell ─▶ verdict
//!        exit 2, 5            exit 5           (no first ramp)    open loop: intended        all arrived, or the deadline
//!                                                                 starts, whatever comes back
//! ```

mod book;
mod closing;
mod drive;
mod program;
mod readers;
mod recorder;
mod resources;

use std::pin::pin;

use reports::{
    Sink,
    observation::{Ending, TargetInfo, Tool},
};
use scenarios::Scenario;
use simulator::Target;

use crate::{Exit, Outcome, RunId, schedule::Segment};

use book::Book;
use drive::Drive;

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
    /// Seeds everything random.
    pub seed: u64,
    /// The run's id: [`RunId::from_seed`] on a broker of its own, [`RunId::unique`] on one that others use.
    pub run_id: RunId,
    /// The share of the devices that this process drives.
    pub segment: Segment,
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
pub async fn run(plan: Plan, sinks: Vec<Box<dyn Sink>>, interrupt: impl Future<Output = ()>) -> Outcome {
    let mut book = Book::new(sinks);
    let mut interrupt = pin!(interrupt);
    let connections = u64::from(plan.scenario.connection_count());
    let (exit, reasons, interrupted) = match resources::raise_file_limit(connections) {
        Err(failure) => {
            closing::frame(&plan, &mut book, None, connections);
            closing::conclude(&plan.scenario, &mut book, Ending::Aborted, std::time::Duration::ZERO, Some(&failure))
        }
        Ok(limit) => match Drive::new(&plan, &mut book) {
            Err(failure) => {
                closing::frame(&plan, &mut book, Some(limit), connections);
                closing::conclude(&plan.scenario, &mut book, Ending::Aborted, std::time::Duration::ZERO, Some(&failure))
            }
            Ok(mut drive) => {
                let prepared = drive.prepare(interrupt.as_mut()).await;
                closing::frame(&plan, drive.book(), Some(limit), connections);
                drive.begin();
                if prepared.is_ok() {
                    drive.load(interrupt.as_mut()).await;
                    drive.drain(interrupt.as_mut()).await;
                }
                drive.farewell().await;
                let ending = match (&prepared, drive.interrupted()) {
                    (Err(_), _) => Ending::Aborted,
                    (Ok(()), true) => Ending::Interrupted,
                    (Ok(()), false) => Ending::Completed,
                };
                let at = drive.settle();
                closing::conclude(&plan.scenario, &mut book, ending, at, prepared.err().as_ref())
            }
        },
    };
    let (summary, sink_failure) = book.close();
    let mut reasons = reasons;
    let mut all = vec![exit];
    if let Some(error) = sink_failure {
        reasons.insert(0, format!("cannot write the report: {error}"));
        all.push(Exit::Usage);
    }
    let exit = Exit::worst(all);
    Outcome { verdict: exit.verdict(), exit, reasons, interrupted, summary }
}
