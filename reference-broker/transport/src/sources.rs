//! Where connections come from, when one address of this machine has too few ports for them all.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::dial::bound;

/// The most addresses that are taken in turns.
const MOST: u32 = 65_536;

/// Addresses of this machine, taken in turns: `127.0.0.1-127.0.0.4`, `192.0.2.7,192.0.2.8`. Clones share their turns.
#[derive(Clone, Debug)]
pub struct Sources {
    addresses: Arc<[IpAddr]>,
    turn: Arc<AtomicUsize>,
}

/// Text that names no addresses, or an address that this machine does not have, as a lowercase fragment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoSources(String);

impl Sources {
    /// The first `count` loopback addresses, at least one: 127.0.0.1, 127.0.0.2 and so on. Linux has all of 127.0.0.0/8.
    pub fn loopback(count: u32) -> Self {
        let first = u32::from(Ipv4Addr::LOCALHOST);
        let addresses = (first..=first + count.clamp(1, MOST) - 1).map(|address| Ipv4Addr::from(address).into());
        Self::of(addresses.collect())
    }

    fn of(addresses: Vec<IpAddr>) -> Self {
        Self { addresses: addresses.into(), turn: Arc::default() }
    }

    /// All of them; at least one.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Sees to it that this machine can connect from each of them.
    ///
    /// # Errors
    ///
    /// The first one that it cannot.
    pub fn check(&self) -> Result<(), NoSources> {
        self.addresses.iter().try_for_each(|address| match bound(*address) {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                // Its ports are taken for now.
                io::ErrorKind::AddrInUse => Ok(()),
                io::ErrorKind::AddrNotAvailable => Err(NoSources(format!(
                    "this machine has no address {address}; `ip address` shows those that it has"
                ))),
                _ => Err(NoSources(format!("cannot connect from {address}: {error}"))),
            },
        })
    }

    /// The one whose turn it is.
    pub fn next_address(&self) -> IpAddr {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.addresses[turn % self.addresses.len()]
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.addresses[..] {
            [first, .., last] => write!(f, "{} addresses, {first} to {last}", self.addresses.len()),
            [only] => write!(f, "{only}"),
            [] => Ok(()),
        }
    }
}

impl FromStr for Sources {
    type Err = NoSources;

    fn from_str(text: &str) -> Result<Self, NoSources> {
        let address = |word: &str| -> Result<IpAddr, NoSources> {
            word.trim().parse().map_err(|_| NoSources(format!("`{}` is no IP address", word.trim())))
        };
        let mut addresses = Vec::new();
        for part in text.split(',') {
            let Some((from, to)) = part.split_once('-') else {
                addresses.push(address(part)?);
                continue;
            };
            let (IpAddr::V4(first), IpAddr::V4(last)) = (address(from)?, address(to)?) else {
                return Err(NoSources(format!("`{part}` is no range of IPv4 addresses; name IPv6 ones one by one")));
            };
            let (first, last) = (u32::from(first), u32::from(last));
            if last < first || last - first >= MOST {
                return Err(NoSources(format!("`{part}` has to go upwards, over {MOST} addresses at most")));
            }
            addresses.extend((first..=last).map(|address| IpAddr::from(Ipv4Addr::from(address))));
        }
        Ok(Self::of(addresses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_lists_name_addresses_that_take_turns() {
        let sources: Sources = "127.0.0.254-127.0.1.1, ::1".parse().unwrap();
        let turns: Vec<String> = (0..6).map(|_| sources.clone().next_address().to_string()).collect();
        assert_eq!(turns, ["127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1", "::1", "127.0.0.254"]);
        assert_eq!(Sources::loopback(3).addresses(), "127.0.0.1-127.0.0.3".parse::<Sources>().unwrap().addresses());
    }

    #[test]
    fn an_address_of_another_machine_is_found_out() {
        assert_eq!(Sources::loopback(300).check(), Ok(()));
        let elsewhere: Sources = "127.0.0.1,192.0.2.1".parse().unwrap();
        assert!(elsewhere.check().unwrap_err().to_string().starts_with("this machine has no address 192.0.2.1;"));
    }

    #[test]
    fn what_names_no_addresses_is_refused() {
        for text in ["", "barn", "127.0.0.1-", "127.0.0.3-127.0.0.1", "10.0.0.0-10.255.0.0", "::1-::3", "127.0.0.1,"] {
            assert!(text.parse::<Sources>().is_err(), "{text}");
        }
    }
}
