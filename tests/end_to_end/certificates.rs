//! `paddock certs` as its users meet it. What the certificates are worth, `transport` tests with two verifiers.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use crate::{
    support::{Running, output, paddock},
    ways::Listening,
};

/// Section 6.1 of the farm's broker guide, in one command: the same files, subjects, names, sizes and rights.
#[test]
fn the_guides_certificates_come_from_one_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("certs");
    let names = ["mqtt.smartdairybd.com", "emqx.smartdairy.local", "*.smartdairy.local", "192.168.1.100", "127.0.0.1"];
    let arguments = names.iter().flat_map(|name| ["--server", name]);
    let made = output(paddock().arg("certs").args(arguments).args(["--device", "milk_meter_001", "--out"]).arg(&out));
    assert!(made.status.success(), "{}", stderr(&made));
    let said = stdout(&made);
    assert!(said.contains("ca.crt") && said.contains("paddock simulate") && said.contains("192.168.1.100"), "{said}");

    let authority = shown(&out.join("ca.crt"));
    let server = shown(&out.join("server.crt"));
    let device = shown(&out.join("devices/milk_meter_001.crt"));
    for (text, wanted) in [
        (&authority, "Subject: C = BD, ST = Dhaka, L = Dhaka, O = Smart Dairy Ltd, CN = Smart Dairy IoT CA"),
        (&authority, "Public-Key: (4096 bit)"),
        (&authority, "CA:TRUE"),
        (&authority, "Certificate Sign"),
        (&server, "Issuer: C = BD, ST = Dhaka, L = Dhaka, O = Smart Dairy Ltd, CN = Smart Dairy IoT CA"),
        (&server, "Subject: C = BD, ST = Dhaka, L = Dhaka, O = Smart Dairy Ltd, CN = mqtt.smartdairybd.com"),
        (&server, "Public-Key: (2048 bit)"),
        (&server, "Signature Algorithm: sha256WithRSAEncryption"),
        (&server, "CA:FALSE"),
        (&server, "Digital Signature, Key Encipherment"),
        (&server, "TLS Web Server Authentication"),
        (&server, "X509v3 Authority Key Identifier"),
        (
            &server,
            "DNS:mqtt.smartdairybd.com, DNS:emqx.smartdairy.local, DNS:*.smartdairy.local, IP Address:192.168.1.100, \
             IP Address:127.0.0.1",
        ),
        (&device, "CN = milk_meter_001"),
        (&device, "TLS Web Client Authentication"),
    ] {
        assert!(text.contains(wanted), "no {wanted:?} in {text}");
    }
    assert!(!device.contains("TLS Web Server Authentication"), "{device}");
    for (certificate, days) in [("ca.crt", 3650), ("server.crt", 365), ("devices/milk_meter_001.crt", 365)] {
        for (more, sound) in [(-1, true), (1, false)] {
            let seconds = ((days + more) * 86_400).to_string();
            let mut command = Command::new("openssl");
            let checked =
                output(command.args(["x509", "-noout", "-checkend", &seconds, "-in"]).arg(out.join(certificate)));
            assert_eq!(checked.status.success(), sound, "{certificate} after {days} {more:+} days");
        }
    }
    for file in ["ca", "server", "devices/milk_meter_001"] {
        assert_eq!((mode(&out.join(format!("{file}.key"))), mode(&out.join(format!("{file}.crt")))), (0o600, 0o644));
    }
    verified(&out, &["server.crt", "devices/milk_meter_001.crt"]);
}

#[test]
fn more_come_from_the_same_ca_and_nothing_is_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("certs");
    let list = folder.path().join("devices.txt");
    fs::write(&list, "# the barn\nmilk_meter_001\n\nmilk_meter_002\nmilk_meter_001\n").expect("a temporary file");
    assert!(certs(&out, &["--device", "milk_meter_001"]).status.success());
    let before: Vec<Vec<u8>> = ["ca.key", "server.key", "devices/milk_meter_001.key"]
        .iter()
        .map(|file| fs::read(out.join(file)).expect("made"))
        .collect();
    let list = list.display().to_string();
    let more = certs(&out, &["--devices", &list]);
    assert!(more.status.success(), "{}", stderr(&more));
    assert!(stdout(&more).contains("1 device;") && stdout(&more).contains("kept"), "{}", stdout(&more));
    for (file, before) in ["ca.key", "server.key", "devices/milk_meter_001.key"].iter().zip(&before) {
        assert_eq!(&fs::read(out.join(file)).expect("kept"), before, "{file} was replaced");
    }
    verified(&out, &["server.crt", "devices/milk_meter_001.crt", "devices/milk_meter_002.crt"]);

    let other_names = certs(&out, &["--server", "barn.example"]);
    assert_eq!(other_names.status.code(), Some(2));
    assert!(stderr(&other_names).contains("--force"), "{}", stderr(&other_names));
    assert!(certs(&out, &["--server", "barn.example", "--force"]).status.success());
    assert!(shown(&out.join("server.crt")).contains("DNS:barn.example"));
    assert_eq!(fs::read(out.join("ca.key")).expect("kept"), before[0], "--force replaced the CA");
    verified(&out, &["server.crt"]);
}

#[test]
fn the_bad_ones_are_made_and_none_is_accepted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("certs");
    let made = output(paddock().args(["certs", "--bad", "--out"]).arg(&out));
    assert!(made.status.success(), "{}", stderr(&made));
    let mut bad: BTreeSet<String> = BTreeSet::new();
    for entry in fs::read_dir(out.join("bad")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "crt") {
            bad.insert(path.file_stem().expect("a name").to_string_lossy().into_owned());
        } else {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
    // Of nine flaws one, the wrong name, is a server's only.
    assert_eq!(bad.len(), 17, "{bad:?}");
    for name in &bad {
        let file = out.join(format!("bad/{name}.crt"));
        let mut command = verify(&out);
        match name.strip_prefix("server-") {
            Some(_) => command.args(["-purpose", "sslserver", "-verify_hostname", "localhost"]),
            None => command.args(["-purpose", "sslclient"]),
        };
        let judged = output(command.arg("-untrusted").arg(&file).arg(&file));
        assert!(!judged.status.success(), "{name} is accepted");
    }
    verified(&out, &["server.crt"]);
}

#[test]
fn the_example_that_it_prints_works() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = paddock();
    command.current_dir(folder.path());
    let made = output(command.args(["certs", "--key", "ecdsa", "--device", "milk_meter_001"]));
    let said = stdout(&made);
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let listener = lines.iter().position(|line| *line == "[[listeners]]").expect("a listener");
    // Somebody may have the usual port.
    let document = lines[listener..listener + 3].join("\n").replace(":8883", ":0");
    fs::write(folder.path().join("broker.toml"), document).expect("a temporary file");
    let mut command = paddock();
    let broker = Running::start(command.current_dir(folder.path()).args(["broker", "--config", "broker.toml"]));
    let listening = Listening::next(&broker);
    assert_eq!(listening.scheme, "mqtts");

    let simulate = lines.iter().position(|line| line.starts_with("paddock simulate")).expect("a command");
    let words =
        lines[simulate..].join(" ").replace(['\\', '\''], "").replace("8883", &listening.address.port().to_string());
    let mut command = paddock();
    command.current_dir(folder.path()).args(words.split_whitespace().skip(1)).args(["--duration", "1s"]);
    let simulated = output(&mut command);
    assert!(simulated.status.success(), "{words}: {}", stderr(&simulated));
}

#[test]
fn what_cannot_be_made_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let list = folder.path().join("devices.txt");
    fs::write(&list, "fine\n../ca\n").expect("a temporary file");
    let list = list.display().to_string();
    for (arguments, why) in [
        (&["--server", "mqtts://host:8883"][..], "192.168.1.100"),
        (&["--device", "a/b"], "no name of a device"),
        (&["--devices", &list], "devices.txt:2: "),
        (&["--validity", "1 year"], "365d"),
        (&["--subject", "O=x"], "begins with"),
        (&["--validity", "4000d"], "outlive its CA"),
    ] {
        let out = folder.path().join("certs");
        let refused = certs(&out, arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&refused).contains(why), "{arguments:?}: {}", stderr(&refused));
    }
    let out = folder.path().join("certs");
    assert!(!out.exists(), "something was made");
    assert!(certs(&out, &["--ca-validity", "400d"]).status.success());
    let too_long = certs(&out, &["--device", "fine", "--validity", "500d"]);
    assert_eq!(too_long.status.code(), Some(2));
    assert!(stderr(&too_long).contains("shorter --validity"), "{}", stderr(&too_long));
    fs::remove_file(out.join("ca.key")).expect("the CA was made");
    let half = certs(&out, &[]);
    assert_eq!(half.status.code(), Some(2));
    assert!(stderr(&half).contains("ca.key") && stderr(&half).lines().count() == 1, "{}", stderr(&half));
}

/// With keys that are quickly made.
fn certs(out: &Path, arguments: &[&str]) -> Output {
    output(paddock().args(["certs", "--key", "ecdsa"]).args(arguments).arg("--out").arg(out))
}

fn verified(out: &Path, files: &[&str]) {
    for file in files {
        let judged = output(verify(out).arg(out.join(file)));
        assert!(judged.status.success(), "{file}: {}", stderr(&judged));
    }
}

fn verify(out: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.args(["verify", "-x509_strict", "-auth_level", "2", "-CAfile"]).arg(out.join("ca.crt"));
    command
}

fn shown(certificate: &Path) -> String {
    let shown = output(Command::new("openssl").args(["x509", "-noout", "-text", "-in"]).arg(certificate));
    assert!(shown.status.success(), "{}", stderr(&shown));
    stdout(&shown)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
