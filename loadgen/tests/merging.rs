//! Distributions merge without loss: over windows, over processes, and through the file in which they are recorded.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{io, sync::Arc, sync::Mutex, time::Duration};

use hdrhistogram::Histogram;
use loadgen::{
    ledger::RowKey,
    measure::{Groups, Meter, Received, StageSpan},
};
use proptest::{collection::vec, prelude::*};
use protocol::QoS;
use reports::{JsonLines, Labels, Observation, Sink, Summary, metric, observation::house_histogram};

/// The stage `hold` lies between two seconds that are not measured.
const STAGES: [(&str, u64, u64, bool); 3] =
    [("ramp", 0, 1000, false), ("hold", 1000, 5500, true), ("after", 5500, 7000, false)];

/// One delivery: when it came (ms), how long it took (ns), by which group, at which QoS, to whom, in which of three processes.
type Delivery = (u64, u64, u16, usize, u16, usize);

fn deliveries() -> impl Strategy<Value = Vec<Delivery>> {
    // Latencies of all magnitudes, from nothing to beyond an hour.
    let latency = (0..44_u32, any::<u64>()).prop_map(|(bits, random)| random & ((1 << bits) - 1));
    vec((0..7000_u64, latency, 0..2_u16, 0..3_usize, 0..2_u16, 0..3_usize), 0..400).prop_map(|mut all| {
        all.sort_unstable();
        all
    })
}

fn meter() -> Meter {
    let milli = Duration::from_millis;
    let stages = STAGES.map(|(name, begins, ends, measured)| StageSpan {
        name: name.into(),
        begins: milli(begins),
        ends: milli(ends),
        measured,
    });
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    Meter::new(stages.to_vec(), Groups { devices: names(["meter", "collar"]), subscribers: names(["erp", "screen"]) })
}

fn stage(at: u64) -> usize {
    STAGES.iter().position(|(_, begins, ends, _)| (*begins..*ends).contains(&at)).unwrap()
}

/// Measures, and gives what would be recorded: windows, then distributions.
fn measured(deliveries: &[Delivery]) -> Vec<Observation> {
    let mut meter = meter();
    let mut recorded = Vec::new();
    for &(at, took, group, qos, reader, _) in deliveries {
        while let Some(closed) = meter.close_window(Duration::from_millis(at)) {
            recorded.push(Observation::Window(Box::new(closed.window())));
        }
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][qos];
        let row = RowKey { stage: stage(at) as u16, group, qos };
        meter.received(Received { row, reader, end_to_end: Duration::from_nanos(took), service: None }, 1);
    }
    recorded.push(Observation::Window(Box::new(meter.close_last_window(Duration::from_secs(7)).window())));
    recorded.extend(meter.records().map(Observation::Histogram));
    recorded
}

/// A file in memory.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl io::Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Through `observations.jsonl` and back.
fn read_back(recorded: &[Observation]) -> Vec<Observation> {
    let file = File::default();
    let mut lines = Box::new(JsonLines::new(file.clone()));
    for observation in recorded {
        lines.record(observation).unwrap();
    }
    lines.finish().unwrap();
    let bytes = file.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the distributions of several recordings come to, and what their windows of the measured stage do.
fn sums<'a>(recordings: impl IntoIterator<Item = &'a Vec<Observation>>) -> [Histogram<u64>; 2] {
    let (mut summary, mut windows) = (Summary::new(), house_histogram());
    let mut whole = house_histogram();
    for recorded in recordings {
        for observation in recorded {
            match observation {
                Observation::Window(window) if window.stage == "hold" => {
                    if let Some(encoded) = &window.e2e.histogram {
                        windows.add(encoded.decode().unwrap()).unwrap();
                    }
                }
                Observation::Histogram(record) => whole.add(record.histogram.decode().unwrap()).unwrap(),
                _ => {}
            }
            summary.apply(observation);
        }
    }
    if !whole.is_empty() {
        assert_eq!(summary.histogram(metric::E2E, &Labels::none()), Some(whole.clone()));
    }
    [whole, windows]
}

proptest! {
    // A case encodes and decodes a hundred histograms.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn windows_processes_and_files_lose_nothing(deliveries in deliveries()) {
        let mut truth = house_histogram();
        for (at, took, ..) in &deliveries {
            if STAGES[stage(*at)].3 {
                truth.saturating_record(*took);
            }
        }
        let whole = read_back(&measured(&deliveries));
        prop_assert_eq!(sums([&whole]), [truth.clone(), truth.clone()]);
        let shares = [0, 1, 2].map(|process| {
            let share: Vec<Delivery> = deliveries.iter().filter(|one| one.5 == process).copied().collect();
            read_back(&measured(&share))
        });
        prop_assert_eq!(sums(&shares), [truth.clone(), truth]);
    }
}
