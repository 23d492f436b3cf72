//! A run: one scenario against one target.

use reports::{
    Sink,
    observation::{TargetInfo, Tool},
};
use scenarios::Scenario;
use simulator::Target;

use crate::{Outcome, RunId, schedule::Segment};

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// The scenario, overrides applied.
    pub scenario: Scenario,
    /// The broker: address, credentials, topic prefix, client engine. Give a broker that others use a prefix of the run's
    /// own, such as `paddock/<run id>`.
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
    let _ = (plan, sinks, interrupt);
    todo!()
}
