//! The null sink hands every message to everybody who must have it.

#[path = "support/plan.rs"]
mod plan;

use std::{
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::Duration,
};

use reports::Labels;
use transport::{Listener, Options};

const SCENARIO: &str = r##"
[scenario]
name = "sink"
drain = "10s"
lag_limit = "10s"

[devices.zero]
model = "collar"
count = 3
qos = 0

[devices.one]
model = "milk_meter"
count = 3
qos = 1
version = "3.1.1"

[devices.two]
model = "gate_reader"
count = 3
qos = 2

[subscribers.all]
role = "erp"
count = 2
filters = ["#"]
qos = 2

[subscribers.old]
role = "erp"
count = 2
filters = ["smartdairy/farm/+/#"]
qos = 1
version = "3.1.1"

[subscribers.shared]
role = "erp"
count = 3
filters = ["$share/some/#"]
qos = 1

[[stages]]
name = "hold"
hold = "1s"
rate = 300
"##;

#[test]
fn every_message_arrives_where_it_must_and_once() {
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let sink = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Options::default()).unwrap();
            tell.send(listener.url()).unwrap();
            tokio::select! {
                served = loadgen::sink::serve(listener, None) => served.unwrap(),
                _dropped = ended => {}
            }
        });
    });
    let url = told.recv().unwrap();
    let plan = plan::plan(SCENARIO, &url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = loadgen::run(plan, Vec::new(), std::future::pending());
    let outcome = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(40), run).await }).unwrap();
    drop(end);
    sink.join().unwrap();
    let counts = outcome.summary.ledger_counts(&Labels::none()).unwrap();
    assert!(counts.published >= 290 && counts.expected > 3 * counts.published, "{counts:?} {:?}", outcome.reasons);
    assert_eq!(counts.received, counts.expected, "{counts:?}");
    assert_eq!((counts.lost, counts.duplicated, counts.reordered, counts.unacknowledged), (0, 0, 0, 0), "{counts:?}");
}
