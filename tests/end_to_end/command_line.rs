//! The command as its users meet it: help, errors, exit codes, the smoke run.

use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Output},
};

use crate::support::{Broker, Running, output, paddock};

#[test]
fn every_verb_answers_help() {
    for verb in [
        &["--help"][..],
        &["run", "--help"],
        &["simulate", "--help"],
        &["broker", "--help"],
        &["certs", "--help"],
        &["conformance", "--help"],
        &["conformance", "prove", "--help"],
        &["report", "--help"],
        &["scenarios", "--help"],
        &["scenarios", "check", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ] {
        let output = output(paddock().args(verb));
        assert_eq!(output.status.code(), Some(0), "{verb:?}");
        assert!(stdout(&output).contains("Usage: paddock"), "{verb:?}");
    }
}

#[test]
fn completions_and_man_pages_come_from_the_same_definitions() {
    let completions = output(paddock().args(["completions", "bash"]));
    assert!(stdout(&completions).contains("--password-file"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(output(paddock().arg("man").arg(folder.path())).status.success());
    let page = fs::read_to_string(folder.path().join("paddock-run.1")).expect("a page per verb");
    assert!(page.contains("password\\-file"));
}

#[test]
fn the_catalogue_is_listed_shown_and_sound() {
    let list = stdout(&output(paddock().args(["scenarios", "list"])));
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for wanted in ["smoke", "phase-1", "phase-2", "phase-3", "phase-1-day", "phase-2-day", "phase-3-day"] {
        assert!(names.contains(&wanted), "{wanted} is not in {names:?}");
    }
    let check = output(paddock().args(["scenarios", "check"]).args(&names));
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    let shown = output(paddock().args(["scenarios", "show", "smoke"]));
    assert_eq!(stdout(&shown), fs::read_to_string(catalogue("smoke")).expect("the catalogue's file"));
}

#[test]
fn a_bad_scenario_names_each_error_and_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bad.toml");
    let text = fs::read_to_string(catalogue("smoke")).expect("the catalogue's file");
    fs::write(&file, format!("{text}\n[devicse.x]\ncount = 0\n")).expect("a temporary file");
    for verb in [&["scenarios", "check"][..], &["run"]] {
        let output = output(paddock().args(verb).arg(&file));
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains("bad.toml:") && said.contains("devicse"), "{said}");
        assert!(!said.contains("error: error:"), "{said}");
    }
}

#[test]
fn a_busy_port_is_one_clear_line() {
    let busy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = busy.local_addr().expect("bound").to_string();
    let output = output(paddock().args(["broker", "--listen", &address]));
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&address) && said.contains("another program has the port"), "{said}");
}

#[test]
fn an_unreachable_target_is_exit_5() {
    let unused = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let url = format!("mqtt://{unused}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = output(paddock().args(["run", "smoke", "--target", &url, "--out"]).arg(folder.path().join("run")));
    assert_eq!(run.status.code(), Some(5), "{}", stderr(&run));
    assert!(stderr(&run).contains(&unused.to_string()) || stdout(&run).contains(&unused.to_string()));
    let junit = fs::read_to_string(folder.path().join("run/junit.xml")).expect("a CI reads it");
    assert!(junit.contains("<error") && junit.contains(&unused.to_string()), "{junit}");
    let simulate = output(paddock().args(["simulate", "smoke", "--target", &url]));
    assert_eq!(simulate.status.code(), Some(5), "{}", stderr(&simulate));
}

#[test]
fn a_broker_that_cannot_be_started_is_exit_5_in_every_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let descriptor = folder.path().join("absent.toml");
    let text =
        "name = \"absent\"\nproduct = \"Absent\"\nversions = [\"5.0\"]\n[process]\nprogram = \"/nowhere/broker\"\n";
    fs::write(&descriptor, text).expect("a temporary file");
    let out = folder.path().join("run");
    let run = output(paddock().args(["run", "smoke", "--target"]).arg(&descriptor).arg("--out").arg(&out));
    assert_eq!(run.status.code(), Some(5), "{}", stderr(&run));
    assert!(stderr(&run).contains("/nowhere/broker"), "{}", stderr(&run));
    let junit = fs::read_to_string(out.join("junit.xml")).expect("a CI reads it");
    assert!(
        junit.contains("<error") && junit.contains("/nowhere/broker") && junit.contains("paddock.smoke"),
        "{junit}"
    );
    let text = fs::read_to_string(out.join("summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&summary["exit_code"], &summary["ending"]), (&5.into(), &"aborted".into()), "{text}");
    let again = output(paddock().arg("report").arg(&out));
    assert_eq!(again.status.code(), Some(5), "it can be reported again: {}", stderr(&again));
}

#[test]
fn an_unwritable_run_folder_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").expect("a temporary file");
    let output = output(paddock().args(["run", "smoke", "--out"]).arg(file.join("run")));
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.lines().count() == 1 && said.contains("--out"), "{said}");
}

#[test]
fn the_smoke_run_passes_and_leaves_its_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let output = output(paddock().args(["run", "smoke", "--seed", "7", "--out"]).arg(&run));
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    for file in
        ["summary.json", "report.html", "junit.xml", "latency.hlog", "windows.csv", "metrics.om", "observations.jsonl"]
    {
        assert!(fs::metadata(run.join(file)).is_ok_and(|file| file.len() > 0), "{file}");
    }
    let summary = summary(&run);
    assert_eq!(summary["seed"], 7);
    assert_eq!(summary["verdict"], "pass");
}

#[test]
fn a_report_that_cannot_be_written_is_said_and_not_pointed_at() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("report.html/in-the-way")).expect("a temporary folder");
    let output = output(paddock().args(["run", "smoke", "--duration", "1s", "--out"]).arg(folder.path()));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("error: cannot write the report"), "{}", stderr(&output));
    assert!(!stdout(&output).contains("report.html"), "{}", stdout(&output));
    assert!(!folder.path().join("report.draft").exists());
}

#[test]
fn a_target_that_accepts_and_never_answers_is_exit_5() {
    // The system accepts into the backlog; nobody reads.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("mqtt://{}", silent.local_addr().expect("bound"));
    let output = output(paddock().args(["simulate", "smoke", "--duration", "1s", "--target", &url]));
    assert_eq!(output.status.code(), Some(5), "{}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains(&url), "{}", stderr(&output));
}

#[test]
fn a_password_needs_a_user_and_the_message_names_where_it_stands() {
    let target = ["simulate", "smoke", "--target", "mqtt://127.0.0.1:1"];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = folder.path().join("empty");
    fs::write(&empty, "\nsecond line\n").expect("a temporary file");
    let refused = output(paddock().args(target).args(["--user", "u", "--password-file"]).arg(&empty));
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("is empty"), "{}", stderr(&refused));
    let refused = output(paddock().env("PADDOCK_PASSWORD", "x").args(target));
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("PADDOCK_PASSWORD"), "{}", stderr(&refused));
}

#[test]
fn addresses_that_nobody_can_mean_are_refused_with_an_example() {
    for (verb, address) in [("broker", "localhost"), ("broker", ":1883"), ("run", "mqtt://127.0.0.1:0")] {
        let mut command = paddock();
        match verb {
            "broker" => command.args(["broker", "--listen", address]),
            _ => command.args(["run", "smoke", "--target", address]),
        };
        let output = output(&mut command);
        assert_eq!(output.status.code(), Some(2), "{address}");
        assert!(
            stderr(&output).contains("127.0.0.1:1883") || stderr(&output).contains("mqtt://host:port"),
            "{address}"
        );
    }
}

#[test]
fn a_run_folder_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("observations.jsonl"), "{}\n").expect("a temporary file");
    let output = output(paddock().args(["run", "smoke", "--out"]).arg(folder.path()));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("already holds a run"), "{}", stderr(&output));
}

#[test]
fn an_interrupted_run_reports_what_happened_so_far() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let mut command = paddock();
    let errors = folder.path().join("stderr");
    command.process_group(0).stderr(fs::File::create(&errors).expect("a temporary file"));
    let run = Running::start(command.args(["run", "phase-1", "--duration", "10m", "--out"]).arg(&out));
    // The first window of load is on disk: the run is under way.
    run.wait_until("load", || {
        fs::read_to_string(out.join("observations.jsonl")).is_ok_and(|text| text.contains("\"window\""))
    });
    // As a terminal does on Ctrl-C: to the command and to all that it started.
    let group = format!("-{}", run.pid());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().is_ok_and(|status| status.success()));
    assert_eq!(run.end().code(), Some(130));
    let summary = summary(&out);
    let told = fs::read_to_string(errors).expect("what it said");
    assert!(!told.contains("the broker ended before the run did"), "{told}");
    assert_eq!((&summary["ending"], &summary["exit_code"]), (&"interrupted".into(), &130.into()));
    // Whoever reads only the verdict must not take half a run for a pass.
    assert_ne!(summary["verdict"], "pass");
    let report = fs::read_to_string(out.join("report.html")).expect("a report");
    assert!(report.to_lowercase().contains("interrupted"));
}

#[test]
fn a_hashed_password_fits_the_configuration_and_is_not_shown_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let password = folder.path().join("password");
    fs::write(&password, "correct horse\n").expect("a temporary file");
    let hash = |arguments: &[&str]| {
        let stdin = fs::File::open(&password).expect("it was just written");
        let mut command = paddock();
        command.args(["broker", "hash-password"]).args(arguments).stdin(stdin);
        let output = command.output().expect("the command runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output).trim().to_owned()
    };
    let (argon, scram) = (hash(&[]), hash(&["--scram"]));
    assert!(argon.starts_with("$argon2id$v=19$") && scram.starts_with("SCRAM-SHA-256$"), "{argon} {scram}");
    assert_ne!(argon, hash(&[]), "each has its own salt");
    let config = folder.path().join("broker.toml");
    let text = format!(
        "access.default = \"allow\"\n[[access.users]]\nname = \"vet\"\npassword_hash = \"{argon}\"\n\
         scram_password_hash = \"{scram}\"\n"
    );
    fs::write(&config, text).expect("a temporary file");
    let check = output(paddock().args(["broker", "check", "--show"]).arg(&config));
    assert_eq!(check.status.code(), Some(0), "{}", stderr(&check));
    assert!(stdout(&check).contains("name = \"vet\"") && !stdout(&check).contains("argon2"), "{}", stdout(&check));
    // An empty password is none.
    fs::write(&password, "\n").expect("a temporary file");
    let stdin = fs::File::open(&password).expect("it was just written");
    let empty = paddock().args(["broker", "hash-password"]).stdin(stdin).output().expect("the command runs");
    assert_eq!(empty.status.code(), Some(2));
}

#[test]
fn the_broker_ends_with_its_parent_and_on_sigterm() {
    let mut command = paddock();
    command.args(["broker", "--listen", "127.0.0.1:0", "--exit-with-parent"]);
    // stdin is empty, as if the parent were gone.
    assert!(Running::start(&mut command).end().success());
    let broker = Running::start(paddock().args(["broker", "--listen", "127.0.0.1:0"]));
    broker.line("the address", |line| line.starts_with("listening on mqtt://127.0.0.1:"));
    broker.signal("TERM");
    assert!(broker.end().success());
}

#[test]
fn simulate_runs_a_fleet_against_any_broker() {
    let broker = Broker::start();
    let output = output(paddock().args(["simulate", "smoke", "--duration", "2s", "--target", &broker.url()]));
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

fn summary(run: &Path) -> serde_json::Value {
    let text = fs::read_to_string(run.join("summary.json")).expect("a summary");
    serde_json::from_str(&text).expect("JSON")
}

fn catalogue(name: &str) -> String {
    format!("{}/scenarios/catalogue/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn source_addresses_that_cannot_serve_are_refused_before_anything_begins() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    for (target, source, words) in [
        ("mqtt://127.0.0.1:1", "192.0.2.1", "this machine has no address 192.0.2.1"),
        ("mqtt://127.0.0.1:1", "127.0.0.1,barn", "`barn` is no IP address"),
        ("mqtt://127.0.0.1:1", "127.0.0.2,::1", "--source ::1: this is IPv6, and the target has an IPv4 address"),
        ("unix:/nowhere/broker.sock", "127.0.0.2", "--source is for brokers that have an IP address"),
    ] {
        let arguments = ["run", "smoke", "--engine", "native", "--target", target, "--source", source, "--out"];
        let refused = output(paddock().args(arguments).arg(&out));
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains(words), "{words}: {}", stderr(&refused));
        assert!(!out.exists(), "{words}: it began");
    }
    let refused = output(paddock().args(["conformance", "--source", "127.0.0.2"]));
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
}

#[test]
fn connections_come_from_the_addresses_that_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let file = fs::File::create(&log).expect("a temporary file");
    let broker = Running::start(paddock().args(["-v", "broker", "--listen", "127.0.0.1:0"]).stderr(file));
    let line = broker.line("the address", |line| line.starts_with("listening on "));
    let target = line.trim_start_matches("listening on ");
    let mut command = paddock();
    command.args(["run", "smoke", "--duration", "1s", "--engine", "native", "--target", target]);
    let ran = output(command.args(["--source", "127.0.0.8-127.0.0.9", "--out"]).arg(folder.path().join("run")));
    assert!(!matches!(ran.status.code(), Some(2 | 5)), "{}", stderr(&ran));
    // The broker writes its log behind what it does.
    let text = || fs::read_to_string(&log).unwrap_or_default();
    for source in ["127.0.0.8", "127.0.0.9"] {
        let begins = format!("peer={source}:");
        broker.wait_until(&begins, || text().lines().filter(|line| line.contains(&begins)).count() > 20);
    }
    let log = text();
    let device = |line: &&str| line.contains(" connected ") && !line.contains("paddock-");
    let others: Vec<&str> = log.lines().filter(device).filter(|line| line.contains("peer=127.0.0.1:")).collect();
    assert!(others.is_empty(), "{others:?}");
}
