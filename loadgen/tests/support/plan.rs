//! A plan of nothing but a scenario and an address.

use loadgen::{Plan, RunId, schedule::Segment};
use reports::observation::{TargetInfo, Tool};
use simulator::Target;

/// Runs the scenario `text` on the broker at `address`, all of it by this process.
pub(crate) fn plan(text: &str, address: &str) -> Plan {
    let scenario = scenarios::parse("test.toml", text).unwrap_or_else(|errors| panic!("{errors}"));
    Plan {
        target: Target::new(address.parse().expect("a URL")),
        described: TargetInfo::default(),
        process: None,
        metrics: None,
        tells: None,
        broker: None,
        seed: scenario.seed,
        run_id: RunId::from_seed(scenario.seed),
        segment: Segment::WHOLE,
        start_at: None,
        clear_retained: false,
        tool: Tool { name: "test".into(), version: "0".into() },
        command: Vec::new(),
        scenario,
    }
}
