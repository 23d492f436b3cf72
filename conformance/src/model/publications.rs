//! Publishing: which sessions a message becomes a debt to.

use super::{
    Client, Finding, Message, Model, Number,
    debts::{Debt, Form, Kind, Slot},
    program::{Ending, Publish},
    rules::NO_SUBSCRIBERS,
    sessions::{Options, Presence, Session, Subscription},
    time::{Phase, Span},
};

/// PUBACK and PUBREC with this Reason Code say that nobody subscribes.
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;

/// Whom a message concerns now.
#[derive(Default)]
pub(super) struct Audience {
    sessions: Vec<Debt>,
    groups: Vec<Debt>,
}

impl Model {
    /// The PUBLISH packets of a step are about to be sent: their messages.
    pub fn publishing(&mut self, publish: &Publish) -> Vec<Number> {
        let whole = matches!(publish.ending, Ending::Whole | Ending::Repeated);
        let numbers: Vec<Number> = (0..publish.count)
            .map(|_| {
                let message = self.message_of(publish.client, &publish.topic, publish.qos, publish.retain);
                let message = Message { empty: publish.empty, expiry: publish.expiry, ordered: whole, ..message };
                self.add(message)
            })
            .collect();
        for number in &numbers {
            self.offer(*number);
        }
        numbers
    }

    /// The PUBLISH of a message is about to be sent again, with DUP. At QoS 1 it may count as another message (section 4.3.2).
    pub fn publishing_again(&mut self, number: Number) {
        if self.messages[number].qos == 1 {
            self.messages[number].offered.clear();
            self.messages[number].offered_groups.clear();
            let first = self.messages[number].sent.begin;
            self.offer(number);
            // Its expiry may count from either.
            self.messages[number].sent = Span { begin: first, end: self.now };
        }
    }

    /// The PUBREL of a message is about to be sent. A server may take it over only now (section 4.3.3, method A).
    pub fn releasing(&mut self, number: Number) {
        let audience = self.audience(number);
        self.offer_again(number, audience);
    }

    /// A message was acknowledged with this Reason Code; at QoS 0, a ping after it was answered.
    ///
    /// # Errors
    ///
    /// The Reason Code is a lie.
    pub fn published(&mut self, number: Number, reason: u8) -> Result<(), Finding> {
        if reason >= 0x80 {
            self.refused(number);
            return Ok(());
        }
        self.messages[number].sent.end = self.now;
        let audience = self.audience(number);
        let message = &self.messages[number];
        if reason == NO_MATCHING_SUBSCRIBERS && message.wanted && audience.all().any(|debt| debt.firm) {
            let what = format!("{} was acknowledged with 0x10, although subscriptions match", message.words());
            return Err(self.finding(message.publisher, NO_SUBSCRIBERS, what));
        }
        if message.qos == 2 && !message.is_will {
            self.offer_again(number, audience);
        }
        self.messages[number].certain = true;
        if self.messages[number].retain {
            self.retained(number);
        }
        Ok(())
    }

    /// The connection ended before a message was acknowledged. It may be sent again later, or never.
    pub fn unacknowledged(&mut self, number: Number) {
        self.leave_open(number, "its acknowledgement was not awaited");
        if self.messages[number].retain {
            self.maybe_retained(number);
        }
    }

    fn refused(&mut self, number: Number) {
        self.debts.retain(|debt| debt.message != number);
        if self.messages[number].retain {
            self.maybe_retained(number);
        }
    }

    pub(super) fn message_of(&self, publisher: Client, topic: &str, qos: u8, retain: bool) -> Message {
        Message {
            number: self.messages.len(),
            publisher,
            dialect: self.dialect(publisher),
            topic: topic.to_owned(),
            qos,
            retain,
            empty: false,
            expiry: None,
            is_will: false,
            sent: Span { begin: self.now, end: self.now },
            certain: false,
            ordered: true,
            wanted: false,
            offered: Default::default(),
            offered_groups: Default::default(),
        }
    }

    pub(super) fn add(&mut self, message: Message) -> Number {
        let number = self.messages.len();
        self.messages.push(Message { number, ..message });
        number
    }

    /// From now on the server may act on the message.
    pub(super) fn offer(&mut self, number: Number) {
        let audience = self.audience(number);
        self.messages[number].sent.begin = self.now;
        self.messages[number].wanted = audience.all().any(|debt| debt.firm);
        self.note(number, &audience);
        self.note_liberties(number, &audience);
        let repeated = self.repeated(number, &audience);
        for mut debt in audience.sessions.into_iter().chain(audience.groups).chain(repeated) {
            debt.serial = self.next_serial();
            self.debts.push(debt);
        }
        if self.messages[number].retain {
            self.retaining(number);
            self.race_subscribers(number);
        }
    }

    /// What was published at QoS 1 and is sent at QoS 0 may be sent once more (section 3.8.4 of both).
    fn repeated(&mut self, number: Number, audience: &Audience) -> Vec<Debt> {
        if self.messages[number].qos != 1 {
            return Vec::new();
        }
        let mut repeated: Vec<Debt> = audience.all().map(|debt| Debt { firm: false, ..debt.clone() }).collect();
        for debt in &mut repeated {
            for slot in &mut debt.slots {
                slot.firm = false;
                slot.forms.retain(|form| form.qos == 0);
            }
            debt.slots.retain(|slot| !slot.forms.is_empty());
        }
        repeated.retain(|debt| !debt.slots.is_empty());
        if !repeated.is_empty() {
            self.leave_open(number, "what was published at QoS 1 may come more than once at QoS 0");
        }
        repeated
    }

    fn note_liberties(&mut self, number: Number, audience: &Audience) {
        if !audience.groups.is_empty() {
            self.leave_open(number, "any member of a shared group may get it");
        }
        for debt in audience.all().filter(|debt| !debt.is_shared()) {
            if debt.slots.len() > 1 {
                self.leave_open(number, "overlapping subscriptions may get one copy or one each");
            }
            if debt.slots.iter().any(|slot| !slot.firm) {
                self.leave_open(number, "it raced with SUBSCRIBE or UNSUBSCRIBE");
            } else if !debt.firm {
                self.leave_open(number, "QoS 0 may be dropped while its client is away");
            }
        }
    }

    fn note(&mut self, number: Number, audience: &Audience) {
        let message = &mut self.messages[number];
        message.offered.extend(audience.sessions.iter().map(|debt| (debt.slots[0].client, debt.slots[0].epoch)));
        message.offered_groups.extend(audience.groups.iter().filter_map(|debt| match &debt.kind {
            Kind::Shared(group) => Some(group.clone()),
            _ => None,
        }));
    }

    /// A server may take a QoS 2 message over at its PUBLISH or at its PUBREL (section 4.3.3). Who subscribed at one of the
    /// two only may get it.
    pub(super) fn offer_again(&mut self, number: Number, audience: Audience) {
        let now: Vec<&Debt> = audience.all().collect();
        for debt in self.debts.iter_mut().filter(|debt| debt.message == number && debt.kind != Kind::Retained) {
            let same = |other: &&&Debt| match (&debt.kind, &other.kind) {
                (Kind::Live, Kind::Live) => {
                    debt.slots[0].client == other.slots[0].client && debt.slots[0].epoch == other.slots[0].epoch
                }
                (before, now) => before == now,
            };
            let Some(later) = now.iter().find(same) else {
                debt.firm = false;
                continue;
            };
            debt.firm &= later.firm;
            for slot in &mut debt.slots {
                slot.firm &= later.slots.iter().any(|other| other.is_same(slot) && other.forms == slot.forms);
            }
            for slot in &later.slots {
                match debt.slots.iter_mut().find(|other| other.is_same(slot)) {
                    Some(before) => before.forms.extend(
                        slot.forms.iter().filter(|form| !before.forms.contains(form)).copied().collect::<Vec<_>>(),
                    ),
                    None => debt.slots.push(Slot { firm: false, ..slot.clone() }),
                }
            }
        }
        let message = &self.messages[number];
        let fresh: Vec<Debt> = audience
            .all()
            .filter(|debt| match &debt.kind {
                Kind::Shared(group) => !message.offered_groups.contains(group),
                _ => !message.offered.contains(&(debt.slots[0].client, debt.slots[0].epoch)),
            })
            .cloned()
            .collect();
        self.note(number, &audience);
        for debt in fresh {
            let serial = self.next_serial();
            self.debts.push(Debt { serial, firm: false, ..debt });
        }
    }

    /// Whom the message concerns now.
    pub(super) fn audience(&self, number: Number) -> Audience {
        let message = &self.messages[number];
        let mut audience = Audience::default();
        for client in self.clients() {
            let Some(session) = self.session(client) else { continue };
            // A session whose expiry is over is none, and one that may be over keeps nothing for sure.
            let lasts = match &session.presence {
                Presence::Online(_) => Phase::Before,
                Presence::Offline(timer) => timer.phase(self.now),
            };
            if lasts == Phase::After {
                continue;
            }
            let mut slots = Vec::new();
            for (filter, subscription) in &session.subscriptions {
                let Some(mut slot) = slot(message, client, session, filter, subscription) else { continue };
                slot.firm &= lasts == Phase::Before;
                if filter.starts_with("$share/") {
                    audience.share(number, filter, slot);
                } else {
                    slots.push(slot);
                }
            }
            if !slots.is_empty() {
                audience.sessions.push(Debt::new(number, Kind::Live, slots));
            }
        }
        for debt in audience.sessions.iter_mut().chain(&mut audience.groups) {
            debt.firm = self.is_firm(debt);
        }
        audience
    }

    /// The shared groups that it concerns now.
    pub(super) fn groups_of(&self, number: Number) -> Vec<Debt> {
        self.audience(number).groups
    }

    /// Whether a copy must come, sooner or later.
    fn is_firm(&self, debt: &Debt) -> bool {
        let stays = |slot: &Slot| {
            let Some(session) = self.session(slot.client) else { return false };
            let qos = if debt.is_shared() {
                slot.forms.iter().map(|form| form.qos).min().unwrap_or(0)
            } else {
                debt.least_qos()
            };
            match session.online() {
                // QoS 0 may be dropped while its client is away (section 4.1).
                None => qos > 0,
                Some(online) if online.leaving => qos > 0 && session.expiry > 0,
                Some(_) => true,
            }
        };
        if debt.is_shared() {
            debt.slots.iter().all(|slot| slot.firm && stays(slot))
        } else {
            debt.slots.iter().any(|slot| slot.firm) && stays(&debt.slots[0])
        }
    }

    /// Whoever subscribes just now may be sent the old retained message, the new one, both or none.
    fn race_subscribers(&mut self, number: Number) {
        let topic = self.messages[number].topic.clone();
        for debt in self.debts.iter_mut().filter(|debt| debt.kind == Kind::Retained && !debt.open) {
            if self.messages[debt.message].topic == topic {
                debt.firm = false;
            }
        }
        let message = &self.messages[number];
        if message.empty {
            return;
        }
        let mut racing = Vec::new();
        for client in self.clients() {
            let Some(session) = self.session(client) else { continue };
            for (filter, subscription) in &session.subscriptions {
                let Some(options) = subscription.pending.filter(|options| options.wants_retained) else { continue };
                if wire::topic::matches(filter, &topic) {
                    racing.push(retained_slot(message, client, session.epoch, filter, options));
                }
            }
        }
        for slot in racing {
            let serial = self.next_serial();
            let debt = Debt::new(number, Kind::Retained, vec![Slot { firm: false, ..slot }]);
            self.debts.push(Debt { serial, firm: false, ..debt });
        }
    }
}

impl Audience {
    fn all(&self) -> impl Iterator<Item = &Debt> {
        self.sessions.iter().chain(&self.groups)
    }

    fn share(&mut self, number: Number, filter: &str, slot: Slot) {
        let kind = Kind::Shared(filter.to_owned());
        match self.groups.iter_mut().find(|debt| debt.kind == kind) {
            Some(debt) => debt.slots.push(slot),
            None => self.groups.push(Debt::new(number, kind, vec![slot])),
        }
    }
}

impl Debt {
    pub(super) fn new(message: Number, kind: Kind, slots: Vec<Slot>) -> Self {
        Self { serial: 0, message, kind, slots, firm: true, open: true, paid: Vec::new() }
    }
}

impl Slot {
    fn is_same(&self, other: &Self) -> bool {
        (self.client, self.epoch, &self.filter) == (other.client, other.epoch, &other.filter)
    }
}

/// What a stored message looks like to a new subscription.
pub(super) fn retained_slot(message: &Message, client: Client, epoch: u32, filter: &str, options: Options) -> Slot {
    let form = Form { qos: options.qos.min(message.qos), retain: true, identifier: options.identifier };
    // Whether No Local holds back what the client itself had stored, no statement says.
    let firm = !(options.no_local && message.publisher == client);
    Slot { client, epoch, filter: filter.to_owned(), firm, forms: vec![form] }
}

/// What a message looks like to a subscription; `None` if it does not concern it.
fn slot(
    message: &Message,
    client: Client,
    session: &Session,
    filter: &str,
    subscription: &Subscription,
) -> Option<Slot> {
    if !wire::topic::matches(filter, &message.topic) {
        return None;
    }
    let mut forms = Vec::new();
    let mut firm = subscription.current.is_some() && !subscription.leaving;
    for options in subscription.current.iter().chain(&subscription.pending) {
        // MQTT-3.8.3-3. Whether a will is its client's own, no statement says.
        if options.no_local && message.publisher == client {
            firm = false;
            if !message.is_will {
                continue;
            }
        }
        let form = Form {
            qos: options.qos.min(message.qos),
            retain: options.retain_as_published && message.retain,
            identifier: options.identifier,
        };
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    (!forms.is_empty()).then(|| Slot { client, epoch: session.epoch, filter: filter.to_owned(), firm, forms })
}
