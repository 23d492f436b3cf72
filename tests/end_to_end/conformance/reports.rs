//! What people and CI servers get of a run: a broker that is wrong in one way, and the files.

use std::{fs, net::SocketAddr, path::Path, sync::mpsc, thread};

use faults::{Proxy, Rules, client, server};
use serde_json::Value;
use tokio::sync::oneshot;
use wire::{Ack, Kind, Raw, Version};

use super::{conformance, ends_with};
use crate::support::{Broker, DEADLINE};

/// A broker that is wrong in one way: a correct one behind a proxy.
struct Wrong {
    address: SocketAddr,
    /// Ends the proxy when it is dropped.
    _proxy: oneshot::Sender<()>,
    _broker: Broker,
}

impl Wrong {
    /// It acknowledges other Packet Identifiers than it was sent.
    fn start() -> Self {
        Self::by(server(Kind::Puback).edit(|puback: &mut Ack| puback.packet_identifier ^= 0x100))
    }

    fn by(rule: impl Into<Rules> + Send + 'static) -> Self {
        let broker = Broker::start();
        let upstream = broker.address;
        let (proxy, ended) = oneshot::channel::<()>();
        let (listens, address) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let proxy = Proxy::start(upstream, rule, 1).await.expect("a free port");
                listens.send(proxy.address()).expect("the test waits");
                let _dropped = ended.await;
            });
        });
        Self { address: address.recv_timeout(DEADLINE).expect("the proxy listens"), _proxy: proxy, _broker: broker }
    }

    fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const TOLD: &str = "MQTT-2.2.1-5: expected PUBACK for packet identifier 4660, seen PUBACK id=4916";

#[test]
fn a_broken_broker_fails_ci_with_the_statement_what_was_expected_and_what_came() {
    let wrong = Wrong::start();
    let folder = tempfile::tempdir().expect("a folder");
    let [junit, json, html, observations] =
        ["run.xml", "run.json", "run.html", "run.jsonl"].map(|name| folder.path().join(name).display().to_string());
    let said =
        ends_with(
            &[
                &[
                    "acks.identifiers_are_repeated",
                    "publish.qos_3_is_malformed",
                    "--mqtt",
                    "5",
                    "--target",
                    &wrong.url(),
                ][..],
                &["--junit", &junit, "--json", &json, "--html", &html, "--observations", &observations],
            ]
            .concat(),
            3,
        );
    let line = format!("FAIL acks.identifiers_are_repeated (5.0): {TOLD}");
    assert!(said.lines().any(|of_said| of_said.starts_with(&line)), "{said}");
    assert!(said.contains("\nFAIL (exit code 3); 1 case failed; 2 judgements in "), "{said}");

    let xml = text(junit.as_ref());
    assert!(xml.contains(&format!("<failure message=\"{TOLD}")), "{xml}");
    assert!(xml.contains("tests=\"3\" failures=\"1\" errors=\"0\""), "{xml}");

    let document: Value = serde_json::from_str(&text(json.as_ref())).expect("JSON");
    let schema = serde_json::from_slice(&conformance(&["schema"]).stdout).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let statements = document["statements"].as_array().expect("statements");
    let failed = statements.iter().filter(|statement| statement["verdicts"][0]["verdict"] == "fail");
    assert_eq!(failed.map(|statement| &statement["number"]).collect::<Vec<_>>(), ["2.2.1-5"]);
    assert_eq!(document["exit_code"], 3);

    let page = text(html.as_ref());
    assert!(page.contains("<dd>PUBACK for packet identifier 4660</dd>") && page.contains("<td class=\"f\">"), "{page}");

    // The same again, from what was recorded.
    let again = ["again.xml", "again.json", "again.html"].map(|name| folder.path().join(name).display().to_string());
    let report = ["report", &observations, "--junit", &again[0], "--json", &again[1], "--html", &again[2]];
    assert!(ends_with(&report, 0).contains(&line), "the terminal shows it again");
    assert_eq!(again.map(|file| text(file.as_ref())), [xml, text(json.as_ref()), page]);
    let said = ends_with(&["report", &observations, "--json", &observations], 2);
    assert!(said.contains("it is not overwritten"), "{said}");
}

/// MQTT-3.2.2-1: whoever speaks a version badly speaks it.
#[test]
fn a_version_that_is_broken_is_judged_and_not_passed_over() {
    let wrong = Wrong::by(server(Kind::Connack).in_version(Version::V5).bytes(|connack| connack[2] |= 0x80));
    let cases = ["connack.*", "connect.is_accepted", "--target"];
    let said = ends_with(&[&cases[..], &[&wrong.url()]].concat(), 3);
    assert!(said.contains("FAIL connect.is_accepted (5.0): MQTT-3.2.2-1: "), "{said}");

    // One that refuses it does not speak it, unless its descriptor says so.
    let refusal = |frame: &faults::Sight<'_>| frame.version() == Version::V5;
    let old = Wrong::by(client(Kind::Connect).when(refusal).answer_instead(|_| Raw(vec![0x20, 2, 0, 1])));
    let said = ends_with(&["connect.is_accepted", "--target", &old.url()], 0);
    assert!(said.contains("not applicable: 1 case, the target does not speak MQTT 5.0"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("candidate.toml");
    let text = "name = \"candidate\"\nproduct = \"X\"\nversions = [\"3.1.1\", \"5.0\"]\n[address]\nurls = ";
    fs::write(&file, format!("{text}[\"{}\"]\n", old.url())).expect("it can be written");
    let said = ends_with(&["connect.is_accepted", "--targets", file.to_str().expect("a name")], 3);
    assert!(said.contains("FAIL connect.is_accepted (5.0)"), "{said}");
}

#[test]
fn standard_output_can_be_a_file_and_the_terminal_then_has_standard_error() {
    let wrong = Wrong::start();
    let output = conformance(&["publish.qos_3_is_malformed", "--mqtt", "5", "--target", &wrong.url(), "--junit", "-"]);
    let [xml, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert!(xml.starts_with("<?xml ") && xml.trim_end().ends_with("</testsuites>"), "{xml}");
    assert!(said.contains("1 judgement in "), "{said}");
    let said = ends_with(&["--target", &wrong.url(), "--junit", "-", "--json", "-"], 2);
    assert!(said.contains("- is named for two outputs"), "{said}");
}

#[test]
fn an_output_that_cannot_be_written_is_said_before_a_broker_is_asked() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let target = format!("mqtt://{unused}");
    let said = ends_with(&["--target", &target, "--html", "/no/such/folder/run.html"], 2);
    assert!(said.contains("cannot write /no/such/folder/run.html: No such file or directory"), "{said}");
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("run.json");
    ends_with(&["--target", &target, "--json", &json.display().to_string()], 5);
    assert!(!json.exists(), "a run that never began leaves no empty report");
}

#[test]
fn a_proof_has_its_kill_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let [json, html] = ["proof.json", "proof.html"].map(|name| folder.path().join(name).display().to_string());
    ends_with(&["prove", "publish.qos_1_is_acknowledged", "--mqtt", "5", "--json", &json, "--html", &html], 0);
    let document: Value = serde_json::from_str(&text(json.as_ref())).expect("JSON");
    assert_eq!(document["kills"], serde_json::json!({ "killed": 2, "survived": 0 }));
    assert!(text(html.as_ref()).contains("Every one of 2 mutants is seen by its case."));
}
