//! The keys of the configuration. The comments are the reference: they become the schema and the example.

use std::{net::SocketAddr, num::NonZero, thread, time::Duration};

use protocol::{QoS, server};

use super::{
    access::AccessSection,
    listener::{ListenerSection, listeners},
    log::{LogFormat, LogLevel},
    quantity::{Expiry, Period, Seconds, Size, Whole},
    section::{Tables, empty, section},
    value::{Reference, Topic},
};
use crate::{Config, FullQueue, Limits, Log, MonitorOptions, Overlap, Redirect};

/// As many as anybody may want.
pub(super) const MANY: u64 = 1_000_000_000;
/// As many bytes as anybody may want.
pub(super) const HUGE: u64 = 1 << 50;
/// The largest packet of the standard, in bytes with its fixed header.
pub(super) const LARGEST_PACKET: u64 = 268_435_460;

section! {
    /// The configuration of Paddock's reference broker. Every key may be left out. Texts may name environment variables:
    /// `${NAME}`, or `${NAME:-default}` for one that may be missing; numbers and truths may too, as `"${NAME}"`. Paths are
    /// relative to the folder of this file.
    Document {
        /// The broker as a whole.
        restart default broker: BrokerSection = empty("broker");
        /// Where it listens. Without any, on 127.0.0.1:1883, for clients of this machine.
        restart default listeners: Tables<ListenerSection> = listeners();
        /// What clients are offered. What is switched off is announced to clients of 5.0 and refused as the standard says.
        restart default features: FeaturesSection = empty("features");
        /// What bounds clients, so that none of them can exhaust memory or time. Whatever is refused or dropped is counted.
        restart default limits: LimitsSection = empty("limits");
        /// Who may connect, and what they may do.
        live default access: AccessSection = empty("access");
        /// What the broker shows of itself.
        restart default monitor: MonitorSection = empty("monitor");
        /// What is written to the log, on stderr.
        restart default log: LogSection = empty("log");
    }
}

section! {
    /// The broker as a whole.
    BrokerSection {
        /// Worker threads; each owns its connections and their sessions. Default: half the processors, at least 1.
        restart optional workers: Whole<1, 1024>, like "2";
        /// How long a shutdown may take to tell clients and to deliver what was promised.
        live default shutdown_within: Period<0, 3_600_000> = Period::new(Config::default().shutdown_within);
        /// How a message reaches a client of which several subscriptions match: once, at the highest QoS and with the
        /// identifiers of all, or once for each of them.
        live default overlap: Overlap = Overlap::default();
        /// Whether clients may speak MQTT 3.1, the version before 3.1.1.
        new default mqtt_3_1: bool = server::Config::default().mqtt_3_1;
        /// What response topics begin with, told to clients of 5.0 that ask for it (Request Response Information);
        /// `{client_id}` stands for the Client Identifier. Default: they are told nothing.
        new optional response_information: Topic, like "\"responses/{client_id}\"";
        /// Where clients are sent instead of being served. Default: nowhere.
        live optional redirect: RedirectSection;
    }
}

section! {
    /// Another server for all clients.
    RedirectSection {
        /// Whether from now on (Server moved, 0x9D) or for the time being (Use another server, 0x9C).
        live default permanent: bool = false;
        /// The Server Reference that clients of 5.0 are told: names with an optional port each, separated by spaces. Default:
        /// clients know where to go.
        live optional server: Reference, like "\"mqtt.farm.example:1883\"";
    }
}

section! {
    /// What clients are offered.
    FeaturesSection {
        /// Whether messages may be retained.
        new default retain: bool = server::Config::default().retain_available;
        /// The highest QoS of a publication.
        new default maximum_qos: QoS = server::Config::default().maximum_qos;
        /// Whether subscriptions may have wildcards.
        new default wildcards: bool = server::Config::default().wildcard_available;
        /// Whether subscriptions may have identifiers.
        new default subscription_identifiers: bool = server::Config::default().subscription_ids_available;
        /// Whether subscriptions may be shared, as `$share/NAME/FILTER`.
        new default shared_subscriptions: bool = server::Config::default().shared_available;
    }
}

section! {
    /// What bounds clients.
    LimitsSection {
        /// Open connections of all listeners together; one more is closed at once. Default: as many as the process may have
        /// open files, less 64.
        live optional connections: Whole<1, MANY>, like "10000";
        /// How long a client may take from the first moment to a whole CONNECT; then it is closed without a word.
        new default connect_timeout: Period<1, 3_600_000> = Period::new(server::Config::default().connect_timeout);
        /// The largest packet that a client may send, with its fixed header; a larger one ends the connection with Packet too
        /// large (0x95).
        new default packet_size: Size<16, LARGEST_PACKET> = Size::new(server::Config::default().maximum_packet_size);
        /// The largest CONNECT: what a stranger can make the broker hold; a larger one is refused with Packet too large (0x95).
        new default connect_packet_size: Size<16, LARGEST_PACKET> =
            Size::new(server::Config::default().maximum_connect_size);
        /// Properties that one packet may have; more end the connection with Quota exceeded (0x97).
        new default packet_properties: Whole<1, 1_000_000> = Whole::new(server::Config::default().maximum_properties);
        /// Filters that one SUBSCRIBE or UNSUBSCRIBE may have; more end the connection with Quota exceeded (0x97).
        new default packet_filters: Whole<1, 1_000_000> = Whole::new(server::Config::default().maximum_filters);
        /// QoS 1 and 2 publications that a client may have in flight to the broker; one more ends the connection with Receive
        /// Maximum exceeded (0x93) in 5.0, and waits to be read in 3.1.1.
        new default receive_maximum: Whole<1, 65_535> = Whole::new(server::Config::default().receive_maximum);
        /// QoS 1 and 2 deliveries that may be in flight to one client, whatever it announces; more wait in its queue.
        new default inflight: Whole<1, 65_535> = Whole::new(server::Config::default().maximum_inflight);
        /// Topic Aliases that a client may use; a higher one ends the connection with Topic Alias invalid (0x94). 0 offers none.
        new default topic_aliases: Whole<0, 65_535> = Whole::new(server::Config::default().topic_alias_maximum);
        /// Topic Aliases that the broker uses toward a client that allows them; 0 uses none.
        new default outgoing_topic_aliases: Whole<0, 65_535> =
            Whole::new(server::Config::default().outgoing_topic_alias_maximum);
        /// Bytes of topics that the aliases of one connection may stand for, each way; a client that sets more is disconnected
        /// with Quota exceeded (0x97), and the broker uses no further ones.
        new default topic_alias_bytes: Size<0, 4_294_967_296> = Size::new(server::Config::default().topic_alias_bytes);
        /// A Keep Alive that replaces what clients of 5.0 ask for. Default: what each client asks for.
        new optional server_keep_alive: Seconds<1_000, 65_535_000>, like "\"1m\"";
        /// The longest Keep Alive, in place of a longer one or of none; a client of 5.0 is told, one of 3.1.1 only held to it. 0s
        /// for no such bound.
        new default keep_alive: Seconds<0, 65_535_000> =
            Seconds::new(Duration::from_secs(Config::default().protocol.maximum_keep_alive.into()));
        /// Bytes of a Client Identifier; a CONNECT with a longer one is refused with Client Identifier not valid (0x85).
        live default client_id_length: Whole<23, 65_535> = Whole::new(Limits::default().client_id_length);
        /// Sessions, connected or not; a CONNECT that needs one more is refused with Quota exceeded (0x97).
        live default sessions: Whole<1, MANY> = Whole::new(Limits::default().sessions);
        /// The longest time that a session outlives its connection, in place of a longer one; a client of 5.0 is told. Also how
        /// long a session of 3.1.1 is kept.
        new default session_expiry: Expiry = Expiry(Limits::default().session_expiry);
        /// CONNECT packets taken per second, by all listeners together; one more is refused with Connection rate exceeded
        /// (0x9F). Default: no bound.
        live optional connect_rate: Whole<1, 1_000_000>, like "1000";
        /// Subscriptions of one session; one more is refused with Quota exceeded (0x97).
        live default subscriptions: Whole<1, MANY> = Whole::new(Limits::default().subscriptions);
        /// Subscriptions of all sessions together; one more is refused with Quota exceeded (0x97).
        live default all_subscriptions: Whole<1, MANY> = Whole::new(Limits::default().all_subscriptions);
        /// Levels of a topic or filter; a PUBLISH beyond is refused with Topic Name invalid (0x90), a filter with Topic Filter
        /// invalid (0x8F).
        live default topic_levels: Whole<1, 1_000> = Whole::new(Limits::default().topic_levels);
        /// Bytes of a topic or filter, refused like too many levels.
        live default topic_length: Whole<1, 65_535> = Whole::new(Limits::default().topic_length);
        /// What happens to a QoS 1 or 2 message for a session at queued_messages or queued_bytes: it is dropped; or its client
        /// is also disconnected with Quota exceeded (0x97), so that it knows; or its publisher (of 5.0) is refused with Quota
        /// exceeded (0x97), and nobody gets it. It is counted in any case.
        live default full_queue: FullQueue = FullQueue::default();
        /// QoS 1 and 2 messages that wait for one session; full_queue says what happens to one more.
        live default queued_messages: Whole<0, MANY> = Whole::new(Limits::default().queued_messages);
        /// Bytes of messages that wait for one session or that its client has not acknowledged; full_queue says
        /// what happens to one more.
        live default queued_bytes: Size<0, HUGE> = Size::new(Limits::default().queued_bytes);
        /// Bytes of messages that wait for all sessions together or are not acknowledged, and some 200 for keeping each; the
        /// newest beyond are dropped.
        live default all_queued_bytes: Size<0, HUGE> = Size::new(Limits::default().all_queued_bytes);
        /// Retained messages that wait for one session because its client asked for more than it reads; what a subscription
        /// finds beyond is not sent.
        live default backlog_messages: Whole<0, MANY> = Whole::new(Limits::default().backlog_messages);
        /// Bytes of the retained messages that wait for one session; what a subscription finds beyond is not sent.
        live default backlog_bytes: Size<0, HUGE> = Size::new(Limits::default().backlog_bytes);
        /// Encoded bytes that wait for the socket of one connection; QoS 0 messages beyond are dropped.
        live default outbound_bytes: Size<0, HUGE> = Size::new(Limits::default().outbound_bytes);
        /// Retained messages; one on a further topic is delivered but not retained.
        live default retained_messages: Whole<0, MANY> = Whole::new(Limits::default().retained_messages);
        /// Bytes of retained messages and their topics; what is beyond is delivered but not retained.
        live default retained_bytes: Size<0, HUGE> = Size::new(Limits::default().retained_bytes);
        /// What may wait for one worker from the others; they stop reading from their clients until there is room.
        restart default mailbox: Whole<1, 1_000_000> = Whole::new(Limits::default().mailbox);
        /// Bytes of the messages that may wait for one worker, each once for every session that it is for; as for mailbox.
        restart default mailbox_bytes: Size<65_536, HUGE> = Size::new(Limits::default().mailbox_bytes);
        /// Bytes of everything that is held for clients. Beyond it new sessions and subscriptions are refused with Quota
        /// exceeded (0x97), nothing new is retained, and messages that would wait are dropped. Default: half of the memory of
        /// the machine or of the control group of the process.
        restart optional memory: Size<1_048_576, HUGE>, like "\"2GiB\"";
    }
}

section! {
    /// What the broker shows of itself.
    MonitorSection {
        /// Where metrics (`/metrics`) and health (`/health/live`, `/health/ready`) are served over HTTP. Whoever reaches it may
        /// read everything: it asks for no password. Default: nowhere.
        restart optional http: SocketAddr, like "\"127.0.0.1:9398\"";
        /// HTTP connections that are served at once; more wait.
        restart default http_connections: Whole<1, 10_000> = Whole::new(MonitorOptions::default().connections);
        /// How long an HTTP connection may take from its first moment to the last byte of the answer.
        restart default http_time: Period<1, 3_600_000> = Period::new(MonitorOptions::default().time);
        /// How often the topics below `$SYS` are published; 0s for never.
        live default sys_interval: Period<0, 86_400_000> = Period::new(Config::default().sys_interval);
    }
}

section! {
    /// What is written to the log.
    LogSection {
        /// The least that is worth a line: `error`, a part of the broker ended; `warn`, a limit cost somebody something; `info`,
        /// clients come and go; `debug`, subscriptions; or `off`. The command line (`-v`) and PADDOCK_LOG win over it.
        live default level: LogLevel = LogLevel::Info;
        /// How lines look: text, or one JSON object each. The command line (`--log-format`) wins over it.
        live default format: LogFormat = LogFormat::Text;
        /// Lines of each kind (connected, refused, disconnected, ...) that a worker writes per second; one more line then says
        /// how many were left out.
        live default lines_per_second: Whole<0, 1_000_000> = Whole::new(Log::default().lines_per_second);
        /// How often a line for each cause says how many messages were dropped and what else was refused by a limit; 0s for
        /// never.
        live default digest_interval: Period<0, 86_400_000> = Period::new(Log::default().digest_interval);
    }
}

impl RedirectSection {
    fn redirect(&self) -> Redirect {
        Redirect { permanent: self.permanent.value, server: self.server.as_ref().map(|server| server.0.clone()) }
    }
}

impl Document {
    /// What the broker is to be.
    ///
    /// Both structures are written out whole, so that a new setting cannot be forgotten here.
    pub(super) fn config(&self) -> Config {
        Config {
            workers: self.workers(),
            protocol: self.protocol(),
            limits: self.limits(),
            overlap: self.broker.overlap.value,
            access: self.access.access(),
            response_information: self.broker.response_information.as_ref().map(|topic| topic.0.clone()),
            redirect: self.broker.redirect.as_ref().map(|redirect| redirect.redirect()),
            sys_interval: self.monitor.sys_interval.duration(),
            log: Log {
                lines_per_second: self.log.lines_per_second.to(),
                digest_interval: self.log.digest_interval.duration(),
            },
            shutdown_within: self.broker.shutdown_within.duration(),
        }
    }

    /// Where metrics and health are served.
    pub(super) fn monitor(&self) -> Option<MonitorOptions> {
        let MonitorSection { http, http_connections, http_time, .. } = &self.monitor.value;
        let address = http.as_ref()?.value;
        Some(MonitorOptions { address, connections: http_connections.to(), time: http_time.duration() })
    }

    /// How many workers there will be.
    pub(super) fn workers(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        self.broker.workers.as_ref().map_or_else(|| (cores() / 2).max(1), |workers| workers.to())
    }

    fn protocol(&self) -> server::Config {
        let Self { broker, features, limits, .. } = self;
        server::Config {
            connect_timeout: limits.connect_timeout.duration(),
            maximum_packet_size: limits.packet_size.to(),
            maximum_connect_size: limits.connect_packet_size.to(),
            maximum_properties: limits.packet_properties.to(),
            maximum_filters: limits.packet_filters.to(),
            mqtt_3_1: broker.mqtt_3_1.value,
            receive_maximum: limits.receive_maximum.to(),
            topic_alias_maximum: limits.topic_aliases.to(),
            topic_alias_bytes: limits.topic_alias_bytes.to(),
            maximum_qos: features.maximum_qos.value,
            retain_available: features.retain.value,
            wildcard_available: features.wildcards.value,
            subscription_ids_available: features.subscription_identifiers.value,
            shared_available: features.shared_subscriptions.value,
            server_keep_alive: limits.server_keep_alive.as_ref().map(|period| period.seconds()),
            maximum_keep_alive: limits.keep_alive.seconds(),
            maximum_inflight: limits.inflight.to(),
            outgoing_topic_alias_maximum: limits.outgoing_topic_aliases.to(),
        }
    }

    fn limits(&self) -> Limits {
        let limits = &self.limits;
        Limits {
            connections: limits.connections.as_ref().map(|connections| connections.to()),
            client_id_length: limits.client_id_length.to(),
            sessions: limits.sessions.to(),
            session_expiry: limits.session_expiry.0,
            subscriptions: limits.subscriptions.to(),
            connect_rate: limits.connect_rate.as_ref().map(|rate| rate.to()),
            all_subscriptions: limits.all_subscriptions.to(),
            topic_levels: limits.topic_levels.to(),
            topic_length: limits.topic_length.to(),
            full_queue: limits.full_queue.value,
            queued_messages: limits.queued_messages.to(),
            queued_bytes: limits.queued_bytes.to(),
            all_queued_bytes: limits.all_queued_bytes.to(),
            backlog_messages: limits.backlog_messages.to(),
            backlog_bytes: limits.backlog_bytes.to(),
            outbound_bytes: limits.outbound_bytes.to(),
            retained_messages: limits.retained_messages.to(),
            retained_bytes: limits.retained_bytes.to(),
            mailbox: limits.mailbox.to(),
            mailbox_bytes: limits.mailbox_bytes.to(),
            memory: limits.memory.as_ref().map(|memory| memory.to()),
        }
    }
}
