//! The `$SYS` tree: topics as Mosquitto publishes them (mosquitto(8), "Broker Status"), and every counter of our own.

use std::{fmt::Write, time::Duration};

use protocol::Time;

use super::{
    Sample,
    load::{Load, WINDOWS},
};
use crate::Counters;

/// Where every counter stands by its own name.
const COUNTERS: &str = "$SYS/broker/counters/";

/// A number that Mosquitto shows too.
#[derive(Clone, Copy, Debug)]
struct Topic {
    name: &'static str,
    help: &'static str,
    read: fn(&Sample) -> u64,
}

/// A counter whose rise per minute is shown, in the windows of [`WINDOWS`].
#[derive(Clone, Copy, Debug)]
struct Rate {
    name: &'static str,
    help: &'static str,
    read: fn(&Counters) -> u64,
}

const fn topic(name: &'static str, help: &'static str, read: fn(&Sample) -> u64) -> Topic {
    Topic { name, help, read }
}

const fn rate(name: &'static str, help: &'static str, read: fn(&Counters) -> u64) -> Rate {
    Rate { name, help, read }
}

/// The numbers.
const TOPICS: &[Topic] = &[
    topic("$SYS/broker/clients/connected", "clients connected now", |now| now.counters.clients()),
    topic("$SYS/broker/clients/active", "the same, by its old name", |now| now.counters.clients()),
    topic("$SYS/broker/clients/disconnected", "sessions whose client is away", disconnected),
    topic("$SYS/broker/clients/inactive", "the same, by its old name", disconnected),
    topic("$SYS/broker/clients/total", "sessions, connected or not", |now| now.counters.sessions()),
    topic("$SYS/broker/clients/expired", "sessions that expired", |now| now.counters.sessions_expired),
    topic("$SYS/broker/connections/socket/count", "connections accepted", |now| now.counters.connections_opened),
    topic("$SYS/broker/bytes/received", "bytes received", |now| now.counters.bytes_received),
    topic("$SYS/broker/bytes/sent", "bytes sent", |now| now.counters.bytes_sent),
    topic("$SYS/broker/messages/received", "packets received, of any type", |now| now.counters.packets_received),
    topic("$SYS/broker/messages/sent", "packets sent, of any type", |now| now.counters.packets_sent),
    topic("$SYS/broker/messages/inflight", "QoS 1 and 2 messages sent and not acknowledged", |now| {
        now.inflight_messages
    }),
    topic("$SYS/broker/messages/stored", "the same as store/messages/count, by its old name", stored),
    topic("$SYS/broker/store/messages/count", "messages retained, queued and in flight", stored),
    topic("$SYS/broker/store/messages/bytes", "what they take", |now| now.retained_bytes + now.held_bytes),
    topic("$SYS/broker/publish/messages/received", "messages received from clients", |now| {
        now.counters.messages_received
    }),
    topic("$SYS/broker/publish/messages/sent", "PUBLISH packets sent", |now| now.counters.messages_sent),
    topic("$SYS/broker/publish/messages/dropped", "messages dropped for any cause", |now| now.counters.dropped()),
    topic("$SYS/broker/publish/bytes/received", "their payload bytes", |now| now.counters.payload_bytes_received),
    topic("$SYS/broker/publish/bytes/sent", "their payload bytes", |now| now.counters.payload_bytes_sent),
    topic("$SYS/broker/retained messages/count", "messages retained, without those of `$SYS`", |now| {
        now.retained_messages
    }),
    topic("$SYS/broker/subscriptions/count", "subscriptions that are not shared", |now| {
        now.counters.subscriptions().saturating_sub(now.counters.shared_subscriptions())
    }),
    topic("$SYS/broker/shared_subscriptions/count", "shared subscriptions", |now| now.counters.shared_subscriptions()),
];

/// The rates.
const RATES: &[Rate] = &[
    rate("$SYS/broker/load/connections/", "CONNECT packets", |counters| counters.connects_received),
    rate("$SYS/broker/load/sockets/", "connections accepted", |counters| counters.connections_opened),
    rate("$SYS/broker/load/messages/received/", "packets received", |counters| counters.packets_received),
    rate("$SYS/broker/load/messages/sent/", "packets sent", |counters| counters.packets_sent),
    rate("$SYS/broker/load/publish/received/", "messages received", |counters| counters.messages_received),
    rate("$SYS/broker/load/publish/sent/", "PUBLISH packets sent", |counters| counters.messages_sent),
    rate("$SYS/broker/load/publish/dropped/", "messages dropped", Counters::dropped),
    rate("$SYS/broker/load/bytes/received/", "bytes received", |counters| counters.bytes_received),
    rate("$SYS/broker/load/bytes/sent/", "bytes sent", |counters| counters.bytes_sent),
];

fn disconnected(now: &Sample) -> u64 {
    now.counters.sessions().saturating_sub(now.counters.clients())
}

fn stored(now: &Sample) -> u64 {
    now.retained_messages + now.queued_messages + now.inflight_messages
}

/// Every topic below `$SYS` and what it shows.
pub fn sys_topics() -> impl Iterator<Item = (String, &'static str)> {
    let first = [
        ("$SYS/broker/version", "name and version; published once"),
        ("$SYS/broker/uptime", "such as `90 seconds`"),
        ("$SYS/broker/clients/maximum", "the most clients connected at an update"),
    ];
    let first = first.into_iter().map(|(name, help)| (name.to_owned(), help));
    let topics = TOPICS.iter().map(|topic| (topic.name.to_owned(), topic.help));
    let rates = RATES.iter().flat_map(|rate| WINDOWS.map(|(window, _)| (format!("{}{window}", rate.name), rate.help)));
    let counters = Counters::ALL.iter().map(|(name, help)| (format!("{COUNTERS}{name}"), *help));
    first.chain(topics).chain(rates).chain(counters)
}

/// What `$SYS` showed last.
#[derive(Debug, Default)]
pub(crate) struct SysTree {
    /// When it was last updated; `None` before the first time.
    last: Option<Time>,
    counters: Counters,
    topics: Vec<u64>,
    loads: [Load; RATES.len()],
    most_clients: u64,
}

impl SysTree {
    /// When it is due, for an update every `interval`.
    pub(crate) fn due(&self, interval: Duration) -> Time {
        self.last.map_or(Time::ZERO, |last| last.after(interval))
    }

    /// Takes in a sample of `now`, which counts from the start of the broker, and hands what has changed to `publish`: topic
    /// and payload. The first time everything has.
    pub(crate) fn update(&mut self, now: Time, sample: &Sample, mut publish: impl FnMut(&str, String)) {
        let before = self.last.replace(now);
        if before.is_none() {
            publish("$SYS/broker/version", concat!("paddock version ", env!("CARGO_PKG_VERSION")).to_owned());
        }
        publish("$SYS/broker/uptime", format!("{} seconds", now.since(Time::ZERO).as_secs()));
        let clients = sample.counters.clients();
        if clients > self.most_clients || before.is_none() {
            self.most_clients = clients;
            publish("$SYS/broker/clients/maximum", clients.to_string());
        }
        self.update_loads(before.map(|before| now.since(before)), &sample.counters, &mut publish);
        let topics: Vec<_> = TOPICS.iter().map(|topic| (topic.read)(sample)).collect();
        for (index, (topic, value)) in TOPICS.iter().zip(&topics).enumerate() {
            if self.topics.get(index) != Some(value) {
                publish(topic.name, value.to_string());
            }
        }
        self.topics = topics;
        let mut path = COUNTERS.to_owned();
        let counters = Counters::ALL.iter().zip(sample.counters.values().zip(self.counters.values()));
        for ((name, _), (value, shown)) in counters {
            if value != shown || before.is_none() {
                path.truncate(COUNTERS.len());
                path.push_str(name);
                publish(&path, value.to_string());
            }
        }
        self.counters = sample.counters;
    }

    fn update_loads(&mut self, elapsed: Option<Duration>, counters: &Counters, publish: &mut impl FnMut(&str, String)) {
        let mut path = String::new();
        for (rate, load) in RATES.iter().zip(&mut self.loads) {
            let rise = (rate.read)(counters).saturating_sub((rate.read)(&self.counters));
            // The first interval has no length yet.
            let averages = load.update(rise, elapsed.unwrap_or_default());
            for ((window, _), (average, shows)) in WINDOWS.iter().zip(averages) {
                if shows || elapsed.is_none() {
                    path.clear();
                    let _infallible = write!(path, "{}{window}", rate.name);
                    publish(&path, format!("{average:.2}"));
                }
            }
        }
    }
}
