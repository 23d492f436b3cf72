//! The load generator and the fleet over TLS, WebSocket and both: against a real Mosquitto, and the reference broker.

use std::{fs, path::Path, thread};

use tempfile::TempDir;

use super::mosquitto_broker::{Mosquitto, free_port};
use crate::{
    identities,
    support::{Certificates, output, paddock},
    ways::Everywhere,
};

/// A Mosquitto with a listener for each way in, and one for each bad certificate that it is asked to show.
struct Barn {
    folder: TempDir,
    certificates: Certificates,
    mqtts: u16,
    mutual: u16,
    ws: u16,
    wss: u16,
    bad: Vec<(&'static str, u16)>,
    _mosquitto: Mosquitto,
}

impl Barn {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let certificates = Certificates::make(&folder.path().join("certs"), &["--device", "milk_meter_001", "--bad"]);
        let [mqtts, mutual, ws, wss] = [(); 4].map(|()| free_port());
        let show = |name: &str| {
            let (certificate, key) = certificates.pair(name);
            format!("certfile {certificate}\nkeyfile {key}\n")
        };
        let good = show("server");
        let authority = certificates.authority();
        let mut rules = format!(
            "allow_anonymous true\n\
             listener {mqtts} 127.0.0.1\n{good}\
             listener {mutual} 127.0.0.1\n{good}cafile {authority}\nrequire_certificate true\n\
             listener {ws} 127.0.0.1\nprotocol websockets\n\
             listener {wss} 127.0.0.1\nprotocol websockets\n{good}"
        );
        let bad: Vec<(&str, u16)> = ["expired", "not-yet-valid", "wrong-name", "wrong-ca", "self-signed"]
            .map(|flaw| (flaw, free_port()))
            .into();
        for (flaw, port) in &bad {
            rules += &format!("listener {port} 127.0.0.1\n{}", show(&format!("bad/server-{flaw}")));
        }
        let mosquitto = Mosquitto::start(folder.path(), &rules);
        Self { folder, certificates, mqtts, mutual, ws, wss, bad, _mosquitto: mosquitto }
    }
}

#[test]
fn a_run_with_both_engines_reaches_mosquitto_over_tls_and_websocket() {
    let barn = Barn::start();
    let authority = barn.certificates.authority();
    let (certificate, key) = barn.certificates.pair("devices/milk_meter_001");
    let trusting = ["--ca", &authority];
    let shown = ["--ca", &authority, "--cert", &certificate, "--key", &key];
    let runs = [
        ("mqtts", format!("mqtts://localhost:{}", barn.mqtts), &trusting[..]),
        ("mutual", format!("mqtts://127.0.0.1:{}", barn.mutual), &shown),
        ("ws", format!("ws://127.0.0.1:{}", barn.ws), &[]),
        ("wss", format!("wss://localhost:{}/mqtt", barn.wss), &trusting),
    ];
    // Mostly they wait.
    thread::scope(|scope| {
        for (name, target, arguments) in &runs {
            let out = barn.folder.path().join(name);
            scope.spawn(move || run(&out, target, arguments));
        }
    });
}

#[test]
fn mosquitto_knows_each_client_by_its_own_certificate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certificates = Certificates::make(&folder.path().join("certs"), &identities::CLIENTS);
    let (certificate, key) = certificates.pair("server");
    let (port, authority) = (free_port(), certificates.authority());
    let access = folder.path().join("access");
    let rules = "pattern write paddock/+/fleet/%u/data\npattern read paddock/+/fleet/#\npattern readwrite paddock/+/smartdairy/#\n";
    fs::write(&access, rules).expect("a temporary file");
    let rules = format!(
        "acl_file {}\nlistener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\ncafile {authority}\n\
         require_certificate true\nuse_identity_as_username true\n",
        access.display()
    );
    let _mosquitto = Mosquitto::start(folder.path(), &rules);
    identities::hold_to_their_topics(folder.path(), &certificates, &format!("mqtts://localhost:{port}"));
}

#[test]
fn an_unverified_broker_is_said_in_the_report() {
    let barn = Barn::start();
    let port = barn.bad.iter().find(|(flaw, _)| *flaw == "expired").expect("it listens").1;
    run(&barn.folder.path().join("insecure"), &format!("mqtts://localhost:{port}"), &["--insecure"]);
    let report = fs::read_to_string(barn.folder.path().join("insecure/report.html")).expect("a report");
    assert!(report.contains("certificate not verified"), "the report hides --insecure");
}

#[test]
fn what_keeps_a_fleet_from_a_tls_broker_is_said_in_words() {
    let barn = Barn::start();
    let authority = barn.certificates.authority();
    let trusting = ["--ca", &authority];
    // Stands for the CAs that a platform trusts.
    let elsewhere = Certificates::make(&barn.folder.path().join("elsewhere"), &["--ca-name", "Platform CA"]);
    let mut cases = vec![
        // The platform's CAs do not know this one.
        (barn.mqtts, &[][..], "from a CA that is not trusted here"),
        (barn.mutual, &trusting, "the broker wants a client certificate"),
    ];
    for (flaw, port) in &barn.bad {
        let words = match *flaw {
            "expired" => "certificate expired on",
            "not-yet-valid" => "valid only from",
            "wrong-name" => "not for localhost, but for wrong-name.invalid",
            "wrong-ca" => "another CA of the same name",
            _ => "from a CA that is not trusted here",
        };
        cases.push((*port, &trusting, words));
    }
    for engine in ["native", "rumqttc"] {
        for (port, arguments, words) in &cases {
            let target = format!("mqtts://localhost:{port}");
            let mut command = paddock();
            command.env("SSL_CERT_FILE", elsewhere.authority());
            command.args(["simulate", "smoke", "--duration", "5s", "--engine", engine, "--target", &target]);
            let refused = output(command.args(*arguments));
            let said = String::from_utf8_lossy(&refused.stderr);
            assert_eq!(refused.status.code(), Some(5), "{engine}: {said}");
            assert!(said.contains(words), "{engine}: no {words:?} in {said}");
        }
    }
}

#[test]
fn options_that_fit_no_tls_are_refused_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("missing.crt").display().to_string();
    for (target, arguments, words) in [
        ("mqtt://127.0.0.1:1", &["--insecure"][..], "--insecure is for mqtts:// and wss://"),
        ("mqtts://127.0.0.1:1", &["--ca", &missing], "missing.crt"),
        ("mqtts://127.0.0.1:1", &["--cert", &missing], "--key"),
    ] {
        let refused = output(paddock().args(["simulate", "smoke", "--target", target]).args(arguments));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    assert!(!Path::new(&missing).exists());
}

#[test]
fn a_run_with_both_engines_reaches_the_reference_broker_over_tls_and_websocket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Everywhere::start();
    thread::scope(|scope| {
        for (n, way) in broker.ways.iter().enumerate() {
            let out = folder.path().join(n.to_string());
            scope.spawn(move || {
                let arguments = way.arguments(["--ca", "--cert", "--key"]);
                run(&out, &way.url(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
            });
        }
    });
}

#[test]
fn a_scenario_names_its_broker_and_whom_to_trust() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broker = Everywhere::start();
    let way = broker.way("wss");
    let smoke = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/catalogue/smoke.toml");
    let text = fs::read_to_string(smoke).expect("the catalogue's file");
    let named = format!("url = {:?}\nca = {:?}", way.url(), broker.certificates.authority());
    let scenario = folder.path().join("secure.toml");
    fs::write(&scenario, text.replace("url = \"embedded\"", &named)).expect("a temporary file");
    let simulated = output(paddock().args(["simulate", "--duration", "1s"]).arg(&scenario));
    assert_eq!(simulated.status.code(), Some(0), "{}", String::from_utf8_lossy(&simulated.stderr));
    // What the scenario says of its broker is not said of another, for which the platform's CAs count.
    let elsewhere = Certificates::make(&folder.path().join("elsewhere"), &["--ca-name", "Platform CA"]);
    let mut command = paddock();
    command.env("SSL_CERT_FILE", elsewhere.authority());
    let other = output(command.args(["simulate", "--duration", "1s", "--target", &way.url()]).arg(&scenario));
    assert_eq!(other.status.code(), Some(5), "{}", String::from_utf8_lossy(&other.stderr));
}

/// The smoke scenario, in which devices use both engines; its run folder is `out`.
fn run(out: &Path, target: &str, arguments: &[&str]) {
    let mut command = paddock();
    command.args(["run", "smoke", "--duration", "2s", "--target", target]).args(arguments).arg("--out").arg(out);
    let run = output(&mut command);
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert_eq!(run.status.code(), Some(0), "{target}: {said}");
    assert_eq!(said.contains("--insecure"), arguments.contains(&"--insecure"), "{said}");
}
