//! What devices do about what happens to them.

use std::time::Duration;

use protocol::{ReasonCode, Tag, Time, client::PlainPublish};

use super::{
    Fleet, FleetEvent, OWN_TAGS, Stamper,
    agenda::Duty,
    device::{Held, Phase},
    message::{Asker, outgoing, outgoing_to, subscribe_filter},
};
use crate::{
    ClientEngine, ClientEvent, ClientKey,
    engine::{Closed, Unsent},
    farm::{Kind, Publication, Received},
};

impl<E: ClientEngine, S: Stamper> Fleet<E, S> {
    /// A device's part in an event of its client.
    pub(super) fn react(&mut self, index: usize, client: ClientKey, event: ClientEvent) {
        let device = self.devices[index].id;
        match event {
            ClientEvent::Connected { session_present, took } => self.connected(index, client, session_present, took),
            ClientEvent::Refused { reason } => {
                self.counts.refusals += 1;
                let retry_at = self.retry(index);
                self.events.push_back(FleetEvent::Refused { device, reason, retry_at });
            }
            ClientEvent::ConnectFailed(failure) => {
                self.counts.failures += 1;
                let retry_at = self.retry(index);
                self.events.push_back(FleetEvent::ConnectFailed { device, failure, retry_at });
            }
            ClientEvent::Closed(cause) => {
                self.counts.online -= 1;
                self.counts.losses += u64::from(!matches!(cause, Closed::Disconnected | Closed::Abandoned));
                let retry_at = self.retry(index);
                self.events.push_back(FleetEvent::Offline { device, cause, retry_at });
            }
            ClientEvent::Message { message, retain, .. } => {
                self.counts.commands += 1;
                let at = self.options.timeline.scenario(self.engine.clock().now());
                let Some(topic) = self.options.target.prefix.strip(message.topic.as_str()) else { return };
                let received = Received { topic, payload: &message.payload, retained: retain };
                let asker = Asker::of(&message);
                for said in self.farm.react(device, &received, at) {
                    match &asker {
                        Some(asker) if said.kind == Kind::Answer => self.answer(index, said, asker),
                        _ => self.say(index, said),
                    }
                }
            }
            ClientEvent::Dropped { tag } if tag.0 < OWN_TAGS => {
                self.events.push_back(FleetEvent::Dropped { device, tag });
            }
            // Devices do not ask for it, or it was told before it came here.
            ClientEvent::Arrived { .. }
            | ClientEvent::Written { .. }
            | ClientEvent::Published { .. }
            | ClientEvent::Dropped { .. }
            | ClientEvent::Subscribed { .. }
            | ClientEvent::Unsubscribed { .. } => {}
        }
    }

    /// Publications of a device ended, so others may follow.
    pub(super) fn published(&mut self, index: usize, count: u32, reason: ReasonCode) {
        let kind = if reason.is_failure() { &mut self.counts.rejected } else { &mut self.counts.acknowledged };
        *kind += u64::from(count);
        self.empty_buffer(index);
    }

    pub(super) fn connected(&mut self, index: usize, client: ClientKey, session_present: bool, took: Option<Duration>) {
        let now = self.engine.clock().now();
        let at = self.options.timeline.scenario(now);
        self.counts.online += 1;
        let device = &mut self.devices[index];
        let (id, again) = (device.id, device.was_online);
        if device.phase == Phase::Leaving {
            // CONNACK was on its way when the device was retired; its disconnect follows.
            return;
        }
        device.come_online();
        let turn = device.turn;
        if again {
            self.counts.reconnects += 1;
        } else {
            self.counts.connects += 1;
        }
        if !session_present {
            let tag = self.next_own_tag();
            let filters: Vec<_> = self
                .farm
                .subscriptions(id)
                .into_iter()
                .map(|one| subscribe_filter(one, &self.options.target.prefix))
                .collect();
            if !filters.is_empty() {
                self.engine.subscribe(client, filters, tag);
            }
        }
        if !self.farm.info(id).bare {
            let birth = self.farm.birth(id, at);
            self.say(index, birth);
            self.agenda.add(now.after(self.farm.info(id).heartbeat), index, Duty::Heartbeat { turn });
        }
        self.events.push_back(FleetEvent::Online { device: id, session_present, again, took });
        if self.flush_every(index).is_some() && !self.devices[index].buffer.is_empty() {
            self.devices[index].flushing = true;
            self.agenda.add(now, index, Duty::Flush { turn });
        }
        self.empty_buffer(index);
    }

    /// Sends the next message of what a device kept, and plans the one after it.
    pub(super) fn flush(&mut self, index: usize, due: Time) {
        let device = &mut self.devices[index];
        let turn = device.turn;
        if let Some(client) = device.client.filter(|client| self.engine.takes(*client))
            && let Some(held) = device.buffer.pop_front()
        {
            self.held -= 1;
            self.send(index, client, held);
        }
        match self.flush_every(index) {
            Some(every) if !self.devices[index].buffer.is_empty() => {
                self.agenda.add(due.after(every), index, Duty::Flush { turn });
            }
            _ => self.devices[index].flushing = false,
        }
    }

    fn flush_every(&self, index: usize) -> Option<Duration> {
        let group = self.farm.info(self.devices[index].id).group;
        self.options.habits.get(usize::from(group))?.flush_every
    }

    pub(super) fn heartbeat(&mut self, index: usize, due: Time) {
        let (id, turn) = (self.devices[index].id, self.devices[index].turn);
        let heartbeat = self.farm.heartbeat(id, self.options.timeline.scenario(due));
        self.say(index, heartbeat);
        self.agenda.add(due.after(self.farm.info(id).heartbeat), index, Duty::Heartbeat { turn });
    }

    /// Publishes what is no telemetry. It is not worth keeping when it cannot be sent at once.
    pub(super) fn say(&mut self, index: usize, publication: Publication) {
        let Some(client) = self.devices[index].client else { return };
        let kind = publication.kind;
        let tag = self.next_own_tag();
        let count = match self.engine.publish(client, outgoing(publication, Some(tag), &self.options.target.prefix)) {
            Err(_) => &mut self.counts.unsent,
            Ok(()) => match kind {
                Kind::Telemetry | Kind::Plain | Kind::Alert => &mut self.counts.telemetry,
                Kind::Status => &mut self.counts.births,
                Kind::Heartbeat => &mut self.counts.heartbeats,
                Kind::Answer => &mut self.counts.answers,
            },
        };
        *count += 1;
    }

    /// Answers where the request says, with what it brought to know the answer by (section 4.10.1).
    fn answer(&mut self, index: usize, publication: Publication, asker: &Asker) {
        let Some(client) = self.devices[index].client else { return };
        let tag = self.next_own_tag();
        let mut outgoing = outgoing_to(asker.topic.clone(), publication, Some(tag));
        outgoing.message.properties = asker.properties.clone();
        match self.engine.publish(client, outgoing) {
            Ok(()) => self.counts.answers += 1,
            Err(_) => self.counts.unsent += 1,
        }
    }

    /// Puts telemetry behind what waits already; a full buffer gives up its oldest.
    pub(super) fn hold(&mut self, index: usize, held: Held) {
        let device = &mut self.devices[index];
        if device.phase != Phase::Online {
            self.counts.buffered += 1;
        }
        device.buffer.push_back(held);
        self.held += 1;
        if device.buffer.len() == 1 {
            return;
        }
        let habits = self.options.habits.get(usize::from(self.farm.info(device.id).group));
        let most = habits.and_then(|habits| habits.buffer).unwrap_or(self.options.offline_buffer);
        while device.buffer.len() > most.max(1) {
            let oldest = device.buffer.pop_front().and_then(|held| held.tag);
            self.held -= 1;
            self.counts.dropped += 1;
            self.events.extend(oldest.map(|tag| FleetEvent::Dropped { device: device.id, tag }));
        }
    }

    /// Sends what `plain` holds, stamped as the one named `first`, and those that follow it, as far as they leave at once; how many.
    pub(super) fn send_plain_run(&mut self, index: usize, first: Tag, count: u32) -> u32 {
        let device = &mut self.devices[index];
        let Some(client) = device.sends_at_once() else { return 0 };
        let Publication { topic, payload, qos, retain, .. } = &self.plain;
        let topic = device.topics.name(topic, &self.options.target.prefix);
        let publish = PlainPublish { topic, payload, qos: *qos, retain: *retain, tag: Some(first) };
        let (stamper, mut tag) = (&self.stamper, first);
        let mut renew = |payload: &mut [u8]| {
            tag.0 += 1;
            stamper.stamp_anew(payload, tag);
        };
        let sent = self.engine.publish_plain_run(client, &publish, count, &mut renew);
        self.counts.telemetry += u64::from(sent);
        sent
    }

    /// Sends what `plain` holds, stamped; what cannot be sent waits.
    pub(super) fn send_plain(&mut self, index: usize, tag: Option<Tag>) {
        let device = &mut self.devices[index];
        if let Some(client) = device.sends_at_once() {
            let Publication { topic, payload, qos, retain, .. } = &self.plain;
            let topic = device.topics.name(topic, &self.options.target.prefix);
            let known = tag.or_else(|| Some(next_tag(&mut self.own_tag)));
            let publish = PlainPublish { topic, payload, qos: *qos, retain: *retain, tag: known };
            match self.engine.publish_plain(client, &publish) {
                Ok(()) => {
                    self.counts.telemetry += 1;
                    return;
                }
                Err(Unsent::Full | Unsent::Offline) => {}
                // It can never be sent.
                Err(Unsent::TooLarge | Unsent::NotOffered) => return self.give_up(index, tag),
            }
        }
        self.hold(index, Held { publication: self.plain.clone(), tag });
        self.empty_buffer(index);
    }

    /// Sends telemetry behind what waits already; what cannot be sent waits itself.
    pub(super) fn dispatch(&mut self, index: usize, held: Held) {
        match self.devices[index].sends_at_once() {
            Some(client) if self.engine.takes(client) => self.send(index, client, held),
            _ => {
                self.hold(index, held);
                self.empty_buffer(index);
            }
        }
    }

    /// Sends what waits in a device's buffer, as far as its client takes it.
    pub(super) fn empty_buffer(&mut self, index: usize) {
        let device = &self.devices[index];
        let sends = device.phase == Phase::Online && !device.flushing;
        let Some(client) = device.client.filter(|_| sends) else { return };
        while self.engine.takes(client)
            && let Some(held) = self.devices[index].buffer.pop_front()
        {
            self.held -= 1;
            self.send(index, client, held);
        }
    }

    /// Publishes telemetry of a device whose client takes messages.
    fn send(&mut self, index: usize, client: ClientKey, Held { publication, tag }: Held) {
        let known = tag.or_else(|| Some(next_tag(&mut self.own_tag)));
        let topic = self.devices[index].topics.name(&publication.topic, &self.options.target.prefix).clone();
        match self.engine.publish(client, outgoing_to(topic, publication, known)) {
            Ok(()) => self.counts.telemetry += 1,
            // The engine takes messages, so this one can never be sent.
            Err(_) => self.give_up(index, tag),
        }
    }

    fn give_up(&mut self, index: usize, tag: Option<Tag>) {
        self.counts.dropped += 1;
        let device = self.devices[index].id;
        self.events.extend(tag.map(|tag| FleetEvent::Dropped { device, tag }));
    }

    /// Plans the next attempt of a device whose connection or attempt ended, unless it is leaving.
    pub(super) fn retry(&mut self, index: usize) -> Option<Time> {
        let now = self.engine.clock().now();
        let device = &mut self.devices[index];
        device.turn += 1;
        device.flushing = false;
        if matches!(device.phase, Phase::Leaving | Phase::Retired) {
            device.phase = Phase::Retired;
            return None;
        }
        device.phase = Phase::Waiting;
        let mut random = device.random(self.options.seed);
        let away = std::mem::take(&mut device.away);
        let at = now.after(away + self.options.backoff.delay(device.failures, &mut random));
        device.failures = device.failures.saturating_add(1);
        self.agenda.add(at, index, Duty::Connect { turn: device.turn });
        Some(at)
    }

    pub(super) fn retire_one(&mut self, index: usize) {
        let device = &mut self.devices[index];
        let (id, client, phase) = (device.id, device.client, device.phase);
        if matches!(phase, Phase::Leaving | Phase::Retired) {
            return;
        }
        device.turn += 1;
        let unsent = device.buffer.drain(..);
        self.held -= unsent.len();
        self.counts.dropped += unsent.len() as u64;
        self.events.extend(unsent.filter_map(|held| held.tag).map(|tag| FleetEvent::Dropped { device: id, tag }));
        self.counts.started -= u32::from(phase != Phase::Idle);
        match (phase, client) {
            (Phase::Online, Some(client)) => {
                if !self.farm.info(id).bare {
                    let farewell = self.farm.farewell(id, self.options.timeline.scenario(self.engine.clock().now()));
                    self.say(index, farewell);
                }
                self.engine.disconnect(client);
                self.devices[index].phase = Phase::Leaving;
            }
            (Phase::Connecting, Some(client)) => {
                self.engine.disconnect(client);
                self.devices[index].phase = Phase::Leaving;
            }
            _ => self.devices[index].phase = Phase::Retired,
        }
    }

    pub(super) fn next_own_tag(&mut self) -> Tag {
        next_tag(&mut self.own_tag)
    }
}

fn next_tag(own_tag: &mut u64) -> Tag {
    *own_tag = own_tag.wrapping_add(1) | OWN_TAGS;
    Tag(*own_tag)
}
