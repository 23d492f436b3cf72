//! What the operating system knows of this process, by the names that Prometheus' own libraries use.

use std::{fmt, fs};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, registry::Unit};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    time::{ClockId, clock_gettime},
};

use super::metrics::{gauge, seconds_total};

/// Name and help of each. What cannot be read is left out.
pub(super) const DESCRIBED: [(&str, &str); 5] = [
    ("process_cpu_seconds_total", "Processor time that the process took"),
    ("process_resident_memory_bytes", "Memory of the process that is in RAM"),
    ("process_open_fds", "File descriptors that are open"),
    ("process_max_fds", "File descriptors that may be open"),
    ("process_start_time_seconds", "When the process began, in seconds since 1970"),
];

#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let [cpu, memory, open, most, start] = DESCRIBED.map(|(_, help)| help);
        seconds_total(&mut encoder, "process_cpu", cpu, cpu_seconds())?;
        if let Some(bytes) = resident_bytes() {
            gauge(&mut encoder, "process_resident_memory", memory, Some(&Unit::Bytes), bytes)?;
        }
        if let Some(count) = open_descriptors() {
            gauge(&mut encoder, "process_open_fds", open, None, count)?;
        }
        if let Ok((soft, _)) = rlimit::Resource::NOFILE.get() {
            gauge(&mut encoder, "process_max_fds", most, None, soft)?;
        }
        if let Some(seconds) = start_time() {
            gauge(&mut encoder, "process_start_time", start, Some(&Unit::Seconds), seconds)?;
        }
        Ok(())
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a processor time")]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}

fn resident_bytes() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse::<u64>().ok()?;
    Some(pages * page_size() as u64)
}

fn open_descriptors() -> Option<u64> {
    // The one that reads the directory does not count.
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

fn start_time() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, second, may hold anything, parentheses too. Of the fields behind it the twentieth is the start, in ticks.
    let ticks = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse::<u64>().ok()?;
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<u64>().ok()?;
    Some(boot + ticks / clock_ticks_per_second())
}
