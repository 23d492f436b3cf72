//! `paddock simulate`: a fleet alone, without measuring.

use std::{future::Future, io, pin::pin, time::Duration};

use protocol::Time;

use crate::{
    Clock, Engine, Fleet, FleetEvent, FleetOptions, Target, Unstamped,
    farm::Farm,
    fleet::{Counts, Habits, Ramp},
};

/// How long devices may take to say farewell.
const FAREWELL: Duration = Duration::from_secs(5);

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The broker.
    pub target: Target,
    /// How the devices of each group connect.
    pub habits: Vec<Habits>,
    /// How the devices come to connect.
    pub ramp: Ramp,
    /// How many seconds of the scenario pass in one second; above 0.
    pub compression: f64,
    /// How long, ramp included; `None` runs until the shutdown.
    pub duration: Option<Duration>,
    /// Seeds the back-off.
    pub seed: u64,
}

/// What a simulation tells about itself, once per second and at its end.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Since the start.
    pub elapsed: Duration,
    /// Devices in all.
    pub devices: usize,
    /// Everything so far.
    pub total: Counts,
    /// Messages handed to the engine since the last progress, per second.
    pub rate: f64,
    /// The latest reason for which a device was refused, failed to connect or lost its connection since the last
    /// progress.
    pub trouble: Option<String>,
}

/// Why a simulation came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The operating system gave no timer.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
    /// The first connection that came to an end said no, or nobody was there; no device was online before.
    #[error("{0}")]
    Unreachable(String),
}

/// Runs every device of `farm` against a broker, at its natural intervals, until the duration is over or `shutdown`
/// resolves; then every device says farewell and disconnects. Needs a current-thread tokio runtime with I/O and time.
///
/// # Errors
///
/// [`SimulateError::Unreachable`] when the first outcome of connecting is a failure, or none came before the duration was
/// over: a wrong address or password should not look like a fleet at work. Once a device was online, failures are progress.
pub async fn simulate(
    farm: Farm,
    simulation: Simulation,
    mut progress: impl FnMut(&Progress),
    shutdown: impl Future<Output = ()>,
) -> Result<Counts, SimulateError> {
    let Simulation { target, habits, ramp, compression, duration, seed } = simulation;
    let clock = Clock::new();
    let engine = Engine::new(clock)?;
    let mut options = FleetOptions::new(target, seed, Time::ZERO);
    options.habits = habits;
    options.timeline.compression = compression;
    let devices: Vec<_> = farm.devices().collect();
    let mut teller = Teller::new(devices.len());
    let mut fleet = Fleet::new(farm, devices, engine, Unstamped, options);
    fleet.start(teller.devices, ramp);

    let mut shutdown = pin!(shutdown);
    let end = duration.map_or(Time::from_nanos(u64::MAX), |duration| Time::ZERO.after(duration));
    let mut interrupted = false;
    loop {
        let now = clock.now();
        if now >= end {
            break;
        }
        teller.tell_if_due(now, &fleet, &mut progress);
        tokio::select! {
            biased;
            () = &mut shutdown => {
                interrupted = true;
                break;
            }
            () = fleet.turn(end.min(teller.due)) => {}
        }
        while let Some(event) = fleet.poll_event() {
            teller.hear(event)?;
        }
    }

    if !interrupted && !teller.was_online {
        return Err(SimulateError::Unreachable("no device had an answer to CONNECT before the time was over".into()));
    }
    fleet.stop();
    let deadline = clock.now().after(FAREWELL);
    while !fleet.is_stopped() && clock.now() < deadline {
        fleet.turn(deadline).await;
        while fleet.poll_event().is_some() {}
    }
    teller.tell(clock.now(), &fleet, &mut progress);
    Ok(*fleet.counts())
}

/// Turns counts and events into progress.
struct Teller {
    devices: usize,
    due: Time,
    told: Time,
    told_published: u64,
    was_online: bool,
    trouble: Option<String>,
}

impl Teller {
    const INTERVAL: Duration = Duration::from_secs(1);

    fn new(devices: usize) -> Self {
        Self {
            devices,
            due: Time::ZERO.after(Self::INTERVAL),
            told: Time::ZERO,
            told_published: 0,
            was_online: false,
            trouble: None,
        }
    }

    fn hear(&mut self, event: FleetEvent) -> Result<(), SimulateError> {
        let trouble = match event {
            FleetEvent::Online { .. } => {
                self.was_online = true;
                return Ok(());
            }
            FleetEvent::Refused { reason, .. } => format!("the broker refuses: {reason}"),
            FleetEvent::ConnectFailed { failure, .. } => failure.to_string(),
            FleetEvent::Offline { cause, .. } => format!("connection lost: {cause}"),
            _ => return Ok(()),
        };
        if self.was_online {
            self.trouble = Some(trouble);
            Ok(())
        } else {
            Err(SimulateError::Unreachable(trouble))
        }
    }

    fn tell_if_due(&mut self, now: Time, fleet: &Fleet<Engine>, progress: &mut impl FnMut(&Progress)) {
        if now >= self.due {
            self.tell(now, fleet, progress);
            while self.due <= now {
                self.due = self.due.after(Self::INTERVAL);
            }
        }
    }

    fn tell(&mut self, now: Time, fleet: &Fleet<Engine>, progress: &mut impl FnMut(&Progress)) {
        let total = *fleet.counts();
        let seconds = now.since(self.told).as_secs_f64().max(1e-3);
        progress(&Progress {
            elapsed: now.since(Time::ZERO),
            devices: self.devices,
            total,
            rate: (total.published() - self.told_published) as f64 / seconds,
            trouble: self.trouble.take(),
        });
        self.told = now;
        self.told_published = total.published();
    }
}
