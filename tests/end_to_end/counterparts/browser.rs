//! MQTT.js inside Chromium, over WebSocket and secure WebSocket: a page subscribes, publishes and tells what arrived.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
};

use super::chromium::chromium;
use crate::{
    support::{DEADLINE, Running, output},
    ways::Everywhere,
};

const PAGE: &str = include_str!("browser.html");
const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/node_modules/mqtt/dist/mqtt.min.js");

#[test]
fn mqttjs_in_chromium_speaks_over_websocket() {
    speaks("ws");
}

#[test]
fn mqttjs_in_chromium_speaks_over_secure_websocket() {
    speaks("wss");
}

/// The browser does verify: without the exception for the one key it does not connect.
#[test]
fn mqttjs_in_chromium_refuses_an_unknown_certificate() {
    let broker = Everywhere::start();
    let said = told(&format!("#5,{}", broker.way("wss").url()), None);
    assert!(said.starts_with("failed"), "{said}");
}

fn speaks(scheme: &str) {
    let broker = Everywhere::start();
    let pin = (scheme == "wss").then(|| key_pin(&broker.certificates.pair("server").0));
    for level in ["4", "5"] {
        let said = told(&format!("#{level},{}", broker.way(scheme).url()), pin.as_deref());
        // Twenty payloads, an empty one and a large one, per QoS.
        assert_eq!(said, "done 0:22 1:22 2:22", "MQTT.js {level} over {scheme}");
    }
}

/// What the page tells when it is opened with this fragment.
fn told(fragment: &str, pin: Option<&str>) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (address, results) = serve();
    let mut command = chromium(folder.path());
    if let Some(pin) = pin {
        command.arg(format!("--ignore-certificate-errors-spki-list={pin}"));
    }
    // It stays until the test has heard the result.
    command.args(["--remote-debugging-port=0", &format!("http://{address}/{fragment}")]);
    // Without a desktop it complains of much that nobody needs here.
    let _browser = Running::start(command.stderr(Stdio::null()));
    results.recv_timeout(DEADLINE).expect("the page tells how it went")
}

/// Serves the page and the library on loopback, and gives what the page tells.
fn serve() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let library =
        fs::read_to_string(LIBRARY).unwrap_or_else(|error| panic!("{LIBRARY}: {error}; tests/run installs it"));
    let (sender, results) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A browser opens connections ahead of need, which must not keep others waiting.
            let (library, sender) = (library.clone(), sender.clone());
            thread::spawn(move || answer(stream, &library, &sender));
        }
    });
    (address, results)
}

fn answer(mut stream: TcpStream, library: &str, results: &mpsc::Sender<String>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let request = lines.next()?;
    let path = request.split(' ').nth(1)?;
    lines.find(String::is_empty)?;
    let (kind, body) = match path {
        "/" => ("text/html", PAGE),
        "/mqtt.min.js" => ("text/javascript", library),
        _ => match path.strip_prefix("/result/") {
            Some(result) => {
                results.send(result.replace("%20", " ")).ok()?;
                ("text/plain", "")
            }
            // The picture that browsers ask for unasked.
            None => ("text/plain", ""),
        },
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .ok()
}

/// The SHA-256 of a certificate's public key, base64, as Chromium wants it.
fn key_pin(certificate: &str) -> String {
    let pipe = "openssl x509 -noout -pubkey -in \"$0\" | openssl pkey -pubin -outform der \
                | openssl dgst -sha256 -binary | openssl base64 -A";
    let made = output(Command::new("sh").args(["-c", pipe, certificate]));
    let pin = String::from_utf8_lossy(&made.stdout).into_owned();
    assert_eq!(pin.len(), 44, "{}", String::from_utf8_lossy(&made.stderr));
    pin
}
