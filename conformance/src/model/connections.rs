//! Connections, and what their end means for the session and for the will.

use std::time::Duration;

use super::{
    Client, Dialect, Finding, Message, Model, Number,
    program::Connect,
    rules::{CLEAN_IS_NEW, SESSION_ABSENT, SESSION_PRESENT, STAYS_OPEN},
    sessions::{Online, Presence, Session},
    state::DelayedWill,
    time::{NEVER, Phase, Span, Timer},
};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By DISCONNECT.
    Disconnected,
    /// By DISCONNECT with Reason Code 0x04, which keeps the will.
    DisconnectedWithWill,
    /// Without DISCONNECT.
    Cut,
}

/// A connection that ends, and what ends with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Own(End),
    TakenOver { clean: bool },
}

impl Model {
    /// CONNECT is about to be sent. The message of its will, if it has one. A connection that the client has is taken over:
    /// the server closes it.
    pub fn connecting(&mut self, connect: &Connect) -> Option<Number> {
        let client = connect.client;
        if self.session(client).is_some_and(|session| session.online().is_some()) {
            self.end(client, Ending::TakenOver { clean: connect.clean });
        }
        let timer = self.session(client).and_then(|session| match session.presence {
            Presence::Offline(timer) => Some(timer),
            Presence::Online(_) => None,
        });
        let over = timer.is_some_and(|timer| self.is_over(timer, "a Session Expiry Interval"));
        self.return_before_wills(client, connect.clean || over);
        if connect.clean || over {
            self.end_session(client);
        }
        let present = self.session(client).is_some();
        if !present {
            let session = Session::new(self.next_serial(), self.now);
            self.sessions[client.index()] = Some(session);
        }
        self.drop_expired(client);
        let will = connect.will.as_ref().map(|will| {
            let message = self.message_of(client, &will.topic, will.qos, will.retain);
            (self.add(Message { is_will: true, ordered: false, ..message }), will.delay)
        });
        let expiry = match self.dialect(client) {
            Dialect::V311 if connect.clean => 0,
            Dialect::V311 => NEVER,
            Dialect::V5 => connect.session_expiry,
        };
        let number = self.next_serial();
        let receive_maximum = connect.receive_maximum.unwrap_or(u16::MAX);
        let online = Online {
            number,
            ready: false,
            leaving: false,
            receive_maximum,
            will,
            will_is_offered: false,
            clean: connect.clean,
            present,
        };
        if let Some(session) = self.session_mut(client) {
            session.expiry = expiry;
            session.presence = Presence::Online(online);
        }
        will.map(|(number, _)| number)
    }

    /// CONNACK came, with this Session Present.
    ///
    /// # Errors
    ///
    /// Session Present is wrong.
    pub fn connected(&mut self, client: Client, present: bool) -> Result<(), Finding> {
        let Some(online) = self.session_mut(client).and_then(Session::online_mut) else { return Ok(()) };
        online.ready = true;
        let (rule, what) = match (online.clean, online.present, present) {
            (_, true, true) | (_, false, false) => return Ok(()),
            (true, _, _) => (CLEAN_IS_NEW, "CONNACK says Session Present 1 after a clean start"),
            (_, false, true) => {
                (SESSION_ABSENT, "CONNACK says Session Present 1, and the session is over or never was")
            }
            (_, true, false) => (SESSION_PRESENT, "CONNACK says Session Present 0, and the session is not over"),
        };
        Err(self.finding(client, rule, what))
    }

    /// The connection is about to be closed by its client. From now on the server may publish a will without delay.
    pub fn leaving(&mut self, client: Client, how: End) {
        let Some(session) = self.session_mut(client) else { return };
        let expiry = session.expiry;
        let Some(online) = session.online_mut() else { return };
        online.leaving = true;
        let Some((message, delay)) = online.will.filter(|_| how != End::Disconnected) else { return };
        if delay == 0 || expiry == 0 {
            online.will_is_offered = true;
            self.offer(message);
        }
    }

    /// The server closed it too.
    pub fn left(&mut self, client: Client, how: End) {
        self.end(client, Ending::Own(how));
    }

    /// The server closed a connection that nobody else closed.
    pub fn closed(&self, client: Client, why: &str) -> Finding {
        self.finding(client, STAYS_OPEN, format!("the server closed the connection: {why}"))
    }

    /// Nothing will be done for so many seconds. The moment to wait for, when no timer is in doubt.
    pub fn waiting(&mut self, seconds: u32) -> Duration {
        let mut until = self.now + Duration::from_secs(seconds.into());
        let timers: Vec<Timer> = self.timers().collect();
        while let Some(later) = timers.iter().map(|timer| timer.settled(until)).filter(|at| *at > until).max() {
            until = later;
        }
        let firing: Vec<Number> = self.wills_over(until).map(|will| will.message).collect();
        for number in firing {
            self.offer(number);
        }
        until
    }

    /// The moment has come.
    pub fn waited(&mut self) {
        let over: Vec<Number> = self.wills_over(self.now).map(|will| will.message).collect();
        self.wills.retain(|will| !over.contains(&will.message));
        for number in over {
            self.messages[number].certain = true;
            if self.messages[number].retain {
                self.retained(number);
            }
        }
    }

    fn wills_over(&self, at: Duration) -> impl Iterator<Item = &DelayedWill> {
        self.wills.iter().filter(move |will| will.timer.phase(at) == Phase::After)
    }

    fn timers(&self) -> impl Iterator<Item = Timer> {
        let sessions = self.sessions.iter().flatten().filter_map(|session| match session.presence {
            Presence::Offline(timer) => Some(timer),
            Presence::Online(_) => None,
        });
        let messages = self.messages.iter().filter_map(Message::expiry_timer);
        sessions.chain(messages).chain(self.wills.iter().map(|will| will.timer))
    }

    fn end(&mut self, client: Client, how: Ending) {
        self.settle();
        let now = self.now;
        let Some(session) = self.session_mut(client) else { return };
        let Some(online) = session.online().cloned() else { return };
        let from = Span { begin: now, end: now };
        let (epoch, expiry) = (session.epoch, session.expiry);
        session.presence = Presence::Offline(Timer { from, seconds: expiry });
        let graceful = matches!(how, Ending::Own(End::Disconnected | End::DisconnectedWithWill));
        if graceful {
            // What was sent before DISCONNECT was read before it.
            session.inflight.retain(|inflight| !inflight.acked);
        }
        for inflight in &mut session.inflight {
            inflight.unsure |= !graceful && (inflight.acked || inflight.received);
        }
        let shared_again: Vec<Number> =
            session.inflight.iter().filter(|inflight| inflight.qos == 1).map(|inflight| inflight.message).collect();
        for debt in self.debts.iter_mut().filter(|debt| debt.concerns(client, epoch)) {
            let mut forms = debt.slots.iter().filter(|slot| slot.client == client).flat_map(|slot| &slot.forms);
            let dropped = if debt.is_shared() { forms.any(|form| form.qos == 0) } else { debt.least_qos() == 0 };
            debt.firm &= !dropped;
        }
        self.end_will(client, &online, how, expiry, from);
        let serial = self.next_serial();
        if let Some(session) = self.session_mut(client).filter(|_| !graceful) {
            session.unseen_before = serial;
        }
        let cleaned = matches!(how, Ending::TakenOver { clean: true });
        if expiry == 0 || cleaned {
            self.end_session(client);
        }
        for number in shared_again {
            self.share_again(number);
        }
    }

    fn end_will(&mut self, client: Client, online: &Online, how: Ending, expiry: u32, from: Span) {
        let Some((message, delay)) = online.will else { return };
        match how {
            // MQTT-3.14.4-3 in both.
            Ending::Own(End::Disconnected) => {}
            _ if online.will_is_offered => {
                let audience = self.audience(message);
                self.offer_again(message, audience);
                self.will_published(message, true);
            }
            // Section 3.1.4 of 5.0 says so of a connection that is taken over, too.
            _ if delay == 0 => self.publish_will(message, true),
            // Two sentences of section 3.1.2.5 and 3.1.4 disagree: the session ends, and a new connection is opened in time.
            Ending::TakenOver { clean } if clean || expiry == 0 => self.publish_will(message, false),
            // MQTT-3.1.3-9.
            Ending::TakenOver { .. } => {}
            Ending::Own(_) if expiry == 0 => self.publish_will(message, true),
            Ending::Own(_) => {
                self.wills.push(DelayedWill { client, message, timer: Timer { from, seconds: delay.min(expiry) } });
            }
        }
    }

    /// The client is back before its will was published; afterwards it is not (MQTT-3.1.3-9), except that with a clean start
    /// it may be, because the session ended.
    fn return_before_wills(&mut self, client: Client, ended: bool) {
        let (mine, others) = std::mem::take(&mut self.wills).into_iter().partition(|will| will.client == client);
        self.wills = others;
        let mine: Vec<DelayedWill> = mine;
        for will in mine {
            let over = self.is_over(will.timer, "a Will Delay Interval");
            if over || ended {
                self.publish_will(will.message, over);
            }
        }
    }

    fn publish_will(&mut self, message: Number, sure: bool) {
        self.offer(message);
        self.will_published(message, sure);
    }

    fn will_published(&mut self, message: Number, sure: bool) {
        self.messages[message].certain = sure;
        let retain = self.messages[message].retain;
        match (retain, sure) {
            (true, true) => self.retained(message),
            (true, false) => self.maybe_retained(message),
            (false, _) => {}
        }
    }

    pub(super) fn end_session(&mut self, client: Client) {
        self.settle();
        let Some(session) = self.sessions[client.index()].take() else { return };
        for debt in self.debts.iter_mut().filter(|debt| debt.concerns(client, session.epoch)) {
            // The server may have chosen this member already.
            debt.firm = false;
            debt.slots.retain(|slot| slot.client != client || slot.epoch != session.epoch);
        }
        self.debts.retain(|debt| !debt.slots.is_empty());
    }

    /// Another member of the group may get what one left unacknowledged (section 4.8.2 of 5.0).
    fn share_again(&mut self, number: Number) {
        for number in self.alike(number) {
            if self.messages[number].offered_groups.is_empty() {
                continue;
            }
            for mut debt in self.groups_of(number) {
                debt.serial = self.next_serial();
                debt.firm = false;
                self.debts.push(debt);
            }
        }
    }

    /// MQTT-3.3.2-5: what expired while the client was away is deleted.
    fn drop_expired(&mut self, client: Client) {
        let Some(epoch) = self.session(client).map(|session| session.epoch) else { return };
        let mut doubtful = false;
        let (messages, now) = (&self.messages, self.now);
        self.debts.retain_mut(|debt| {
            let phase = messages[debt.message].expiry_phase(now);
            if !debt.concerns(client, epoch) || phase == Phase::Before {
                return true;
            }
            doubtful |= phase == Phase::Doubtful;
            debt.firm = false;
            debt.is_shared()
        });
        if doubtful {
            self.doubt.get_or_insert_with(|| "a Message Expiry Interval is in doubt: the run was too slow".to_owned());
        }
    }
}
