//! The list of runs: what it shows, what it refuses, and that nothing outside of its folder is reached.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests that call them")]

#[path = "../../tests/specimen/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of reports")]
mod specimen;
mod support;

use live::Browse;
use reports::{Observation, Output, RunFolder, Sink, outputs};
use specimen::Kind;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use support::{Events, get, request};
use tempfile::TempDir;

const HERE: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
const EVIL: &str = "<img src=x onerror=alert(1)>\"'{{7*7}}";

fn record(folder: &Path, run: &[Observation], outputs: &[Output]) {
    let folder = RunFolder::at(folder).unwrap();
    let mut sinks = outputs::open(&folder, outputs).unwrap();
    run.iter().for_each(|one| sinks.record(one).unwrap());
    Box::new(sinks).finish().unwrap();
}

/// `outer/secret.txt`, and `outer/runs` with a run in it.
fn house() -> (TempDir, Browse) {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret.txt"), "secret").unwrap();
    let runs = outer.path().join("runs");
    record(&runs.join("first"), &specimen::run(Kind::Failing), &Output::ALL);
    let browse = Browse::start(HERE.into(), &runs).unwrap();
    (outer, browse)
}

#[test]
fn runs_are_listed_newest_first_and_open() {
    let (outer, browse) = house();
    let runs = outer.path().join("runs");
    let mut later = specimen::run(Kind::Passing);
    if let Some(Observation::RunStarted(run)) = later.first_mut() {
        run.started_at = "2026-12-01T00:00:00Z".parse().unwrap();
        run.scenario.title = EVIL.to_owned();
    }
    record(&runs.join("nested/second run"), &later, &Output::ALL);
    record(&runs.join("third"), &specimen::run(Kind::Passing)[..20], &[]);
    fs::write(runs.join("third/summary.json"), "{").unwrap();
    fs::create_dir(runs.join("search")).unwrap();
    fs::write(
        runs.join("search/capacity.json"),
        "{\"sentence\":\"At least 4,000.\",\"search\":{\"dimension\":\"rate\"},\"answer\":{\"figure\":4000.0},\"ending\":\"completed\"}",
    )
    .unwrap();
    record(&runs.join("search/steps/01-500"), &specimen::run(Kind::Passing), &[Output::Json]);
    let page = get(browse.address(), "/").text();
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in {page}"));
    assert!(at("nested&#x2f;second run") < at(">first<"));
    for shown in ["FAIL", "PASS", "UNREADABLE", "FOUND", "4,000", "114", "/run/nested/second%20run"] {
        assert!(page.contains(shown) || page.contains(&shown.replace('/', "&#x2f;")), "{shown} is not in {page}");
    }
    assert!(!page.contains("<img") && page.contains("&lt;img"), "names are text");
    assert!(!page.contains("01-500"), "steps are inside of their search");
    assert!(get(browse.address(), "/run/search").text().contains("01-500"));
    let folder = get(browse.address(), "/run/nested/second%20run");
    for file in ["report.html", "windows.csv", "observations.jsonl"] {
        assert!(folder.text().contains(file), "{file}");
        let path = format!("/file/nested/second%20run/{file}");
        let answer = get(browse.address(), &path);
        assert!(answer.body == fs::read(runs.join("nested/second run").join(file)).unwrap(), "{file} as it is");
        assert_eq!(answer.head.contains("content-disposition: attachment"), file != "report.html");
    }
    let both = get(browse.address(), "/compare?run=first&run=nested%2Fsecond+run");
    assert!(both.text().contains("Latency p99") && both.text().contains("-99.8 %"), "{}", both.text());
    for wrong in ["/compare", "/compare?run=first", "/compare?run=first&run=first&run=first"] {
        assert_eq!(get(browse.address(), wrong).status, 400, "{wrong}");
    }
    assert_eq!(get(browse.address(), "/compare?run=first&run=..%2F..").status, 404);
}

#[test]
fn the_list_follows_the_folder() {
    let (outer, browse) = house();
    let mut events = Events::open(browse.address());
    assert!(events.next().unwrap()["page"].as_str().unwrap().contains(">first<"));
    record(&outer.path().join("runs/second"), &specimen::run(Kind::Passing), &[Output::Json]);
    while !events.next().unwrap()["page"].as_str().unwrap().contains(">second<") {}
}

#[test]
fn a_run_that_goes_on_or_was_cut_off_is_said_to() {
    let (outer, browse) = house();
    let running = outer.path().join("runs/running");
    record(&running, &specimen::run(Kind::Passing)[..20], &[]);
    assert!(get(browse.address(), "/").text().contains("RUNNING"));
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    fs::File::options().append(true).open(running.join("observations.jsonl")).unwrap().set_modified(long_ago).unwrap();
    assert!(get(browse.address(), "/").text().contains("CUT OFF"));
}

#[test]
fn nothing_outside_of_the_folder_is_served() {
    let (outer, browse) = house();
    let runs = outer.path().join("runs");
    symlink(outer.path().join("secret.txt"), runs.join("first/link.txt")).unwrap();
    symlink("../../secret.txt", runs.join("first/relative.txt")).unwrap();
    symlink(outer.path(), runs.join("way-out")).unwrap();
    fs::write(runs.join(".hidden"), "secret").unwrap();
    let paths = [
        "/file/../secret.txt",
        "/file/%2e%2e/secret.txt",
        "/file/first/../../secret.txt",
        "/file/first/%2e%2e/%2e%2e/secret.txt",
        "/file/first/..%2f..%2fsecret.txt",
        "/file/first/..%5c..%5csecret.txt",
        "/file//etc/passwd",
        "/file/%2fetc/passwd",
        "/file/first/link.txt",
        "/file/first/relative.txt",
        "/file/way-out/secret.txt",
        "/file/.hidden",
        "/file/first/report.html%00.txt",
        "/file/first",
        "/run/..",
        "/run/way-out",
        "/run/way-out/runs/first",
        "/secret.txt",
    ];
    for path in paths {
        let answer = get(browse.address(), path);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text().contains("secret\n") && answer.text() != "secret", "{path}");
    }
    assert!(!get(browse.address(), "/").text().contains("way-out"));
}

#[test]
fn only_names_of_this_machine_are_answered() {
    let (_outer, browse) = house();
    let address = browse.address();
    let asked = |headers: &[&str]| request(address, "GET /", headers).status;
    for host in [format!("{address}"), format!("localhost:{}", address.port()), "[::1]:80".into(), "192.0.2.7".into()] {
        assert_eq!(asked(&[&format!("Host: {host}")]), 200, "{host}");
    }
    for host in ["rebound.example", "localhost.example:80", "127.0.0.1.example", "", "a b"] {
        assert!(matches!(asked(&[&format!("Host: {host}")]), 400 | 421), "{host}");
    }
    assert!(matches!(asked(&[]), 400 | 421), "no name at all");
    assert!(matches!(asked(&["Host: localhost", "Host: rebound.example"]), 400 | 421), "two names");
}

#[test]
fn nothing_can_be_changed_and_every_answer_is_locked() {
    let (_outer, browse) = house();
    let host = format!("Host: {}", browse.address());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        for path in ["/", "/nothing-here"] {
            assert_eq!(request(browse.address(), &format!("{method} {path}"), &[&host]).status, 405, "{method} {path}");
        }
    }
    let head = request(browse.address(), "HEAD /", &[&host]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    for path in ["/", "/run/first", "/file/first/report.html", "/file/first/summary.json", "/nowhere", "/live.js"] {
        let head = get(browse.address(), path).head;
        for wanted in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "cross-origin-resource-policy: same-origin",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(wanted), "{path}: {head}");
        }
        assert!(!head.contains("access-control-allow"), "{path}: {head}");
    }
    assert!(get(browse.address(), "/file/first/report.html").head.contains("sandbox"));
}
