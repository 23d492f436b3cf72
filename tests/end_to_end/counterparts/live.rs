//! The live page and the list of runs, in a real browser.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Running, ended, output, paddock};

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/end_to_end/counterparts/live_page.cjs");

/// What the driver found. Pictures stay where PADDOCK_PICTURES says.
fn driven(folder: &Path, kind: &str, url: &str) -> Value {
    let pictures = std::env::var("PADDOCK_PICTURES").ok();
    let job = json!({ "kind": kind, "url": url, "pictures": pictures }).to_string();
    let found = output(Command::new("node").arg(DRIVER).arg(folder).arg(job));
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    serde_json::from_slice(&found.stdout).expect("the driver prints JSON")
}

/// Charts are drawn, nothing sticks out, and dark is another paper.
fn looks_right(found: &Value, charts: bool) {
    for look in ["wide", "dark", "phone"] {
        assert_eq!(found[look]["overflow"], 0, "{look}: {found}");
        assert_eq!(found[look]["drawn"].as_u64().is_some_and(|drawn| drawn >= 5), charts, "{look}: {found}");
    }
    assert_ne!(found["wide"]["paper"], found["dark"]["paper"]);
    assert_eq!(found["complaints"], json!([]), "{found}");
}

#[test]
fn a_run_is_watched_to_its_end_and_its_report_opened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut run = paddock()
        .args(["run", "smoke", "--duration", "8s", "--live", "127.0.0.1:0", "--out"])
        .arg(folder.path().join("run"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the run starts");
    let mut said = BufReader::new(run.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let url = said.find_map(|line| line.strip_prefix("watch this run at ").map(str::to_owned)).expect("it says where");
    // Whoever writes to a full pipe waits.
    std::thread::spawn(move || said.for_each(drop));
    let found = driven(folder.path(), "watch", &url);
    looks_right(&found, true);
    assert_ne!(found["sentence"], found["later"], "it follows");
    assert_eq!(found["still"], true, "focus stays where it was: {found}");
    assert!(found["report"].as_u64().is_some_and(|charts| charts >= 5), "the page keeps the report: {found}");
    assert_eq!(found["styled"], true);
    assert_eq!(found["status"], "The run has ended. This page is complete.");
    // A busy machine may make the generator lag, which is no matter here.
    assert!(matches!(ended(&mut run).code(), Some(0 | 6 | 7)));
}

#[test]
fn runs_are_browsed_with_the_keyboard_and_compared() {
    const EVIL: &str = "<img src=x onerror=alert(1)>";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runs = folder.path().join("runs");
    for name in ["one", "two"] {
        let made = output(paddock().args(["run", "smoke", "--duration", "1s", "--out"]).arg(runs.join(name)));
        assert!(matches!(made.status.code(), Some(0 | 6 | 7)), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let summary = runs.join("one/summary.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&summary).expect("a summary")).expect("JSON");
    document["scenario"]["title"] = EVIL.into();
    document["target"]["address"] = EVIL.into();
    fs::write(&summary, document.to_string()).expect("a file");
    let serving = Running::start(paddock().args(["report", "serve"]).arg(&runs));
    let url = serving.line("the address", |line| line.starts_with("http://127.0.0.1:"));
    let found = driven(folder.path(), "list", &url);
    looks_right(&found, false);
    assert_eq!((found["rows"].as_u64(), found["images"].as_u64()), (Some(2), Some(0)), "{found}");
    let focused = found["focused"].as_array().expect("a list");
    for wanted in ["Compare one", "Compare two", EVIL] {
        assert!(focused.iter().any(|one| one == wanted), "{wanted}: {found}");
    }
    assert!(found["compared"].as_u64().is_some_and(|rows| rows > 8), "{found}");
    serving.signal("INT");
    assert_eq!(serving.end().code(), Some(0));
}
