//! How far this machine lets a search go.

use std::fs;

use loadgen::capacity::Shape;
use reports::capacity::Resource;
use scenarios::model::{Dimension, Rate};

/// The highest figure, and why.
pub(super) struct Most {
    pub(super) most: f64,
    pub(super) because: String,
    pub(super) resource: Option<Resource>,
}

/// Open files besides connections, as a run reserves them.
const SPARE: u64 = 64;
/// Where the system does not say: Linux's own default.
const PORTS: (u64, u64) = (32_768, 60_999);

/// The limit for `shape`, whose clients reach one address over TCP or not.
pub(super) fn most(shape: &Shape, over_tcp: bool) -> Most {
    if shape.dimension() == Dimension::Rate {
        let because = format!("no search goes above {} messages per second", Rate::MAX);
        return Most { most: Rate::MAX, because, resource: None };
    }
    // An unreadable limit is met where it hurts: the run then says so.
    let files = rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(u64::MAX, |(_, hard)| hard).saturating_sub(SPARE);
    let ports = if over_tcp { local_ports() } else { u64::MAX };
    // What the scenario's own clients take of it.
    let others = match shape.dimension() {
        Dimension::Rate | Dimension::Connections => 0,
        Dimension::FanOut => shape.connections(0.0),
    };
    let language = 1_000_000;
    let (connections, because, resource) = if files <= ports && files < language {
        let because = format!(
            "this process may have {} open files, so {files} connections: raise the hard limit (ulimit -Hn)",
            files + SPARE
        );
        (files, because, Some(Resource::OpenFiles))
    } else if ports < language {
        let because = format!(
            "this machine has {ports} local ports towards one address: widen net.ipv4.ip_local_port_range, or generate \
             from several machines"
        );
        (ports, because, Some(Resource::LocalPorts))
    } else {
        (language, format!("no search goes above {language} connections"), None)
    };
    Most { most: connections.saturating_sub(others) as f64, because, resource }
}

fn local_ports() -> u64 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut bounds = text.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
    let (first, last) = bounds.next().zip(bounds.next()).unwrap_or(PORTS);
    (last + 1).saturating_sub(first)
}
