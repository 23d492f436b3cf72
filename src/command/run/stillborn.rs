//! A run whose broker could not be started: whoever reads its files must not find them missing, which may read as a pass.

use std::time::Duration;

use jiff::Timestamp;
use loadgen::RunId;
use reports::{
    Observation, RunFolder, Sink,
    observation::{Ending, Environment, RunEnded, RunStarted, SCHEMA, ScenarioInfo, TargetInfo, Tool},
};
use scenarios::Scenario;

use super::{command_line, files};
use crate::{command::target, exit::Failure};

/// Writes what the scenario wants of files, which say why the run against `broker` did not begin.
///
/// # Errors
///
/// They cannot be written.
pub(in crate::command) fn record(
    failure: &Failure,
    run_id: RunId,
    broker: &str,
    folder: &RunFolder,
    scenario: &Scenario,
) -> Result<(), Failure> {
    let unwritable = |error| Failure::usage(format!("cannot write to the run folder: {error}"));
    let now = Timestamp::now();
    let mut sinks = Box::new(files(folder, scenario)?);
    let started = RunStarted {
        schema: SCHEMA,
        tool: Tool { name: "paddock".into(), version: env!("CARGO_PKG_VERSION").into() },
        run_id: run_id.to_string(),
        seed: scenario.seed,
        started_at: now,
        scenario: ScenarioInfo {
            name: scenario.name.to_string(),
            title: scenario.title.clone(),
            description: scenario.description.clone(),
            phase: None,
        },
        target: TargetInfo {
            address: String::new(),
            description: broker.to_owned(),
            versions: target::versions(scenario),
        },
        command: command_line(),
        stages: Vec::new(),
        groups: Vec::new(),
        thresholds: scenario.thresholds.iter().map(ToString::to_string).collect(),
        environment: Environment::default(),
        preflight: Vec::new(),
        segments: Vec::new(),
    };
    let ended = RunEnded {
        at: Duration::ZERO,
        ended_at: now,
        ending: Ending::Aborted,
        verdict: failure.exit().verdict(),
        exit_code: failure.exit().code(),
        reasons: vec![failure.to_string()],
    };
    for observation in [Observation::RunStarted(Box::new(started)), Observation::RunEnded(ended)] {
        sinks.record(&observation).map_err(unwritable)?;
    }
    sinks.finish().map_err(unwritable)
}
