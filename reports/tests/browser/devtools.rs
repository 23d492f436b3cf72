//! One headless Chromium, driven over the DevTools protocol: pages are opened as a reader opens them, their content security
//! policy in force.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tungstenite::{Message, WebSocket};

/// What no answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    last: u64,
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder for its profile");
        let mut child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium is installed (tests/run does it)");
        let mut lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("DevTools listening on ").map(|(_, url)| url.trim().to_owned()))
            .expect("chromium says where it listens");
        // A full pipe would stop it.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let address = url.trim_start_matches("ws://").split('/').next().expect("an address");
        let stream = TcpStream::connect(address).expect("chromium listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        let (socket, _) = tungstenite::client(&url, stream).expect("chromium speaks WebSocket");
        let mut browser =
            Self { child, socket, session: String::new(), last: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target, "flatten": true}));
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Opens a file on a screen so wide, in a colour scheme, and waits until it is there.
    pub(crate) fn open(&mut self, page: &Path, width: u32, scheme: &str) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", scheme);
        self.events.clear();
        self.call("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            self.receive();
        }
    }

    /// What the page asked for and what the browser complained about since the page was opened, besides the page itself.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        // An answer comes after the events before it.
        self.evaluate("1");
        let told = |event: &Value| {
            let parameters = &event["params"];
            match event["method"].as_str()? {
                "Runtime.consoleAPICalled" => Some(format!("console: {}", parameters["args"])),
                "Runtime.exceptionThrown" => Some(format!("exception: {}", parameters["exceptionDetails"]["text"])),
                "Log.entryAdded" => Some(format!("log: {}", parameters["entry"]["text"])),
                "Page.javascriptDialogOpening" => Some(format!("dialog: {}", parameters["message"])),
                "Network.requestWillBeSent" if parameters["type"] != "Document" => {
                    Some(format!("request: {}", parameters["request"]["url"]))
                }
                _ => None,
            }
        };
        self.events.iter().filter_map(told).collect()
    }

    /// The value of an expression on the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert!(answer["exceptionDetails"].is_null(), "{}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    pub(crate) fn press_tab(&mut self) {
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
            self.call("Input.dispatchKeyEvent", key);
        }
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": parameters});
        if !self.session.is_empty() {
            request["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(request.to_string())).expect("chromium listens");
        loop {
            if let Some(answer) = self.receive() {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    /// The next message: an answer to the last request is returned, an event kept.
    fn receive(&mut self) -> Option<Value> {
        let message = self.socket.read().expect("chromium answers in time");
        let value: Value = serde_json::from_str(message.to_text().ok()?).ok()?;
        if value["id"] == self.last {
            return Some(value);
        }
        self.events.push(value);
        None
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
