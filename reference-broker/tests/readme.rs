//! The README's tables of what a broker shows are made from the code, so that they cannot go stale.

use std::{collections::BTreeSet, env, fmt::Write, fs, sync::Mutex};

use reference_broker::{Counters, metrics, sys_topics};

const WINDOWS: &str = "{1min,5min,15min}";

#[test]
fn the_readme_lists_every_metric() {
    check("metrics", "| metric | what it is |", metrics());
}

#[test]
fn the_readme_lists_every_sys_topic() {
    const COUNTERS: &str = "$SYS/broker/counters/";
    let mut rows: Vec<(String, String)> = Vec::new();
    for (topic, help) in sys_topics().filter(|(topic, _)| !topic.starts_with(COUNTERS)) {
        let load = ["/1min", "/5min", "/15min"].iter().find_map(|window| topic.strip_suffix(window));
        let row = match load {
            Some(start) => (format!("{start}/{WINDOWS}"), format!("{help} per minute")),
            None => (topic, help.to_owned()),
        };
        if rows.last() != Some(&row) {
            rows.push(row);
        }
    }
    let counters: BTreeSet<_> =
        sys_topics().filter_map(|(topic, _)| Some(topic.strip_prefix(COUNTERS)?.to_owned())).collect();
    assert_eq!(counters, Counters::ALL.iter().map(|(name, _)| (*name).to_owned()).collect());
    rows.push((format!("{COUNTERS}NAME"), "every counter of the other table".to_owned()));
    check("\\$SYS", "| topic | payload |", rows.into_iter());
}

/// The table under `head` has exactly these rows; with `UPDATE_README=1` in the environment it is given them.
fn check(name: &str, head: &str, rows: impl Iterator<Item = (String, String)>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).expect("the README can be read");
    let mut table = format!("{head}\n|---|---|\n");
    for (name, help) in rows {
        let _infallible = writeln!(table, "| `{name}` | {} |", help.trim().trim_end_matches('.'));
    }
    let from = readme.find(head).unwrap_or_else(|| panic!("the README has no table {head}"));
    let to = readme[from..].find("\n\n").map_or(readme.len(), |length| from + length + 1);
    if env::var_os("UPDATE_README").is_some() {
        fs::write(path, format!("{}{table}{}", &readme[..from], &readme[to..])).expect("the README can be written");
        return;
    }
    assert_eq!(
        readme[from..to],
        table,
        "the README's table of {name} is out of date: run this test with UPDATE_README=1 in the environment"
    );
}
