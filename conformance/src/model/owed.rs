//! What is missing now.

use super::{
    Client, Finding, Model, Number, Rule,
    debts::{Copy, Debt},
    rules::{RELEASES, RESEND, RESTORED},
    time::Phase,
};

/// Something that the server has to send now, since nothing holds it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// To whom; to this or another member of its shared group.
    pub client: Client,
    rule: &'static Rule,
    what: String,
}

impl Model {
    /// What the server has to send now. The runner waits for it; what does not come in time is a finding.
    pub fn owed(&self) -> Vec<Owed> {
        let mut owed = self.owed_again();
        let mut numbers: Vec<Number> = self.debts.iter().map(|debt| debt.message).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers.into_iter().filter(|number| self.messages[*number].certain) {
            self.owed_of(number, &mut owed);
        }
        owed
    }

    /// What is owed did not come in time.
    pub fn missed(&self, owed: &Owed) -> Finding {
        self.finding(owed.client, owed.rule, owed.what.clone())
    }

    fn owed_of(&self, number: Number, owed: &mut Vec<Owed>) {
        let payable: Vec<(usize, &Debt)> = self
            .debts
            .iter()
            .enumerate()
            .filter(|(_, debt)| debt.message == number && debt.firm && debt.open && self.is_payable(debt))
            .collect();
        if payable.is_empty() {
            return;
        }
        let explained = self.explain(number);
        if !explained.is_best {
            return;
        }
        let explanation = explained.by.unwrap_or_default();
        let copies = self.copies_of(number);
        for (place, debt) in payable {
            let chosen = explanation.iter().zip(&copies).filter(|(chosen, _)| **chosen == place);
            let payments: Vec<&Copy> = debt.paid.iter().chain(chosen.map(|(_, copy)| *copy)).collect();
            if let Err((rule, what)) = debt.fulfilled(&payments) {
                let message = &self.messages[number];
                let rule = debt.rule(message.is_will, rule);
                owed.push(Owed { client: debt.slots[0].client, rule, what: format!("{}: {what}", message.words()) });
            }
        }
    }

    /// Whether nothing holds a debt back.
    fn is_payable(&self, debt: &Debt) -> bool {
        self.messages[debt.message].expiry_phase(self.now) == Phase::Before
            && debt.slots.iter().all(|slot| {
                self.session(slot.client).is_some_and(|session| {
                    session.epoch == slot.epoch && session.is_reachable() && !session.is_blocked()
                })
            })
    }

    /// What was unacknowledged when the last connection ended, and PUBRELs.
    fn owed_again(&self) -> Vec<Owed> {
        let mut owed = Vec::new();
        for client in self.clients() {
            let Some(session) = self.session(client).filter(|session| session.is_reachable()) else { continue };
            let Some(online) = session.online() else { continue };
            for inflight in session.inflight.iter().filter(|inflight| !inflight.unsure && !inflight.acked) {
                let words = self.messages[inflight.message].words();
                if inflight.received && inflight.released != Some(online.number) {
                    let what = format!("{words}: PUBREL {} did not come after PUBREC", inflight.id);
                    owed.push(Owed { client, rule: RELEASES, what });
                } else if !inflight.received && inflight.connection != online.number {
                    let what = format!("{words}: PUBLISH {} was not sent again in the resumed session", inflight.id);
                    owed.push(Owed { client, rule: RESEND, what });
                }
            }
        }
        owed
    }

    /// Whether a session that is away has anything to come back for.
    pub fn is_resumable(&self, client: Client) -> bool {
        self.session(client).is_some_and(|session| session.online().is_none() && session.expiry > 0)
    }
}

impl Owed {
    /// As something that was to come when the client was back.
    #[must_use]
    pub fn after_resuming(self) -> Self {
        let rule = if self.rule == super::rules::DELIVERED { RESTORED } else { self.rule };
        Self { rule, ..self }
    }
}
