//! `paddock compare` as a user meets it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::Output,
    thread,
    time::Duration,
};

use crate::support::{Running, output, output_within, paddock};

/// Half a second of a little load, with more sections after it.
fn scenario(folder: &Path, network: &str) -> String {
    let text = format!(
        r##"
[scenario]
name = "compared"
lag_limit = "20s"
warm_up = "100ms"

[brokers.broker]
url = "embedded"

[devices.meter]
model = "milk_meter"
count = 4
qos = 1

[subscribers.archive]
role = "service"
count = 1
filters = ["#"]
qos = 1

[[stages]]
name = "hold"
hold = "500ms"
rate = 100

[compare]
# Debug builds on busy machines differ a lot among themselves: only a change of quite another kind is looked for.
max_regression = "99%"
metrics = ["e2e{{qos:1}} min", "loss{{qos:1}} rate"]
{network}
"##
    );
    let path = folder.join(if network.is_empty() { "plain.toml" } else { "delayed.toml" });
    fs::write(&path, text).expect("the scenario can be written");
    path.display().to_string()
}

/// Six runs take a quarter of a minute; a busy machine takes longer to start brokers.
const SEVERAL_RUNS: Duration = Duration::from_secs(240);
const DELAY: &str = "\n[network.slow]\ndo = \"delay\"\ndirection = \"up\"\ndelay = \"150ms\"\n";

fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_broker_is_no_worse_than_itself_and_a_slowed_one_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plain, delayed) = (scenario(folder.path(), ""), scenario(folder.path(), DELAY));
    let out = folder.path().join("same");
    let mut command = paddock();
    command.args(["compare", "embedded", "embedded", "--scenario", &plain, "--repeats", "3"]).arg("--out").arg(&out);
    let same = output_within(SEVERAL_RUNS, &mut command);
    // Noise may leave it open whether it is worse, but cannot make it so.
    assert!(matches!(same.status.code(), Some(0 | 8)), "{}", said(&same));
    let document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("comparison.json")).expect("written")).expect("JSON");
    assert_eq!(document["settings"]["interleaved"], true);
    assert_eq!(document["base"]["runs"].as_array().map(Vec::len), Some(3));
    assert!(fs::read_to_string(out.join("junit.xml")).expect("written").contains("paddock.compare.compared"));
    let order: Vec<String> = ["01-base", "02-new", "03-new", "04-base", "05-base", "06-new"].map(String::from).into();
    assert!(order.iter().all(|run| out.join(run).join("observations.jsonl").is_file()), "{order:?}");
    let page = fs::read_to_string(out.join("report.html")).expect("written");
    for run in &order {
        assert!(page.contains(&format!("<a href=\"{run}&#x2f;report.html\">")), "no link to {run}");
    }

    // The same runs, recorded, against runs through a slow network.
    let (base, slow) = (folder.path().join("base"), folder.path().join("slow"));
    for nth in 1..=3 {
        let to = |side: &Path| side.join(format!("{nth}"));
        fs::create_dir_all(to(&base)).expect("a folder");
        let from = out.join(["01-base", "04-base", "05-base"][nth - 1]).join("observations.jsonl");
        fs::copy(from, to(&base).join("observations.jsonl")).expect("copied");
    }
    // Three at one time: how slow they are is the network's doing.
    thread::scope(|scope| {
        for nth in 1..=3 {
            let to = slow.join(format!("{nth}"));
            let delayed = &delayed;
            scope.spawn(move || {
                let run = output(paddock().args(["run", delayed, "--out"]).arg(to));
                assert_eq!(run.status.code(), Some(0), "{}", said(&run));
            });
        }
    });
    let worse = output(paddock().arg("compare").args([&base, &slow]).args(["--max-regression", "20%"]));
    let text = said(&worse);
    // The files say how to compare only through a scenario; the usual metrics show a delay, too.
    assert_eq!(worse.status.code(), Some(6), "{text}");
    assert!(text.contains("REGRESSED") && text.contains("e2e{qos:1} p(50)"), "{text}");
    let better = output(paddock().arg("compare").args([&slow, &base]).args(["--scenario", &plain]));
    assert!(matches!(better.status.code(), Some(0 | 8)), "{}", said(&better));
}

#[test]
fn ctrl_c_ends_a_comparison_and_keeps_its_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (plain, out) = (scenario(folder.path(), ""), folder.path().join("out"));
    let mut command = paddock();
    command.args(["compare", "embedded", "embedded", "--scenario", &plain, "--duration", "1h", "--out"]).arg(&out);
    let running = Running::start(&mut command);
    let first = out.join("01-base/observations.jsonl");
    running.wait_until("first run", || fs::metadata(&first).is_ok_and(|known| known.len() > 0));
    running.signal("INT");
    let told = running.line("what was interrupted", |line| line.starts_with("interrupted in run 1 of 10"));
    assert!(told.contains("nothing is compared") && told.contains(&out.display().to_string()), "{told}");
    assert_eq!(running.end().code(), Some(130));
    assert!(out.join("01-base/summary.json").is_file() && !out.join("02-new").exists(), "no other run was begun");
    assert!(!out.join("comparison.json").exists(), "half a comparison is none");
}

#[test]
fn ctrl_c_before_the_first_message_ends_a_comparison_too() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("mqtt://{}", silent.local_addr().expect("bound"));
    let folder = tempfile::tempdir().expect("a folder");
    let (plain, out) = (scenario(folder.path(), ""), folder.path().join("out"));
    let running = Running::start(paddock().args(["compare", &url, &url, "--scenario", &plain, "--out"]).arg(&out));
    // It has accepted nobody, so whoever has connected waits for its answer.
    running.wait_until("first run", || out.join("01-base/observations.jsonl").is_file());
    running.signal("INT");
    running.line("what was interrupted", |line| line.starts_with("interrupted in run 1 of 10"));
    assert_eq!(running.end().code(), Some(130));
    assert!(!out.join("02-new").exists(), "no other run was begun");
}

#[test]
fn a_broker_that_is_not_there_is_in_every_file_of_the_comparison() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = scenario(folder.path(), "");
    let descriptor = folder.path().join("absent.toml");
    let text =
        "name = \"absent\"\nproduct = \"Absent\"\nversions = [\"5.0\"]\n[process]\nprogram = \"/nowhere/broker\"\n";
    fs::write(&descriptor, text).expect("written");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let (absent, url) = (descriptor.display().to_string(), format!("mqtt://{nobody}"));
    for (sides, begun, why) in [
        (["embedded", &absent], ["01-base", "02-new"], "/nowhere/broker".to_owned()),
        ([&url, "embedded"], ["01-base", "01-base"], nobody.to_string()),
    ] {
        let out = folder.path().join(begun[1]);
        let mut command = paddock();
        command.arg("compare").args(sides).args(["--scenario", &plain, "--repeats", "3", "--out"]).arg(&out);
        let given_up = output_within(SEVERAL_RUNS, &mut command);
        assert_eq!(given_up.status.code(), Some(5), "{}", said(&given_up));
        let read = |file: &str| fs::read_to_string(out.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let words = String::from_utf8_lossy(&given_up.stdout).split_whitespace().collect::<String>();
        for text in [words, read("comparison.json"), read("junit.xml"), read(&format!("{}/junit.xml", begun[1]))] {
            assert!(text.contains(&why), "{why}: {text}");
        }
        let (junit, page) = (read("junit.xml"), read("report.html").replace("&#x2f;", "/"));
        assert!(junit.contains("<error") && page.contains("could not begin") && page.contains(&why), "{junit}\n{page}");
        let document: serde_json::Value = serde_json::from_str(&read("comparison.json")).expect("JSON");
        assert_eq!((&document["exit_code"], &document["verdict"]), (&5.into(), &"inconclusive".into()), "{document:#}");
        let made = ["base", "new"].map(|side| document[side]["runs"].as_array().map_or(0, Vec::len));
        assert_eq!(made, if begun[0] == begun[1] { [1, 0] } else { [1, 1] }, "{document:#}");
        assert!(!out.join("03-new").exists() && !out.join("02-base").exists(), "the others would have said the same");
    }
}

/// A page that says of whatever broker that it uses so many bytes.
fn page_of(bytes: u64) -> String {
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/metrics", server.local_addr().expect("bound"));
    let body = format!("process_resident_memory_bytes {bytes}\n");
    let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    thread::spawn(move || {
        for asked in server.incoming() {
            let Ok(mut peer) = asked else { return };
            // All of it: what is not read when a connection is closed resets it.
            let lines = BufReader::new(&peer).lines();
            let _request = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).count();
            // Who goes away before the answer asks again.
            let _gone = peer.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn each_side_s_memory_is_what_its_own_page_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = scenario(folder.path(), "").replace("plain", "long");
    // Long enough for two looks at a page.
    let text = fs::read_to_string(folder.path().join("plain.toml")).expect("written");
    fs::write(&plain, text.replace("hold = \"500ms\"", "hold = \"2s\"")).expect("written");
    let broker = Running::start(paddock().args(["broker", "--listen", "127.0.0.1:0"]));
    let url = broker.line("its address", |line| line.starts_with("listening on "))["listening on ".len()..].to_owned();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let nobody = format!("mqtt://{nobody}");
    let (ours, other) = (page_of(7_000_000_000), page_of(5_000_000_000));
    let out = folder.path().join("out");
    let mut command = paddock();
    command.args(["compare", &url, &nobody, "--scenario", &plain, "--metrics", &ours, "--new-metrics", &other]);
    let given_up = output_within(SEVERAL_RUNS, command.arg("--out").arg(&out));
    assert_eq!(given_up.status.code(), Some(5), "{}", said(&given_up));
    let summary = fs::read_to_string(out.join("01-base/summary.json")).expect("a run was made");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["peak"]["target_rss_bytes"], 7_000_000_000_u64, "{}", said(&given_up));
    broker.signal("TERM");
    assert_eq!(broker.end().code(), Some(0));
}

#[test]
fn what_cannot_be_compared_is_said_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().display().to_string();
    for (arguments, expected) in [
        (
            ["compare", "embedded", "embedded"],
            "embedded is a broker to measure: say with what, such as --scenario phase-1",
        ),
        (["compare", "nowhere", "embedded"], "nowhere is neither a folder with runs nor a broker to measure"),
        (["compare", &empty, "embedded"], "holds no run: a run folder has a file observations.jsonl"),
    ] {
        let refused = output(paddock().args(arguments));
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(expected), "{}", said(&refused));
    }
}
