//! A broker's memory over many messages: what every message, session and retained message takes is given back.

use std::{
    fs,
    io::{BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use crate::support::Broker;

/// How long anything may take that the machine's other work holds up.
const DEADLINE: Duration = Duration::from_secs(60);
/// How many messages a publisher sends before it waits for their ends: fewer than the broker's Receive Maximum.
const WINDOW: u16 = 100;
/// Bytes of a payload.
const PAYLOAD: usize = 60;
/// Publishers of one round: one for each QoS.
const QOS: [u8; 3] = [0, 1, 2];
/// How many messages may be on their way: fewer than the broker lets wait for one session, however slow the machine is.
const UNDER_WAY: usize = 3_000;
/// What the resident memory may grow by after the first rounds, in KiB, whatever the number of messages: less than a third of
/// a byte for each of ten million.
const GROWTH: u64 = 3 * 1024;

#[test]
fn memory_is_flat_over_300_000_messages() {
    soak(300_000, 6);
}

/// `cargo test --release --test end_to_end -- --ignored memory_is_flat`
#[test]
#[ignore = "takes minutes; tests/run --peers runs it"]
fn memory_is_flat_over_10_million_messages() {
    soak(10_000_000, 50);
}

/// Sends `messages` in `rounds`, each with connections and sessions of its own.
fn soak(messages: usize, rounds: usize) {
    let broker = Broker::start();
    let windows = messages / rounds / QOS.len() / usize::from(WINDOW);
    let mut warm = 0;
    for round in 0..rounds {
        let road = Arc::new(Road::default());
        let subscriber = subscribe(broker.address, windows * QOS.len() * usize::from(WINDOW), road.clone());
        let publishers = QOS.map(|qos| {
            let (address, road) = (broker.address, road.clone());
            thread::spawn(move || publish(address, qos, windows, &road))
        });
        for publisher in publishers {
            publisher.join().expect("a publisher ends");
        }
        subscriber.join().expect("everything arrives");
        leave_and_return(broker.address, round);
        let now = resident(broker.pid());
        if round < rounds.div_ceil(5) {
            warm = warm.max(now);
        }
        assert!(now <= warm + GROWTH, "{now} KiB after round {round}, {warm} KiB after the first");
    }
}

/// How many messages are on their way to the subscriber.
#[derive(Default)]
struct Road {
    under_way: Mutex<usize>,
    arrival: Condvar,
}

impl Road {
    /// Waits until there is room for a window.
    fn enter(&self) {
        let under_way = self.under_way.lock().expect("nobody panics with it");
        let full = |under_way: &mut usize| *under_way + usize::from(WINDOW) > UNDER_WAY;
        let (mut under_way, waited) =
            self.arrival.wait_timeout_while(under_way, DEADLINE, full).expect("nobody panics with it");
        assert!(!waited.timed_out(), "the subscriber gets nothing any more");
        *under_way += usize::from(WINDOW);
    }

    fn leave(&self) {
        *self.under_way.lock().expect("nobody panics with it") -= 1;
        self.arrival.notify_all();
    }
}

/// Counts and acknowledges `expected` messages.
fn subscribe(address: SocketAddr, expected: usize, road: Arc<Road>) -> thread::JoinHandle<()> {
    let mut wire = Wire::connect(address, "subscriber", true);
    wire.send(&[&[0x82, 11, 0, 1, 0, 6], &b"soak/#"[..], &[2]].concat());
    assert_eq!(wire.packet(), (0x90, vec![0, 1, 2]));
    thread::spawn(move || {
        let mut arrived = 0;
        while arrived < expected {
            let (first, body) = wire.packet();
            match (first >> 4, first >> 1 & 3) {
                (3, qos) => {
                    // What takes the retained message away has no payload, and nobody waited for room for it.
                    if body.len() > PAYLOAD {
                        arrived += 1;
                        road.leave();
                    }
                    let after_topic = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                    let id = body.get(after_topic..after_topic + 2).unwrap_or(&[0, 0]);
                    match qos {
                        0 => {}
                        1 => wire.send(&[0x40, 2, id[0], id[1]]),
                        _ => wire.send(&[0x50, 2, id[0], id[1]]),
                    }
                }
                (6, _) => wire.send(&[0x70, 2, body[0], body[1]]),
                other => panic!("{other:?} is not for a subscriber"),
            }
        }
    })
}

/// Publishes `windows` times [`WINDOW`] messages and waits for the end of each; the last of a window is retained.
fn publish(address: SocketAddr, qos: u8, windows: usize, road: &Road) {
    let mut wire = Wire::connect(address, &format!("publisher-{qos}"), true);
    let topic = format!("soak/{qos}");
    for _ in 0..windows {
        road.enter();
        let mut packets = Vec::new();
        for id in 1..=WINDOW {
            let retain = u8::from(id == WINDOW);
            let id = if qos == 0 { Vec::new() } else { id.to_be_bytes().to_vec() };
            let body = [&[0, 6], topic.as_bytes(), &id, &[b'm'; PAYLOAD]].concat();
            packets.extend([0x30 | qos << 1 | retain, body.len() as u8]);
            packets.extend(body);
        }
        wire.send(&packets);
        match qos {
            0 => {
                wire.send(&[0xC0, 0]);
                assert_eq!(wire.packet().0, 0xD0);
            }
            1 => (0..WINDOW).for_each(|_| assert_eq!(wire.packet().0, 0x40)),
            _ => {
                for _ in 0..WINDOW {
                    let (first, id) = wire.packet();
                    assert_eq!(first, 0x50);
                    wire.send(&[0x62, 2, id[0], id[1]]);
                }
                (0..WINDOW).for_each(|_| assert_eq!(wire.packet().0, 0x70));
            }
        }
    }
    wire.send(&[&[0x31, 8, 0, 6], topic.as_bytes()].concat());
    wire.send(&[0xE0, 0]);
}

/// A session with a name of its own: messages wait for it, and it ends.
fn leave_and_return(address: SocketAddr, round: usize) {
    let name = format!("guest-{round}");
    let mut guest = Wire::connect(address, &name, false);
    guest.send(&[&[0x82, 9, 0, 1, 0, 4], &b"left"[..], &[1]].concat());
    assert_eq!(guest.packet().0, 0x90);
    guest.send(&[0xE0, 0]);
    drop(guest);
    let mut host = Wire::connect(address, "host", true);
    host.send(&[&[0x32, 12, 0, 4], &b"left"[..], &[0, 1], &b"mail"[..]].concat());
    assert_eq!(host.packet().0, 0x40);
    let mut guest = Wire::connect(address, &name, false);
    assert_eq!(guest.packet().0, 0x32);
    drop(guest);
    Wire::connect(address, &name, true).send(&[0xE0, 0]);
}

struct Wire {
    read: BufReader<TcpStream>,
    write: TcpStream,
}

impl Wire {
    fn connect(address: SocketAddr, name: &str, clean: bool) -> Self {
        let write = TcpStream::connect(address).expect("the broker listens");
        write.set_read_timeout(Some(DEADLINE)).expect("a time-out may be set");
        write.set_nodelay(true).expect("an option may be set");
        let read = BufReader::new(write.try_clone().expect("a descriptor is left"));
        let mut wire = Self { read, write };
        let head = [0x10, 12 + name.len() as u8, 0, 4, b'M', b'Q', b'T', b'T', 4, u8::from(clean) << 1, 0, 0];
        wire.send(&[&head[..], &[0, name.len() as u8], name.as_bytes()].concat());
        let (first, body) = wire.packet();
        assert_eq!((first, body[1]), (0x20, 0));
        wire
    }

    fn send(&mut self, bytes: &[u8]) {
        self.write.write_all(bytes).expect("the broker reads");
    }

    /// The first byte of the next packet, and what follows its length.
    fn packet(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.read.read_exact(&mut head).expect("the broker answers");
        assert!(head[1] < 0x80, "a short packet");
        let mut body = vec![0; head[1].into()];
        self.read.read_exact(&mut body).expect("a whole packet");
        (head[0], body)
    }
}

/// Resident memory of a process, in KiB.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the broker runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a process has memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
