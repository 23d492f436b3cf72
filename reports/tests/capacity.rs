//! The document of a search, its schema, and what the terminal makes of it.

#[path = "specimen/capacity.rs"]
mod specimen;

use jiff::Timestamp;
use reports::capacity::{
    Answer, Capacity, CapacityFolder, Dimension, StepVerdict, block, capacity_json, capacity_schema, sentence,
};
use reports::capacity_html;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

fn all() -> [Capacity; 4] {
    [specimen::confirmed(), specimen::generator_limited(), specimen::none(), specimen::unfinished()]
}

#[test]
fn documents_fit_their_schema_and_read_back_the_same() {
    let validator = jsonschema::validator_for(&serde_json::to_value(capacity_schema()).unwrap()).unwrap();
    for capacity in all() {
        let text = capacity_json(&capacity).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(serde_json::from_str::<Capacity>(&text).unwrap(), capacity);
    }
    let mut wrong = serde_json::to_value(specimen::confirmed()).unwrap();
    wrong["answer"]["kind"] = "guessed".into();
    assert!(!validator.is_valid(&wrong), "the schema forbids something");
}

/// Run with `UPDATE_SCHEMA=1` to write it.
#[test]
fn the_shipped_schema_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("capacity.schema.json");
    let schema = serde_json::to_string_pretty(&capacity_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), schema, "run this test with UPDATE_SCHEMA=1");
}

#[test]
fn the_sentence_can_be_signed() {
    let said = all().map(|capacity| sentence(&capacity));
    assert_eq!(said, all().map(|capacity| capacity.sentence));
    assert_eq!(
        said[0],
        "Reference broker 0.1.0 at mqtt://127.0.0.1:41883 sustains 3,750 msg/s: 3 runs of 30 s held e2e: p(99)<200ms; loss: count==0; at 3,870 msg/s \
         the SLO broke (broker CPU: it used 0.98 of one core at 3,870 msg/s)."
    );
    assert!(said[1].contains("sustains at least 2,000 msg/s, limited by the generator: 3 runs"), "{}", said[1]);
    assert!(
        said[2].starts_with("No figure in subscribers per message is confirmed for reference broker 0.1.0 at mqtt://"),
        "{}",
        said[2]
    );
    assert!(said[3].contains("the search goes on"), "{}", said[3]);
}

#[test]
fn many_demands_are_counted_in_the_sentence_and_listed_below() {
    let mut capacity = specimen::confirmed();
    capacity.search.slo = (1..8).map(|qos| format!("e2e{{qos:{qos}}}: p(99)<200ms")).collect();
    let said = sentence(&capacity);
    assert!(said.contains("3 runs of 30 s held all 7 demands; at 3,870 msg/s the SLO broke"), "{said}");
    let text = block(&capacity, Path::new("x"));
    let listed: Vec<&str> = text.lines().skip_while(|line| *line != "the 7 demands on every step:").skip(1).collect();
    assert_eq!(
        (listed[0], listed[6], listed[7]),
        ("  e2e{qos:1}: p(99)<200ms", "  e2e{qos:7}: p(99)<200ms", ""),
        "{text}"
    );
    let page = capacity_html(&capacity).unwrap();
    assert_eq!(capacity.search.slo.iter().filter(|demand| page.contains(&demand.replace('<', "&lt;"))).count(), 7);
}

#[test]
fn what_goes_on_besides_is_part_of_the_sentence() {
    let mut capacity = specimen::confirmed();
    (capacity.search.dimension, capacity.search.rate) = (Dimension::FanOut, Some(500.0));
    capacity.answer = Answer::Confirmed { figure: 1.0, confirmations: 1, broke_at: 2.0 };
    let said = sentence(&capacity);
    assert!(said.contains(" sustains 1 subscriber per message at 500 msg/s: 1 run of 30 s held"), "{said}");
    capacity.search.dimension = Dimension::Connections;
    capacity.target.description = "broker named by the user".into();
    let said = sentence(&capacity);
    assert!(said.starts_with("mqtt://127.0.0.1:41883 sustains 1 connection at 500 msg/s: "), "{said}");
    assert!(said.contains("at 2 connections the SLO broke"), "{said}");
}

#[test]
fn the_terminal_shows_every_step_and_the_headroom() {
    let text = block(&specimen::confirmed(), Path::new("runs/x/capacity.json"));
    assert_eq!(text.lines().filter(|line| line.contains("  confirm  ")).count(), 3, "{text}");
    assert!(text.contains("phase 3 needs 3,000 msg/s: fits, 1.2 times over"), "{text}");
    assert!(text.contains("the generator may lag 20.0 ms: a tenth of what e2e: p(99)<200ms allows"), "{text}");
    assert!(text.contains("runs/x/capacity.json"));
    let text = block(&specimen::generator_limited(), Path::new("x"));
    assert!(text.contains("phase 2 needs 1,500 msg/s: fits, at least 1.3 times over"), "{text}");
    assert!(text.contains("phase 3 needs 3,000 msg/s: not shown, 67 % of it was"), "{text}");
    for capacity in all() {
        let text = block(&capacity, Path::new("x"));
        assert!(!text.contains('\u{1b}'), "{text}");
        // Everything below the sentence.
        for line in text.lines().skip(2) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

/// Longer runs at more than the answer failed; how long messages took then is not what the answer promises.
#[test]
fn the_latency_of_the_answer_is_that_of_its_own_confirmations() {
    let mut capacity = specimen::confirmed();
    let page = capacity_html(&capacity).unwrap();
    let mut failed = capacity.steps.last().unwrap().clone();
    failed.asked = 3870.0;
    failed.verdict = StepVerdict::Broke;
    failed.latency.as_mut().unwrap().p99 = Duration::from_secs(77);
    capacity.steps.insert(9, failed);
    let figure = |page: &str| {
        let (_, figure) = page.split_once("99 of 100 within").unwrap();
        figure.split_once("in the worst confirmation").unwrap().0.to_owned()
    };
    assert_eq!(figure(&capacity_html(&capacity).unwrap()), figure(&page));
}

#[test]
fn a_folder_holds_one_search() {
    let base = tempfile::tempdir().unwrap();
    let folder = CapacityFolder::create(base.path(), "phase-1", Timestamp::from_second(0).unwrap()).unwrap();
    assert!(folder.path().ends_with("19700101T000000Z-phase-1-capacity"), "{}", folder.path().display());
    folder.write(&specimen::unfinished()).unwrap();
    folder.write(&specimen::confirmed()).unwrap();
    let read = reports::capacity::read(&folder.document()).unwrap();
    assert_eq!(read.answer, Answer::Confirmed { figure: 3750.0, confirmations: 3, broke_at: 3870.0 });
    let name = CapacityFolder::step_name(3, 2000.0);
    assert_eq!(name, "steps/03-2000");
    assert!(folder.step(&name).unwrap().path().join("observations.jsonl").is_file());
    assert!(CapacityFolder::at(folder.path()).unwrap_err().to_string().contains("already holds"));
}
