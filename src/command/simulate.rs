//! `paddock simulate`: a fleet against a broker, without measuring.

use std::{
    cell::Cell,
    io::{self, Write},
    process::ExitCode,
};

use simulator::{
    Progress, SimulateError, Simulation, TopicPrefix,
    farm::Farm,
    fleet::{Habits, Ramp},
    simulate,
};

use super::{
    interrupt::Interrupt,
    target::{self, Named},
};
use crate::{
    cli::Simulate,
    exit::{Failure, INTERRUPTED},
};

/// Runs the scenario's devices until its stages are over, `--duration` has passed, or Ctrl-C.
pub(crate) fn run(options: Simulate) -> Result<ExitCode, Failure> {
    let scenario = target::scenario(&options.job)?;
    if !scenario.network.is_empty() || !scenario.events.is_empty() {
        return Err(Failure::usage("[network] and [[events]] belong to a run: use `paddock run`, or remove them"));
    }
    let endpoint = match target::named(&options.job.target, &scenario)? {
        Named::At(endpoint) => endpoint,
        Named::Embedded | Named::Described(_) => {
            return Err(Failure::usage("name the broker with --target mqtt://HOST:PORT; `paddock broker` starts one"));
        }
    };
    let mut target = target::reached(endpoint, &options.job.target, &scenario)?;
    target.spread(u64::from(scenario.device_count())).map_err(Failure::usage)?;
    if let Some(prefix) = &options.prefix {
        target.prefix = TopicPrefix::new(prefix).map_err(|error| Failure::usage(format!("--prefix: {error}")))?;
        target.client_prefix = target::client_prefix(target::unique_id(scenario.seed))?;
    }
    let address = target.endpoint.to_string();
    let simulation = Simulation {
        target,
        habits: scenario.devices.iter().map(Habits::from).collect(),
        ramp: Ramp::Over(scenario.stages[0].ramp),
        compression: scenario.day.compress.value(),
        duration: Some(scenario.length()),
        seed: scenario.seed,
    };
    let farm = Farm::new(&scenario, scenario.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let interrupted = Cell::new(false);
        let shutdown = async {
            interrupt.received().await;
            interrupted.set(true);
        };
        let total = simulate(farm, simulation, tell, shutdown).await.map_err(|error| match error {
            SimulateError::Unreachable(_) => Failure::unreachable(format!("{address}: {error}")),
            SimulateError::Start(_) => Failure::internal(error),
        })?;
        let _unread = writeln!(io::stdout(), "{} messages from {} devices", total.telemetry, total.connects);
        Ok(if interrupted.get() { INTERRUPTED.into() } else { ExitCode::SUCCESS })
    })
}

/// One line per second on stderr.
fn tell(progress: &Progress) {
    let Progress { elapsed, devices, total, rate, trouble } = progress;
    let trouble = trouble.as_ref().map(|trouble| format!("; {trouble}")).unwrap_or_default();
    let _unread = writeln!(
        io::stderr(),
        "{:>5} s  {} of {devices} devices online, {rate:.0} msg/s, {} acknowledged, {} reconnects, {} dropped{trouble}",
        elapsed.as_secs(),
        total.online,
        total.acknowledged,
        total.reconnects,
        total.dropped,
    );
}
