//! The text format of Prometheus and OpenMetrics, as far as a few figures need it.

use std::collections::BTreeMap;

/// What a page says of a process; what it does not say is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// Seconds of processor time since the process began.
    pub(super) cpu_seconds: Option<f64>,
    /// Cores in use; the whole machine is 1.0 where the page does not say how many it has.
    pub(super) cpu: Option<f64>,
    /// Bytes of memory.
    pub(super) memory: Option<f64>,
    /// Open file descriptors.
    pub(super) open_files: Option<f64>,
}

impl Figures {
    /// Reads a page. Several series of one family, as of several nodes, add up; lines that are none are passed over.
    pub(super) fn read(page: &str) -> Self {
        let mut figures = Self::default();
        let (mut percent, mut memory, mut cores) = (None, None, None);
        for (name, value) in page.lines().filter_map(series) {
            let family = match name {
                "process_cpu_seconds_total" => &mut figures.cpu_seconds,
                "process_resident_memory_bytes" => &mut figures.memory,
                "process_open_fds" => &mut figures.open_files,
                "emqx_vm_cpu_use" => &mut percent,
                "emqx_vm_used_memory" => &mut memory,
                "erlang_vm_logical_processors" => &mut cores,
                _ => continue,
            };
            *family = Some(family.unwrap_or(0.0) + value);
        }
        figures.cpu = percent.map(|percent: f64| percent / 100.0 * cores.unwrap_or(1.0));
        figures.memory = figures.memory.or(memory);
        figures
    }
}

/// The reference broker's count of messages that it dropped.
const DROPPED: &str = "paddock_broker_messages_dropped_total";
/// EMQX's counts of messages that were dropped before they were dealt to subscribers, and of deliveries: each in all, and with a cause
/// after one more `_`.
const DROPPED_BY_EMQX: [&str; 2] = ["emqx_messages_dropped", "emqx_delivery_dropped"];
/// When the process began, in seconds since 1970.
const BEGAN: &str = "process_start_time_seconds";

/// What a broker says that it has dropped so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dropped {
    /// Messages by cause.
    pub(super) causes: BTreeMap<String, u64>,
    /// When it began to count, in seconds since 1970, where the page says when its process began.
    pub(super) began: Option<f64>,
}

/// Reads what a broker says of drops; absent when the page does not say. Several series of one cause, as of several workers or nodes,
/// add up.
pub(super) fn dropped(page: &str) -> Option<Dropped> {
    let mut causes: BTreeMap<String, u64> = BTreeMap::new();
    let (mut began, mut in_all, mut with_cause) = (None, None, 0);
    for (name, labels, value) in page.lines().filter_map(labelled) {
        if name == DROPPED {
            if let Some(cause) = label(labels, "cause") {
                *causes.entry(cause.to_owned()).or_insert(0) += value as u64;
            }
        } else if name == BEGAN {
            began = Some(value);
        } else if DROPPED_BY_EMQX.contains(&name) {
            in_all = Some(in_all.unwrap_or(0) + value as u64);
        } else if let Some(cause) = DROPPED_BY_EMQX.iter().find_map(|all| name.strip_prefix(all)?.strip_prefix('_')) {
            *causes.entry(cause.to_owned()).or_insert(0) += value as u64;
            with_cause += value as u64;
        }
    }
    if let Some(in_all) = in_all {
        // Not every cause has a count of its own in every release.
        causes.insert("other".to_owned(), in_all.saturating_sub(with_cause));
    }
    (!causes.is_empty()).then_some(Dropped { causes, began })
}

/// The name and value of a line `name{label="value",...} value [timestamp]`.
fn series(line: &str) -> Option<(&str, f64)> {
    labelled(line).map(|(name, _, value)| (name, value))
}

/// The same with the labels in their braces, or nothing.
fn labelled(line: &str) -> Option<(&str, &str, f64)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let (labels, after) = rest.split_at(if rest.starts_with('{') { labels(rest)? } else { 0 });
    let value: f64 = after.split_whitespace().next()?.parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some((name, labels, value))
}

/// The value of a label that is a plain word.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let pairs = labels.trim_start_matches('{').trim_end_matches('}').split(',');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| key.trim() == name)?.1.trim();
    let word = value.strip_prefix('"')?.strip_suffix('"')?;
    word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some(word)
}

/// The length of a set of labels with its braces. A value may hold anything, quotes escaped.
fn labels(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_programs_write_is_read() {
        let page = "# HELP process_cpu_seconds_total Total user and system CPU time.\n\
                    # TYPE process_cpu_seconds_total counter\n\
                    process_cpu_seconds_total 12.47\n\
                    process_resident_memory_bytes 1.34217728e+08\r\n\
                    process_open_fds{} 41 1700000000000\n\
                    process_open_fds_other 7\n# EOF\n";
        let expected = Figures {
            cpu_seconds: Some(12.47),
            memory: Some(134_217_728.0),
            open_files: Some(41.0),
            ..Figures::default()
        };
        assert_eq!(Figures::read(page), expected);
    }

    #[test]
    fn emqx_s_figures_are_read_when_there_are_no_others() {
        let page =
            "emqx_vm_cpu_use 25\nemqx_vm_used_memory{node=\"a }\\\" b\"} 1000\nemqx_vm_used_memory{node=\"b\"} 500\n";
        let figures = Figures::read(page);
        assert_eq!((figures.cpu, figures.memory, figures.cpu_seconds), (Some(0.25), Some(1500.0), None));
        let figures =
            Figures::read(&format!("{page}erlang_vm_logical_processors 8\nprocess_resident_memory_bytes 7\n"));
        assert_eq!((figures.cpu, figures.memory), (Some(2.0), Some(7.0)));
    }

    #[test]
    fn drops_are_read_by_cause_over_all_workers() {
        let page = "# TYPE paddock_broker_messages_dropped counter\n\
                    paddock_broker_messages_dropped_total{cause=\"slow\",worker=\"0\"} 200\n\
                    paddock_broker_messages_dropped_total{cause=\"slow\",worker=\"1\"} 30\n\
                    paddock_broker_messages_dropped_total{worker=\"0\",cause=\"denied\"} 0\n\
                    paddock_broker_messages_dropped_total{cause=\"<b>\"} 1\n\
                    paddock_broker_messages_sent_total{cause=\"slow\"} 7\n";
        let causes = [("slow", 230), ("denied", 0)].map(|(cause, count)| (cause.to_owned(), count)).into();
        assert_eq!(dropped(page), Some(Dropped { causes, began: None }));
        assert_eq!(dropped("process_open_fds 41\nprocess_start_time_seconds 1.7e9\n"), None);
        let began = dropped(&format!("{page}process_start_time_seconds 1.7e9\n")).unwrap().began;
        assert_eq!(began, Some(1.7e9));
    }

    #[test]
    fn emqx_counts_messages_and_deliveries_in_all_and_by_cause() {
        let page = "# TYPE emqx_messages_dropped counter\n\
                    emqx_messages_dropped 12\n\
                    emqx_messages_dropped_no_subscribers 9\n\
                    emqx_messages_dropped_expired{node=\"emqx@a\"} 1\n\
                    emqx_delivery_dropped 40\n\
                    emqx_delivery_dropped_queue_full 33\n\
                    emqx_delivery_dropped_expired 4\n\
                    emqx_delivery_droppedx 7\n";
        let expected = [("no_subscribers", 9), ("expired", 5), ("queue_full", 33), ("other", 5)];
        let causes = expected.map(|(cause, count)| (cause.to_owned(), count)).into();
        assert_eq!(dropped(page), Some(Dropped { causes, began: None }));
        // A release that counts no causes says at least how many.
        let causes = [("other".to_owned(), 3)].into();
        assert_eq!(dropped("emqx_delivery_dropped 3\n"), Some(Dropped { causes, began: None }));
    }

    #[test]
    fn any_text_is_read() {
        for page in [
            "",
            "<html>",
            "process_open_fds",
            "process_open_fds ",
            "process_open_fds{",
            "process_open_fds{a=\"} 1",
            "process_open_fds NaN",
            "process_open_fds +Inf",
            "process_open_fds -1",
            "process_open_fds \u{1F42E}",
            "{} 1",
        ] {
            assert_eq!(Figures::read(page), Figures::default(), "{page}");
            assert_eq!(dropped(&page.replace("process_open_fds", DROPPED)), None, "{page}");
        }
    }
}
