//! How a fleet behaves, on virtual time: the engine is a puppet and tokio's clock is paused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::VecDeque, io, time::Duration};

use protocol::{
    Message, Properties, Property, QoS, ReasonCode, SubscribeFilter, Tag, Time, TopicFilter, TopicName, Will,
};
use simulator::{
    ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Fleet, FleetEvent, FleetOptions, Outgoing, Stamper,
    Target, TopicPrefix,
    engine::{Closed, ConnectFailure, Native, NativeOptions, Unsent},
    farm::{DeviceId, Farm, Group, Model, Plan, Publication},
    fleet::{Habits, Pace, Ramp},
};

/// What a fleet did to its engine.
#[derive(Clone, Debug, PartialEq)]
enum Deed {
    Connect { name: String, will: Option<Box<Will>> },
    Subscribe { filters: Vec<String> },
    Publish { topic: String, payload: Vec<u8>, retain: bool },
    Disconnect,
}

/// An engine that only keeps a diary.
struct Puppet {
    clock: Clock,
    clients: Vec<(ClientKey, String, bool)>,
    keys: Native,
    events: VecDeque<(ClientKey, ClientEvent)>,
    diary: Vec<(Time, Deed)>,
    published: Vec<Message>,
    reachable: bool,
}

impl Puppet {
    fn new() -> Self {
        let clock = Clock::new();
        Self {
            clock,
            clients: Vec::new(),
            keys: Native::new(NativeOptions::default(), clock).unwrap(),
            events: VecDeque::new(),
            diary: Vec::new(),
            published: Vec::new(),
            reachable: true,
        }
    }

    fn note(&mut self, deed: Deed) {
        self.diary.push((self.clock.now(), deed));
    }

    fn client(&mut self, key: ClientKey) -> &mut (ClientKey, String, bool) {
        self.clients.iter_mut().find(|client| client.0 == key).unwrap()
    }

    fn attempt(&mut self, key: ClientKey, will: Option<Box<Will>>) {
        let name = self.client(key).1.clone();
        self.note(Deed::Connect { name, will });
        self.client(key).2 = self.reachable;
        let event = if self.reachable {
            ClientEvent::Connected { session_present: false, took: None }
        } else {
            ClientEvent::ConnectFailed(ConnectFailure::Unreachable(io::ErrorKind::ConnectionRefused.into()))
        };
        self.events.push_back((key, event));
    }

    fn close(&mut self, key: ClientKey, cause: Closed) {
        if std::mem::take(&mut self.client(key).2) {
            self.events.push_back((key, ClientEvent::Closed(cause)));
        }
    }

    fn attempts(&self) -> Vec<Time> {
        self.diary.iter().filter(|(_, deed)| matches!(deed, Deed::Connect { .. })).map(|(at, _)| *at).collect()
    }

    fn payloads(&self) -> Vec<String> {
        let payload = |deed: &Deed| match deed {
            Deed::Publish { payload, .. } => Some(String::from_utf8(payload.clone()).unwrap()),
            _ => None,
        };
        self.diary.iter().filter_map(|(_, deed)| payload(deed)).collect()
    }
}

impl ClientEngine for Puppet {
    fn clock(&self) -> Clock {
        self.clock
    }

    fn connect(&mut self, options: ConnectOptions) -> ClientKey {
        let (name, will) = (options.client_id.as_str().to_owned(), options.will.clone());
        let key = self.keys.connect(options);
        self.clients.push((key, name, false));
        self.attempt(key, will);
        key
    }

    fn reconnect(&mut self, client: ClientKey, will: Option<Box<Will>>) {
        self.attempt(client, will);
    }

    fn publish(&mut self, client: ClientKey, outgoing: Outgoing) -> Result<(), Unsent> {
        if !self.client(client).2 {
            return Err(Unsent::Offline);
        }
        let Outgoing { message, retain, tag, .. } = outgoing;
        let (topic, payload) = (message.topic.as_str().to_owned(), message.payload.to_vec());
        self.note(Deed::Publish { topic, payload, retain });
        self.published.push(message);
        let at = self.clock.now();
        self.events
            .extend(tag.map(|tag| (client, ClientEvent::Published { tag, count: 1, reason: ReasonCode::Success, at })));
        Ok(())
    }

    fn subscribe(&mut self, _: ClientKey, filters: Vec<SubscribeFilter>, _: Tag) {
        self.note(Deed::Subscribe { filters: filters.iter().map(|one| one.filter.as_str().to_owned()).collect() });
    }

    fn unsubscribe(&mut self, _: ClientKey, _: Vec<TopicFilter>, _: Tag) {}

    fn disconnect(&mut self, client: ClientKey) {
        self.note(Deed::Disconnect);
        self.close(client, Closed::Disconnected);
    }

    fn abandon(&mut self, client: ClientKey) {
        self.close(client, Closed::Abandoned);
    }

    fn pause(&mut self, _: ClientKey) {}

    fn resume(&mut self, _: ClientKey) {}

    fn forget(&mut self, _: ClientKey) {}

    fn takes(&self, client: ClientKey) -> bool {
        self.clients.iter().any(|(key, _, online)| *key == client && *online)
    }

    fn backlog(&self, _: ClientKey) -> usize {
        0
    }

    fn poll_event(&mut self) -> Option<(ClientKey, ClientEvent)> {
        self.events.pop_front()
    }

    async fn turn(&mut self, until: Time) {
        if self.events.is_empty() {
            tokio::time::sleep_until(self.clock.instant(until).into()).await;
        }
    }
}

/// Numbers what it sees.
#[derive(Default)]
struct Numberer(u64);

impl Stamper for Numberer {
    fn stamp(&mut self, _: DeviceId, due: Time, publication: &mut Publication) -> Option<Tag> {
        self.0 += 1;
        publication.payload = format!("{} due {due}", self.0).into_bytes();
        Some(Tag(self.0))
    }
}

fn fleet<S: Stamper>(count: u32, stamper: S, change: impl FnOnce(&mut FleetOptions)) -> Fleet<Puppet, S> {
    let plan = Plan {
        epoch_ms: 1_760_000_400_000,
        barns: vec!["barn_1".to_owned()],
        groups: vec![Group::new(Model::MilkMeter, count, 1)],
    };
    let farm = Farm::from_plan(&plan, 7);
    let mut options = FleetOptions::new(Target::new("mqtt://127.0.0.1".parse().unwrap()), 7, Time::ZERO);
    options.pace = Pace::Driven;
    change(&mut options);
    let devices: Vec<_> = farm.devices().collect();
    Fleet::new(farm, devices, Puppet::new(), stamper, options)
}

/// Lets `time` pass; what happened meanwhile.
async fn pass<S: Stamper>(fleet: &mut Fleet<Puppet, S>, time: Duration) -> Vec<FleetEvent> {
    let clock = fleet.engine().clock();
    let end = clock.now().after(time);
    let mut events = Vec::new();
    while clock.now() < end {
        fleet.turn(end).await;
        events.extend(std::iter::from_fn(|| fleet.poll_event()));
    }
    events
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_device_subscribes_and_is_born_after_connecting_with_its_will() {
    let mut fleet = fleet(1, Numberer::default(), |options| {
        options.target.prefix = TopicPrefix::new("run/7").unwrap();
    });
    fleet.start(1, Ramp::Over(Duration::ZERO));
    pass(&mut fleet, SECOND).await;
    let diary: Vec<_> = fleet.engine().diary.iter().map(|(_, deed)| deed.clone()).collect();
    let [Deed::Connect { name, will: Some(will) }, Deed::Subscribe { filters }, Deed::Publish { topic, retain, .. }] =
        &diary[..]
    else {
        panic!("{diary:?}")
    };
    assert_eq!(name, "milk_meter_0001");
    assert!(will.retain && will.message.topic.as_str() == topic && *retain, "{will:?} {topic}");
    assert!(topic.starts_with("run/7/smartdairy/"), "{topic}");
    assert!(!filters.is_empty() && filters.iter().all(|filter| filter.starts_with("run/7/")), "{filters:?}");
    assert_eq!((fleet.counts().online, fleet.counts().births, fleet.counts().acknowledged), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_ramp_spreads_the_connections() {
    let mut fleet = fleet(10, Numberer::default(), |_| {});
    fleet.start(5, Ramp::Over(5 * SECOND));
    pass(&mut fleet, 6 * SECOND).await;
    fleet.start(5, Ramp::PerSecond(10.0));
    pass(&mut fleet, SECOND).await;
    let millis: Vec<_> = fleet.engine().attempts().iter().map(|at| at.as_nanos() / 1_000_000).collect();
    assert_eq!(millis, [0, 1000, 2000, 3000, 4000, 6000, 6100, 6200, 6300, 6400]);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_come_at_their_interval_while_online() {
    let mut fleet = fleet(1, Numberer::default(), |_| {});
    let interval = fleet.farm().info(DeviceId(0)).heartbeat;
    fleet.start(1, Ramp::Over(Duration::ZERO));
    pass(&mut fleet, interval * 5 / 2).await;
    assert_eq!(fleet.counts().heartbeats, 2);
    fleet.engine().reachable = false;
    fleet.cut(DeviceId(0), Duration::ZERO);
    pass(&mut fleet, interval * 5).await;
    assert_eq!(fleet.counts().heartbeats, 2);
}

#[tokio::test(start_paused = true)]
async fn back_off_grows_to_its_maximum_with_jitter_and_ends_with_success() {
    let mut fleet = fleet(1, Numberer::default(), |_| {});
    fleet.engine().reachable = false;
    fleet.start(1, Ramp::Over(Duration::ZERO));
    let events = pass(&mut fleet, 600 * SECOND).await;
    let attempts = fleet.engine().attempts();
    let gaps: Vec<_> = attempts.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
    for (attempt, gap) in gaps.iter().enumerate() {
        let longest = 2_f64.powi(attempt.try_into().unwrap()).min(60.0);
        // tokio's timer rings up to a millisecond late.
        assert!((longest / 2.0..=longest + 0.002).contains(gap), "attempt {attempt}: {gaps:?}");
    }
    assert!(gaps.len() > 10 && gaps[7..].windows(2).any(|pair| (pair[0] - pair[1]).abs() > 0.1), "{gaps:?}");
    assert_eq!(fleet.counts().failures, attempts.len() as u64);
    assert!(events.iter().all(|event| matches!(event, FleetEvent::ConnectFailed { retry_at: Some(_), .. })));

    fleet.engine().reachable = true;
    pass(&mut fleet, 61 * SECOND).await;
    assert_eq!((fleet.counts().online, fleet.counts().connects, fleet.counts().reconnects), (1, 1, 0));
    // The next loss begins anew.
    let cut = fleet.engine().clock().now();
    fleet.cut(DeviceId(0), Duration::ZERO);
    pass(&mut fleet, 2 * SECOND).await;
    let gap = fleet.engine().attempts().last().unwrap().since(cut).as_secs_f64();
    assert!((0.5..=1.002).contains(&gap), "{gap}");
    assert_eq!(fleet.counts().reconnects, 1);
    // Who is told to stay away does so first.
    let cut = fleet.engine().clock().now();
    fleet.cut(DeviceId(0), 5 * SECOND);
    pass(&mut fleet, 7 * SECOND).await;
    let gap = fleet.engine().attempts().last().unwrap().since(cut).as_secs_f64();
    assert!((5.5..=6.002).contains(&gap), "{gap}");
}

#[tokio::test(start_paused = true)]
async fn a_full_offline_buffer_gives_up_its_oldest_and_keeps_stamps() {
    let mut fleet = fleet(1, Numberer::default(), |options| options.offline_buffer = 3);
    fleet.start(1, Ramp::Over(SECOND));
    // Nothing has connected yet.
    for due in 1..=5 {
        fleet.publish_telemetry(DeviceId(0), Time::from_millis(due));
    }
    assert_eq!((fleet.counts().buffered, fleet.counts().dropped, fleet.backlog()), (5, 2, 3));
    let events = pass(&mut fleet, SECOND).await;
    let dropped = events.iter().filter_map(|event| match event {
        FleetEvent::Dropped { tag, .. } => Some(tag.0),
        _ => None,
    });
    assert_eq!(dropped.collect::<Vec<_>>(), [1, 2]);
    let published = events.iter().filter_map(|event| match event {
        FleetEvent::Published { tag, .. } => Some(tag.0),
        _ => None,
    });
    assert_eq!(published.collect::<Vec<_>>(), [3, 4, 5]);
    let payloads = fleet.engine().payloads();
    assert_eq!(payloads[1..], ["3 due 0.003000s", "4 due 0.004000s", "5 due 0.005000s"]);
    assert_eq!((fleet.counts().telemetry, fleet.backlog()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_left_flushes_what_it_kept_in_order_and_at_its_own_pace() {
    let habits = Habits { buffer: Some(4), flush_every: Some(SECOND / 10), ..Habits::default() };
    let mut fleet = fleet(1, Numberer::default(), |options| options.habits = vec![habits]);
    fleet.start(1, Ramp::Over(Duration::ZERO));
    pass(&mut fleet, SECOND).await;
    let before = fleet.engine().diary.len();
    fleet.leave(DeviceId(0), 3 * SECOND);
    for due in 1..=6 {
        fleet.publish_telemetry(DeviceId(0), Time::from_millis(due));
    }
    assert_eq!((fleet.is_online(DeviceId(0)), fleet.counts().dropped, fleet.backlog()), (false, 2, 4));
    pass(&mut fleet, 6 * SECOND).await;
    let after = &fleet.engine().diary[before..];
    assert_eq!(after[0].1, Deed::Disconnect, "without a farewell");
    let flushed: Vec<(Time, &str)> = after
        .iter()
        .filter_map(|(at, deed)| match deed {
            Deed::Publish { payload, .. } => Some((*at, std::str::from_utf8(payload).unwrap())),
            _ => None,
        })
        .filter(|(_, payload)| payload.contains(" due "))
        .collect();
    let payloads: Vec<&str> = flushed.iter().map(|(_, payload)| *payload).collect();
    assert_eq!(payloads, ["3 due 0.003000s", "4 due 0.004000s", "5 due 0.005000s", "6 due 0.006000s"]);
    for pair in flushed.windows(2) {
        let gap = pair[1].0.since(pair[0].0).as_millis();
        assert!((98..=102).contains(&gap), "{gap}");
    }
    // What is due once the buffer is empty goes at once.
    let now = fleet.engine().clock().now();
    fleet.publish_telemetry(DeviceId(0), now);
    assert_eq!(fleet.backlog(), 0);
}

#[tokio::test(start_paused = true)]
async fn retired_devices_say_farewell_and_never_come_back() {
    let mut fleet = fleet(2, Numberer::default(), |_| {});
    fleet.start(2, Ramp::Over(Duration::ZERO));
    pass(&mut fleet, SECOND).await;
    let before = fleet.engine().diary.len();
    fleet.retire(1);
    pass(&mut fleet, 1000 * SECOND).await;
    assert_eq!((fleet.counts().online, fleet.is_stopped()), (1, false));
    let after = &fleet.engine().diary[before..before + 2];
    assert!(matches!(after, [(_, Deed::Publish { retain: true, .. }), (_, Deed::Disconnect)]), "{after:?}");
    fleet.stop();
    pass(&mut fleet, SECOND).await;
    assert!(fleet.is_stopped());
    assert_eq!((fleet.counts().online, fleet.counts().losses, fleet.engine().attempts().len()), (0, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn natural_pace_speaks_by_itself_and_the_same_seed_says_the_same() {
    let mut said = Vec::new();
    for _ in 0..2 {
        let mut fleet = fleet(4, simulator::Unstamped, |options| {
            options.pace = Pace::Natural;
            options.timeline.compression = 600.0;
        });
        fleet.start(4, Ramp::Over(Duration::ZERO));
        pass(&mut fleet, 120 * SECOND).await;
        assert!(fleet.counts().telemetry > 10, "{:?}", fleet.counts());
        said.push(fleet.engine().diary.clone());
    }
    assert_eq!(said[0], said[1]);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_where_it_says_with_its_correlation_data() {
    let mut fleet = fleet(1, Numberer::default(), |_| {});
    fleet.start(1, Ramp::Over(Duration::ZERO));
    pass(&mut fleet, SECOND).await;
    let device = fleet.engine().clients[0].0;
    let words = fleet.farm().dialogue(DeviceId(0)).expect("a milk meter takes commands");
    let mut properties = Properties::new();
    properties.push(Property::ResponseTopic(TopicName::new("elsewhere/7").unwrap()));
    properties.push(Property::CorrelationData("\0any bytes".into()));
    let payload = r#"{"command":"ping"}"#.into();
    let message = Message { topic: TopicName::new(words.command).unwrap(), payload, properties };
    let at = fleet.engine().clock().now();
    let event = ClientEvent::Message { message, qos: QoS::AtLeastOnce, retain: false, dup: false, at };
    fleet.engine().events.push_back((device, event));
    pass(&mut fleet, SECOND).await;
    let answered = fleet.engine().published.iter().filter(|message| message.topic.as_str() == "elsewhere/7");
    let answers: Vec<&Message> = answered.collect();
    let [answer] = answers[..] else { panic!("{} answers", answers.len()) };
    assert_eq!(answer.properties.correlation_data().map(|data| &data[..]), Some(&b"\0any bytes"[..]));
    let json: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(json["data"]["answer"]["outcome"], "accepted");
    assert_eq!(fleet.counts().answers, 1);
}

#[tokio::test(start_paused = true)]
async fn a_command_is_answered_and_clients_of_the_owner_pass_through() {
    let mut fleet = fleet(1, Numberer::default(), |_| {});
    fleet.start(1, Ramp::Over(Duration::ZERO));
    pass(&mut fleet, SECOND).await;
    let Deed::Subscribe { filters } = fleet.engine().diary[1].1.clone() else { panic!("no subscription") };
    let device = fleet.engine().clients[0].0;
    let message = Message {
        topic: TopicName::new(filters[0].replace(['#', '+'], "x")).unwrap(),
        payload: "not json".into(),
        properties: Properties::EMPTY,
    };
    let at = fleet.engine().clock().now();
    let event = ClientEvent::Message { message, qos: QoS::AtLeastOnce, retain: false, dup: false, at };
    fleet.engine().events.push_back((device, event));
    pass(&mut fleet, SECOND).await;
    assert_eq!((fleet.counts().commands, fleet.counts().answers), (1, 1));

    let options = fleet.engine().clients[0].1.clone();
    let own =
        ConnectOptions::new("mqtt://127.0.0.1".parse().unwrap(), protocol::Utf8String::new(options + "x").unwrap());
    let own = fleet.engine().connect(own);
    let events = pass(&mut fleet, SECOND).await;
    let [FleetEvent::Other(client, ClientEvent::Connected { .. })] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*client, own);
}
