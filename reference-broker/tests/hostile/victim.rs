//! The broker that is attacked.

use std::net::SocketAddr;

use tempfile::TempDir;

use super::child::BrokerProcess;

/// A broker with one worker that ends with the test.
#[derive(Debug)]
pub(crate) struct Victim {
    process: BrokerProcess,
    _folder: TempDir,
    pub(crate) address: SocketAddr,
    /// Where it speaks WebSocket.
    pub(crate) websocket: SocketAddr,
}

impl Victim {
    /// A broker that may hold `memory` bytes for its clients.
    pub(crate) fn start(memory: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = format!(
            "broker.workers = 1\nlimits.memory = {memory}\n\
             [[listeners]]\naddress = \"127.0.0.1:0\"\n\
             [[listeners]]\nname = \"websocket\"\naddress = \"127.0.0.1:0\"\nwebsocket = {{}}\n"
        );
        let process = BrokerProcess::start(folder.path(), &configuration, 2);
        let [address, websocket] = [0, 1].map(|listener| process.addresses[listener].tcp().unwrap());
        Self { process, _folder: folder, address, websocket }
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident(&self) -> usize {
        self.process.resident()
    }
}
