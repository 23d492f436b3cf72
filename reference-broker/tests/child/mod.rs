//! A broker in a process of its own, whose memory is not the test's.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use transport::Address;

/// A broker that ends with the test, however that ends.
#[derive(Debug)]
pub(crate) struct BrokerProcess {
    child: Child,
    /// Where its listeners can be reached, in the order of the configuration.
    pub(crate) addresses: Vec<Address>,
}

impl BrokerProcess {
    /// Of `configuration`, the text of a `broker.toml` with `listeners` of them. It is written to `folder`, which paths in it
    /// are relative to.
    pub(crate) fn start(folder: &Path, configuration: &str, listeners: usize) -> Self {
        let file = folder.join("broker.toml");
        fs::write(&file, configuration).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_broker-of-a-test"))
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let addresses: Vec<_> = lines.take(listeners).map(|line| line.parse().unwrap()).collect();
        assert_eq!(addresses.len(), listeners, "it says where it listens");
        Self { child, addresses }
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: usize = line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap();
        kibibytes * 1024
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
