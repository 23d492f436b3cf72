//! Which copy pays which debt.

use super::{
    Model, Number,
    debts::{Copy, Debt},
};

/// An explanation of the copies of one message: the place of a debt for each.
pub(super) type Explanation = Vec<usize>;

/// What a search for the best explanation came to.
pub(super) struct Explained {
    /// The best one, if any.
    pub(super) by: Option<Explanation>,
    /// Whether there is no better one. Otherwise there were too many to look at.
    pub(super) is_best: bool,
}

/// Attempts to explain; programs need a handful.
const MOST_ATTEMPTS: usize = 2000;

impl Model {
    /// The messages that a copy of `number` may be taken for: it alone, or if it is empty, every empty one to its topic.
    pub(super) fn alike(&self, number: Number) -> Vec<Number> {
        let message = &self.messages[number];
        if !message.empty {
            return vec![number];
        }
        let alike = self.messages.iter().filter(|other| other.empty && other.topic == message.topic);
        alike.map(|other| other.number).collect()
    }

    /// The copies that are not yet sure, of `number` and what is like it.
    pub(super) fn copies_of(&self, number: Number) -> Vec<&Copy> {
        let alike = self.alike(number);
        self.copies.iter().filter(|copy| alike.contains(&copy.message)).collect()
    }

    /// The debts for `number` and what is like it, with their places.
    pub(super) fn debts_of(&self, number: Number) -> Vec<(usize, &Debt)> {
        let alike = self.alike(number);
        self.debts.iter().enumerate().filter(|(_, debt)| alike.contains(&debt.message)).collect()
    }

    /// Whether `copy` may be one of the debt's message.
    pub(super) fn may_pay(&self, copy: &Copy, debt: &Debt) -> bool {
        let reader = self.dialect(copy.client);
        debt.message == copy.message || copy.nameless && !self.messages[debt.message].is_named_to(reader)
    }

    /// Explains the [copies](Self::copies_of) of `number` with as few debts left open as possible.
    pub(super) fn explain(&self, number: Number) -> Explained {
        let debts = self.debts_of(number);
        let counts = vec![0; debts.len()];
        let copies = self.copies_of(number);
        let mut search = Search { model: self, debts, copies, chosen: Vec::new(), counts, best: None, attempts: 0 };
        search.go();
        Explained { by: search.best.map(|(_, explanation)| explanation), is_best: search.attempts <= MOST_ATTEMPTS }
    }

    /// Makes what came a payment for good, and forgets debts that are paid in full. The runner does so when a step is over.
    pub fn settle(&mut self) {
        let mut numbers: Vec<Number> = self.copies.iter().map(|copy| copy.message).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let Some(explanation) = self.explain(number).by else { continue };
            let alike = self.alike(number);
            let (paid, open) =
                std::mem::take(&mut self.copies).into_iter().partition(|copy| alike.contains(&copy.message));
            self.copies = open;
            let paid: Vec<Copy> = paid;
            for (copy, place) in paid.into_iter().zip(explanation) {
                self.debts[place].paid.push(copy);
            }
        }
        self.debts.retain(|debt| debt.paid.len() < debt.capacity());
    }
}

/// Depth first, the most promising debt first, and never where nothing better can come.
struct Search<'a> {
    model: &'a Model,
    debts: Vec<(usize, &'a Debt)>,
    copies: Vec<&'a Copy>,
    /// For each of the first copies, the place among `debts`.
    chosen: Vec<usize>,
    /// How many copies chose each of `debts`.
    counts: Vec<usize>,
    /// How many debts it leaves open, and the explanation.
    best: Option<(usize, Explanation)>,
    attempts: usize,
}

impl Search<'_> {
    fn go(&mut self) {
        self.attempts += 1;
        let least = self.least_open();
        if self.attempts > MOST_ATTEMPTS || self.best.as_ref().is_some_and(|(open, _)| *open <= least) {
            return;
        }
        let Some(copy) = self.copies.get(self.chosen.len()).copied() else {
            let open = (0..self.debts.len()).filter(|place| self.is_open(*place)).count();
            if self.best.as_ref().is_none_or(|(best, _)| open < *best) {
                self.best = Some((open, self.chosen.iter().map(|place| self.debts[*place].0).collect()));
            }
            return;
        };
        let (waiting, others): (Vec<usize>, Vec<usize>) =
            (0..self.debts.len()).partition(|place| self.is_waiting(*place));
        for place in waiting.into_iter().chain(others) {
            let debt = self.debts[place].1;
            if !self.model.may_pay(copy, debt) || self.counts[place] + debt.paid.len() >= debt.capacity() {
                continue;
            }
            self.chosen.push(place);
            self.counts[place] += 1;
            if debt.accepts(&self.payments(place)) {
                self.go();
            }
            self.counts[place] -= 1;
            self.chosen.pop();
        }
    }

    /// What pays the debt at `place`, as chosen so far.
    fn payments(&self, place: usize) -> Vec<&Copy> {
        let chosen = self.chosen.iter().zip(&self.copies).filter(|(chosen, _)| **chosen == place);
        self.debts[place].1.paid.iter().chain(chosen.map(|(_, copy)| *copy)).collect()
    }

    fn is_open(&self, place: usize) -> bool {
        self.debts[place].1.firm && self.debts[place].1.fulfilled(&self.payments(place)).is_err()
    }

    /// Whether it needs a copy and has none.
    fn is_waiting(&self, place: usize) -> bool {
        let debt = self.debts[place].1;
        debt.firm && debt.paid.is_empty() && self.counts[place] == 0
    }

    /// So many debts stay open, whatever the copies that are left choose.
    fn least_open(&self) -> usize {
        let waiting = (0..self.debts.len()).filter(|place| self.is_waiting(*place)).count();
        waiting.saturating_sub(self.copies.len() - self.chosen.len())
    }
}
