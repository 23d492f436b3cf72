//! Local ports: each connection to one address of a broker takes one of its source address.

use std::{fs, net::Ipv4Addr};

use transport::{Scheme, Sources};

use crate::Target;

/// How many local ports connections of one source address have; `None` where the system does not say.
pub fn local_ports() -> Option<u64> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut bounds = range.split_whitespace().map(|bound| bound.parse::<u64>().ok());
    let (low, high) = (bounds.next()??, bounds.next()??);
    Some(high.checked_sub(low)? + 1)
}

impl Target {
    /// Sees to it that so many connections find local ports: to a broker on a loopback address they come from as many loopback
    /// addresses as it takes, unless [`sources`](Self::sources) names others.
    ///
    /// # Errors
    ///
    /// They cannot all be made, as one line for the user.
    pub fn spread(&mut self, connections: u64) -> Result<(), String> {
        local_ports().map_or(Ok(()), |ports| self.spread_over(connections, ports))
    }

    fn spread_over(&mut self, connections: u64, ports: u64) -> Result<(), String> {
        if self.endpoint.scheme == Scheme::Unix {
            return Ok(());
        }
        let sources = self.sources.as_ref().map_or(1, |sources| sources.addresses().len() as u64);
        if connections <= ports * sources {
            return Ok(());
        }
        let host = self.endpoint.host.as_str();
        let loopback = host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        // A port that a connection has left is not given to another one for a minute, so half of them are spare.
        let needed = (2 * connections).div_ceil(ports.max(1));
        if self.sources.is_none() && loopback && needed < 1 << 16 {
            self.sources = Some(Sources::loopback(needed as u32));
            return Ok(());
        }
        let each =
            if sources == 1 { "one source address".to_owned() } else { format!("each of {sources} source addresses") };
        Err(format!(
            "{connections} connections to one address of the broker need as many local ports, and this machine has {ports} for \
             {each}: widen the range (sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"), or name {needed} or more addresses of \
             this machine with --source"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(address: &str, sources: Option<&str>, connections: u64) -> Result<Option<usize>, String> {
        let mut target = Target::new(address.parse().unwrap());
        target.sources = sources.map(|sources| sources.parse().unwrap());
        target.spread_over(connections, 100)?;
        Ok(target.sources.map(|sources| sources.addresses().len()))
    }

    #[test]
    fn loopback_addresses_are_taken_as_connections_need_them() {
        assert_eq!(spread("mqtt://127.0.0.1", None, 100), Ok(None), "one address has ports for all");
        assert_eq!(spread("mqtt://127.0.0.1", None, 101), Ok(Some(3)));
        assert_eq!(spread("mqtt://localhost", None, 1000), Ok(Some(20)), "half of the ports are spare");
        assert_eq!(spread("unix:/run/broker.sock", None, 1000), Ok(None));
    }

    #[test]
    fn connections_without_ports_are_refused_with_what_to_do() {
        assert_eq!(spread("mqtt://192.0.2.7", None, 100), Ok(None));
        let said = spread("mqtt://192.0.2.7", None, 250).unwrap_err();
        assert!(said.contains("has 100 for one source address") && said.contains("name 5 or more"), "{said}");
        assert!(said.contains("net.ipv4.ip_local_port_range") && said.contains("--source"), "{said}");
        assert_eq!(spread("mqtt://192.0.2.7", Some("192.0.2.8,192.0.2.9"), 200), Ok(Some(2)));
        // Whoever names addresses gets those.
        let said = spread("mqtt://127.0.0.1", Some("127.0.0.1-127.0.0.2"), 201).unwrap_err();
        assert!(said.contains("each of 2 source addresses"), "{said}");
    }

    #[test]
    fn clients_take_source_addresses_in_turns() {
        let mut target = Target::new("mqtt://127.0.0.1".parse().unwrap());
        target.sources = Some(Sources::loopback(2));
        let source = |target: &Target, name| target.connect_options(name, protocol::Version::V5).unwrap().source;
        let taken = ["a", "b", "c"].map(|name| source(&target.clone(), name).unwrap().to_string());
        assert_eq!(taken, ["127.0.0.1", "127.0.0.2", "127.0.0.1"]);
    }
}
