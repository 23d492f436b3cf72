//! Where a broker runs that somebody else started: its process, when that is one of this machine.

use std::{net::SocketAddr, path::Path};

/// What is known of whoever listens at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// It is this process of this machine, which may be [sampled](crate::Sampler).
    Process {
        /// Its number.
        pid: u32,
        /// The name of its program, at most 15 bytes of it.
        name: String,
    },
    /// It is on this machine, and its process is not known; why, as a lowercase clause without a comma.
    Unknown(String),
    /// It is on another machine.
    Elsewhere,
}

impl Whereabouts {
    /// Of whoever listens at the first of `addresses`, those of one name, where somebody does. Reads `/proc` (Linux; see proc(5)),
    /// which takes milliseconds; elsewhere nothing is known of this machine.
    #[must_use]
    pub fn of(addresses: &[SocketAddr]) -> Self {
        system::of(addresses)
    }

    /// Of whoever listens at the Unix socket `path`, written as it was when it was made.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        system::of_path(path)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::{net::SocketAddr, path::Path};

    use super::Whereabouts;

    pub(super) fn of(_: &[SocketAddr]) -> Whereabouts {
        Whereabouts::Elsewhere
    }

    pub(super) fn of_path(_: &Path) -> Whereabouts {
        Whereabouts::Elsewhere
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::{
        collections::HashSet,
        net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
        path::Path,
    };

    use procfs::{
        net::{TcpNetEntry, TcpState, UnixState},
        process::FDTarget,
    };
    use rustix::process::geteuid;

    use super::Whereabouts;

    /// Programs that listen for others and hand connections on: what they use is not what the broker uses.
    const HAND_ON: [&str; 9] =
        ["docker-proxy", "rootlesskit", "rootlessport", "slirp4netns", "pasta", "kubectl", "ssh", "socat", "systemd"];

    /// How often it is looked when several processes seem to hold a socket: one that starts another program holds everything twice
    /// for a moment.
    const LOOKS: usize = 5;

    /// A socket that listens.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Socket {
        pub(super) local: SocketAddr,
        pub(super) user: u32,
        pub(super) inode: u64,
    }

    pub(super) fn of(addresses: &[SocketAddr]) -> Whereabouts {
        let here: Vec<SocketAddr> = addresses.iter().copied().filter(|address| is_here(address.ip())).collect();
        let Some(first) = here.first() else { return Whereabouts::Elsewhere };
        let tables = [procfs::net::tcp(), procfs::net::tcp6()];
        let sockets: Vec<Socket> = tables.into_iter().flatten().flatten().filter_map(|entry| socket(&entry)).collect();
        match here.iter().map(|address| serving(&sockets, *address)).find(|serving| !serving.is_empty()) {
            Some(serving) => {
                let user = serving.first().map(|socket| socket.user);
                owner(&serving.iter().map(|socket| socket.inode).collect(), user)
            }
            None => nobody(&first.to_string()),
        }
    }

    pub(super) fn of_path(path: &Path) -> Whereabouts {
        let serves = |entry: &procfs::net::UnixNetEntry| {
            entry.state == UnixState::UNCONNECTED && entry.path.as_deref() == Some(path)
        };
        let sockets = procfs::net::unix().unwrap_or_default();
        let inodes: HashSet<u64> = sockets.iter().filter(|entry| serves(entry)).map(|entry| entry.inode).collect();
        if inodes.is_empty() { nobody(&path.display().to_string()) } else { owner(&inodes, None) }
    }

    fn nobody(place: &str) -> Whereabouts {
        Whereabouts::Unknown(format!(
            "no process of this machine is seen to listen at {place} (one in a container has sockets of its own)"
        ))
    }

    /// Whether `address` is one of this machine: then the way there is from itself.
    fn is_here(address: IpAddr) -> bool {
        let any = match address {
            IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        // Nothing is sent: the system looks up the way.
        let way = || {
            let socket = UdpSocket::bind((any, 0))?;
            socket.connect((address, 9))?;
            socket.local_addr()
        };
        address.to_canonical().is_loopback() || way().is_ok_and(|local| local.ip() == address)
    }

    fn socket(entry: &TcpNetEntry) -> Option<Socket> {
        let socket = Socket { local: entry.local_address, user: entry.uid, inode: entry.inode };
        (entry.state == TcpState::Listen).then_some(socket)
    }

    /// Those of `sockets` that connections to `address` come to: the ones bound to it, or else those bound to all addresses.
    pub(super) fn serving(sockets: &[Socket], address: SocketAddr) -> Vec<Socket> {
        let there = address.ip().to_canonical();
        let rank = |socket: &Socket| {
            let bound = socket.local.ip();
            match bound {
                _ if socket.local.port() != address.port() => None,
                _ if bound.to_canonical() == there => Some(0),
                _ if bound.is_unspecified() && bound.is_ipv4() == there.is_ipv4() => Some(1),
                // It takes connections over IPv4, too, unless it was told not to.
                IpAddr::V6(_) if bound.is_unspecified() => Some(2),
                _ => None,
            }
        };
        let best = sockets.iter().filter_map(rank).min();
        sockets.iter().filter(|socket| best.is_some() && rank(socket) == best).copied().collect()
    }

    /// Whose the sockets `inodes` are, which `user` made.
    fn owner(inodes: &HashSet<u64>, user: Option<u32>) -> Whereabouts {
        let mut holders = holders(inodes);
        for _ in 1..LOOKS {
            if holders.len() <= 1 {
                break;
            }
            holders = self::holders(inodes);
        }
        match holders.as_slice() {
            [] => Whereabouts::Unknown(unseen(user.filter(|user| *user != geteuid().as_raw()))),
            [(pid, name)] if HAND_ON.contains(&name.as_str()) => {
                Whereabouts::Unknown(format!("{name} (process {pid}) listens there and hands connections on"))
            }
            [(pid, name)] => Whereabouts::Process { pid: *pid, name: name.clone() },
            several => {
                let named: Vec<String> = several.iter().map(|(pid, name)| format!("{name} {pid}")).collect();
                Whereabouts::Unknown(format!("{} processes listen there: {}", several.len(), named.join(" and ")))
            }
        }
    }

    /// The processes that have one of the sockets `inodes` open, each with its program's name.
    fn holders(inodes: &HashSet<u64>) -> Vec<(u32, String)> {
        let mut holders: Vec<(u32, String)> = Vec::new();
        // Processes come and go meanwhile, and those of others may not be looked at.
        for process in procfs::process::all_processes().into_iter().flatten().flatten() {
            let mut files = process.fd().into_iter().flatten().flatten();
            if files.any(|file| matches!(file.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
                && let (Ok(pid), Ok(stat)) = (u32::try_from(process.pid), process.stat())
            {
                holders.push((pid, stat.comm));
            }
        }
        // A service manager keeps the sockets that it gave to a service.
        if holders.len() > 1 {
            holders.retain(|(pid, _)| *pid != 1);
        }
        holders
    }

    fn unseen(other: Option<u32>) -> String {
        match other {
            Some(user) => format!(
                "its process belongs to user {user} and may be looked at only by that user or root: run Paddock as one of them"
            ),
            None => "its process is not to be seen from here".to_owned(),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        os::{
            fd::OwnedFd,
            unix::net::{UnixListener, UnixStream},
        },
        process::{Child, Command, Stdio},
    };

    use super::{
        Whereabouts,
        system::{Socket, serving},
    };

    /// A process that holds `socket` and does nothing, until it is dropped.
    struct Holder(Child);

    impl Holder {
        fn of(socket: OwnedFd) -> Self {
            let mut command = Command::new("sleep");
            Self(command.arg("600").stdin(Stdio::from(socket)).spawn().unwrap())
        }
    }

    impl Drop for Holder {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    #[test]
    fn whoever_holds_the_socket_is_found_by_its_address() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let found = Whereabouts::of(&[address]);
        assert!(matches!(&found, Whereabouts::Process { pid, .. } if *pid == std::process::id()), "{found:?}");
        // Who serves a connection does not listen, nor is another address of this machine the same place.
        let _connection = TcpStream::connect(address).unwrap();
        let served = Holder::of(listener.accept().unwrap().0.into());
        assert_eq!(Whereabouts::of(&[address]), found);
        drop(served);
        let other = format!("127.0.0.2:{}", address.port()).parse().unwrap();
        assert!(matches!(Whereabouts::of(&[other]), Whereabouts::Unknown(why) if why.contains("no process")));
        assert_eq!(Whereabouts::of(&[other, address]), found, "a name may have several addresses");

        let holder = Holder::of(listener.try_clone().unwrap().into());
        let both = Whereabouts::of(&[address]);
        assert!(matches!(&both, Whereabouts::Unknown(why) if why.contains("2 processes listen there")), "{both:?}");
        drop(listener);
        let pid = holder.0.id();
        assert_eq!(Whereabouts::of(&[address]), Whereabouts::Process { pid, name: "sleep".to_owned() });
        drop(holder);
        assert!(matches!(Whereabouts::of(&[address]), Whereabouts::Unknown(why) if why.contains(&address.to_string())));
    }

    #[test]
    fn a_socket_of_all_addresses_serves_each_of_them() {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = Whereabouts::of(&[([127, 0, 0, 9], port).into()]);
        assert!(matches!(found, Whereabouts::Process { pid, .. } if pid == std::process::id()), "{found:?}");
        assert_eq!(Whereabouts::of(&[([192, 0, 2, 7], port).into()]), Whereabouts::Elsewhere);
        assert_eq!(Whereabouts::of(&[]), Whereabouts::Elsewhere);
    }

    #[test]
    fn a_unix_socket_is_known_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let _connection = UnixStream::connect(&path).unwrap();
        let _served = Holder::of(listener.accept().unwrap().0.into());
        let found = Whereabouts::of_path(&path);
        assert!(matches!(found, Whereabouts::Process { pid, .. } if pid == std::process::id()), "{found:?}");
        assert!(matches!(Whereabouts::of_path(&folder.path().join("other")), Whereabouts::Unknown(_)));
    }

    #[test]
    fn the_nearest_of_several_sockets_at_a_port_serves() {
        let sockets = |locals: &[&str]| -> Vec<Socket> {
            let numbered = locals.iter().zip(1..);
            numbered.map(|(local, inode)| Socket { local: local.parse().unwrap(), user: 0, inode }).collect()
        };
        let serves = |locals: &[&str], address: &str| -> Vec<u64> {
            serving(&sockets(locals), address.parse().unwrap()).iter().map(|socket| socket.inode).collect()
        };
        let all = ["[::]:1883", "0.0.0.0:1883", "127.0.0.1:1883", "127.0.0.1:1884", "[::1]:1883"];
        assert_eq!(serves(&all, "127.0.0.1:1883"), [3]);
        assert_eq!(serves(&all, "192.0.2.7:1883"), [2]);
        assert_eq!(serves(&all, "[::1]:1883"), [5]);
        assert_eq!(serves(&all, "[2001:db8::7]:1883"), [1]);
        assert_eq!(serves(&["[::]:1883"], "127.0.0.1:1883"), [1], "both kinds of addresses");
        assert_eq!(serves(&["[::ffff:127.0.0.1]:1883"], "127.0.0.1:1883"), [1]);
        assert_eq!(serves(&["0.0.0.0:1883"], "[::1]:1883"), [0; 0]);
        // Several that share a port share its connections.
        assert_eq!(serves(&["127.0.0.1:1883", "127.0.0.1:1883"], "127.0.0.1:1883"), [1, 2]);
    }
}
