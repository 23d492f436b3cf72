//! What the scenario does to the broker itself: it stands still, it dies, it comes back.
//!
//! ```text
//!             Freeze           Kill, End           Start
//!   Serving ◀────────▶ Frozen ───────────▶ Down ─────────▶ Serving
//!      │       Thaw                         ▲
//!      └────────────────────────────────────┘
//! ```
//!
//! Starting a process takes milliseconds in which a message may be due, so deeds are asked for here and done elsewhere.

use std::{
    fmt,
    future::{pending, poll_fn},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use reports::observation::EventKind;
use scenarios::{Scenario, model::format_duration};

use super::drive::Drive;
use crate::{Exit, judge::Failure};

/// A broker that was started for the run, in the hands of whoever started it.
pub trait BrokerControl: fmt::Debug {
    /// Asks for a deed; returns at once. Deeds are done in the order in which they are asked for.
    fn ask(&mut self, deed: Deed);

    /// The next deed that was done, in the same order.
    fn poll_done(&mut self, context: &mut Context<'_>) -> Poll<Done>;
}

/// What can be done to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Its process stands still (SIGSTOP); its connections stay open.
    Freeze,
    /// A frozen process goes on (SIGCONT).
    Thaw,
    /// Its process is killed (SIGKILL).
    Kill,
    /// It is asked to end, and does.
    End,
    /// It is started again after Kill or End, at the same address, with what it had written down.
    Start,
}

/// A deed that was done, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub deed: Deed,
    /// When; of [`Deed::Start`], when the broker was ready.
    pub at: Instant,
    /// The process that is the broker from now on, when there is one; or why the deed could not be done: a lowercase fragment.
    pub outcome: Result<Option<u32>, String>,
}

/// The broker of a run, and how it is.
#[derive(Debug)]
pub(super) struct Broker {
    control: Box<dyn BrokerControl>,
    state: State,
    /// Deeds that were asked for and not done yet.
    under_way: usize,
    /// Whether it was ended, so that what it counted is gone.
    began_again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Serving,
    Frozen { since: Duration },
    Down { since: Duration },
}

impl Broker {
    pub(super) fn new(control: Box<dyn BrokerControl>) -> Self {
        Self { control, state: State::Serving, under_way: 0, began_again: false }
    }

    /// Whether it was ended during the run; what is there now, if anything, counts from 0.
    pub(super) fn began_again(&self) -> bool {
        self.began_again
    }

    /// Whether it is no wonder that nobody is connected.
    pub(super) fn is_upset(&self) -> bool {
        self.state != State::Serving || self.under_way > 0
    }
}

/// Refuses a scenario that does something to a broker that is not ours.
///
/// # Errors
///
/// A failure of usage that names the event.
pub(super) fn allowed(scenario: &Scenario, ours: bool) -> Result<(), Failure> {
    match scenario.events.iter().position(|event| event.action.is_about_broker()).filter(|_| !ours) {
        None => Ok(()),
        Some(index) => Err(Failure {
            exit: Exit::Usage,
            reason: format!(
                "events[{index}] freezes, kills or restarts the broker, which is done only to one that was started for the run"
            ),
        }),
    }
}

/// The next deed that was done to the broker; never, when it is not ours.
pub(super) async fn done(broker: &mut Option<Broker>) -> Done {
    match broker {
        Some(broker) => poll_fn(|context| broker.control.poll_done(context)).await,
        None => pending().await,
    }
}

impl Drive<'_> {
    pub(super) fn ask_broker(&mut self, deed: Deed) {
        if let Some(broker) = &mut self.broker {
            broker.under_way += 1;
            broker.control.ask(deed);
            if matches!(deed, Deed::Kill | Deed::End) {
                broker.began_again = true;
                // Its end is no surprise.
                self.scribe.watch(None);
            }
        }
    }

    /// Lets a broker go on that was to stay frozen for longer than the run takes.
    pub(super) fn thaw_now(&mut self) {
        if self.broker.as_ref().is_some_and(|broker| matches!(broker.state, State::Frozen { .. })) {
            self.ask_broker(Deed::Thaw);
        }
    }

    pub(super) fn broker_did(&mut self, done: Done) {
        let at = self.offset(self.time(done.at));
        let Some(broker) = &mut self.broker else { return };
        broker.under_way = broker.under_way.saturating_sub(1);
        let process = match done.outcome {
            Ok(process) => process,
            Err(why) => {
                let reason = format!("the broker could not be {}: {why}", done.deed.participle());
                self.failure = Some(Failure { exit: Exit::Unreachable, reason });
                return;
            }
        };
        let before = broker.state;
        let since = |since: Duration| format_duration(Duration::from_millis((at - since.min(at)).as_millis() as u64));
        let text = match (done.deed, before) {
            (Deed::Freeze, _) => {
                broker.state = State::Frozen { since: at };
                "broker frozen (SIGSTOP)".to_owned()
            }
            (Deed::Thaw, State::Frozen { since: then }) => {
                broker.state = State::Serving;
                format!("broker goes on (SIGCONT) after {}", since(then))
            }
            // It was killed meanwhile.
            (Deed::Thaw, State::Serving | State::Down { .. }) => return,
            (Deed::Kill, _) => {
                broker.state = State::Down { since: at };
                "broker killed (SIGKILL)".to_owned()
            }
            (Deed::End, _) => {
                broker.state = State::Down { since: at };
                "broker ended, as it was asked to".to_owned()
            }
            (Deed::Start, State::Down { since: then } | State::Frozen { since: then }) => {
                broker.state = State::Serving;
                format!("broker serves again after {}", since(then))
            }
            (Deed::Start, State::Serving) => "broker serves again".to_owned(),
        };
        if done.deed == Deed::Start {
            self.scribe.watch(process);
        }
        self.scribe.event_about(at, EventKind::Injected, &text, None, text.clone());
    }
}

impl Deed {
    fn participle(self) -> &'static str {
        match self {
            Self::Freeze => "frozen",
            Self::Thaw => "let go on",
            Self::Kill => "killed",
            Self::End => "ended",
            Self::Start => "started again",
        }
    }
}
