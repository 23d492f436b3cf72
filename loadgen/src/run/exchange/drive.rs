//! What a run does about requesters.

use reports::observation::EventKind;
use simulator::{ClientEvent, ClientKey};

use super::News;
use crate::run::{drive::Drive, unreachable};

impl Drive<'_> {
    /// An event of a client that is no device: one that asks, or a subscriber.
    pub(in crate::run) fn react_other(&mut self, key: ClientKey, event: &ClientEvent) {
        let now = match event {
            ClientEvent::Message { at, .. } => *at,
            _ => self.now(),
        };
        let at = self.offset(now);
        let (engine, recorder) = self.fleet.engine_and_stamper();
        match self.exchange.react(engine, &mut recorder.meter, (key, event), self.present, (now, at)) {
            News::Other => self.react_reader(key, event),
            News::Nothing => {}
            News::Unfit(_, reason) if self.preparing => self.failure = Some(unreachable(reason)),
            News::Unfit(group, reason) => {
                let group = self.exchange.name(group);
                self.scribe.event_about(at, EventKind::ConnectionRefused, group, None, reason);
            }
            News::Lost(_, name, why) if self.preparing => {
                self.failure = Some(unreachable(format!("{name}: {why}")));
            }
            News::Lost(..) if self.stopping => {}
            News::Lost(group, name, why) => {
                let group = self.exchange.name(group);
                self.scribe.event_of(at, EventKind::ConnectionLost, group, &name, why);
            }
        }
    }
}
