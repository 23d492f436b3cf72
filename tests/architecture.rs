//! Who may know whom, and how large the house may grow. The rules are data; the checks are shown to fail.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use cargo_metadata::MetadataCommand;

/// Crate → the crates of the house that it may use. The root package may use all of them.
const MAY_USE: &[(&str, &[&str])] = &[
    ("reference-broker", &["protocol", "transport", "located"]),
    ("simulator", &["protocol", "transport", "faults", "scenarios", "reports"]),
    ("loadgen", &["simulator", "protocol", "transport", "faults", "targets", "scenarios", "reports"]),
    ("conformance", &["wire", "transport", "faults", "targets", "scenarios", "reports"]),
    ("faults", &["wire"]),
    ("wire", &[]),
    ("protocol", &[]),
    ("transport", &[]),
    // A leaf that knows no key of theirs: whatever people write is read and explained in one way.
    ("targets", &["located"]),
    ("scenarios", &["located"]),
    ("located", &[]),
    ("reports", &[]),
    // Pages of runs: it reads what reports makes, and nobody but the command starts it.
    ("live", &["reports"]),
];

/// The oracle must not share a codec with the accused, not even through another crate.
const NEVER_REACH: &[(&str, &str)] = &[("wire", "protocol"), ("faults", "protocol"), ("conformance", "protocol")];

/// A source file longer than this is split by concept.
const LONGEST_FILE: usize = 500;
/// `main` parses, runs and exits.
const LONGEST_MAIN: usize = 40;

type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn dependencies_follow_the_rule() {
    let broken = breaches(&graph());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_forbidden_dependency_is_found() {
    let mut graph = graph();
    graph.entry("protocol".into()).or_default().insert("transport".into());
    assert_eq!(breaches(&graph), ["protocol uses transport, which the rule does not allow"]);
}

#[test]
fn a_codec_shared_through_another_crate_is_found() {
    let mut graph = Graph::new();
    for (from, to) in [("conformance", "scenarios"), ("scenarios", "protocol")] {
        graph.entry(from.into()).or_default().insert(to.into());
    }
    let broken = breaches(&graph);
    assert!(broken.contains(&"conformance reaches protocol".to_owned()), "{broken:?}");
}

#[test]
fn a_crate_without_a_rule_is_found() {
    let graph = Graph::from([("attic".to_owned(), BTreeSet::new())]);
    assert_eq!(breaches(&graph), ["attic has no rule: say in tests/architecture.rs what it may use"]);
}

#[test]
fn files_are_split_before_they_are_too_long() {
    let mut long = Vec::new();
    for file in tracked_sources() {
        let lines = fs::read_to_string(root().join(&file)).unwrap().lines().count();
        let limit = if file == "src/main.rs" { LONGEST_MAIN } else { LONGEST_FILE };
        if lines > limit {
            long.push(format!("{file}: {lines} lines, at most {limit}"));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Every way in which `graph` breaks the rules, in words.
fn breaches(graph: &Graph) -> Vec<String> {
    let rules: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    for (krate, used) in graph.iter().filter(|(name, _)| *name != "paddock") {
        let Some(allowed) = rules.get(krate.as_str()) else {
            broken.push(format!("{krate} has no rule: say in tests/architecture.rs what it may use"));
            continue;
        };
        for other in used.iter().filter(|other| !allowed.contains(&other.as_str())) {
            broken.push(format!("{krate} uses {other}, which the rule does not allow"));
        }
    }
    for (from, to) in NEVER_REACH {
        if reaches(graph, from, to) {
            broken.push(format!("{from} reaches {to}"));
        }
    }
    broken
}

fn reaches(graph: &Graph, from: &str, to: &str) -> bool {
    graph.get(from).is_some_and(|used| used.iter().any(|next| next == to || reaches(graph, next, to)))
}

/// The crates of the workspace and what each uses of the others, dev-dependencies included.
fn graph() -> Graph {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let ours: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    metadata
        .packages
        .iter()
        .map(|package| {
            let used = package.dependencies.iter().map(|dependency| dependency.name.clone());
            (package.name.to_string(), used.filter(|name| ours.contains(name)).collect())
        })
        .collect()
}

fn tracked_sources() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files", "*.rs"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "git lists the sources");
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
