//! Debts: what the server owes or may send, and the forms that a copy of it may have.

use super::{
    Client, Number, Rule,
    rules::{ALL_IDENTIFIERS, DELIVERED, HIGHEST_QOS, ONE_MEMBER, RETAINED_SENT, WILL_SENT},
};

/// Copies of one message that one session, or one of the members of a shared group, is to get or may get.
#[derive(Clone, Debug)]
pub(super) struct Debt {
    pub(super) serial: u32,
    pub(super) message: Number,
    pub(super) kind: Kind,
    /// One for each matching subscription; of a shared group, one for each member.
    pub(super) slots: Vec<Slot>,
    /// Whether at least one copy must come; otherwise it may.
    pub(super) firm: bool,
    /// Whether the request that it came from is acknowledged.
    pub(super) open: bool,
    /// Copies that are payments of this debt for sure.
    pub(super) paid: Vec<Copy>,
}

/// Why there is a debt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It was published while there were subscriptions.
    Live,
    /// It was retained when a subscription was made.
    Retained,
    /// A shared group has a matching filter: this one.
    Shared(String),
}

/// One subscription that a message matched.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) client: Client,
    pub(super) epoch: u32,
    pub(super) filter: String,
    /// Whether the subscription was there for sure.
    pub(super) firm: bool,
    /// Any of these; several while the subscription was being replaced.
    pub(super) forms: Vec<Form>,
}

/// What a copy looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) identifier: Option<u32>,
}

/// A copy that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) message: Number,
    pub(super) client: Client,
    pub(super) epoch: u32,
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) identifiers: Vec<u32>,
    /// Whether nothing in it says which of several empty messages it is; `message` is then a guess.
    pub(super) nameless: bool,
}

impl Debt {
    /// The most copies that can pay it.
    pub(super) fn capacity(&self) -> usize {
        if self.is_shared() { 1 } else { self.slots.len() }
    }

    pub(super) fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::Shared(_))
    }

    pub(super) fn concerns(&self, client: Client, epoch: u32) -> bool {
        self.slots.iter().any(|slot| slot.client == client && slot.epoch == epoch)
    }

    /// The QoS that a merged copy has: exactly this if everything is firm, otherwise any of the forms'.
    pub(super) fn highest_qos(&self) -> u8 {
        self.slots.iter().flat_map(|slot| &slot.forms).map(|form| form.qos).max().unwrap_or(0)
    }

    /// The QoS that it has at least: that of the subscriptions which are there for sure.
    pub(super) fn least_qos(&self) -> u8 {
        let least = |slot: &Slot| slot.forms.iter().map(|form| form.qos).min();
        let slots = self.slots.iter().filter(|slot| slot.firm);
        slots.filter_map(least).max().unwrap_or(0)
    }

    /// Whether nothing was changing when it arose.
    fn is_settled(&self) -> bool {
        self.slots.iter().all(|slot| slot.firm && slot.forms.len() == 1)
    }

    /// Whether `copies`, all of its message, can be payments of it, and others may follow.
    pub(super) fn accepts(&self, copies: &[&Copy]) -> bool {
        if copies.len() > self.capacity() {
            return false;
        }
        if self.is_shared() {
            let fits = |copy: &&Copy| self.slots.iter().any(|slot| slot.is_of(copy) && slot.takes(copy));
            return copies.iter().all(fits);
        }
        if !copies.iter().all(|copy| self.slots.iter().all(|slot| slot.is_of(copy))) {
            return false;
        }
        match copies {
            [] => true,
            [copy] => self.slots.iter().any(|slot| slot.takes(copy)) || self.merges_into(copy),
            copies => self.assign(copies, &mut vec![false; self.slots.len()]),
        }
    }

    /// Whether each copy can have a slot of its own. One of them may stand for several subscriptions.
    fn assign(&self, copies: &[&Copy], taken: &mut [bool]) -> bool {
        let Some((copy, others)) = copies.split_first() else { return true };
        for (place, slot) in self.slots.iter().enumerate() {
            if !taken[place] && (slot.takes(copy) || self.merges_into(copy)) {
                taken[place] = true;
                if self.assign(others, taken) {
                    return true;
                }
                taken[place] = false;
            }
        }
        false
    }

    /// Whether a copy can be the only one, for all subscriptions at once.
    pub(super) fn merges_into(&self, copy: &Copy) -> bool {
        let forms = || self.slots.iter().flat_map(|slot| &slot.forms);
        let qos =
            if self.is_settled() { copy.qos == self.highest_qos() } else { forms().any(|form| form.qos == copy.qos) };
        let firm = self.slots.iter().filter(|slot| slot.firm && slot.forms.len() == 1);
        let mut needed = firm.filter_map(|slot| slot.forms[0].identifier);
        qos && forms().any(|form| form.retain == copy.retain)
            && copy.identifiers.iter().all(|id| forms().any(|form| form.identifier == Some(*id)))
            && needed.all(|id| copy.identifiers.contains(&id))
    }

    /// Whether `copies`, which it accepts, are enough.
    ///
    /// # Errors
    ///
    /// The rule that is broken if nothing more comes, and what is missing in words.
    pub(super) fn fulfilled(&self, copies: &[&Copy]) -> Result<(), (&'static Rule, String)> {
        match copies {
            [] if self.is_shared() => Err((ONE_MEMBER, "no member of the shared group got it".to_owned())),
            [] if self.kind == Kind::Retained => Err((RETAINED_SENT, "the retained message was not sent".to_owned())),
            [] => Err((DELIVERED, "it never came".to_owned())),
            _ if self.is_shared() || !self.is_settled() => Ok(()),
            copies if !copies.iter().any(|copy| copy.qos == self.highest_qos()) => {
                let qos = copies.iter().map(|copy| copy.qos).max().unwrap_or(0);
                Err((HIGHEST_QOS, format!("it came at QoS {qos} and not at QoS {}", self.highest_qos())))
            }
            // 3.3.4-3 and -4: a lone copy stands for all subscriptions.
            [copy] if !self.merges_into(copy) && !self.slots.iter().all(|slot| slot.takes(copy)) => Err((
                ALL_IDENTIFIERS,
                format!(
                    "one copy came, with the Subscription Identifiers {:?} and not all that match",
                    copy.identifiers
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The rule that says that it had to come.
    pub(super) fn rule(&self, is_will: bool, rule: &'static Rule) -> &'static Rule {
        if is_will && rule == DELIVERED { WILL_SENT } else { rule }
    }
}

impl Slot {
    pub(super) fn is_of(&self, copy: &Copy) -> bool {
        self.client == copy.client && self.epoch == copy.epoch
    }

    pub(super) fn takes(&self, copy: &Copy) -> bool {
        self.forms.iter().any(|form| {
            form.qos == copy.qos
                && form.retain == copy.retain
                && copy.identifiers.as_slice() == form.identifier.as_slice()
        })
    }
}
