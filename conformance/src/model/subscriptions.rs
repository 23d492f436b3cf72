//! SUBSCRIBE and UNSUBSCRIBE.

use std::collections::BTreeMap;

use super::{
    Client, Dialect, Finding, Model, Number,
    debts::{Debt, Kind, Slot},
    program::Filter,
    publications::retained_slot,
    rules::UNSUBACK_CODE,
    sessions::{Options, Subscription},
};

/// What SUBACK says of one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// With this maximum QoS.
    Qos(u8),
    /// Not at all.
    Refused,
}

impl Model {
    /// SUBSCRIBE is about to be sent.
    pub fn subscribing(&mut self, client: Client, filters: &[Filter], identifier: Option<u32>) {
        let mut owed: BTreeMap<Number, (Vec<Slot>, bool)> = BTreeMap::new();
        for filter in filters {
            let written = filter.written();
            let Some(session) = self.session_mut(client) else { return };
            let epoch = session.epoch;
            let subscription = session.subscriptions.entry(written.clone()).or_default();
            // 3.3.1-9 to -11. Shared subscriptions are sent no retained messages (section 4.8.2).
            let wants_retained = filter.share.is_none()
                && match filter.retain_handling {
                    0 => true,
                    1 => subscription.current.is_none(),
                    _ => false,
                };
            let options = Options {
                qos: filter.qos,
                no_local: filter.no_local,
                retain_as_published: filter.retain_as_published,
                identifier,
                wants_retained,
            };
            subscription.pending = Some(options);
            if wants_retained {
                self.owe_retained(client, epoch, &written, options, &mut owed);
            }
        }
        for (number, (slots, firm)) in owed {
            if !firm {
                self.leave_open(number, "whether it is retained is open");
            }
            let serial = self.next_serial();
            self.debts.push(Debt { serial, firm, open: false, ..Debt::new(number, Kind::Retained, slots) });
        }
    }

    fn owe_retained(
        &mut self,
        client: Client,
        epoch: u32,
        filter: &str,
        options: Options,
        owed: &mut BTreeMap<Number, (Vec<Slot>, bool)>,
    ) {
        let matching: Vec<Vec<Option<Number>>> = self
            .retained
            .iter()
            .filter(|(topic, _)| wire::topic::matches(filter, topic))
            .map(|(_, retained)| retained.possible(&self.messages))
            .collect();
        for possible in matching {
            for number in possible.iter().copied().flatten() {
                let timer = self.messages[number].expiry_timer();
                if timer.is_some_and(|timer| self.is_over(timer, "the expiry of a retained message")) {
                    continue;
                }
                let slot = retained_slot(&self.messages[number], client, epoch, filter, options);
                let sure = possible.len() == 1 && slot.firm;
                let (slots, firm) = owed.entry(number).or_default();
                *firm |= sure;
                slots.push(Slot { firm: sure, ..slot });
            }
        }
    }

    /// SUBACK came; `granted` is in the order of the filters.
    pub fn subscribed(&mut self, client: Client, filters: &[Filter], granted: &[Granted]) {
        for (filter, granted) in filters.iter().zip(granted) {
            let written = filter.written();
            let Some(session) = self.session_mut(client) else { return };
            let epoch = session.epoch;
            let Some(subscription) = session.subscriptions.get_mut(&written) else { continue };
            let pending = subscription.pending.take();
            match (*granted, pending) {
                (Granted::Qos(qos), Some(options)) => {
                    subscription.current = Some(Options { qos, ..options });
                    if qos < options.qos {
                        self.lower(client, epoch, &written, qos);
                    }
                }
                (Granted::Refused, _) => {
                    if subscription.current.is_none() {
                        session.subscriptions.remove(&written);
                    }
                    self.loosen(client, epoch, &written);
                }
                (_, None) => {}
            }
        }
        for debt in self.debts.iter_mut().filter(|debt| debt.slots[0].client == client) {
            debt.open = true;
        }
    }

    /// The server granted less: what it sent in between may have either QoS.
    fn lower(&mut self, client: Client, epoch: u32, filter: &str, qos: u8) {
        for slot in self.slots_of(client, epoch, filter) {
            let lower: Vec<_> =
                slot.forms.iter().map(|form| super::debts::Form { qos: form.qos.min(qos), ..*form }).collect();
            slot.forms.extend(lower);
        }
    }

    /// Nothing is owed for this subscription any more; what was sent already may come.
    fn loosen(&mut self, client: Client, epoch: u32, filter: &str) {
        for slot in self.slots_of(client, epoch, filter) {
            slot.firm = false;
        }
        for debt in &mut self.debts {
            let firm = debt.slots.iter().any(|slot| slot.firm);
            let whole = debt.slots.iter().all(|slot| slot.firm);
            debt.firm &= if debt.is_shared() { whole } else { firm };
        }
    }

    fn slots_of(&mut self, client: Client, epoch: u32, filter: &str) -> impl Iterator<Item = &mut Slot> {
        let slots = self.debts.iter_mut().flat_map(|debt| &mut debt.slots);
        slots.filter(move |slot| slot.client == client && slot.epoch == epoch && slot.filter == filter)
    }

    /// UNSUBSCRIBE is about to be sent.
    pub fn unsubscribing(&mut self, client: Client, filters: &[String]) {
        let Some(session) = self.session_mut(client) else { return };
        for filter in filters {
            if let Some(subscription) = session.subscriptions.get_mut(filter) {
                subscription.leaving = true;
            }
        }
    }

    /// UNSUBACK came, in 5.0 with a Reason Code for each filter.
    ///
    /// # Errors
    ///
    /// A Reason Code is a lie.
    pub fn unsubscribed(&mut self, client: Client, filters: &[String], codes: &[u8]) -> Result<(), Finding> {
        for (place, filter) in filters.iter().enumerate() {
            let code = codes.get(place).copied().unwrap_or(0);
            let Some(session) = self.session_mut(client) else { return Ok(()) };
            let epoch = session.epoch;
            let existed = session.subscriptions.get(filter).is_some_and(|known| known.current.is_some());
            if code >= 0x80 {
                if let Some(Subscription { leaving, .. }) = session.subscriptions.get_mut(filter) {
                    *leaving = false;
                }
                continue;
            }
            session.subscriptions.remove(filter);
            if existed {
                session.former.insert(filter.clone());
            }
            self.loosen(client, epoch, filter);
            let expected = if existed { 0x00 } else { 0x11 };
            if self.dialect(client) == Dialect::V5 && code != expected {
                let what = format!("UNSUBACK says 0x{code:02x} for {filter:?}, and 0x{expected:02x} is true");
                return Err(self.finding(client, UNSUBACK_CODE, what));
            }
        }
        Ok(())
    }
}
