//! The keys of the language. The comments are the reference: they become the descriptions of the JSON schema.

use std::path::PathBuf;

use located::{At, Table, section};

use super::{
    number::{Chance, Count, Date, Level},
    scalar::{EventDo, EventTime, NetworkDo, Shape, Span},
    search::{Demand, Share, Times},
};
use crate::model::{
    Address, Arrival, BarnId, DeviceModel, Dimension, Direction, Engine, Expression, Factor, FilterTemplate, Measure,
    Name, PayloadSize, Percentage, QoS, Rate, Role, Series, Template, TimeOfDay, TopicTemplate, Version,
};

section! {
    /// A Paddock scenario: what a run brings up, how hard it drives it, and what must hold.
    Document {
        /// What the scenario is called and how its run begins and ends.
        required scenario: ScenarioSection;
        /// The brokers under test, by name. Default: one embedded broker.
        default brokers: Table<Name, BrokerSection> = Table::default();
        /// Groups of devices, by name; at least one.
        required devices: Table<Name, DeviceSection>;
        /// Groups of connections that are no devices, by name. Default: none.
        default subscribers: Table<Name, SubscriberSection> = Table::default();
        /// Clients that ask devices and get answers, by name. Default: none.
        default requests: Table<Name, RequestsSection> = Table::default();
        /// How the farm's day passes while load is natural.
        optional day: DaySection;
        /// The load over time, stage after stage; at least one.
        required stages: Vec<At<StageSection>>;
        /// What happens to the run from outside. Default: nothing.
        optional events: Vec<At<EventSection>>;
        /// What must hold, by metric: `"e2e{qos:1,stage:hold}" = ["p(99)<200ms over 10s abort_on_fail"]`. Aggregations are
        /// p(N), avg, min, max, count and rate. `over 10s` asks for it in every window of that length within the measured
        /// stages, `abort_on_fail` ends the run as soon as it can no longer hold. A run that misses one ends with exit code 6.
        /// Default: nothing.
        default thresholds: Table<Series, Vec<At<Expression>>> = Table::default();
        /// How `paddock compare` compares two sides of this scenario.
        optional compare: CompareSection;
        /// Hardships of the network between devices and broker, by name. They need to see packets: the broker's address is mqtt://
        /// or a Unix socket. Default: none.
        default network: Table<Name, NetworkSection> = Table::default();
        /// How `paddock capacity` searches.
        optional search: SearchSection;
        /// What is written when the run ends.
        optional output: OutputSection;
    }
}

section! {
    /// Thresholds that stand alone, for a run that was recorded.
    ContractSection {
        /// What must hold, as in a scenario.
        required thresholds: Table<Series, Vec<At<Expression>>>;
    }
}

section! {
    /// What the scenario is called and how its run begins and ends.
    ScenarioSection {
        /// Its name: 1 to 64 of a-z, 0-9, `_` and `-`. Names the run's folder.
        required name: Name;
        /// One line for people, in lists and at the head of reports. Default: the name.
        optional title: String;
        /// What it is for, for people; may have several lines. Default: empty.
        default description: String = String::new();
        /// The seed of everything random: the same seed gives the same schedule and the same bytes. Default: 42.
        default seed: u64 = 42;
        /// The farm's first day, from whose midnight the devices' timestamps count. Default: 2025-11-21.
        default date: Date = Date { year: 2025, month: 11, day: 21 };
        /// Time at the first stage's full load before anything is measured, after that stage's ramp; a duration. Messages of
        /// the warm-up are accounted for like all others. Default: 0s.
        default warm_up: Span = Span::seconds(0);
        /// The longest time that deliveries may take to come in after the last stage, above 0; a duration. The run ends
        /// earlier when all have come. Default: 10s.
        default drain: Span = Span::seconds(10);
        /// The lag of the generator, from intended start to sending, above which the run is invalid (exit code 7), above 0; a
        /// duration. It is compared with p99.9, or with the highest percentile that ten messages lie beyond. Raise it only where
        /// latency is not what the run is for. Default: 5ms; in a search for capacity a tenth of the shortest latency that its
        /// SLO demands, 5ms at least and 100ms at most.
        optional lag_limit: Span;
        /// The farm's barns, to which devices and connections are dealt in turn; each is a level of topics. `gates` is
        /// reserved. Default: barn_1.
        optional barns: Vec<At<BarnId>>;
    }
}

section! {
    /// A broker under test.
    BrokerSection {
        /// Where it is: `embedded` starts Paddock's own broker for the run; or mqtt://HOST:PORT, mqtts, ws, wss. Default:
        /// embedded.
        default url: Address = Address::Embedded;
        /// The version of MQTT that its clients speak: 5.0 or 3.1.1. Default: 5.0.
        default version: Version = Version::V5;
        /// The User Name of every client. Default: none.
        optional user: String;
        /// The Password of every client; better kept in a file. Default: none.
        optional password: String;
        /// A file whose first line is the Password; a path relative to where Paddock runs. Default: none.
        optional password_file: PathBuf;
        /// The longest time from dialling to CONNACK, above 0; a duration. Default: 5s.
        default connect_timeout: Span = Span::seconds(5);
        /// A file with the certificates that vouch for the broker, for mqtts and wss. Default: the system's.
        optional ca: PathBuf;
    }
}

section! {
    /// Devices of one model that behave alike.
    DeviceSection {
        /// The broker that they connect to, by name. Default: the only one.
        optional broker: Name;
        /// The kind of device; `plain` is a bare client that publishes bytes and says nothing else.
        required model: DeviceModel;
        /// How many devices, 1 to 1000000.
        required count: Count;
        /// Their Client Identifier, also the device's identifier in topics and payloads; {n} counts from 1, {n:05} pads with
        /// zeros, {barn} is the device's barn. Default: the group's name and -{n:05}.
        optional client_id: Template;
        /// The topic of all their telemetry, with {id}, {n} and {barn}. Default: the model's own topics.
        optional topic: TopicTemplate;
        /// The QoS of telemetry, 0, 1 or 2. Default: the model's own, topic by topic.
        optional qos: QoS;
        /// The size of every payload, plain devices only: `256B`, `4KiB`; 24B, which the measurement stamp takes, to 1MiB.
        /// Default: 256B.
        optional payload: PayloadSize;
        /// Time between two messages of one device while load is natural, above 0; a duration. Default: the model's own.
        optional interval: Span;
        /// Whether telemetry is published with RETAIN, so that the broker keeps the latest of each topic for whoever comes
        /// later. Default: false.
        default retain: bool = false;
        /// How many messages of telemetry each device keeps while it is offline; the oldest goes first. Default: 1000.
        optional buffer: Count;
        /// Messages per second at which a device sends what it kept, above 0. Default: as fast as its connection takes them.
        optional flush_rate: Rate;
        /// One device's share of a stage's rate, relative to other devices, above 0. Default: the model's natural rate.
        optional weight: Factor;
        /// The curve in day.curves that the natural rate follows, by name. Default: level.
        optional curve: Name;
        /// The barns that they stand in, of scenario.barns. Default: all.
        optional barns: Vec<At<BarnId>>;
        /// The version of MQTT that they speak: 5.0 or 3.1.1. Default: the broker's.
        optional version: Version;
        /// Whether each connection begins with an empty session. Default: true.
        default clean_start: bool = true;
        /// How long the broker keeps a session after its connection ended; a duration in whole seconds, MQTT 5.0 only.
        /// Default: 0s.
        optional session_expiry: Span;
        /// The longest silence before a PINGREQ; a duration in whole seconds up to 65535s, 0s for none. Default: 60s.
        default keep_alive: Span = Span::seconds(60);
        /// Which client library speaks for them: native, or rumqttc as a second opinion. Default: native.
        default engine: Engine = Engine::Native;
    }
}

section! {
    /// Connections that are no devices and behave alike.
    SubscriberSection {
        /// The broker that they connect to, by name. Default: the only one.
        optional broker: Name;
        /// What they stand for; reports count connections by role. Default: service, or idle without filters.
        optional role: Role;
        /// How many connections, 1 to 1000000.
        required count: Count;
        /// Their Client Identifier; {n} counts from 1, {n:05} pads with zeros, {barn} is the connection's barn. Default: the
        /// group's name and -{n:05}.
        optional client_id: Template;
        /// What each connection subscribes to, with {n} and {barn}; `$share/NAME/FILTER` shares messages among the group.
        /// Default: nothing, idle connections.
        optional filters: Vec<At<FilterTemplate>>;
        /// The greatest QoS that the subscriptions ask for, 0, 1 or 2. Default: 1.
        default qos: QoS = QoS::AtLeastOnce;
        /// The device groups, by name, whose messages are accounted for: each that matches a filter must arrive once. What else
        /// arrives is counted and not judged. Default: all.
        optional expect: Vec<At<Name>>;
        /// When they connect and subscribe, all at once: a stage's name for the beginning of its hold, and a duration:
        /// `flood+2s`. What is retained then must reach each of them once. Default: before the load.
        optional from: EventTime;
        /// Messages per second that each connection reads, above 0; it leaves the rest on the way, so that the broker must
        /// queue. In 5.0 its Receive Maximum is that number. Default: as they come.
        optional read_rate: Rate;
        /// The barns that connections are dealt to in turn, of scenario.barns. Default: all.
        optional barns: Vec<At<BarnId>>;
        /// The version of MQTT that they speak: 5.0 or 3.1.1. Default: the broker's.
        optional version: Version;
        /// Whether each connection begins with an empty session. Default: true.
        default clean_start: bool = true;
        /// How long the broker keeps a session after its connection ended; a duration in whole seconds, MQTT 5.0 only.
        /// Default: 0s.
        optional session_expiry: Span;
        /// The longest silence before a PINGREQ; a duration in whole seconds up to 65535s, 0s for none. Default: 60s.
        default keep_alive: Span = Span::seconds(60);
    }
}

section! {
    /// Clients that ask devices at a rate: each request is a command, which its device answers. The round trip counts from
    /// the intended start of a request to its answer. Where both speak 5.0 a request names a Response Topic and carries
    /// Correlation Data; where one speaks 3.1.1 the command carries a correlation_id and the answer is on the status topic.
    RequestsSection {
        /// The broker that they connect to, by name. Default: the only one.
        optional broker: Name;
        /// The device groups, by name, whose devices are asked in turns, as far as they are to be connected.
        required to: Vec<At<Name>>;
        /// Requests per second over all requesters, above 0, from the first stage's hold to the end of the last one.
        required rate: Rate;
        /// How requests are spread: constant (evenly) or poisson (at random, same mean). Default: constant.
        default arrival: Arrival = Arrival::Constant;
        /// How many connections ask, each the same devices always; 1 to 1000000. Default: 1.
        optional requesters: Count;
        /// The QoS of requests, and the greatest of their answers, 0, 1 or 2. Default: 1.
        default qos: QoS = QoS::AtLeastOnce;
        /// How long after the intended start of its request an answer counts as late, above 0; a duration. Default: 5s.
        default timeout: Span = Span::seconds(5);
        /// The version of MQTT that requesters speak: 5.0 or 3.1.1. Default: the broker's.
        optional version: Version;
    }
}

section! {
    /// How the farm's day passes while load is natural.
    DaySection {
        /// Seconds of the farm's time in one second of the run, above 0: at 60, an hour takes a minute. Natural intervals shrink
        /// with it; keep alive and time-outs do not. Default: 1.
        default compress: Factor = Factor::ONE;
        /// The farm's time of day when the run starts, HH:MM. Default: 00:00.
        default start: TimeOfDay = TimeOfDay::default();
        /// Curves, by name: times of day to levels that multiply a group's natural rate, linear between two points and around
        /// midnight. `{ "05:00" = 0, "06:00" = 4.0, "08:00" = 0 }`. Default: none.
        default curves: Table<Name, Table<TimeOfDay, Level>> = Table::default();
    }
}

section! {
    /// A stretch of time with one load.
    StageSection {
        /// Its name in events, thresholds and reports.
        required name: Name;
        /// Time over which connections and rate go linearly from the previous stage's to this one's; a duration. Not measured.
        /// Default: 0s.
        default ramp: Span = Span::seconds(0);
        /// How long it lasts after the ramp, above 0; a duration. Measured.
        required hold: Span;
        /// Messages per second over all devices, above 0, by their weights. Either this, shape or trace.
        optional rate: Rate;
        /// The curve in day.curves that multiplies the rate as the farm's day passes, by name. Default: level.
        optional curve: Name;
        /// How many messages of a rate come at once; the rate stays, so bursts of 50 at 100 per second come every half second.
        /// Default: 1.
        optional burst: Count;
        /// `natural`: each device at its own interval, by the farm's day. `flood`: each device as fast as the broker takes it,
        /// a closed loop, whose latency is no schedule's. Either this, rate or trace.
        optional shape: Shape;
        /// How many messages of one device may be under way in a flood, 1 to 1000000: unacknowledged at QoS 1 and 2, not yet
        /// received at QoS 0. Default: 10.
        optional in_flight: Count;
        /// A file beside the scenario that says when each message starts: lines `TIME,GROUP,COUNT`, of which TIME alone is
        /// enough. TIME counts from the beginning of the hold, in seconds or with a unit, and never falls; GROUP is a device
        /// group; COUNT messages start at once. Nothing is sent in the stage's ramp and warm-up. Either this, rate or shape.
        optional trace: PathBuf;
        /// After how long the trace begins anew, above its last time; a duration. Default: never.
        optional repeat: Span;
        /// The device groups, by name, that publish in this stage; the others stay connected. Default: all.
        optional groups: Vec<At<Name>>;
        /// How the messages of a rate are spread: constant (evenly) or poisson (at random, same mean). Default: constant.
        default arrival: Arrival = Arrival::Constant;
        /// How many devices are connected, of each group in proportion. Default: all.
        optional devices: Count;
    }
}

section! {
    /// Something that happens at an instant of the run.
    EventSection {
        /// When: a stage's name for the beginning of its hold, or `start`, and a duration: `hold+60s`.
        required at: EventTime;
        /// What: reconnect_storm (devices lose their connections), disconnect (a group says DISCONNECT and stays away), network_on,
        /// network_off; or, to a broker that Paddock started, freeze_broker (its process stands still), kill_broker (as by a
        /// crash, then started again), restart_broker (asked to end, as for a new release, then started again).
        required r#do: EventDo;
        /// The device group that a reconnect_storm hits, or the device or subscriber group that a disconnect is about. Default:
        /// all devices.
        optional group: Name;
        /// The broker that is frozen, killed or restarted. Default: the only one.
        optional broker: Name;
        /// The rule of [network] that is turned on or off.
        optional rule: Name;
        /// The time over which a reconnect_storm cuts the connections; a duration. Default: 0s, all at once.
        optional spread: Span;
        /// How long devices stay away, or the broker is frozen or down; a duration. Default: 0s.
        optional r#for: Span;
        /// Until when a disconnect lasts, instead of `for`: a stage's name for the beginning of its hold, and a duration.
        optional until: EventTime;
    }
}

section! {
    /// How `paddock compare` compares two sides.
    CompareSection {
        /// The change for the worse that is tolerated, a share of the base, such as 5%. Default: 5%.
        optional max_regression: Percentage;
        /// How many runs of each side are made, at least 3. Default: 5.
        optional repeats: Count;
        /// The probability with which an interval holds the true change, such as 95%. Default: 95%.
        optional confidence: Percentage;
        /// What is compared, each a metric and how it becomes one value of a run: `["e2e{qos:1} p(99)", "loss rate"]`.
        /// Default: p(50) and p(99) of e2e and losses of each QoS, the delivery rate, CPU per message and memory of the broker.
        optional metrics: Vec<At<Measure>>;
    }
}

section! {
    /// A hardship of the network. TCP cannot lose one packet, so loss means a severed or stalled connection.
    NetworkSection {
        /// What: delay, stall, sever, half_open (swallows everything from here on), bandwidth, trickle (byte by byte).
        required r#do: NetworkDo;
        /// The device groups, by name, whose connections it applies to. Default: all.
        optional groups: Vec<At<Name>>;
        /// The direction: up (to the broker), down or both. Default: both.
        default direction: Direction = Direction::Both;
        /// The chance that it hits, above 0, at most 1: per connection for half_open and bandwidth, else per packet. Default: 1.
        default chance: Chance = Chance(1.0);
        /// Whether it applies from the start; otherwise an event turns it on. Default: true.
        default enabled: bool = true;
        /// The least delay (delay) or the pause after each byte (trickle); a duration.
        optional delay: Span;
        /// At most this much more delay, evenly at random; a duration, for delay only. Default: 0s.
        optional jitter: Span;
        /// How long a stall lasts, above 0; a duration.
        optional r#for: Span;
        /// Bytes per second, above 0, for bandwidth only.
        optional rate: Rate;
    }
}

section! {
    /// How `paddock capacity` searches: what the command line says replaces it.
    SearchSection {
        /// What a step must hold: an expression on e2e, or a metric and an expression on it, as in
        /// `["p(99)<200ms", "loss count==0"]`. Default: the scenario's thresholds.
        optional slo: Vec<At<Demand>>;
        /// What the steps vary: rate (all stages' in proportion), connections (idle ones besides the scenario's), or fan-out
        /// (subscribers that each message goes to). Default: rate.
        default dimension: Dimension = Dimension::Rate;
        /// The first figure tried, in messages per second, connections or subscribers; above 0. Default: the scenario's own.
        optional start: Rate;
        /// The highest figure tried, in the same unit. Default: what the generator's machine allows.
        optional max: Rate;
        /// How far the answer may lie below what no longer holds; 1% to 50%. Default: 5%.
        default tolerance: Share = Share(0.05);
        /// How many runs of three times the length the answer must hold, 1 to 20. Default: 3.
        default confirm: Times = Times(3);
        /// How long each step is measured, above 0; a duration. Default: 10s.
        default step_length: Span = Span::seconds(10);
    }
}

section! {
    /// What is written into the run's folder besides `observations.jsonl`.
    OutputSection {
        /// The folder that run folders are made in, relative to where Paddock runs. Default: runs.
        default folder: PathBuf = PathBuf::from("runs");
        /// Whether `report.html` is written. Default: true.
        default html: bool = true;
        /// Whether `summary.json` is written. Default: true.
        default json: bool = true;
        /// Whether `junit.xml` is written. Default: true.
        default junit: bool = true;
        /// Whether `latency.hlog` is written. Default: true.
        default hdr_log: bool = true;
        /// Whether `windows.csv` is written, one row per second. Default: true.
        default csv: bool = true;
        /// Whether `metrics.om` is written, OpenMetrics text. Default: true.
        default open_metrics: bool = true;
    }
}
