//! Before the load: the target answers, every subscriber has its SUBACK, the first devices are online.

use std::{pin::pin, time::Duration};

use scenarios::model::{Action, Away, Moment, Scenario};
use simulator::fleet::Ramp;

use super::{
    appointment::Appointment,
    drive::{Drive, PATIENCE},
    side::{self, Side},
    unreachable,
};
use crate::{
    Exit,
    judge::Failure,
    ledger::{self, Ledger},
    metrics::Drops,
};

/// Devices that connect per second where the scenario gives no ramp.
const CONNECTS_PER_SECOND: f64 = 1000.0;

impl Drive<'_> {
    /// Probes the target, lets every subscriber subscribe, and the first devices connect when the first stage has no ramp.
    ///
    /// # Errors
    ///
    /// Why no load can begin.
    pub(super) async fn prepare(&mut self) -> Result<(), Failure> {
        self.probe().await?;
        self.subscribe().await?;
        self.attended_from = self.now();
        self.open_ledger();
        self.connect_first_devices().await
    }

    /// Waits for the agreed moment; everybody stays connected meanwhile.
    ///
    /// # Errors
    ///
    /// Why no load can begin.
    pub(super) async fn keep(&mut self, appointment: &Appointment) -> Result<(), Failure> {
        // A segment that is a moment ahead sends before this one comes to its own beginning.
        if let Some(start) = appointment.at {
            self.start = start;
            self.fleet.stamper().start(start);
        }
        while let Some(start) = appointment.at.filter(|start| self.now() < *start) {
            self.turn(start).await;
            self.go_on()?;
        }
        Ok(())
    }

    async fn probe(&mut self) -> Result<(), Failure> {
        let limit = self.plan.target.connect_timeout * 2 + PATIENCE;
        let deadline = self.now().after(limit);
        self.side = Some(Side::open(self.fleet.engine(), self.plan, "probe"));
        while self.now() < deadline {
            self.turn(deadline).await;
            self.go_on()?;
            match self.side.as_ref().map(|side| &side.state) {
                Some(side::State::Closed(why)) => return Err(unreachable(why)),
                Some(side::State::Online) => {
                    self.reached = true;
                    // The reference broker says it on its page, by cause.
                    if self.plan.tells.is_none() {
                        self.look_at_sys().await;
                        self.go_on()?;
                    }
                    self.close_side();
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(unreachable(format!("no answer within {limit:?}")))
    }

    async fn subscribe(&mut self) -> Result<(), Failure> {
        let patience = self.plan.target.connect_timeout * 2;
        let mut ready = 0;
        let mut deadline = self.now().after(patience);
        while !(self.readers.are_ready() && self.exchange.is_ready()) {
            let now = self.now();
            let online = self.readers.online() + self.exchange.online();
            if online > ready {
                ready = online;
                deadline = now.after(patience);
            } else if now >= deadline {
                return Err(unreachable(format!("only {ready} subscribers got CONNACK and SUBACK in time")));
            }
            self.turn(deadline).await;
            self.go_on()?;
        }
        Ok(())
    }

    /// Who must receive what is known once every SUBACK is there.
    fn open_ledger(&mut self) {
        let options = ledger::Options {
            stage_ends: self.parts.iter().map(|part| part.span.ends).collect(),
            groups: u16::try_from(self.plan.scenario.devices.len()).expect("groups are numbered in 16 bits"),
            late_after: Some(self.plan.scenario.drain),
            forget_after: longest_wait(&self.plan.scenario),
            ..ledger::Options::default()
        };
        self.fleet.stamper().ledger = Ledger::new(self.readers.audience(), options);
    }

    async fn connect_first_devices(&mut self) -> Result<(), Failure> {
        let first = self.parts.first().map_or(0, |part| self.mine(part.devices_before()));
        if first == 0 {
            return Ok(());
        }
        self.fleet.start(first, Ramp::PerSecond(CONNECTS_PER_SECOND));
        let ramp = Duration::from_secs_f64(first as f64 / CONNECTS_PER_SECOND);
        let deadline = self.now().after(ramp + self.plan.target.connect_timeout);
        while (self.fleet.counts().online as usize) < first {
            if self.now() >= deadline {
                let online = self.fleet.counts().online;
                return Err(unreachable(format!("{online} of {first} devices are connected after the time-out")));
            }
            self.turn(deadline).await;
            self.go_on()?;
        }
        Ok(())
    }

    /// Waits for what the page says of drops before the load, but not for long.
    pub(super) async fn look_at_page(&mut self, drops: &mut Drops) {
        let deadline = self.now().after(PATIENCE);
        let mut looked = pin!(drops.looked());
        while self.now() < deadline && !self.interrupted {
            tokio::select! {
                biased;
                () = looked.as_mut() => return,
                () = self.turn(deadline) => {}
            }
        }
    }

    /// Stops preparing on a failure or an interrupt.
    fn go_on(&mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.interrupted {
            return Err(Failure { exit: Exit::NothingRan, reason: "interrupted before the load began".to_owned() });
        }
        Ok(())
    }
}

/// How long a message may be under way by the scenario's own will, and a minute.
fn longest_wait(scenario: &Scenario) -> Duration {
    let absences = scenario.events.iter().filter_map(|event| match &event.action {
        Action::ReconnectStorm { spread, away, .. } => Some(*spread + *away),
        Action::Disconnect { away: Away::For(length), .. } => Some(*length),
        Action::Disconnect { away: Away::Until(moment), .. } => {
            let begins = scenario.offset_of(Moment { anchor: event.anchor, offset: event.offset });
            Some(scenario.offset_of(*moment).saturating_sub(begins))
        }
        _ => None,
    });
    let flushes = scenario
        .devices
        .iter()
        .filter_map(|group| Some(Duration::from_secs_f64(f64::from(group.buffer) / group.flush_rate?.per_second())));
    absences.max().unwrap_or_default() + flushes.max().unwrap_or_default() + Duration::from_secs(60)
}
