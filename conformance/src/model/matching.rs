//! Whether everything that came was due at all.

use super::{
    Model, Number,
    debts::{Copy, Debt},
};

impl Model {
    /// Whether all copies of `number`, and of what is like it, can be payments: whether each finds a place of its own in a
    /// debt. A matching, found by augmenting paths, so that many copies that look the same take no longer.
    pub(super) fn is_explained(&self, number: Number) -> bool {
        let debts = self.debts_of(number);
        let places: Vec<(&Debt, usize)> =
            debts.iter().flat_map(|(_, debt)| (0..debt.capacity()).map(move |slot| (*debt, slot))).collect();
        let settled = debts.iter().flat_map(|(_, debt)| debt.paid.iter().map(move |copy| (copy, Some(debt.serial))));
        let open = self.copies_of(number).into_iter().map(|copy| (copy, None));
        let wanted: Vec<Vec<usize>> = settled
            .chain(open)
            .map(|(copy, of)| {
                let suits = |(debt, slot): &(&Debt, usize)| match of {
                    Some(serial) => debt.serial == serial && debt.has_place(*slot, copy),
                    None => self.may_pay(copy, debt) && debt.has_place(*slot, copy),
                };
                (0..places.len()).filter(|place| suits(&places[*place])).collect()
            })
            .collect();
        let mut taken = vec![None; places.len()];
        (0..wanted.len()).all(|copy| seat(copy, &wanted, &mut taken, &mut vec![false; places.len()]))
    }
}

/// Gives `copy` one of the places that it wants, where need be by moving others.
fn seat(copy: usize, wanted: &[Vec<usize>], taken: &mut [Option<usize>], tried: &mut [bool]) -> bool {
    for &place in &wanted[copy] {
        if std::mem::replace(&mut tried[place], true) {
            continue;
        }
        let is_free = match taken[place] {
            None => true,
            Some(other) => seat(other, wanted, taken, tried),
        };
        if is_free {
            taken[place] = Some(copy);
            return true;
        }
    }
    false
}

impl Debt {
    /// Whether `copy` can be the one for the slot at this place; of a shared group, for the only place that there is.
    fn has_place(&self, slot: usize, copy: &Copy) -> bool {
        if self.is_shared() {
            return self.slots.iter().any(|slot| slot.is_of(copy) && slot.takes(copy));
        }
        let slot = &self.slots[slot];
        slot.is_of(copy) && (slot.takes(copy) || self.merges_into(copy))
    }
}
