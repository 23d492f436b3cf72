//! The connections of one worker.

use slab::Slab;

use super::connection::Connection;

/// Names one connection of one worker; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId {
    index: u32,
    generation: u32,
}

impl ConnectionId {
    /// A small number that no other open connection of the worker has.
    pub(crate) fn index(self) -> usize {
        self.index as usize
    }
}

/// All connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Slab<(u32, Box<Connection>)>,
    generation: u32,
}

impl Connections {
    pub(crate) fn insert(&mut self, connection: Connection) -> ConnectionId {
        self.generation = self.generation.wrapping_add(1);
        let index = self.slots.insert((self.generation, Box::new(connection)));
        ConnectionId {
            index: u32::try_from(index).expect("file descriptors run out first"),
            generation: self.generation,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn find(&self, id: ConnectionId) -> Option<&Connection> {
        let (generation, connection) = self.slots.get(id.index())?;
        (*generation == id.generation).then_some(connection)
    }

    pub(crate) fn find_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let (generation, connection) = self.slots.get_mut(id.index())?;
        (*generation == id.generation).then_some(connection)
    }

    /// Whether there was such a connection.
    pub(crate) fn remove(&mut self, id: ConnectionId) -> bool {
        let found = self.find(id).is_some();
        if found {
            self.slots.remove(id.index());
        }
        found
    }

    pub(crate) fn ids(&self) -> Vec<ConnectionId> {
        let id = |(index, (generation, _)): (usize, &(u32, _))| ConnectionId {
            index: u32::try_from(index).expect("checked at insert"),
            generation: *generation,
        };
        self.slots.iter().map(id).collect()
    }
}
