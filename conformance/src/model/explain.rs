//! Which copy pays which debt.

use super::{
    Model, Number,
    debts::{Copy, Debt},
};

/// An explanation of the copies of one message: the place of a debt for each.
type Explanation = Vec<usize>;

/// Attempts to explain; programs need a handful. What is not refuted by then counts as explained.
const MOST_ATTEMPTS: usize = 20_000;

impl Model {
    /// Explains the copies of `number` that are not yet sure, with as few debts left open as possible. `None`: nothing
    /// explains them.
    pub(super) fn explain(&self, number: Number) -> Option<Explanation> {
        let debts: Vec<(usize, &Debt)> =
            self.debts.iter().enumerate().filter(|(_, debt)| debt.message == number).collect();
        let copies: Vec<&Copy> = self.copies.iter().filter(|copy| copy.message == number).collect();
        let mut search = Search { debts, copies, chosen: Vec::new(), best: None, attempts: 0 };
        search.go();
        search.best.map(|(_, explanation)| explanation)
    }

    /// Makes what came a payment for good, and forgets debts that are paid in full. The runner does so when a step is over.
    pub fn settle(&mut self) {
        let mut numbers: Vec<Number> = self.copies.iter().map(|copy| copy.message).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let Some(explanation) = self.explain(number) else { continue };
            let mut places = explanation.into_iter();
            let (paid, open) = std::mem::take(&mut self.copies).into_iter().partition(|copy| copy.message == number);
            self.copies = open;
            let paid: Vec<Copy> = paid;
            for (copy, place) in paid.into_iter().zip(&mut places) {
                self.debts[place].paid.push(copy);
            }
        }
        self.debts.retain(|debt| debt.paid.len() < debt.capacity());
    }
}

struct Search<'a> {
    debts: Vec<(usize, &'a Debt)>,
    copies: Vec<&'a Copy>,
    /// For each of the first copies, the place among `debts`.
    chosen: Vec<usize>,
    best: Option<(usize, Explanation)>,
    attempts: usize,
}

impl Search<'_> {
    fn go(&mut self) {
        self.attempts += 1;
        if self.attempts > MOST_ATTEMPTS || self.best.as_ref().is_some_and(|(open, _)| *open == 0) {
            return;
        }
        if self.chosen.len() == self.copies.len() {
            let open = (0..self.debts.len()).filter(|place| self.is_open(*place)).count();
            if self.best.as_ref().is_none_or(|(least, _)| open < *least) {
                self.best = Some((open, self.chosen.iter().map(|place| self.debts[*place].0).collect()));
            }
            return;
        }
        for place in 0..self.debts.len() {
            self.chosen.push(place);
            if self.debts[place].1.accepts(&self.payments(place)) {
                self.go();
            }
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
}
