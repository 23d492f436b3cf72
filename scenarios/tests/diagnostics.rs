//! Bad scenarios are refused with every error at once, each with its place and what to do.

use std::{fs, path::Path};

use scenarios::{LoadError, load, model::Threshold, parse};

/// What is said about `tests/bad/NAME.toml`.
fn said(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad").join(name).with_extension("toml");
    let text = fs::read_to_string(path).expect("the bad scenario is in the folder");
    parse(&format!("{name}.toml"), &text).expect_err("the scenario is bad").to_string()
}

#[test]
fn bad_scenarios_are_explained() {
    for name in ["typos", "units", "references", "topics", "thresholds", "requests", "plain", "not-toml", "empty"] {
        insta::assert_snapshot!(name, said(name));
    }
}

#[test]
fn errors_carry_line_column_and_key() {
    let text = "[scenario]\nname = \"x\"\n[devices.meter]\nmodel = \"milk_meter\"\ncount = 1\n  qos = 3\n[[stages]]\nname = \"s\"\nhold = \"1s\"\nrate = 1\n";
    let diagnostics = parse("x.toml", text).unwrap_err();
    let [error] = diagnostics.errors() else { panic!("{diagnostics}") };
    assert_eq!((error.position.line, error.position.column, error.path.as_str()), (6, 9, "devices.meter.qos"));
}

#[test]
fn a_topic_beyond_65535_bytes_is_refused_without_filling_the_screen() {
    let topic = "x".repeat(65_536);
    let text = format!(
        "[scenario]\nname = \"x\"\n[devices.meter]\nmodel = \"milk_meter\"\ncount = 1\ntopic = \"{topic}\"\n[[stages]]\nname = \"s\"\nhold = \"1s\"\nrate = 1\n"
    );
    let said = parse("x.toml", &text).unwrap_err().to_string();
    assert!(said.contains("65536 bytes") && said.len() < 1000, "{said}");
    assert!(parse("x.toml", &text.replacen("xx", "x", 1)).is_ok());
}

#[test]
fn a_list_of_no_barns_is_refused() {
    let smoke = scenarios::catalogue().iter().find(|entry| entry.name == "smoke").expect("it is in the catalogue").text;
    let barns = smoke.lines().find(|line| line.starts_with("barns")).expect("smoke names its barns");
    let said = parse("x.toml", &smoke.replace(barns, "barns = []")).unwrap_err().to_string();
    assert!(said.contains("the list names no barn"), "{said}");
}

#[test]
fn any_text_is_answered() {
    for entry in scenarios::catalogue() {
        // Every prefix of a scenario, and every scenario with one byte gone, is either good or explained.
        for cut in (0..entry.text.len()).step_by(97).filter(|&cut| entry.text.is_char_boundary(cut)) {
            for text in [entry.text[..cut].to_owned(), format!("{}{}", &entry.text[..cut], &entry.text[cut + 1..])] {
                if let Err(diagnostics) = parse("cut", &text) {
                    assert!(!diagnostics.errors().is_empty());
                    assert!(diagnostics.to_string().contains("--> cut:"));
                }
            }
        }
    }
}

#[test]
fn what_is_neither_file_nor_name_is_said_so() {
    let error = load("phase-4").unwrap_err();
    assert_eq!(error.to_string(), "no file and no catalogue entry is called `phase-4`; did you mean `phase-1`?");
    assert!(matches!(load("nowhere/phase-1.toml"), Err(LoadError::Unreadable { .. })));
}

#[test]
fn what_does_not_work_yet_is_accepted_and_named() {
    let text = r#"
[scenario]
name = "later"
[brokers.far]
url = "mqtts://example.org"
[brokers.near]
url = "embedded"
[devices.meter]
broker = "far"
model = "milk_meter"
count = 3
[[stages]]
name = "hold"
hold = "10s"
rate = 5
"#;
    let scenario = parse("later.toml", text).unwrap_or_else(|errors| panic!("{errors}"));
    let said: Vec<String> = scenario.unsupported().iter().map(ToString::to_string).collect();
    let [several] = &said[..] else { panic!("{said:?}") };
    assert_eq!(several, "not yet: a run has one broker so far (brokers)");
}

#[test]
fn every_threshold_that_means_something_can_be_judged() {
    let text = r##"
[scenario]
name = "all"
[brokers.broker]
url = "embedded"
[devices.meter]
model = "milk_meter"
count = 3
[subscribers.erp]
role = "erp"
count = 1
filters = ["#"]
[requests.parlour]
to = ["meter"]
rate = 5
[[stages]]
name = "hold"
hold = "10s"
rate = 5
[thresholds]
"e2e{qos:1,group:meter,stage:hold,subscriber:erp}" = ["p(99)<200ms over 5s abort_on_fail", "p(99)<1s abort_on_fail"]
"connect{subscriber:erp}" = ["p(99)<1s"]
"round_trip{group:parlour,qos:1,stage:hold}" = ["p(99)<1s over 5s abort_on_fail", "max<4s"]
unanswered = ["count==0", "rate<0.1%"]
"late_answers{group:parlour}" = ["count<5"]
"generator_lag{group:parlour}" = ["p(99)<5ms"]
"connections{group:meter}" = ["min>=3 over 2s"]
"disconnects{model:milk_meter,stage:hold}" = ["count==0 abort_on_fail"]
"rate{qos:1,group:meter}" = ["min>=0.9*intended", "avg>=4"]
"delivery_rate{model:milk_meter}" = ["avg>=0.9*intended over 3s abort_on_fail"]
broker_memory = ["max<64MiB abort_on_fail"]
broker_cpu_per_message = ["avg<1ms", "avg<1ms over 5s abort_on_fail"]
"##;
    let scenario = parse("all.toml", text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(scenario.unsupported(), []);
    for threshold in &scenario.thresholds {
        assert_eq!(threshold.to_string().parse::<Threshold>().as_ref(), Ok(threshold));
    }
}

#[test]
fn a_curve_on_a_device_that_follows_the_milkings_is_refused() {
    let text = r#"
[scenario]
name = "doubled"
[brokers.broker]
url = "embedded"
[day.curves]
peaks = { "05:00" = 2, "12:00" = 0.5 }
[devices.meter]
model = "milk_meter"
count = 3
curve = "peaks"
[devices.steady]
model = "milk_meter"
count = 3
interval = "1m"
curve = "peaks"
[[stages]]
name = "hold"
hold = "10s"
shape = "natural"
"#;
    let errors = parse("doubled.toml", text).unwrap_err().to_string();
    assert!(errors.contains("a `milk_meter` follows the milking sessions, not a curve"), "{errors}");
    assert!(errors.contains(":11:") && !errors.contains(":16:"), "{errors}");
}
