//! `paddock simulate`: a fleet alone, without measuring.

use std::time::Duration;

use crate::{Target, farm::Farm, fleet::Counts};

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The broker.
    pub target: Target,
    /// How long; `None` runs until the shutdown.
    pub duration: Option<Duration>,
    /// Seeds the farm and the back-off.
    pub seed: u64,
}

/// What a simulation tells about itself, once per second and at its end.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Since the start.
    pub elapsed: Duration,
    /// Devices in all.
    pub devices: usize,
    /// Everything so far.
    pub total: Counts,
}

/// Runs every device of `farm` against a broker until the duration is over or `shutdown` resolves, then
/// disconnects them all.
///
/// # Errors
///
/// No device could connect at all.
pub async fn simulate(
    farm: Farm,
    simulation: Simulation,
    progress: impl FnMut(&Progress),
    shutdown: impl Future<Output = ()>,
) -> Result<Counts, SimulateError> {
    let _ = (farm, simulation, progress, shutdown);
    todo!()
}

/// Why a simulation came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// No device could connect; the first failure.
    #[error("no device could connect: {0}")]
    Unreachable(String),
}
