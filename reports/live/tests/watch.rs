//! A run while it lasts: frames, metrics, the end, and viewers who behave badly.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

#[path = "../../tests/specimen/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of reports")]
mod specimen;
mod support;

use live::Live;
use reports::Observation;
use specimen::Kind;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use support::{Events, connect, get};

const HERE: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn wait(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

/// The observations of a run, and how many of them are before its ending.
fn run() -> (Vec<Observation>, usize) {
    let run = specimen::run(Kind::Failing);
    let windows = run.iter().rposition(|one| matches!(one, Observation::Window(_))).unwrap();
    (run, windows + 1)
}

#[test]
fn the_page_follows_the_run_and_keeps_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let live = Live::start(HERE.into()).unwrap();
    let address = live.address();
    let mut sink = live.sink(Some(report.clone()));
    let mut events = Events::open(address);
    let first = events.next().unwrap();
    assert!(first["words"].as_str().unwrap().starts_with("Connecting"));
    let (run, ending) = run();
    run[..ending / 2].iter().for_each(|one| sink.record(one).unwrap());
    let second = events.next().unwrap();
    let page = second["page"].as_str().unwrap();
    assert!(page.contains("RUNNING") && page.contains("<svg") && !page.contains("cut off"), "{page}");
    assert_eq!(second["ended"], false);
    assert_eq!(get(address, "/report").status, 404);
    run[ending / 2..ending].iter().for_each(|one| sink.record(one).unwrap());
    let third = events.next().unwrap();
    assert_ne!(third["page"], second["page"]);
    run[ending..].iter().for_each(|one| sink.record(one).unwrap());
    fs::write(&report, "<!doctype html>the report").unwrap();
    sink.finish().unwrap();
    let last = loop {
        let frame = events.next().unwrap();
        if frame["ended"] == true {
            break frame;
        }
    };
    assert_eq!(last["report"], true);
    assert!(last["page"].as_str().unwrap().contains("FAIL</span>"));
    assert_eq!(get(address, "/report").text(), "<!doctype html>the report");
    drop(events);
    let begun = Instant::now();
    wait(live.close(Duration::ZERO, std::future::pending()));
    assert!(begun.elapsed() < Duration::from_secs(4), "nobody is there to wait for");
    assert!(std::net::TcpStream::connect(address).is_err(), "it has ended");
}

#[test]
fn several_runs_follow_each_other_on_one_page() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let live = Live::start(HERE.into()).unwrap();
    let mut events = Events::open(live.address());
    let mut until = |wanted: &dyn Fn(&serde_json::Value) -> bool| loop {
        let frame = events.next().unwrap();
        if wanted(&frame) {
            return frame;
        }
    };
    let (run, _) = run();
    for which in ["step 1: 500 msg/s", "step 2: 1,000 msg/s"] {
        let mut sink = live.part(which.to_owned());
        run.iter().for_each(|one| sink.record(one).unwrap());
        sink.finish().unwrap();
        let frame = until(&|frame| frame["words"] == which);
        assert_eq!((&frame["ended"], &frame["report"]), (&false.into(), &false.into()), "more are to come");
        assert!(get(live.address(), "/metrics").text().contains("paddock_run_exit_code 6.0"));
        let afterwards = Events::open(live.address()).next().unwrap();
        assert_eq!(
            (&afterwards["words"], &afterwards["ended"]),
            (&which.into(), &false.into()),
            "its end is not the last"
        );
    }
    fs::write(&report, "<!doctype html>about both").unwrap();
    live.conclude(&report);
    let last = until(&|frame| frame["ended"] == true);
    assert_eq!(
        (&last["words"], &last["report"]),
        (&"All runs have ended; below is the last of them.".into(), &true.into())
    );
    assert_eq!(get(live.address(), "/report").text(), "<!doctype html>about both");
}

#[test]
fn who_stays_gets_a_few_seconds_and_an_interrupt_none() {
    let live = Live::start(HERE.into()).unwrap();
    let mut events = Events::open(live.address());
    events.next().unwrap();
    wait(live.close(Duration::from_secs(3600), async {}));
    // The stream ends, after the last frame at most.
    while events.next().is_some() {}
}

#[test]
fn metrics_can_be_scraped_while_the_run_lasts() {
    let live = Live::start(HERE.into()).unwrap();
    let mut sink = live.sink(None);
    let (run, ending) = run();
    run[..ending].iter().for_each(|one| sink.record(one).unwrap());
    let scraped = get(live.address(), "/metrics");
    assert!(scraped.head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{}", scraped.head);
    let text = scraped.text();
    assert!(text.contains("paddock_run_ended 0.0") && text.ends_with("# EOF\n"), "{text}");
    run[ending..].iter().for_each(|one| sink.record(one).unwrap());
    sink.finish().unwrap();
    assert!(get(live.address(), "/metrics").text().contains("paddock_run_exit_code 6.0"), "the end is not kept back");
}

#[test]
fn the_page_works_without_its_script_and_loads_nothing_from_elsewhere() {
    let live = Live::start(HERE.into()).unwrap();
    let mut sink = live.sink(None);
    let (run, ending) = run();
    run[..ending].iter().for_each(|one| sink.record(one).unwrap());
    for path in ["/", "/now"] {
        let page = get(live.address(), path);
        assert!(page.text().contains("<svg"), "{path}");
        assert!(!page.text().contains("http://") && !page.text().contains("https://"), "{path}");
        assert!(page.head.contains("content-security-policy: default-src 'none'"), "{path}");
    }
    for asset in ["/live.js", "/live.css", "/report.css"] {
        assert_eq!(get(live.address(), asset).status, 200);
        assert!(get(live.address(), "/").text().contains(&format!("\"{asset}\"")));
    }
}

/// Twenty who read nothing, and as many more who ask for pages all the time: what the run hands over is taken at once.
#[test]
fn viewers_who_take_nothing_do_not_hold_up_the_run() {
    let live = Live::start(HERE.into()).unwrap();
    let address = live.address();
    let stalled: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = connect(address);
            write!(stream, "GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
            stream
        })
        .collect();
    let mut healthy = Events::open(address);
    healthy.next().unwrap();
    let mut sink = live.sink(None);
    let (run, ending) = run();
    let mut frames = 0;
    for part in run[..ending].chunks(ending.div_ceil(3)) {
        part.iter().for_each(|one| sink.record(one).unwrap());
        healthy.next().unwrap();
        frames += 1;
    }
    assert_eq!(frames, 3, "who reads gets every frame");
    drop(stalled);
}

/// Twenty whose connections are full, as they ask for more than those hold and read nothing of it: the run's side never waits.
#[test]
fn viewers_whose_connections_are_full_do_not_hold_up_the_run() {
    /// More answers than a connection holds, with some hundred kilobytes each.
    const ANSWERS: usize = 200;
    let live = Live::start(HERE.into()).unwrap();
    let address = live.address();
    let mut sink = live.sink(None);
    let (run, ending) = run();
    run[..ending / 2].iter().for_each(|one| sink.record(one).unwrap());
    assert!(get(address, "/now").body.len() * ANSWERS > 10 << 20, "a connection may hold so much");
    let stalled: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = connect(address);
            let asked = format!("GET /now HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(ANSWERS);
            stream.write_all(asked.as_bytes()).unwrap();
            stream
        })
        .collect();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        run[ending / 2..].iter().for_each(|one| sink.record(one).unwrap());
        sink.finish().unwrap();
        tell.send(()).unwrap();
    });
    told.recv_timeout(Duration::from_secs(30)).expect("the run is not held up");
    // Whoever reads is served.
    assert!(get(address, "/metrics").text().contains("paddock_run_exit_code 6.0"));
    drop(stalled);
}

#[test]
fn more_viewers_than_there_are_places_are_told_so() {
    let live = Live::start(HERE.into()).unwrap();
    let mut viewers: Vec<Events> = (0..64).map(|_| Events::open(live.address())).collect();
    viewers.iter_mut().for_each(|viewer| assert!(viewer.next().is_some()));
    // Whoever is let in is kept, so only the beginning of the answer is read.
    let mut late = connect(live.address());
    write!(late, "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", live.address()).unwrap();
    let mut status = String::new();
    BufReader::new(late).read_line(&mut status).unwrap();
    assert!(status.starts_with("HTTP/1.1 503 "), "{status}");
    assert_eq!(get(live.address(), "/metrics").status, 200, "others are served");
}
