//! Which connection of the worker is which connection of the pump.

use transport::Key;

use crate::worker::ConnectionId;

/// Both directions, by small index.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    ids: Vec<Option<Tenant>>,
    keys: Vec<Option<Socket>>,
}

#[derive(Clone, Copy, Debug)]
struct Tenant {
    key: Key,
    id: ConnectionId,
    /// The listener that accepted it.
    door: usize,
}

#[derive(Clone, Copy, Debug)]
struct Socket {
    id: ConnectionId,
    key: Key,
    reading: bool,
}

impl Sockets {
    /// Remembers a connection that listener `door` accepted.
    pub(super) fn insert(&mut self, key: Key, id: ConnectionId, door: usize) {
        put(&mut self.ids, key.index(), Tenant { key, id, door });
        put(&mut self.keys, id.index(), Socket { id, key, reading: true });
    }

    pub(super) fn id(&self, key: Key) -> Option<ConnectionId> {
        self.tenant(key).map(|tenant| tenant.id)
    }

    pub(super) fn key(&self, id: ConnectionId) -> Option<Key> {
        let socket = (*self.keys.get(id.index())?)?;
        (socket.id == id).then_some(socket.key)
    }

    /// Notes whether the connection may be read; whether that is a change.
    pub(super) fn set_reading(&mut self, id: ConnectionId, reading: bool) -> bool {
        match self.keys.get_mut(id.index()) {
            Some(Some(socket)) if socket.id == id => std::mem::replace(&mut socket.reading, reading) != reading,
            _ => false,
        }
    }

    /// Forgets a connection; says which it was and which listener accepted it.
    pub(super) fn remove(&mut self, key: Key) -> Option<(ConnectionId, usize)> {
        let Tenant { id, door, .. } = self.tenant(key)?;
        self.ids[key.index()] = None;
        // The worker may have given the index to another connection already.
        if self.keys[id.index()].is_some_and(|socket| socket.id == id) {
            self.keys[id.index()] = None;
        }
        Some((id, door))
    }

    fn tenant(&self, key: Key) -> Option<Tenant> {
        let tenant = (*self.ids.get(key.index())?)?;
        (tenant.key == key).then_some(tenant)
    }
}

fn put<T: Copy>(table: &mut Vec<Option<T>>, index: usize, value: T) {
    if table.len() <= index {
        table.resize(index + 1, None);
    }
    table[index] = Some(value);
}
