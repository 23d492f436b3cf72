//! What a broker offers and what bounds it.

use std::{thread, time::Duration};

use protocol::{Utf8String, server};

use crate::Access;

/// The longest Keep Alive unless configured otherwise, in seconds. A client that is silent for one and a half times as long
/// holds a connection that somebody else may need.
const KEEP_ALIVE: u16 = 4 * 3600;

/// How a broker runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Worker threads, at least 1; each owns its connections and sessions. Default: half the cores, at least 1 (measured:
    /// on two cores one worker beats two, because clients need the other core).
    pub workers: usize,
    /// What every connection is offered, and its bounds (packet size, Receive Maximum, Topic Aliases, ...). Default: its
    /// own, with a maximum Keep Alive of four hours.
    pub protocol: server::Config,
    /// What bounds sessions, subscriptions, queues and stores.
    pub limits: Limits,
    /// How a message reaches a session of which several subscriptions match. Default: merged.
    pub overlap: Overlap,
    /// Who may connect, publish and subscribe. Default: everybody may do everything.
    pub access: Access,
    /// What response topics begin with, told to a client of 5.0 that asks for it in CONNECT (Request Response Information).
    /// `{client_id}` stands for its Client Identifier; a client in whose identifier `/`, `+` or `#` stands is then told
    /// nothing. A Topic Name; at most 65,535 bytes. Default none.
    pub response_information: Option<String>,
    /// Where clients are sent instead of being served. Default none.
    pub redirect: Option<Redirect>,
    /// How often the broker publishes what has changed below `$SYS`, in whole milliseconds; zero for never. Default 10 s.
    pub sys_interval: Duration,
    /// How much is written to the log.
    pub log: Log,
    /// How long a graceful shutdown may take to tell clients and flush. Default 2 s.
    pub shutdown_within: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            workers: (cores / 2).max(1),
            protocol: server::Config { maximum_keep_alive: KEEP_ALIVE, ..server::Config::default() },
            limits: Limits::default(),
            overlap: Overlap::default(),
            access: Access::default(),
            response_information: None,
            redirect: None,
            sys_interval: Duration::from_secs(10),
            log: Log::default(),
            shutdown_within: Duration::from_secs(2),
        }
    }
}

/// How much is written to the log, whatever clients do. Where it goes, and from which level on, is decided by whoever
/// subscribes to `tracing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Lines of each kind (connected, refused, disconnected, taken over, violation, subscribed) that a worker writes per
    /// second; one more line says how many were left out. Default 100.
    pub lines_per_second: u32,
    /// How often a line for each cause says how many messages were dropped and what else was refused by a limit; zero for
    /// never. Default 10 s.
    pub digest_interval: Duration,
}

impl Default for Log {
    fn default() -> Self {
        Self { lines_per_second: 100, digest_interval: Duration::from_secs(10) }
    }
}

/// Another server for all clients (4.11). One of 5.0 is told in CONNACK or DISCONNECT; one of 3.1.1 hears return code 3
/// (Server unavailable), or nothing when it was connected already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Whether from now on (Server moved, 0x9D) or for the time being (Use another server, 0x9C).
    pub permanent: bool,
    /// The Server Reference: names with an optional port each, separated by spaces. `None` when clients know where to go.
    pub server: Option<Utf8String>,
}

/// How a message reaches a session of which several plain subscriptions match. The standard allows both (3.3.4; 3.3.5 in
/// 3.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Once, at the highest QoS, with the identifiers of all (MQTT-3.3.4-2, MQTT-3.3.4-4).
    #[default]
    Merged,
    /// Once for each subscription, at its QoS and with its identifier (MQTT-3.3.4-5).
    OneByOne,
}

/// Bounds that keep one broker's memory finite. Whatever a bound refuses or drops is counted in [`crate::Counters`].
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections. A connection beyond it is closed at once. Default: the process's open-file limit less 64
    /// descriptors, read when the broker starts.
    pub connections: Option<usize>,
    /// Bytes of a Client Identifier, at least the 23 that every server takes; less counts as 23. A CONNECT with a longer one is
    /// refused with Client Identifier not valid (0x85; 2 in 3.1.1). Default 65,535, all that the standard allows.
    pub client_id_length: usize,
    /// Sessions, connected or not. A CONNECT that would need one more is refused with Quota exceeded. Default 1,000,000.
    pub sessions: usize,
    /// The longest Session Expiry Interval granted, in seconds; also how long a 3.1.1 session without Clean Session is
    /// kept. 4,294,967,295 means for ever. Default 604,800 (a week): a client that never comes back is forgotten.
    pub session_expiry: u32,
    /// CONNECT packets taken per second, by all listeners together; a second in which fewer came leaves no more than one
    /// second's worth for a burst. One more is refused with Connection rate exceeded (0x9F; 3 in 3.1.1). Default: no bound.
    pub connect_rate: Option<u32>,
    /// Subscriptions per session. One more is refused with Quota exceeded. Default 10,000.
    pub subscriptions: usize,
    /// Subscriptions of all sessions together. One more is refused with Quota exceeded. Default 10,000,000.
    pub all_subscriptions: usize,
    /// Levels of a Topic Name or Topic Filter, 1 to 1,000; more counts as 1,000. A PUBLISH beyond it is refused with Topic
    /// Name invalid, a filter with Topic Filter invalid. Default 128.
    pub topic_levels: usize,
    /// Bytes of a Topic Name or Topic Filter, refused like too many levels. Default 65,535, all that the standard allows.
    pub topic_length: usize,
    /// What happens to a QoS 1 or 2 message for a session at `queued_messages` or `queued_bytes`. Default: dropped.
    pub full_queue: FullQueue,
    /// QoS 1 and 2 messages that wait for one session. `full_queue` says what happens to one more. Default 10,000.
    pub queued_messages: usize,
    /// Bytes of messages (topics, payloads, properties) that wait for one session or that its client has not acknowledged.
    /// `full_queue` says what happens to one more. Default 16 MiB.
    pub queued_bytes: usize,
    /// The same bytes of all sessions together, plus what keeping each message takes (some 200 bytes); a message that
    /// several sessions share counts for each. The newest beyond it are dropped. Default 1 GiB.
    pub all_queued_bytes: usize,
    /// Retained messages that wait for one session because its client asked for more than it reads. What a subscription
    /// finds beyond it is not sent. Default 1,000,000.
    pub backlog_messages: usize,
    /// Their bytes, as of `queued_bytes`. Default 256 MiB.
    pub backlog_bytes: usize,
    /// Encoded bytes that wait for one connection's socket. QoS 0 messages beyond it are dropped. Default 4 MiB.
    pub outbound_bytes: usize,
    /// Retained messages. One more topic is not retained (its message is still delivered). Default 1,000,000.
    pub retained_messages: usize,
    /// Bytes of retained topics, payloads and properties. What would exceed it is not retained. Default 256 MiB.
    pub retained_bytes: usize,
    /// Pieces of mail that wait for one worker. Senders beyond it stop reading their sockets until it drains. Default
    /// 16,384.
    pub mailbox: usize,
    /// Bytes of the messages among them, a message once for each session that it is for. The same bounds what a worker
    /// writes before it must post it. Default 16 MiB.
    pub mailbox_bytes: usize,
    /// Bytes of everything that the broker holds for clients: queues, backlogs, what sockets have not taken, retained
    /// messages, subscriptions, sessions and their Wills. Beyond it new sessions and subscriptions are refused with Quota
    /// exceeded, nothing new is retained, and messages that would wait are dropped. Default: half of the memory that the
    /// machine or the control group of the process has, read when the broker starts.
    pub memory: Option<usize>,
}

/// What happens to a QoS 1 or 2 message for which a session has no room. In any case it is counted, QoS 0 is dropped
/// instead of waiting, and the other receivers are not delayed. A session without a connection only ever drops the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FullQueue {
    /// The message is dropped for this session: one client that stays behind, or away, concerns nobody else. That is why
    /// it is the default.
    #[default]
    DropNewest,
    /// Also, the session's connection ends with Quota exceeded (0x97), so that its client knows that it missed something.
    Disconnect,
    /// A 5.0 publisher gets PUBACK or PUBREC with Quota exceeded (0x97), and nobody gets the message. 3.1.1 publishers
    /// cannot be told, and Wills have nobody to tell: theirs are dropped for this session only. So is what was under way to
    /// a session of another worker when it became full. One stuck subscriber holds up all who publish to it.
    RefusePublisher,
}

impl Limits {
    /// The most levels that a topic may have, whatever is configured: the tries are walked level by level on the stack.
    pub const MOST_TOPIC_LEVELS: usize = 1_000;

    /// The same, but nothing above what the broker can bear.
    pub(crate) fn within_reason(self) -> Self {
        Self { topic_levels: self.topic_levels.min(Self::MOST_TOPIC_LEVELS), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: None,
            client_id_length: 65_535,
            sessions: 1_000_000,
            session_expiry: 7 * 24 * 3600,
            connect_rate: None,
            subscriptions: 10_000,
            all_subscriptions: 10_000_000,
            topic_levels: 128,
            topic_length: 65_535,
            full_queue: FullQueue::default(),
            queued_messages: 10_000,
            queued_bytes: 16 << 20,
            all_queued_bytes: 1 << 30,
            backlog_messages: 1_000_000,
            backlog_bytes: 256 << 20,
            outbound_bytes: 4 << 20,
            retained_messages: 1_000_000,
            retained_bytes: 256 << 20,
            mailbox: 16_384,
            mailbox_bytes: 16 << 20,
            memory: None,
        }
    }
}
