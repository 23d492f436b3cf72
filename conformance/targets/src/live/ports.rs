//! Free ports of this machine.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    hash::{BuildHasher, RandomState},
    io,
    net::TcpListener,
};

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
            std::collections::btree_map::Entry::Vacant(free) => free.insert(hold_one()?),
        };
        Ok(listener.local_addr()?.port())
    }
}

/// How many ports are chosen from.
const CHOICE: u16 = 8192;

/// Holds a free port below those that connections get: between letting go and the broker's listening, no connection of anybody
/// can take it, and who asks for any port is not given it.
fn hold_one() -> io::Result<TcpListener> {
    let end = first_port_of_connections();
    let begin = end.saturating_sub(CHOICE).max(1024);
    let choice = end.saturating_sub(begin);
    // Others may choose at the same time: each begins elsewhere.
    let chance = RandomState::new().hash_one(begin);
    let ports =
        (0..u64::from(choice)).map(|step| begin + ((chance % u64::from(choice) + step) % u64::from(choice)) as u16);
    let free = ports.map(|port| TcpListener::bind(("127.0.0.1", port))).find_map(Result::ok);
    free.map_or_else(|| TcpListener::bind(("127.0.0.1", 0)), Ok)
}

/// From here on the system gives ports to connections and to who asks for any (ip(7), `ip_local_port_range`).
fn first_port_of_connections() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_connection_is_given_a_port_that_was_chosen() {
        let ports = Ports::default();
        let chosen: Vec<u16> = (1..=50).map(|node| ports.of(node, "").unwrap()).collect();
        let first = first_port_of_connections();
        assert!(chosen.iter().all(|port| *port < first), "{chosen:?} against {first}");
    }

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
