//! What a worker writes to the log, and how much.

use std::{
    cell::{Cell, RefCell},
    io,
    sync::Once,
    time::Duration,
};

use protocol::{Disconnect, Packet, Properties, QoS, ReasonCode, Utf8String};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::dynamic_filter_fn, layer::SubscriberExt, util::SubscriberInitExt};

use super::bench::{Bench, PeerId, lasting, v5, v311};
use crate::{Config, Limits, Log};

thread_local! {
    /// What the test of this thread wants to see, and has seen.
    static WANTED: Cell<LevelFilter> = const { Cell::new(LevelFilter::OFF) };
    static SEEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes to its thread.
struct Seen;

impl io::Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        SEEN.with_borrow_mut(|seen| seen.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hears what workers log, from before the first of them can log anything.
///
/// One subscriber serves the tests of all threads. A line that any thread reaches first while there is none, or while it
/// is being put in place, may be taken for one that nobody ever wants; so every worker waits for it when it is made.
pub(in crate::worker) fn listen() {
    static ALL: Once = Once::new();
    ALL.call_once(|| {
        let wanted = dynamic_filter_fn(|metadata, _| *metadata.level() <= WANTED.get());
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).without_time().with_target(false);
        tracing_subscriber::registry().with(layer.with_writer(|| Seen).with_filter(wanted)).init();
    });
}

/// Everything that `work` logs, one line each.
fn logged(level: LevelFilter, work: impl FnOnce()) -> Vec<String> {
    WANTED.set(level);
    work();
    WANTED.set(LevelFilter::OFF);
    let text = String::from_utf8(SEEN.take()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn bench(log: Log) -> Bench {
    Bench::with_status(0, Config { workers: 1, sys_interval: Duration::ZERO, log, ..Config::default() })
}

/// A broker with one client, which may have no other.
fn full(log: Log) -> (Bench, PeerId) {
    let limits = Limits { sessions: 1, ..Limits::default() };
    let config = Config { workers: 1, sys_interval: Duration::ZERO, log, limits, ..Config::default() };
    let mut bench = Bench::with_status(0, config);
    let client = bench.connect(0, v311("old", true));
    (bench, client)
}

const QUIET: Log = Log { lines_per_second: 100, digest_interval: Duration::ZERO };

#[test]
fn a_connection_is_told_from_its_beginning_to_its_end() {
    let lines = logged(LevelFilter::INFO, || {
        let mut bench = bench(QUIET);
        let mut connect = v5("meter-7");
        connect.user_name = Some(Utf8String::new("barn").unwrap());
        connect.password = Some("secret".into());
        let client = bench.connect(0, connect);
        bench.publish(client, "t", "payload", QoS::AtLeastOnce);
        bench.send(
            client,
            &Packet::Disconnect(Disconnect { reason: ReasonCode::Success, properties: Properties::EMPTY }),
        );
        bench.run();
        let old = bench.connect(0, lasting("collar", 60));
        let new = bench.connect(0, lasting("collar", 60));
        assert!(bench.is_closed(old));
        bench.drop_socket(new);
    });
    let expected = [
        r#"INFO connected client="meter-7" user="barn" peer=192.0.2.1:50000 version="5.0" listener="127.0.0.1:1883" resumed=false expiry=0"#,
        r#"INFO disconnected client="meter-7" user="barn" peer=192.0.2.1:50000 listener="127.0.0.1:1883" cause=the client said good-bye"#,
        r#"INFO connected client="collar" peer=192.0.2.1:50000 version="5.0" listener="127.0.0.1:1883" resumed=false expiry=60"#,
        r#"INFO taken over client="collar" peer=192.0.2.1:50000 listener="127.0.0.1:1883""#,
        r#"INFO connected client="collar" peer=192.0.2.1:50000 version="5.0" listener="127.0.0.1:1883" resumed=true expiry=60"#,
        r#"INFO disconnected client="collar" peer=192.0.2.1:50000 listener="127.0.0.1:1883" cause=the connection was lost"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn refusals_and_violations_say_who_and_why() {
    let lines = logged(LevelFilter::INFO, || {
        let (mut bench, client) = full(QUIET);
        let mut connect = v5("one too many");
        connect.user_name = Some(Utf8String::new("barn").unwrap());
        bench.dial(0, connect);
        bench.run();
        // QoS 3.
        bench.send_raw(client, &[0x36, 5, 0, 1, b't', 0, 1]);
        bench.run();
        let stranger = bench.dial_silently(0);
        bench.send_raw(stranger, b"GET / HTTP/1.1\r\n\r\n");
        bench.run();
        bench.dial_silently(0);
        bench.advance(Duration::from_secs(20));
    });
    assert_eq!(lines.len(), 5, "{lines:#?}");
    let refused = r#"INFO refused client="one too many" user="barn" peer=192.0.2.1:50000 version="5.0" listener="#;
    assert!(lines[1].starts_with(refused) && lines[1].contains("reason=0x97"), "{}", lines[1]);
    assert!(lines[2].starts_with("INFO violation client=\"old\""), "{}", lines[2]);
    assert!(lines[2].contains("statement=MQTT-3.3.1-4 of MQTT 3.1.1 violation=qos 3"), "{}", lines[2]);
    assert!(lines[3].starts_with("INFO violation peer=192.0.2.1:50000"), "{}", lines[3]);
    assert!(lines[4].starts_with("INFO refused peer=") && lines[4].contains("reason=no CONNECT came in time"));
}

/// However many strangers are refused, a second has so many lines, and one that tells how many there were.
#[test]
fn a_flood_of_refusals_is_cut_and_summarised() {
    let lines = logged(LevelFilter::INFO, || {
        let (mut bench, _) = full(Log { lines_per_second: 3, ..QUIET });
        for _ in 0..1000 {
            bench.dial(0, v5("stranger"));
        }
        bench.run();
        bench.advance(Duration::from_millis(999));
        bench.advance(Duration::from_millis(1));
        bench.dial(0, v5("stranger"));
        bench.run();
        bench.advance(Duration::from_secs(5));
    });
    let refused = lines.iter().filter(|line| line.starts_with("INFO refused")).count();
    assert_eq!(refused, 4);
    assert!(lines.iter().any(|line| line == r#"INFO left out of the log kind="refused" lines=997"#), "{lines:#?}");
    assert_eq!(lines.len(), 6, "{lines:#?}");
}

#[test]
fn what_is_dropped_is_one_line_per_cause_and_interval() {
    let limits = Limits { queued_messages: 2, retained_messages: 1, ..Limits::default() };
    let lines = logged(LevelFilter::WARN, || {
        let config = Config { workers: 1, sys_interval: Duration::ZERO, limits, ..Config::default() };
        let mut bench = Bench::with_status(0, config);
        let away = bench.connect(0, lasting("away", 600));
        bench.subscribe(away, "t", QoS::AtLeastOnce);
        bench.drop_socket(away);
        let publisher = bench.connect(0, v5("publisher"));
        for _ in 0..500 {
            bench.publish(publisher, "t", "x", QoS::AtLeastOnce);
        }
        bench.publish_with(publisher, "one", "x", QoS::AtLeastOnce, true, Properties::EMPTY);
        bench.publish_with(publisher, "two", "x", QoS::AtLeastOnce, true, Properties::EMPTY);
        bench.run();
        bench.advance(Duration::from_secs(60));
    });
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains(r#"counter="dropped_queue_full" count=498 seconds="#), "{}", lines[0]);
    assert!(lines[0].starts_with("WARN Messages dropped because a session's queue was full."), "{}", lines[0]);
    assert!(lines[1].contains(r#"counter="retained_refused" count=1"#), "{}", lines[1]);
}

#[test]
fn subscriptions_are_told_at_debug() {
    let work = |level| {
        logged(level, || {
            let mut bench = bench(QUIET);
            let client = bench.connect(0, v5("client"));
            bench.subscribe(client, "barn/+/milk", QoS::AtLeastOnce);
        })
    };
    assert_eq!(work(LevelFilter::INFO).len(), 1);
    let lines = work(LevelFilter::DEBUG);
    assert!(lines[1].starts_with(r#"DEBUG subscribed client="client" filter="barn/+/milk" reason=0x01"#), "{lines:#?}");
    assert!(work(LevelFilter::WARN).is_empty());
}

#[test]
fn a_reload_changes_how_much_is_written() {
    let lines = logged(LevelFilter::INFO, || {
        let mut bench = bench(QUIET);
        bench.set_log(Log { lines_per_second: 1, digest_interval: Duration::from_secs(1) });
        let client = bench.connect(0, v5("a"));
        for name in ["b", "c"] {
            bench.connect(0, v5(name));
        }
        bench.send_raw(client, &[0x30, 5, 0, 2, b'$', b'x', 0]);
        bench.run();
        bench.advance(Duration::from_secs(2));
    });
    let connected = lines.iter().filter(|line| line.starts_with("INFO connected")).count();
    assert_eq!(connected, 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("lines=2")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains(r#"counter="dropped_denied" count=1 seconds="#)), "{lines:#?}");
}
