//! What a turn of the engine brought, and who does what about it.

use reports::{figures, observation::EventKind};
use simulator::{ClientEvent, ClientKey, FleetEvent, engine::Closed, farm::DeviceId};

use super::{drive::Drive, readers::News, unreachable};
use crate::measure::Group;

/// What is said of a client that comes back and is not known any more.
const SESSION_LOST: &str = "came back to a broker without its session";

impl<'a> Drive<'a> {
    pub(super) fn react_to_all(&mut self) {
        while let Some(event) = self.fleet.poll_event() {
            self.react(event);
        }
        self.tell_drained();
    }

    /// Tells of queues that are empty now.
    fn tell_drained(&mut self) {
        while let Some((group, drained)) = self.fleet.stamper().drained.pop() {
            let at = self.offset(self.now());
            let rate = drained.messages as f64 / drained.took.as_secs_f64().max(1e-9);
            let name = &self.plan.scenario.subscribers[usize::from(group)].name;
            let text = format!(
                "{} messages that were queued for {name} drained in {}, {} per second",
                figures::count(drained.messages),
                figures::latency(drained.took),
                figures::rate(rate.round()),
            );
            self.scribe.event_about(at, EventKind::Injected, &text, None, text.clone());
        }
    }

    fn react(&mut self, event: FleetEvent) {
        match event {
            FleetEvent::Written { tag, count, at, .. } => self.fleet.stamper().written(tag, count, at),
            FleetEvent::Published { tag, count, reason, at, .. } => {
                self.fleet.stamper().published(tag, count, reason, at);
            }
            FleetEvent::Dropped { tag, .. } => self.fleet.stamper().dropped(tag),
            FleetEvent::Other(key, ClientEvent::Arrived { arrivals, at }) => {
                if let Some((client, group)) = self.readers.client_of(key) {
                    self.fleet.stamper().arrived(client, group, &arrivals, at);
                }
            }
            FleetEvent::Other(key, event) => match self.side.as_mut().filter(|side| side.is(key)) {
                Some(side) => side.react(&event),
                None => self.react_other(key, &event),
            },
            FleetEvent::Online { device, session_present, again, took } => {
                self.fleet.stamper().flood.set_online(device, true);
                let number = self.fleet.farm().info(device).group;
                let (group, stage) = (Group::Devices(number), self.present);
                if let Some(took) = took {
                    self.fleet.stamper().meter.connected(group, stage, took);
                }
                if again {
                    self.tell(EventKind::Reconnected, device, String::new());
                    if !session_present && self.plan.scenario.devices[usize::from(number)].keeps_session() {
                        self.tell(EventKind::SessionLost, device, SESSION_LOST.to_owned());
                    }
                }
            }
            FleetEvent::Offline { device, cause, .. } => {
                self.fleet.stamper().flood.set_online(device, false);
                // On purpose: what the scenario did is told by itself.
                if !matches!(cause, Closed::Abandoned | Closed::Disconnected) {
                    self.tell(EventKind::ConnectionLost, device, cause.to_string());
                }
            }
            FleetEvent::Refused { device, reason, .. } => {
                self.tell(EventKind::ConnectionRefused, device, reason.to_string());
            }
            FleetEvent::ConnectFailed { device, failure, .. } => {
                self.tell(EventKind::ConnectionRefused, device, failure.to_string());
            }
        }
    }

    pub(super) fn react_reader(&mut self, key: ClientKey, event: &ClientEvent) {
        if let ClientEvent::Connected { took: Some(took), .. } = event
            && let Some(group) = self.readers.group_of(key)
        {
            self.fleet.stamper().meter.connected(Group::Subscribers(group), self.present, *took);
        }
        let now = match event {
            ClientEvent::Message { at, .. } => *at,
            _ => self.now(),
        };
        let Some(news) = self.readers.react(self.fleet.engine(), key, event, now) else { return };
        let at = self.offset(now);
        match news {
            News::Nothing => {}
            News::Message(delivered, at) => self.fleet.stamper().received(&delivered, at),
            News::Unfit(reason) if self.preparing => self.failure = Some(unreachable(reason)),
            News::Unfit(reason) => self.scribe.event(at, EventKind::ConnectionRefused, None, reason),
            News::Lost(name, why) if self.preparing => self.failure = Some(unreachable(format!("{name}: {why}"))),
            News::Lost(..) | News::Back { .. } if self.stopping || self.preparing => {}
            News::Lost(name, why) => {
                self.scribe.event_of(at, EventKind::ConnectionLost, self.group_name(key), &name, why);
            }
            News::Back { name, session_lost } => {
                let group = self.group_name(key);
                if session_lost {
                    self.scribe.event_of(at, EventKind::SessionLost, group, &name, SESSION_LOST.to_owned());
                }
                self.scribe.event_of(at, EventKind::Reconnected, group, &name, String::new());
            }
            News::Returned { client, session_lost } => {
                if session_lost && !self.stopping {
                    let (group, name) = (self.group_name(key), self.readers.granted(client).0);
                    self.scribe.event_of(at, EventKind::SessionLost, group, &name, SESSION_LOST.to_owned());
                }
                let group = self.readers.group(client);
                let recorder = self.fleet.stamper();
                recorder.ledger.come_back(client);
                let queued = recorder.ledger.owed_to(client);
                recorder.absences.returned(client, group, queued, at);
            }
            News::Asking { client, first } => {
                let (filters, groups) = self.readers.asks(client);
                let replays = &mut self.fleet.stamper().replays;
                if first { replays.asked(client, filters, groups, at) } else { replays.forget(client) }
            }
            News::Joined(client) => {
                let (name, subscriptions) = self.readers.granted(client);
                let recorder = self.fleet.stamper();
                recorder.ledger.join(client, &name, subscriptions);
                recorder.replays.joined(client, at);
            }
        }
    }

    /// The name of a subscriber's group.
    fn group_name(&self, key: ClientKey) -> &'a str {
        let group = self.readers.group_of(key);
        group.map_or("", |group| self.plan.scenario.subscribers[usize::from(group)].name.as_str())
    }

    fn tell(&mut self, kind: EventKind, device: DeviceId, text: String) {
        if !self.stopping && !self.preparing {
            let at = self.offset(self.now());
            let info = self.fleet.farm().info(device);
            let group = self.plan.scenario.devices[usize::from(info.group)].name.as_str();
            self.scribe.event_of(at, kind, group, info.name, text);
        }
    }
}
