//! A broker in a process of its own, which is this test's executable.

use std::{
    env, fs,
    io::{BufRead, BufReader, Lines},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
};

use reference_broker::{Broker, Config};
use transport::{Listener, Options, WebSocketOptions};

/// What the broker may hold, in bytes, if that is not the default.
const MEMORY: &str = "HOSTILE_MEMORY";
const MARK: &str = "the broker listens on ";

/// A broker that ends with the test.
#[derive(Debug)]
pub(crate) struct Victim {
    child: Child,
    /// Kept open: the harness of the child writes there when the child lives long, and would end without it.
    _stdout: Lines<BufReader<ChildStdout>>,
    pub(crate) address: SocketAddr,
    /// Where it speaks WebSocket.
    pub(crate) websocket: SocketAddr,
}

impl Victim {
    /// A broker that may hold `memory` bytes for its clients.
    pub(crate) fn start(memory: usize) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["child::serve_for_another_test", "--exact", "--ignored", "--nocapture"])
            .env(MEMORY, memory.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.unwrap().split_once(MARK).map(|(_, address)| address.to_owned()));
        let line = line.expect("it says where it listens");
        let mut addresses = line.split_whitespace().map(|address| address.parse().unwrap());
        let [address, websocket] = [addresses.next().unwrap(), addresses.next().unwrap()];
        Self { child, _stdout: lines, address, websocket }
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: usize = line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap();
        kibibytes * 1024
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Not a test: what [`Victim`] runs. Alone it has nothing to do.
#[test]
#[ignore = "started by other tests"]
fn serve_for_another_test() {
    let Ok(memory) = env::var(MEMORY) else { return };
    let mut config = Config { workers: 1, ..Config::default() };
    config.limits.memory = Some(memory.parse().unwrap());
    let _more = rlimit::increase_nofile_limit(u64::MAX);
    let websocket = Options { websocket: Some(WebSocketOptions::default()), ..Options::default() };
    let bind = |options| Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), options).unwrap().into();
    let broker = Broker::start(vec![bind(Options::default()), bind(websocket)], config).unwrap();
    let addresses: Vec<_> = broker.handle().entrances().map(|entrance| entrance.address.tcp().unwrap()).collect();
    println!("{MARK}{} {}", addresses[0], addresses[1]);
    // Until whoever started it is gone.
    let _end = std::io::stdin().read_line(&mut String::new());
}
