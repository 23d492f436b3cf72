//! What a message costs a client engine: CPU time of one thread that publishes at a steady rate over many connections to a
//! broker at hand, and receives all of it on one more.
//!
//! ```text
//! engine_cost mqtt://127.0.0.1:1883 [connections 1000] [messages per second 3000] [seconds 20] [native | rumqttc]
//! ```

#![expect(clippy::print_stdout, reason = "it is a command line")]

use std::{error::Error, fs, time::Duration};

use protocol::{
    Message, Properties, QoS, SubscribeFilter, SubscriptionOptions, Tag, Time, TopicFilter, TopicName, Utf8String,
};
use simulator::{ClientEngine, ClientEvent, ClientKey, Clock, ConnectOptions, Engine, EngineKind, Outgoing};
use transport::Endpoint;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let endpoint: Endpoint = arguments.first().ok_or("name the broker: mqtt://HOST:PORT")?.parse()?;
    let (connections, rate, seconds) = (number(1, 1000)?, number(2, 3000)?, number(3, 20)?);
    let kind = match arguments.get(4).map(String::as_str) {
        None | Some("native") => EngineKind::Native,
        Some("rumqttc") => EngineKind::Rumqttc,
        Some(other) => return Err(format!("{other} is neither native nor rumqttc").into()),
    };

    let clock = Clock::new();
    let mut engine = Engine::new(clock)?;
    let mut clients = Vec::new();
    for n in 0..=connections {
        let name = Utf8String::new(format!("engine-cost-{n}"))?;
        clients.push(engine.connect(ConnectOptions { engine: kind, ..ConnectOptions::new(endpoint.clone(), name) }));
    }
    let connecting = cpu_time()?;
    wait_for(&mut engine, clients.len(), |event| matches!(event, ClientEvent::Connected { .. })).await?;
    let (connected, took) = (cpu_time()?, clock.now());
    println!("{} connections in {:?}, {:?} of CPU", clients.len(), took.since(Time::ZERO), connected - connecting);

    let subscriber = clients.pop().ok_or("there is one")?;
    let options = SubscriptionOptions { qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() };
    let filter = TopicFilter::new("engine-cost/#")?;
    engine.subscribe(subscriber, vec![SubscribeFilter { filter, options }], Tag(0));
    wait_for(&mut engine, 1, |event| matches!(event, ClientEvent::Subscribed { .. })).await?;

    let (before, begin) = (cpu_time()?, clock.now());
    let tally = load(&mut engine, &clients, rate, rate * seconds).await?;
    let (cpu, wall) = (cpu_time()? - before, clock.now().since(begin));
    println!("{tally:?} in {wall:.1?} with {cpu:?} of CPU: {:.1} %", 100.0 * cpu.as_secs_f64() / wall.as_secs_f64());
    println!("{:.2} us of CPU per message published and received", cpu.as_secs_f64() * 1e6 / tally.received as f64);
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    sent: u64,
    acknowledged: u64,
    received: u64,
    /// The longest time from due to written.
    worst_lag: Duration,
}

/// Publishes `total` messages at QoS 1 on an open-loop schedule, in turn over the clients.
async fn load(engine: &mut Engine, clients: &[ClientKey], rate: u64, total: u64) -> Result<Tally, Box<dyn Error>> {
    let clock = engine.clock();
    let begin = clock.now();
    let due = |n: u64| begin.after(Duration::from_nanos(n * 1_000_000_000 / rate));
    let topics: Result<Vec<_>, _> =
        (0..clients.len()).map(|n| TopicName::new(format!("engine-cost/{n}/data"))).collect();
    let (topics, mut tally) = (topics?, Tally::default());
    let deadline = due(total).after(Duration::from_secs(10));
    while tally.received < total || tally.acknowledged < total {
        let now = clock.now();
        if now > deadline {
            return Err(format!("not everything arrived: {tally:?}").into());
        }
        while tally.sent < total && due(tally.sent) <= now {
            let n = (tally.sent % clients.len() as u64) as usize;
            let payload = vec![b'x'; 200].into();
            let message = Message { topic: topics[n].clone(), payload, properties: Properties::EMPTY };
            let tag = Some(Tag(tally.sent));
            engine.publish(clients[n], Outgoing { message, qos: QoS::AtLeastOnce, retain: false, tag })?;
            tally.sent += 1;
        }
        engine.turn(if tally.sent < total { due(tally.sent) } else { deadline }).await;
        while let Some((_, event)) = engine.poll_event() {
            match event {
                ClientEvent::Written { tag, at, .. } => tally.worst_lag = tally.worst_lag.max(at.since(due(tag.0))),
                ClientEvent::Published { count, .. } => tally.acknowledged += u64::from(count),
                ClientEvent::Message { .. } => tally.received += 1,
                ClientEvent::Closed(cause) => return Err(cause.into()),
                _ => {}
            }
        }
    }
    Ok(tally)
}

async fn wait_for(
    engine: &mut Engine,
    mut count: usize,
    wanted: impl Fn(&ClientEvent) -> bool,
) -> Result<(), Box<dyn Error>> {
    let deadline = engine.clock().now().after(Duration::from_secs(30));
    while count > 0 {
        if engine.clock().now() > deadline {
            return Err("the broker takes too long".into());
        }
        engine.turn(deadline).await;
        while let Some((_, event)) = engine.poll_event() {
            match event {
                ClientEvent::ConnectFailed(failure) => return Err(failure.into()),
                ClientEvent::Refused { reason } => return Err(reason.to_string().into()),
                event if wanted(&event) => count -= 1,
                _ => {}
            }
        }
    }
    Ok(())
}

/// User and system time of this process, as Linux counts it: in hundredths of a second.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().ok_or("no fields")?.split_whitespace().skip(11).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}
