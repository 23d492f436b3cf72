//! `paddock report`: what a recorded run can be asked later.

use std::{fs, path::Path, process::Output};

use crate::support::{output, paddock};

const FILES: [&str; 6] = ["report.html", "summary.json", "junit.xml", "windows.csv", "metrics.om", "latency.hlog"];

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A run of the smoke scenario, in a folder of its own.
fn smoke(folder: &Path) {
    let made = output(paddock().args(["run", "smoke", "--duration", "2s", "--out"]).arg(folder));
    // A busy machine may make the generator lag, which is no matter here.
    assert!(matches!(made.status.code(), Some(0 | 6 | 7)), "{}", said(&made));
}

fn report(arguments: &[&str], run: &Path) -> Output {
    output(paddock().arg("report").arg(run).args(arguments))
}

/// The smoke scenario with another demand.
fn contract(folder: &Path, demand: &str) -> String {
    let smoke = String::from_utf8(output(paddock().args(["scenarios", "show", "smoke"])).stdout).expect("text");
    let (before, _) = smoke.split_once("[thresholds]").expect("smoke demands something");
    let file = folder.join("contract.toml");
    fs::write(&file, format!("{before}[thresholds]\n\"e2e\" = [\"{demand}\"]\n")).expect("a file");
    file.to_str().expect("a plain path").to_owned()
}

#[test]
fn a_run_is_reported_again_and_judged_by_another_contract() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    smoke(&run);
    let files = || FILES.map(|name| fs::read(run.join(name)).expect(name));
    let (first, observations) = (files(), fs::read(run.join("observations.jsonl")).expect("the run itself"));
    let recorded: serde_json::Value = serde_json::from_slice(&first[1]).expect("JSON");
    FILES.iter().for_each(|name| fs::remove_file(run.join(name)).expect("it was there"));
    let again = report(&[], &run);
    assert_eq!(again.status.code().map(i64::from), recorded["exit_code"].as_i64(), "{}", said(&again));
    assert!(first == files(), "the same files, byte for byte");

    let strict = contract(folder.path(), "p(99)<1ns");
    let judged = report(&["--thresholds", &strict], &run);
    let wanted = if recorded["exit_code"] == 7 { 7 } else { 6 };
    assert_eq!(judged.status.code(), Some(wanted), "{}", said(&judged));
    assert!(said(&judged).contains("p(99)<1ns"), "{}", said(&judged));
    assert!(first == files(), "the run keeps its own verdict");
    // A file of thresholds alone is enough; what it names must be there.
    let alone = folder.path().join("thresholds.toml");
    let demand = |text: &str| {
        fs::write(&alone, format!("[thresholds]\n{text}\n")).expect("a file");
        report(&["--thresholds", alone.to_str().expect("a plain path")], &run)
    };
    let judged = demand("\"e2e{stage:hold}\" = [\"p(99)<2ns\"]");
    assert!(judged.status.code() == Some(wanted) && said(&judged).contains("p(99)<2ns"), "{}", said(&judged));
    for (text, because) in [
        ("\"e2e{stage:hodl}\" = [\"p(99)<2ns\"]", "the run has no stage called `hodl`; it has hold"),
        ("\"e2e{group:hold}\" = [\"p(99)<2ns\"]", "the run has no device group called `hold`; it has "),
        ("e2e = [\"p(99)<2\"]", "thresholds.toml:2"),
        ("e2e = [\"p(99)<1s\"]\nlos = [\"count==0\"]\n[devoces.x]", "`devoces` is not a key of a file of thresholds"),
        ("", "it has no [thresholds]"),
    ] {
        let refused = demand(text);
        assert!(refused.status.code() == Some(2) && said(&refused).contains(because), "{text}: {}", said(&refused));
    }
    let elsewhere = folder.path().join("judged");
    report(&["--thresholds", &strict, "--only", "json", "--out", elsewhere.to_str().expect("a plain path")], &run);
    let summary = fs::read(elsewhere.join("summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
    assert_eq!(summary["thresholds"][0]["expression"], "e2e: p(99)<1ns");
    assert_eq!(fs::read_dir(&elsewhere).expect("a folder").count(), 1, "only what was asked for");
    assert!(observations == fs::read(run.join("observations.jsonl")).expect("the run itself"), "never changed");
}

#[test]
fn a_run_that_was_killed_is_reported_as_far_as_it_went() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    smoke(&run);
    let whole = fs::read(run.join("observations.jsonl")).expect("the run itself");
    FILES.iter().for_each(|name| fs::remove_file(run.join(name)).expect("it was there"));
    fs::write(run.join("observations.jsonl"), &whole[..whole.len() / 2]).expect("a file");
    let again = report(&[], &run);
    assert_eq!(again.status.code(), Some(8), "{}", said(&again));
    assert!(FILES.iter().all(|name| run.join(name).is_file()));
    let lenient = contract(folder.path(), "p(50)<1h");
    let judged = report(&["--thresholds", &lenient], &run);
    assert_eq!(judged.status.code(), Some(8), "half a run proves nothing: {}", said(&judged));
}

#[test]
fn what_is_no_run_is_one_clear_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let nowhere = folder.path().join("nowhere");
    let cases: [(&str, &str); 4] = [
        ("", "does not begin with a run's first line"),
        ("{\"kind\":\"run_started\",\"schema\":99,\"tool\":{\"name\":\"paddock\",\"version\":\"9.0.0\"}}\n", "9.0.0"),
        ("{\"kind\":\"suite_started\",\"schema\":1}\n", "observations.jsonl line 1"),
        ("\u{0}\u{1}\n", "does not begin with a run's first line"),
    ];
    for (text, wanted) in cases {
        fs::write(folder.path().join("observations.jsonl"), text).expect("a file");
        let refused = report(&[], folder.path());
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(wanted) && said(&refused).lines().count() == 1, "{}", said(&refused));
    }
    for path in [nowhere.as_path(), Path::new("/dev/null")] {
        let refused = report(&[], path);
        assert_eq!(refused.status.code(), Some(2));
        assert!(said(&refused).contains("a run folder has a file observations.jsonl"), "{}", said(&refused));
    }
}
