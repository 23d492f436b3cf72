//! The README's tables of what a broker shows are made from the code, so that they cannot go stale.

use std::{collections::BTreeSet, env, fmt::Write, fs, sync::Mutex};

use reference_broker::{Counters, Settings, metrics, sys_topics};
use serde_json::Value;

const WINDOWS: &str = "{1min,5min,15min}";

#[test]
fn the_readme_lists_every_metric() {
    check("metrics", "| metric | what it is |", metrics().map(row));
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
    check("\\$SYS", "| topic | payload |", rows.into_iter().map(row));
}

/// The counters of what each limit refuses, shortens or drops. What two limits share they count together; `inflight` and
/// what only the broker uses make nothing but waiting.
const COUNTED: &[(&str, &[&str])] = &[
    ("all_queued_bytes", &["dropped_broker_full"]),
    ("all_subscriptions", &["all_subscriptions_refused"]),
    ("backlog_bytes", &["retained_cut"]),
    ("backlog_messages", &["retained_cut"]),
    ("client_id_length", &["client_ids_too_long"]),
    ("connect_packet_size", &["packets_too_large"]),
    ("connect_rate", &["connects_over_rate"]),
    ("connect_timeout", &["connect_timeouts"]),
    ("connections", &["connections_refused"]),
    ("full_queue", &["dropped_queue_full", "disconnected_queue_full", "refused_queue_full"]),
    ("inflight", &[]),
    ("keep_alive", &["keep_alives_shortened"]),
    ("mailbox", &["mail_held_up"]),
    ("mailbox_bytes", &["mail_held_up"]),
    (
        "memory",
        &["sessions_refused_memory", "subscriptions_refused_memory", "retained_refused_memory", "dropped_memory_full"],
    ),
    ("outbound_bytes", &["dropped_slow"]),
    ("outgoing_topic_aliases", &[]),
    ("packet_filters", &["packets_over_quota"]),
    ("packet_properties", &["packets_over_quota"]),
    ("packet_size", &["packets_too_large"]),
    ("queued_bytes", &["dropped_queue_full", "disconnected_queue_full", "refused_queue_full"]),
    ("queued_messages", &["dropped_queue_full", "disconnected_queue_full", "refused_queue_full"]),
    ("receive_maximum", &["receive_maximum_exceeded"]),
    ("retained_bytes", &["retained_refused"]),
    ("retained_messages", &["retained_refused"]),
    ("server_keep_alive", &[]),
    ("session_expiry", &["session_expiries_shortened", "sessions_expired"]),
    ("sessions", &["sessions_refused"]),
    ("subscriptions", &["subscriptions_refused"]),
    ("topic_alias_bytes", &["packets_over_quota"]),
    ("topic_aliases", &["violations"]),
    ("topic_length", &["topics_too_long"]),
    ("topic_levels", &["topics_too_deep"]),
];

#[test]
fn the_readme_lists_every_limit_with_its_counters() {
    let schema = Settings::schema();
    let limits = schema["$defs"]["Limits"]["properties"].as_object().expect("the settings have limits");
    let counted: Vec<_> = COUNTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(limits.keys().map(String::as_str).collect::<Vec<_>>(), counted, "every limit says what counts it");
    let rows = COUNTED.iter().map(|(name, counters)| {
        let unknown = counters.iter().find(|counter| Counters::ALL.iter().all(|(known, _)| known != *counter));
        assert_eq!(unknown, None, "{name} names a counter that does not exist");
        let limit = &limits[*name];
        let about = limit["description"].as_str().expect("every setting is described");
        // How it is written, and when a change takes effect, is for the example to say.
        let about = about.split(" Write ").next().unwrap_or(about).trim_end_matches('.');
        let default = match &limit["default"] {
            Value::Null => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        let counters: Vec<_> = counters.iter().map(|counter| format!("`{counter}`")).collect();
        format!("| `{name}` | {default} | {about} | {} |", counters.join(", "))
    });
    check("limits", "| limit | default | what it bounds, and what happens beyond | counters |", rows);
}

fn row((name, help): (String, String)) -> String {
    format!("| `{name}` | {} |", help.trim().trim_end_matches('.'))
}

/// The table under `head` has exactly these rows; with `UPDATE_README=1` in the environment it is given them.
fn check(name: &str, head: &str, rows: impl Iterator<Item = String>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).expect("the README can be read");
    let mut table = format!("{head}\n|{}\n", "---|".repeat(head.matches('|').count() - 1));
    for row in rows {
        let _infallible = writeln!(table, "{row}");
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
