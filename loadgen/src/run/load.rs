//! The load, open loop: starts are handed out when they are due, whatever the target does.

use std::time::Duration;

use protocol::Time;
use reports::{
    Observation, figures,
    observation::{EventKind, StageEnded, StageStarted},
};
use simulator::{farm::DeviceId, fleet::Ramp};

use super::{drive::Drive, unreachable, upheaval::Broker};
use crate::{
    judge::Failure,
    schedule::{Calendar, Start},
};

/// How many starts are handed out before the engine gets a turn.
const BATCH: usize = 256;
/// The least time between two looks at the sockets in a flood.
const MODERATION: Duration = Duration::from_micros(100);
/// Starts that are due within this time of each other leave together, the first of them this late at most, and where starts lie
/// that close, what arrives meanwhile is read together too: so the generator wakes at most 10,000 times per second. Both are
/// part of the lag and of every latency. A load of fewer messages than that waits for nothing and reads at once.
const QUANTUM: Duration = Duration::from_micros(100);
/// How much later than asked Linux may wake a thread that sleeps (its timer slack).
const SLACK: Duration = Duration::from_micros(50);
/// How long after the last part starts that this generator has not come to are still handed out. What then remains was not
/// offered: a saturated generator must not stretch the run.
const OVERTIME: Duration = Duration::from_secs(1);

impl Drive<'_> {
    /// Goes through the scenario's parts until the last start is handed out, an interrupt comes, or the target is gone.
    ///
    /// # Errors
    ///
    /// The target is gone: every connection was lost, and none came back.
    pub(super) async fn load(&mut self) -> Result<(), Failure> {
        let end = self.end();
        let mut next = self.calendar.next_start();
        let mut vigil = Vigil::new(self);
        let mut outcome = Ok(());
        while !self.interrupted {
            let now = self.now();
            let offset = self.offset(now);
            let border = self.enter_parts(offset);
            self.let_happen(offset);
            let handed = self.hand_out(&mut next, now) + self.pour(now) + self.ask(offset);
            self.close_windows(offset);
            if offset >= end && (next.is_none() || offset >= end + OVERTIME) {
                break;
            }
            if let Some(aborted) = self.scribe.foregone().cloned() {
                self.scribe.record(Observation::Aborted(aborted));
                self.aborted = true;
                break;
            }
            outcome = self.failure.take().map_or_else(|| vigil.check(self, now), Err);
            if outcome.is_err() {
                break;
            }
            if handed > 0 {
                // Whatever its connection takes leaves now; what does not was held up by the target.
                self.flush().await;
                self.fleet.stamper().end_batch();
            }
            match pause(handed, offset, next.map(|start| start.at)) {
                Pause::Look => self.turn(Time::ZERO).await,
                Pause::Rest(until) => self.rest(self.start.after(until)).await,
                Pause::Wait(until) => {
                    let due = until.unwrap_or(end).min(border).min(self.fleet.stamper().meter.window_ends());
                    let also = [self.happenings.next(), self.exchange.next().map(|at| at.max(offset + QUANTUM))];
                    let due = self.start.after(also.into_iter().flatten().fold(due, Duration::min));
                    self.linger(due).await;
                }
            }
            self.moderate(now);
        }
        self.fleet.stamper().end_flood();
        if outcome.is_ok() && !self.interrupted {
            outcome = vigil.end(self);
        }
        self.give_up_due(next);
        self.tell_missed_events();
        self.leave_part();
        outcome
    }

    /// Hands out starts that are due, at most a batch; how many.
    fn hand_out(&mut self, next: &mut Option<Start>, now: Time) -> usize {
        self.fleet.stamper().begin_batch(now);
        let offset = self.offset(now);
        let mut handed = 0;
        while let Some(start) = next.filter(|start| start.at <= offset && handed < BATCH) {
            // What was intended in a second counts in that second, however late its turn comes.
            self.close_windows(start.at);
            self.fleet.publish_telemetry(DeviceId(start.device), self.start.after(start.at));
            *next = self.calendar.next_start();
            handed += 1;
        }
        handed
    }

    /// Sleeps until `until`, then reads what has come.
    async fn rest(&mut self, until: Time) {
        let left = until.since(self.now()).saturating_sub(SLACK);
        if !left.is_zero() {
            // Nobody else runs on this thread, and a wake-up for each arrival is what this avoids.
            std::thread::sleep(left);
        }
        // The runtime looks at the sockets.
        tokio::task::yield_now().await;
        self.turn(Time::ZERO).await;
    }

    /// In a flood, lets a little come together before it is read: a wake-up for several messages costs what one for a single
    /// message does. Arrivals are thereby seen up to [`MODERATION`] late, in a load whose latency is no schedule's anyway.
    fn moderate(&mut self, since: Time) {
        if !self.fleet.stamper().flood.is_on() {
            return;
        }
        let left = MODERATION.saturating_sub(self.now().since(since));
        if !left.is_zero() {
            // Nobody else runs on this thread, and waking for each arrival is what this avoids.
            std::thread::sleep(left);
        }
    }

    /// Lets the devices of a flood send what they have room for, at most a batch; how many messages.
    fn pour(&mut self, now: Time) -> usize {
        let mut poured = 0;
        while poured < BATCH
            && let Some((device, room)) = self.fleet.stamper().flood.next()
        {
            self.fleet.publish_telemetry_times(device, now, room);
            poured += room as usize;
        }
        poured
    }

    /// Hands out requests that are due, at most a batch; how many.
    fn ask(&mut self, offset: Duration) -> usize {
        let (engine, recorder) = self.fleet.engine_and_stamper();
        self.exchange.ask(engine, &mut recorder.meter, offset)
    }

    /// Books every start that is due and was not handed out.
    fn give_up_due(&mut self, mut next: Option<Start>) {
        let offset = self.offset(self.now());
        while let Some(start) = next.filter(|start| start.at <= offset) {
            self.close_windows(start.at);
            self.fleet.stamper().not_offered(DeviceId(start.device), start.at);
            next = self.calendar.next_start();
        }
    }

    /// Enters every part that has begun by `offset`; gives the next border.
    fn enter_parts(&mut self, offset: Duration) -> Duration {
        loop {
            let following = self.present.map_or(0, |part| part + 1);
            let Some(part) = self.parts.get(following) else { return self.end() };
            if part.span.begins > offset {
                return part.span.begins;
            }
            let at = part.span.begins;
            let stage = part.span.name.clone();
            let ramp = if part.span.measured { Duration::ZERO } else { part.length() };
            let places = part.devices_before()..part.devices;
            let (before, after) = (self.mine(places.start), self.mine(places.end));
            if let Some(ended) = self.present {
                let stage = self.parts[ended].span.name.clone();
                self.scribe.record(Observation::StageEnded(StageEnded { at, stage }));
            }
            self.scribe.record(Observation::StageStarted(StageStarted { at, stage }));
            if after > before {
                // Each when it joins in the whole run, whichever process drives the others.
                let all = places.len();
                let mine: Vec<usize> =
                    places.enumerate().filter(|(_, place)| self.is_mine(*place)).map(|it| it.0).collect();
                self.fleet.start_each(mine.into_iter().map(|nth| Ramp::Over(ramp).delay(nth, all)));
            }
            if before > after {
                self.fleet.retire(before - after);
            }
            self.begin_flood(following);
            self.present = Some(following);
        }
    }

    /// Opens the gates when the part is a closed loop, and says that it is one; closes them otherwise.
    fn begin_flood(&mut self, part: usize) {
        let part = &self.parts[part];
        let Some(in_flight) = part.in_flight else { return self.fleet.stamper().end_flood() };
        self.fleet.stamper().begin_flood(in_flight, |group| part.publishes(group));
        let (at, name) = (part.span.begins, &part.span.name);
        let text = format!(
            "stage {name} is a closed loop, {in_flight} messages of each device under way: its latency counts from sending, \
             so it is not the latency of a schedule"
        );
        self.scribe.event_about(at, EventKind::Warning, name, None, text);
    }

    fn leave_part(&mut self) {
        if let Some(present) = self.present.take() {
            let at = self.offset(self.now());
            let stage = self.parts[present].span.name.clone();
            self.scribe.record(Observation::StageEnded(StageEnded { at, stage }));
        }
    }

    fn end(&self) -> Duration {
        self.parts.last().map_or(Duration::ZERO, |part| part.span.ends)
    }
}

/// What the load does until it hands out starts again; offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// More is due already: only a look at the sockets.
    Look,
    /// Starts lie close: everything until then waits, what arrives included.
    Rest(Duration),
    /// Nothing is due before this; what arrives is read at once.
    Wait(Option<Duration>),
}

/// The pause after `handed` starts at `offset`, where the `next` one is due then.
fn pause(handed: usize, offset: Duration, next: Option<Duration>) -> Pause {
    match next {
        _ if handed >= BATCH => Pause::Look,
        Some(next) if next < offset + QUANTUM => Pause::Rest(offset + QUANTUM),
        next => Pause::Wait(next),
    }
}

/// Watches for a target that is gone for good.
struct Vigil {
    /// How long nobody at all may be connected.
    patience: Duration,
    last_sign: Time,
}

impl Vigil {
    fn new(drive: &Drive<'_>) -> Self {
        Self { patience: drive.plan.target.connect_timeout * 2, last_sign: drive.now() }
    }

    fn check(&mut self, drive: &Drive<'_>, now: Time) -> Result<(), Failure> {
        if drive.online() > 0 || drive.awaited() == 0 || drive.broker.as_ref().is_some_and(Broker::is_upset) {
            self.last_sign = now;
        } else if now.since(self.last_sign) > self.patience {
            let since = figures::span(drive.offset(self.last_sign));
            return Err(unreachable(format!(
                "the last connection was lost {since} after the start and none came back within {:?}",
                self.patience
            )));
        }
        Ok(())
    }

    /// The load is over, and patience need not run out: with nobody connected nothing more can arrive.
    fn end(&self, drive: &Drive<'_>) -> Result<(), Failure> {
        let upset = drive.broker.as_ref().is_some_and(Broker::is_upset);
        if drive.online() > 0 || drive.awaited() == 0 || upset {
            return Ok(());
        }
        let since = figures::span(drive.offset(self.last_sign));
        Err(unreachable(format!(
            "the last connection was lost {since} after the start and none was back when the load was over"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Arrival, Paced, Schedule, Slope};

    /// What a second of load at so many messages per second comes to, on a machine that takes no time.
    #[derive(Debug, Default)]
    struct Course {
        starts: u32,
        wakes: u32,
        rests: u32,
        latest: Duration,
    }

    fn course(rate: f64, arrival: Arrival) -> Course {
        let mut schedule = Paced::new(vec![Slope::hold(rate, Duration::from_secs(1))], arrival, 1);
        let (mut offset, mut course, mut next) = (Duration::ZERO, Course::default(), schedule.next_start());
        while next.is_some() {
            let mut handed = 0;
            while let Some(at) = next.filter(|at| *at <= offset && handed < BATCH) {
                course.latest = course.latest.max(offset - at);
                next = schedule.next_start();
                handed += 1;
            }
            course.starts += handed as u32;
            offset = match pause(handed, offset, next) {
                Pause::Look => continue,
                Pause::Rest(until) => {
                    course.rests += 1;
                    until
                }
                Pause::Wait(until) => until.unwrap_or(offset),
            };
            course.wakes += 1;
        }
        course
    }

    #[test]
    fn starts_that_lie_close_leave_together_and_at_most_a_quantum_late() {
        for arrival in [Arrival::Constant, Arrival::Poisson { seed: 7 }] {
            for rate in [30_000.0, 200_000.0] {
                let course = course(rate, arrival);
                assert!(f64::from(course.starts) > 0.95 * rate, "{rate}: {course:?}");
                assert!(course.wakes <= 10_001 && course.wakes > 9_000, "{rate}: {course:?}");
                assert!(course.latest < QUANTUM && course.latest > QUANTUM / 2, "{rate}: {course:?}");
            }
        }
    }

    #[test]
    fn a_slower_load_waits_for_nothing() {
        let course = course(9_000.0, Arrival::Constant);
        assert!((8_999..=9_001).contains(&course.starts), "{course:?}");
        assert_eq!((course.rests, course.latest), (0, Duration::ZERO), "{course:?}");
    }

    #[test]
    fn a_full_batch_lets_the_engine_look_before_the_next() {
        let now = Duration::from_secs(1);
        assert_eq!(pause(BATCH, now, Some(now)), Pause::Look);
        assert_eq!(pause(BATCH - 1, now, Some(now + QUANTUM)), Pause::Wait(Some(now + QUANTUM)));
        assert_eq!(pause(0, now, None), Pause::Wait(None));
    }
}
