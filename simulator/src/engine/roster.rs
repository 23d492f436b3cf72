//! The clients of an engine, by key.

use slab::Slab;

use super::ClientKey;

/// Clients by key. A key never names two clients: each carries the number of clients that came before it.
#[derive(Debug)]
pub(super) struct Roster<T> {
    clients: Slab<(u32, T)>,
    generation: u32,
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Self { clients: Slab::new(), generation: 0 }
    }
}

impl<T> Roster<T> {
    pub(super) fn insert(&mut self, client: T) -> ClientKey {
        self.generation = self.generation.wrapping_add(1);
        let slot = self.clients.insert((self.generation, client));
        ClientKey { slot: u32::try_from(slot).expect("file descriptors run out first"), generation: self.generation }
    }

    pub(super) fn find(&self, key: ClientKey) -> Option<&T> {
        let (generation, client) = self.clients.get(key.slot())?;
        (*generation == key.generation).then_some(client)
    }

    pub(super) fn find_mut(&mut self, key: ClientKey) -> Option<&mut T> {
        let (generation, client) = self.clients.get_mut(key.slot())?;
        (*generation == key.generation).then_some(client)
    }

    pub(super) fn remove(&mut self, key: ClientKey) -> Option<T> {
        self.find(key)?;
        Some(self.clients.remove(key.slot()).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_key_does_not_name_the_next_client() {
        let mut roster = Roster::default();
        let first = roster.insert("first");
        assert_eq!(roster.remove(first), Some("first"));
        let second = roster.insert("second");
        assert_eq!(first.slot(), second.slot());
        assert_eq!((roster.find(first), roster.find(second)), (None, Some(&"second")));
        assert_eq!(roster.remove(first), None);
    }
}
