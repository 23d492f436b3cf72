//! The document of a comparison and its renderings.

mod specimen;

use reports::{Comparison, comparison_schema};
use std::fs;
use std::path::Path;

#[test]
fn the_terminal_says_it_all_in_eighty_columns() {
    for (name, comparison) in specimen::all() {
        let text = comparison.text(false);
        for line in text.lines() {
            assert!(line.chars().count() <= 80 && !line.contains('\u{1b}'), "{line}");
        }
        insta::assert_snapshot!(format!("terminal_{name}"), text);
    }
}

#[test]
fn junit_has_a_case_for_each_metric() {
    for (name, comparison) in specimen::all() {
        insta::assert_snapshot!(format!("junit_{name}"), comparison.junit().unwrap());
    }
}

#[test]
fn documents_fit_their_schema_and_come_back() {
    let schema = serde_json::to_value(comparison_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (_, comparison) in specimen::all() {
        let text = comparison.json().unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), comparison);
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        document["verdict"] = "fine".into();
        assert!(!validator.is_valid(&document), "the schema forbids something");
    }
}

/// Run with `UPDATE_SCHEMA=1` to write it.
#[test]
fn the_shipped_schema_is_the_one_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("comparison.schema.json");
    let schema = serde_json::to_string_pretty(&comparison_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), schema, "run this test with UPDATE_SCHEMA=1");
}
