//! The abstract model is worth something: it finds planted faults in moments, and lets a conforming broker live.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod mutants;
mod survivors;
mod sweeps;

use std::net::SocketAddr;

use conformance::properties::Site;
use targets::{Command, Running, Target};

/// The reference broker, for as long as the test runs.
async fn reference_broker() -> (Running, SocketAddr) {
    let arguments = ["broker", "--listen", "127.0.0.1:0", "--exit-with-parent"].map(Into::into);
    let target = Target::Child(Command { arguments: arguments.into(), ..Command::new(env!("CARGO_BIN_EXE_paddock")) });
    let running = target.launch().await.unwrap();
    let address = running.address().strip_prefix("mqtt://").unwrap().parse().unwrap();
    (running, address)
}

fn site(address: SocketAddr) -> Site {
    Site::new(format!("mqtt://{address}").parse().unwrap())
}
