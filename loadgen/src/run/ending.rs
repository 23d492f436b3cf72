//! After the load: what is under way arrives, a fence proves that nothing more can, everybody leaves, the books close.

use std::{collections::BTreeSet, mem, time::Duration};

use bytestring::ByteString;
use reports::{
    Observation, figures,
    observation::{Attendance, Event, EventKind, Evidence},
};
use scenarios::Scenario;
use simulator::farm::Farm;

use super::{
    chronicle::Chronicle,
    closing::{self, Names},
    drive::{Drive, PATIENCE},
    side::{self, Side},
    starvation::Counters,
};
use crate::measure::SEND_LAG;

/// How long clearing retained messages may take.
const CLEARING: Duration = Duration::from_secs(10);
/// How many of them are under way at one time, so that the client's own queue takes them.
const CLEARED_AT_ONCE: usize = 256;

impl Drive<'_> {
    /// Waits until all that is expected has come, or for the deadline; then for a fence, so that duplicates cannot hide
    /// behind an early end.
    pub(super) async fn drain(&mut self) {
        self.sent_until = self.offset(self.now());
        let limit = if self.interrupted { PATIENCE } else { self.plan.scenario.drain };
        let deadline = self.now().after(limit);
        while !self.is_settled() && self.now() < deadline {
            // A broker that was to be away for longer than the load takes comes back now.
            self.let_happen(self.offset(self.now()));
            let next = self.fleet.stamper().meter.window_ends();
            let next = self.happenings.next().map_or(next, |at| at.min(next));
            self.turn(deadline.min(self.start.after(next))).await;
            self.close_windows(self.offset(self.now()));
        }
        self.stopping = true;
        self.attended_until = self.offset(self.now());
        let deadline = self.now().after(PATIENCE);
        self.readers.fence(self.fleet.engine());
        while !self.readers.is_fenced() && self.now() < deadline {
            self.turn(deadline).await;
        }
    }

    /// Lets every client leave, and clears what the run left behind.
    pub(super) async fn farewell(&mut self) {
        self.stopping = true;
        self.close_last_window();
        self.thaw_now();
        self.fleet.stop();
        self.readers.stop(self.fleet.engine());
        self.exchange.stop(self.fleet.engine());
        let deadline = self.now().after(PATIENCE);
        let gone = |drive: &Self| drive.fleet.is_stopped() && drive.readers.are_gone() && drive.exchange.is_gone();
        while !gone(self) && self.now() < deadline {
            self.turn(deadline).await;
        }
        if self.plan.clear_retained && self.reached {
            let left = self.clear_retained().await;
            if left > 0 {
                self.warn(format!("{left} retained messages of this run may be left on the broker"));
            }
        }
    }

    /// Publishes an empty retained message to every topic where something may be retained; how many got no answer.
    async fn clear_retained(&mut self) -> usize {
        let mut topics: BTreeSet<ByteString> = mem::take(&mut self.fleet.stamper().retained);
        let mut farm = Farm::new(&self.plan.scenario, self.plan.seed);
        let keeps = self.fleet.devices().filter(|device| !self.fleet.farm().info(*device).bare);
        topics.extend(keeps.map(|device| farm.will(device, Duration::ZERO).topic));
        let mut waiting = topics.iter();
        let mut sent = 0;
        let deadline = self.now().after(CLEARING);
        self.side = Some(Side::open(self.fleet.engine(), self.plan, "clear"));
        while self.now() < deadline {
            let Some(side) = self.side.as_mut().filter(|side| side.ended < topics.len()) else { break };
            match side.state {
                side::State::Closed(_) => break,
                side::State::Opening => {}
                side::State::Online => {
                    while sent - side.ended < CLEARED_AT_ONCE
                        && let Some(topic) = waiting.next()
                    {
                        side.clear(self.fleet.engine(), &self.plan.target, topic);
                        sent += 1;
                    }
                }
            }
            self.turn(deadline).await;
        }
        let left = topics.len() - self.side.as_ref().map_or(0, |side| side.ended);
        self.leave_side().await;
        left
    }

    /// Lets the client that has done its purpose leave.
    pub(super) async fn leave_side(&mut self) {
        self.close_side();
        let deadline = self.now().after(PATIENCE);
        while self.side.as_ref().is_some_and(|side| !matches!(side.state, side::State::Closed(_)))
            && self.now() < deadline
        {
            self.turn(deadline).await;
        }
    }

    /// Closes the books and records the figures; when the run ended.
    pub(super) fn settle(mut self) -> (Box<Chronicle>, Duration) {
        let at = self.offset(self.now());
        let odd = self.fleet.stamper().odd;
        for (count, text) in [
            (odd.refused, "publications were refused by the broker"),
            (odd.unstamped, "publications could not be stamped and are not accounted for"),
        ] {
            if count > 0 {
                self.warn(format!("{} {text}", figures::count(count)));
            }
        }
        let (early, most) = odd.early;
        if early > 0 {
            self.warn(format!(
                "{} messages of other segments arrived before they were intended, by {} at most: the machines' \
                 clocks are apart by that much or more, and these count as 0",
                figures::count(early),
                figures::latency(most),
            ));
        }
        let split = self.attendance();
        let farm = self.fleet.farm();
        let names = Names {
            stages: self.parts.iter().map(|part| part.span.name.clone()).collect(),
            groups: self.plan.scenario.devices.iter().map(|group| group.name.to_string()).collect(),
            clients: farm.devices().map(|device| farm.info(device).name.to_owned()).collect(),
            split,
        };
        let now = self.now();
        let counters = Counters::read(now);
        let mut chronicle = self.scribe.lay_down();
        let machine = counters.since(&self.counters, chronicle.send_queue());
        self.exchange.close(|observation| chronicle.record(&observation));
        let recorder = self.fleet.stamper();
        recorder.replays.close(&mut recorder.ledger);
        if odd.held_up > 0 {
            chronicle.record(&Observation::Event(Event {
                at,
                event: EventKind::Warning,
                count: 1,
                client: None,
                group: None,
                text: held_up(odd.held_up, recorder.meter.measured(SEND_LAG).max(), machine.send_queue),
            }));
        }
        let limit = self.plan.scenario.lag_limit.unwrap_or(Scenario::LAG_LIMIT);
        closing::figures(&mut chronicle, recorder, &names, limit, machine);
        (chronicle, at)
    }

    fn is_settled(&mut self) -> bool {
        let answered = self.exchange.is_settled();
        let recorder = self.fleet.stamper();
        let sent = recorder.ledger.unresolved() == 0;
        if self.plan.segment.is_whole() {
            return answered && sent && recorder.ledger.outstanding() == 0 && recorder.replays.outstanding() == 0;
        }
        // What other segments have sent, and what became of ours with their subscribers, is not known here: whoever listens
        // does so to the end, and so does whoever may be asked.
        answered && sent && self.readers.len() == 0 && self.plan.scenario.requests.is_empty()
    }

    /// What the segments of a split run need of each other besides what was sent and received.
    fn attendance(&mut self) -> Option<Evidence> {
        if self.plan.segment.is_whole() {
            return None;
        }
        let recorder = self.fleet.stamper();
        let attendance = Attendance {
            ready_before: self.start.since(self.attended_from),
            until: self.attended_until,
            sent_until: self.sent_until,
            subscribers: self.readers.len() as u64,
            untold: recorder.ledger.untold(),
            unmeasured: recorder.odd.unmeasured,
        };
        Some(Evidence { attendance: Some(attendance), clients: self.readers.evidence(), ..Evidence::default() })
    }

    fn warn(&mut self, text: String) {
        let at = self.offset(self.now());
        self.scribe.event(at, EventKind::Warning, None, text);
        // Each warning is one of its own, not one more of the same.
        self.scribe.flush_events();
    }
}

/// What the target, and not the generator, made messages wait for. `longest` is in nanoseconds.
fn held_up(messages: u64, longest: u64, send_queue: Option<u64>) -> String {
    let queues = match send_queue {
        Some(bytes @ 1..) => format!(", and up to {} stood in send queues", figures::bytes(bytes as f64)),
        Some(0) | None => String::new(),
    };
    let (messages, longest) = (figures::count(messages), figures::latency(Duration::from_nanos(longest)));
    format!(
        "{messages} messages waited up to {longest} for the target, which is no lag of the generator: flow control, or \
         a connection that was away, lost or full{queues}"
    )
}
