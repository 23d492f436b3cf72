//! The sessions of one worker, and the forwarding addresses of those that moved away.

use slab::Slab;

use super::{moving::Forward, session::SessionState};
use crate::routing::SessionKey;

/// What lives at a session key.
#[derive(Debug)]
pub(super) enum Slot {
    /// The session.
    Here(Box<SessionState>),
    /// It moved to another worker; until all workers know, mail for it is sent on.
    Moved(Box<Forward>),
}

/// All sessions of one worker.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    slots: Slab<(u32, Slot)>,
    generation: u32,
}

impl Sessions {
    /// The key that the next [`Sessions::insert`] will use.
    pub(super) fn next_key(&self) -> SessionKey {
        SessionKey {
            index: u32::try_from(self.slots.vacant_key()).expect("the limit of sessions is far below"),
            generation: self.generation.wrapping_add(1),
        }
    }

    pub(super) fn insert(&mut self, state: SessionState) -> SessionKey {
        let key = self.next_key();
        self.generation = key.generation;
        self.slots.insert((key.generation, Slot::Here(Box::new(state))));
        key
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slot_mut(&mut self, key: SessionKey) -> Option<&mut Slot> {
        let (generation, slot) = self.slots.get_mut(key.index as usize)?;
        (*generation == key.generation).then_some(slot)
    }

    pub(super) fn find(&self, key: SessionKey) -> Option<&SessionState> {
        match self.slots.get(key.index as usize)? {
            (generation, Slot::Here(state)) if *generation == key.generation => Some(state),
            _ => None,
        }
    }

    pub(super) fn find_mut(&mut self, key: SessionKey) -> Option<&mut SessionState> {
        match self.slot_mut(key)? {
            Slot::Here(state) => Some(state),
            Slot::Moved(_) => None,
        }
    }

    pub(super) fn remove(&mut self, key: SessionKey) -> Option<Slot> {
        self.slot_mut(key)?;
        Some(self.slots.remove(key.index as usize).1)
    }

    /// The sessions that are here.
    pub(super) fn keys(&self) -> Vec<SessionKey> {
        let here = self.slots.iter().filter(|(_, (_, slot))| matches!(slot, Slot::Here(_)));
        let key = |(index, (generation, _)): (usize, &(u32, Slot))| SessionKey {
            index: u32::try_from(index).expect("checked at insert"),
            generation: *generation,
        };
        here.map(key).collect()
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &SessionState> {
        self.slots.iter().filter_map(|(_, (_, slot))| match slot {
            Slot::Here(state) => Some(&**state),
            Slot::Moved(_) => None,
        })
    }
}
