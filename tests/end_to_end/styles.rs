//! Styles of load beyond a steady rate, each by its scenario of the catalogue, shortened: what must hold holds, and what the
//! scenario did is told.

use std::{fs, path::Path};

use reports::observation::HistogramRecord;
use serde_json::Value;

use crate::support::{output, paddock};

/// Runs a scenario of the catalogue for so long, with other words in its text, which must pass; everything that was observed. What
/// depends on how fast this machine is gets words that do not.
fn changed(name: &str, words: &[(&str, &str)], duration: &str) -> Vec<Value> {
    against(None, name, words, duration)
}

/// The same against another broker than the embedded one.
fn against(target: Option<&str>, name: &str, words: &[(&str, &str)], duration: &str) -> Vec<Value> {
    let entry = scenarios::catalogue().iter().find(|entry| entry.name == name).expect("it is in the catalogue");
    let text = words.iter().fold(entry.text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{name} says nothing of {from:?}");
        text.replace(from, to)
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, run) = (folder.path().join("scenario.toml"), folder.path().join("run"));
    fs::write(&file, text).expect("a temporary file");
    let mut command = paddock();
    command.arg("run").arg(&file).args(["--duration", duration, "--out"]).arg(&run);
    let output = output(command.args(target.map(|target| format!("--target={target}"))));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    observations(&run)
}

fn observations(run: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(run.join("observations.jsonl")).expect("the run's observations");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The text of what the scenario did that begins so.
fn told<'a>(observations: &'a [Value], wanted: &str) -> &'a str {
    let mut injected =
        observations.iter().filter(|one| one["event"] == "injected").filter_map(|one| one["text"].as_str());
    injected.find(|text| text.contains(wanted)).unwrap_or_else(|| panic!("nothing was told of {wanted:?}"))
}

/// The sum of a column of the ledger over the rows of a group of devices.
fn ledger(observations: &[Value], group: &str, column: &str) -> u64 {
    let rows = observations.iter().filter_map(|one| one["rows"].as_array()).flatten();
    rows.filter(|row| row["group"] == group).filter_map(|row| row["counts"][column].as_u64()).sum()
}

#[test]
fn the_queue_of_an_absent_subscriber_drains_completely() {
    // Mosquitto, as it is started for a run, keeps more than the thousand messages of its default.
    for target in [None, Some("mosquitto")] {
        let words = [("max<8s", "max<30s"), ("p(50)<500ms", "p(50)<30s")];
        let observations = against(target, "offline-queue", &words, "7s");
        told(&observations, "1 client disconnected, away for ");
        let drained = told(&observations, " messages that were queued for archive drained in ");
        let count: u64 = drained
            .split(' ')
            .next()
            .and_then(|count| count.replace(',', "").parse().ok())
            .expect("a count comes first");
        // Of some 1,600 while it was away.
        assert!(count > 1_000, "{target:?}: {drained}");
    }
}

#[test]
fn what_is_sent_while_a_subscriber_without_a_session_is_away_is_not_lost() {
    let words = [
        ("clean_start = false\nsession_expiry = \"1h\"\n", ""),
        ("\"drain{subscriber:archive}\" = [\"max<8s\"]\n", ""),
        ("p(50)<500ms", "p(50)<30s"),
    ];
    let observations = changed("offline-queue", &words, "4s");
    told(&observations, "1 client disconnected, away for ");
    let [received, intended] = ["received", "intended"].map(|column| ledger(&observations, "meter", column));
    // Each message goes to four screens, and to the archive, which was away for about two thirds of them.
    assert!(received > 4 * intended && received < 5 * intended - intended / 3, "{received} of {intended}");
}

#[test]
fn a_slow_consumer_makes_nobody_else_wait() {
    // Its own messages wait for several seconds.
    let words = [("p(50)<100ms\", \"p(95)<1s\"]", "p(50)<1s\"]")];
    changed("slow-consumer", &words, "10s");
}

#[test]
fn retained_messages_reach_each_latecomer_once() {
    // A debug build takes long for fifty thousand messages at once, and nobody is to be fast here.
    let words = [
        ("count = 1000", "count = 100"),
        ("count = 50", "count = 20"),
        ("rate = 500", "rate = 100"),
        ("max<10s", "max<30s"),
        ("p(50)<500ms", "p(50)<30s"),
    ];
    let observations = changed("retained-flood", &words, "6s");
    told(&observations, "20 subscribers of screen come");
    let replays: Vec<_> = observations.iter().filter(|one| one["metric"] == "retained").collect();
    assert_eq!(replays.len(), 1, "one distribution");
    // Each of them has the latest of all hundred topics, mostly as it was retained, or else as a message that replaced it
    // before its turn came.
    let replays: HistogramRecord = serde_json::from_value(replays[0].clone()).expect("a distribution");
    assert_eq!(replays.histogram.decode().expect("it was written by the run").len(), 20);
    let [received, intended] = ["received", "intended"].map(|column| ledger(&observations, "thermometer", column));
    assert!(received > intended, "the ERP's alone were {intended}: {received}");
}

#[test]
fn every_command_is_answered_in_both_versions() {
    let words = [("p(50)<500ms", "p(50)<30s"), ("p(99)<4s", "p(99)<30s"), ("late_answers = [\"count==0\"]\n", "")];
    let observations = changed("commands", &words, "3s");
    let rows: Vec<&Value> = observations.iter().filter(|one| one["kind"] == "requests").collect();
    let [account] = rows[..] else { panic!("one account of requests, not {}", rows.len()) };
    for (row, (group, due)) in
        account["rows"].as_array().expect("rows").iter().zip([("parlour", 300), ("erp-connector", 1)])
    {
        let [intended, sent, answered] = ["intended", "sent", "answered"].map(|of| row["counts"][of].as_u64());
        assert_eq!((row["group"].as_str(), intended, sent), (Some(group), answered, answered));
        assert!(answered >= Some(due), "{row}");
    }
    // In the windows, too: the chart and the spreadsheet come from there.
    let trips = observations.iter().filter_map(|one| one["round_trip"]["count"].as_u64()).sum::<u64>();
    assert!(trips >= 300, "{trips}");
}

#[test]
fn gateways_flush_their_backlog_and_lose_nothing() {
    let observations = changed("gateway-backlog", &[("p(50)<100ms", "p(50)<10s")], "8s");
    told(&observations, "8 clients disconnected, away for ");
    let intended = ledger(&observations, "gateway", "intended");
    assert!(intended > 4_000, "{intended}");
    assert_eq!(ledger(&observations, "gateway", "received"), intended);
}
