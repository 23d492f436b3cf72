//! A certificate for each client: brokers that take its common name for the user, and let each user publish on its own topic only.

use std::{fs, path::Path};

use crate::{
    support::{Certificates, Running, output, paddock},
    ways::Listening,
};

/// Three devices, each with a topic of its own, and a reader.
const SCENARIO: &str = r##"
[scenario]
name = "fleet"
drain = "5s"
lag_limit = "1h"

[devices.meter]
model = "milk_meter"
count = 3
client_id = "meter_{n}"
topic = "fleet/{id}/data"
qos = 1

[subscribers.erp]
role = "erp"
count = 1
filters = ["fleet/#"]
qos = 1

[[stages]]
name = "hold"
hold = "2s"
rate = 30

[thresholds]
loss = ["count==0"]
"##;

/// Runs the scenario against `target`, which must end so; what it said.
pub(crate) fn run(folder: &Path, target: &str, arguments: &[&str], code: i32) -> String {
    let file = folder.join("fleet.toml");
    fs::write(&file, SCENARIO).expect("a temporary file");
    let out = tempfile::tempdir_in(folder).expect("a folder");
    let mut command = paddock();
    command.arg("run").arg(&file).args(["--target", target]).args(arguments).arg("--out").arg(out.path().join("run"));
    let ended = output(&mut command);
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

/// Runs with certificates from files, with issued ones, and with one for all, which the broker must not take.
pub(crate) fn hold_to_their_topics(folder: &Path, certificates: &Certificates, target: &str) {
    let authority = certificates.authority();
    let (certificate, key) = certificates.pair("devices/{client_id}");
    let (_, authority_key) = certificates.pair("ca");
    let trusting = ["--ca", &authority];
    run(folder, target, &[&trusting[..], &["--cert", &certificate, "--key", &key]].concat(), 0);
    run(folder, target, &[&trusting[..], &["--client-ca", &authority, &authority_key]].concat(), 0);
    let (one, its_key) = certificates.pair("devices/meter_1");
    // What a broker refuses is not acknowledged, and so not known to be lost.
    let said = run(folder, target, &[&trusting[..], &["--cert", &one, "--key", &its_key]].concat(), 8);
    assert!(said.contains("publications were refused by the broker"), "{said}");
}

pub(crate) const CLIENTS: [&str; 8] =
    ["--device", "meter_1", "--device", "meter_2", "--device", "meter_3", "--device", "erp-00001"];

#[test]
fn each_client_shows_its_own_certificate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certificates = Certificates::make(&folder.path().join("certs"), &CLIENTS);
    let config = r##"
[[listeners]]
address = "127.0.0.1:0"
certificate_user = true
tls = { certificate = "certs/server.crt", key = "certs/server.key", client_certificates = { ca = "certs/ca.crt" } }

[[access.rules]]
effect = "allow"
action = "publish"
topic = "paddock/+/fleet/%u/data"

[[access.rules]]
effect = "deny"
action = "publish"
topic = "paddock/+/fleet/#"

[[access.rules]]
effect = "allow"
"##;
    let file = folder.path().join("broker.toml");
    fs::write(&file, config).expect("a temporary file");
    let broker = Running::start(paddock().args(["broker", "--config"]).arg(&file));
    let target = format!("mqtts://{}", Listening::next(&broker).address);
    hold_to_their_topics(folder.path(), &certificates, &target);

    // What is missing is said at once, with a way out.
    fs::remove_file(folder.path().join("certs/devices/meter_2.key")).expect("it was made");
    let (certificate, key) = certificates.pair("devices/{client_id}");
    let arguments = ["--ca", &certificates.authority(), "--cert", &certificate, "--key", &key];
    let said = run(folder.path(), &target, &arguments, 2);
    assert!(said.contains("devices/meter_2.key; --client-ca"), "{said}");
}
