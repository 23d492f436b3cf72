//! `[search]`: what it means, and what is said when it means nothing.

use std::time::Duration;

use scenarios::model::{Dimension, Search};

fn parse(search: &str) -> Result<Search, String> {
    let text = format!(
        "[scenario]\nname = \"x\"\n[devices.meter]\nmodel = \"milk_meter\"\ncount = 1\n[[stages]]\nname = \"hold\"\nhold = \"1s\"\nrate = 1\n{search}"
    );
    scenarios::parse("x.toml", &text).map(|scenario| scenario.search).map_err(|error| error.to_string())
}

#[test]
fn demands_are_expressions_on_e2e_or_on_a_metric_that_they_name() {
    let slo = r#"slo = ["p(99)<200ms", "loss count==0", "e2e{qos:1,stage:hold} p(50) < 10ms", "max < 1s", "rate avg>=0.99*intended", "connect: p(95)<1s"]"#;
    let search = parse(&format!("[search]\n{slo}\n")).unwrap();
    let said: Vec<String> = search.slo.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "e2e: p(99)<200ms",
            "loss: count==0",
            "e2e{qos:1,stage:hold}: p(50)<10ms",
            "e2e: max<1s",
            "rate: avg>=0.99*intended",
            "connect: p(95)<1s"
        ]
    );
}

#[test]
fn every_key_is_read_and_has_a_default() {
    assert_eq!(parse("").unwrap(), Search::default());
    assert_eq!(parse("[search]\n").unwrap(), Search::default());
    let said = "[search]\ndimension = \"fan-out\"\nstart = 2\nmax = 100\ntolerance = \"10%\"\nconfirm = 1\nstep_length = \"5s\"\n";
    let search = Search {
        slo: Vec::new(),
        dimension: Dimension::FanOut,
        start: Some(2.0),
        max: Some(100.0),
        tolerance: 0.1,
        confirm: 1,
        step_length: Duration::from_secs(5),
    };
    assert_eq!(parse(said).unwrap(), search);
}

#[test]
fn what_means_nothing_is_explained() {
    for (search, because) in [
        ("slo = []", "nothing is demanded here"),
        ("slo = [\"los count==0\"]", "did you mean `loss`?"),
        ("slo = [\"p(99)<10\"]", "10"),
        ("slo = [\"e2e{stage:hodl} p(99)<10ms\"]", "there is no stage called `hodl`"),
        ("slo = [\"p(99)<200ms\", \"p(99)>1s\"]", "`e2e: p(99)<200ms` and `e2e: p(99)>1s` can never both hold"),
        ("slo = [\"p(99)<1s\"]\n[thresholds]\nloss = [\"count==0\", \"count>0\"]", "can never both hold"),
        ("tolerance = \"0.5%\"", "not a share from 1% to 50%"),
        ("confirm = 0", "confirm"),
        ("step_length = \"0s\"", "measures nothing"),
        ("start = 10\nmax = 5", "begins above its highest figure"),
        ("dimension = \"speed\"", "fan-out"),
    ] {
        let said = parse(&format!("[search]\n{search}\n")).unwrap_err();
        assert!(said.contains(because) && said.contains("--> x.toml:"), "{search}: {said}");
    }
}
