//! What a broker offers and what bounds it.

use std::{thread, time::Duration};

use protocol::server;

use crate::Access;

/// How a broker runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Worker threads, at least 1; each owns its connections and sessions. Default: half the cores, at least 1 (measured:
    /// on two cores one worker beats two, because clients need the other core).
    pub workers: usize,
    /// What every connection is offered, and its bounds (packet size, Receive Maximum, Topic Aliases, ...).
    pub protocol: server::Config,
    /// What bounds sessions, subscriptions, queues and stores.
    pub limits: Limits,
    /// How a message reaches a session of which several subscriptions match. Default: merged.
    pub overlap: Overlap,
    /// Who may connect, publish and subscribe. Default: everybody may do everything.
    pub access: Access,
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
            protocol: server::Config::default(),
            limits: Limits::default(),
            overlap: Overlap::default(),
            access: Access::default(),
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
    /// Sessions, connected or not. A CONNECT that would need one more is refused with Quota exceeded. Default 1,000,000.
    pub sessions: usize,
    /// The longest Session Expiry Interval granted, in seconds; also how long a 3.1.1 session without Clean Session is
    /// kept. 4,294,967,295 means for ever. Default 4,294,967,295.
    pub session_expiry: u32,
    /// Subscriptions per session. One more is refused with Quota exceeded. Default 10,000.
    pub subscriptions: usize,
    /// Levels of a Topic Name or Topic Filter. A PUBLISH beyond it is refused with Topic Name invalid, a filter with
    /// Topic Filter invalid. Default 128.
    pub topic_levels: usize,
    /// QoS 1 and 2 messages that wait for one session. The newest beyond it are dropped. Default 10,000.
    pub queued_messages: usize,
    /// Bytes of messages (topics, payloads, properties) that wait for one session or that its client has not acknowledged.
    /// The newest beyond it are dropped. Default 16 MiB.
    pub queued_bytes: usize,
    /// The same bytes of all sessions together, plus what keeping each message takes (some 200 bytes); a message that
    /// several sessions share counts for each. The newest beyond it are dropped. Default 1 GiB.
    pub all_queued_bytes: usize,
    /// Encoded bytes that wait for one connection's socket. QoS 0 messages beyond it are dropped. Default 4 MiB.
    pub outbound_bytes: usize,
    /// Retained messages. One more topic is not retained (its message is still delivered). Default 1,000,000.
    pub retained_messages: usize,
    /// Bytes of retained topics, payloads and properties. What would exceed it is not retained. Default 256 MiB.
    pub retained_bytes: usize,
    /// Pieces of mail that wait for one worker. Senders beyond it stop reading their sockets until it drains. Default
    /// 16,384.
    pub mailbox: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: None,
            sessions: 1_000_000,
            session_expiry: u32::MAX,
            subscriptions: 10_000,
            topic_levels: 128,
            queued_messages: 10_000,
            queued_bytes: 16 << 20,
            all_queued_bytes: 1 << 30,
            outbound_bytes: 4 << 20,
            retained_messages: 1_000_000,
            retained_bytes: 256 << 20,
            mailbox: 16_384,
        }
    }
}
