//! Free ports of this machine.

use std::{cell::RefCell, collections::BTreeMap, io, net::TcpListener};

/// Ports by node and name. Each is held until all are let go, so that no two are the same. Then the brokers take them, or
/// somebody else, which [`crate::LaunchError::Died`] tells.
#[derive(Debug, Default)]
pub(super) struct Ports(RefCell<BTreeMap<(u16, String), TcpListener>>);

impl Ports {
    /// The port `name` of the node, which counts from 1; a new one when it is asked for the first time.
    pub(super) fn of(&self, node: u16, name: &str) -> io::Result<u16> {
        let mut held = self.0.borrow_mut();
        let listener = match held.entry((node, name.to_owned())) {
            std::collections::btree_map::Entry::Occupied(held) => held.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => free.insert(TcpListener::bind(("127.0.0.1", 0))?),
        };
        Ok(listener.local_addr()?.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_stays_the_same_and_is_nobody_else_s() {
        let ports = Ports::default();
        let port = ports.of(1, "").unwrap();
        assert_eq!(ports.of(1, "").unwrap(), port);
        let others = [ports.of(2, "").unwrap(), ports.of(1, "ws").unwrap()];
        assert!(port > 0 && others[0] != others[1] && !others.contains(&port));
        assert!(TcpListener::bind(("127.0.0.1", port)).is_err());
        drop(ports);
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
    }
}
