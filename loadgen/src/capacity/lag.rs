//! How late the generator may be in a step before the step is about it, and not about the target.

use std::time::Duration;

use reports::capacity::LagLimit;
use scenarios::{
    Scenario,
    model::{Bound, Comparison, Kind, Metric, Threshold},
};

/// The share of a promised latency that the generator may take: what breaks the SLO is then the target's to nine tenths.
const SHARE: u32 = 10;
/// However much the SLO allows: a generator that is later sends its messages in heaps, and the load is not what was asked for.
const MOST: Duration = Duration::from_millis(100);

/// The limit for every step of `scenario` that must hold `slo`: the scenario's own, or else a tenth of the shortest latency that
/// is demanded. What it takes to be sure of less than [`Scenario::LAG_LIMIT`] few machines have.
pub(super) fn limit(scenario: &Scenario, slo: &[Threshold]) -> LagLimit {
    if let Some(limit) = scenario.lag_limit {
        return LagLimit { limit, because: "as the scenario says (lag_limit)".to_owned() };
    }
    let strictest =
        slo.iter().filter_map(|demand| Some((allowed(demand)?, demand))).min_by_key(|(allowed, _)| *allowed);
    let Some((allowed, demand)) = strictest else {
        let because = "as in any run, for the SLO demands no latency".to_owned();
        return LagLimit { limit: Scenario::LAG_LIMIT, because };
    };
    let tenth = format!("a tenth of what {demand} allows");
    let limit = allowed / SHARE;
    if limit < Scenario::LAG_LIMIT {
        LagLimit { limit: Scenario::LAG_LIMIT, because: format!("the least; {tenth} is shorter") }
    } else if limit > MOST {
        LagLimit { limit: MOST, because: format!("the most; {tenth} is longer") }
    } else {
        LagLimit { limit, because: tenth }
    }
}

/// The longest latency that holds `demand`; absent where it demands none.
fn allowed(demand: &Threshold) -> Option<Duration> {
    let of_target = demand.series.metric.kind() == Kind::Time && demand.series.metric != Metric::GeneratorLag;
    match (demand.expression.comparison, demand.expression.bound) {
        (Comparison::Less | Comparison::LessOrEqual, Bound::Duration(allowed)) if of_target => Some(allowed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `slo` makes of a scenario that has the line `says` in its head.
    fn of(says: &str, slo: &[&str]) -> (u128, String) {
        let text = format!(
            "[scenario]\nname = \"s\"\n{says}\n[devices.d]\nmodel = \"plain\"\ncount = 1\ntopic = \"t\"\n[[stages]]\nname = \"s\"\nhold = \"1s\"\nrate = 1\n"
        );
        let scenario = scenarios::parse("s.toml", &text).unwrap_or_else(|error| panic!("{error}"));
        let slo: Vec<Threshold> = slo.iter().map(|demand| demand.parse().unwrap()).collect();
        let LagLimit { limit, because } = limit(&scenario, &slo);
        (limit.as_micros(), because)
    }

    #[test]
    fn the_shortest_latency_that_is_demanded_decides() {
        let two = ["service: p(99.9)<1s", "e2e: p(99)<200ms", "ack: avg<=300ms", "loss: count==0"];
        assert_eq!(of("", &two), (20_000, "a tenth of what e2e: p(99)<200ms allows".to_owned()));
        assert_eq!(of("", &["ack: max<=51ms"]).0, 5_100);
    }

    #[test]
    fn it_is_never_shorter_than_a_run_s_nor_so_long_that_the_load_comes_in_heaps() {
        let strict = of("", &["e2e: p(99)<10ms"]);
        assert_eq!(strict, (5_000, "the least; a tenth of what e2e: p(99)<10ms allows is shorter".to_owned()));
        let lax = of("", &["e2e: p(99)<5s", "connect: p(99)<10s"]);
        assert_eq!(lax, (100_000, "the most; a tenth of what e2e: p(99)<5s allows is longer".to_owned()));
        assert_eq!(of("", &["e2e: p(99)<50ms"]).1, "a tenth of what e2e: p(99)<50ms allows");
        assert_eq!(of("", &["e2e: p(99)<1s"]).1, "a tenth of what e2e: p(99)<1s allows");
    }

    #[test]
    fn what_is_no_promise_of_a_latency_says_nothing() {
        let none = (5_000, "as in any run, for the SLO demands no latency".to_owned());
        for slo in [&["loss: count==0"][..], &["e2e: min>300ms", "e2e: count>10"], &["generator_lag: max<300ms"], &[]] {
            assert_eq!(of("", slo), none, "{slo:?}");
        }
    }

    #[test]
    fn what_the_scenario_says_holds() {
        for (says, limit) in [("lag_limit = \"1ms\"", 1_000), ("lag_limit = \"2s\"", 2_000_000)] {
            assert_eq!(of(says, &["e2e: p(99)<200ms"]), (limit, "as the scenario says (lag_limit)".to_owned()));
        }
    }
}
