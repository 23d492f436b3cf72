//! What people copy: the workflows of `conformance/examples`, and the commands that the Dockerfile and READMEs name.

use std::{fs, process::Command};

use targets::{Descriptor, Reach};

use crate::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The arguments of `paddock` in each line that has some.
fn commands(text: &str) -> Vec<Vec<String>> {
    let begins = ["conformance --", "broker --listen"];
    let arguments =
        text.lines().filter_map(|line| begins.iter().find_map(|begin| line.find(begin)).map(|at| &line[at..]));
    arguments.map(|arguments| arguments.split_whitespace().map(|word| word.replace('"', "")).collect()).collect()
}

#[test]
fn the_arguments_of_the_examples_exist() {
    let understood = |arguments: &[String]| {
        // Every argument before it is looked at first.
        let paddock = Command::new(env!("CARGO_BIN_EXE_paddock")).args(arguments).arg("--help").output().unwrap();
        (paddock.status.success(), String::from_utf8(paddock.stderr).unwrap())
    };
    for path in [
        "Dockerfile",
        "conformance/targets/README.md",
        "conformance/examples/github-actions.yml",
        "conformance/examples/gitlab-ci.yml",
    ] {
        let commands = commands(&read(path));
        assert!(!commands.is_empty(), "{path} names no command");
        for arguments in commands {
            let (understood, said) = understood(&arguments);
            assert!(understood, "{path}: {arguments:?}: {said}");
        }
    }
    assert!(!understood(&["conformance".into(), "--no-such-thing".into()]).0);
}

#[test]
fn the_descriptor_of_the_examples_waits_for_the_broker_of_the_workflows() {
    let text = read("conformance/examples/conformance.toml");
    let descriptor = Descriptor::parse("conformance.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let Reach::Addresses { urls, deadline } = descriptor.reach else { panic!("it has an address") };
    assert!(!deadline.is_zero());
    for workflow in ["github-actions.yml", "gitlab-ci.yml"] {
        let workflow = read(&format!("conformance/examples/{workflow}"));
        let host = urls[0].strip_prefix("mqtt://").and_then(|url| url.strip_suffix(":1883")).unwrap();
        assert!(workflow.contains(&format!("--name {host} ")), "no broker is called {host}");
        assert!(workflow.contains("--targets conformance.toml"));
    }
}
