//! The suite as a library: the lines that its documentation shows, run as they are.

use std::cell::RefCell;

use crate::support::Broker;

thread_local! {
    /// Ends with the thread of its test.
    static RUNNING: RefCell<Option<Broker>> = const { RefCell::new(None) };
}

/// The broker of whoever reads those lines.
async fn start_my_broker() -> u16 {
    let broker = Broker::start();
    let port = broker.address.port();
    RUNNING.with_borrow_mut(|running| *running = Some(broker));
    port
}

include!("../../conformance/src/check/ten_lines.rs");
