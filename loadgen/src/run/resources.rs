//! What the run may use of this machine, and what it and the target do use.

use std::{
    fs, io,
    net::IpAddr,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use protocol::Time;
use reports::observation::{Environment, Preflight, ProcessUsage};
use simulator::Target;
use targets::{Sampler, Usage};
use transport::Scheme;

use crate::{Exit, judge::Failure};

/// Open files besides connections: logs, sinks, the event queue, the standard streams.
const SPARE: u64 = 64;

/// Raises the limit on open files so that `connections` fit.
///
/// # Errors
///
/// A failure of usage that says how far the limit goes.
pub(super) fn raise_file_limit(connections: u64) -> Result<u64, Failure> {
    let wanted = connections + SPARE;
    let limit =
        rlimit::increase_nofile_limit(wanted).or_else(|_| rlimit::getrlimit(rlimit::Resource::NOFILE).map(|it| it.0));
    match limit {
        Ok(limit) if limit >= wanted => Ok(limit),
        Ok(limit) => Err(Failure {
            exit: Exit::Usage,
            reason: format!(
                "{connections} connections need {wanted} open files and this process may have {limit}: \
                 raise the hard limit (ulimit -Hn {wanted})"
            ),
        }),
        Err(error) => {
            Err(Failure { exit: Exit::Usage, reason: format!("cannot read the limit on open files: {error}") })
        }
    }
}

/// The line on open files in the report.
pub(super) fn file_check(connections: u64, limit: u64) -> Preflight {
    let wanted = connections + SPARE;
    Preflight {
        name: "open files".into(),
        observed: limit.to_string(),
        wanted: wanted.to_string(),
        ok: Some(limit >= wanted),
        why: "Every connection of the generator is an open file.".into(),
        how: format!("ulimit -Hn {wanted}"),
    }
}

/// The line on local ports in the report; none where they are not needed or not known.
pub(super) fn port_check(target: &Target, connections: u64) -> Option<Preflight> {
    let ports = simulator::local_ports().filter(|_| target.endpoint.scheme != Scheme::Unix)?;
    let (from, count) = match &target.sources {
        Some(sources) => (format!(" each, from {sources}"), sources.addresses().len() as u64),
        None => (String::new(), 1),
    };
    Some(Preflight {
        name: "local ports".into(),
        observed: format!("{ports}{from}"),
        wanted: connections.to_string(),
        ok: Some(ports * count >= connections),
        why: "Connections to one address of a broker take one port of their source address each.".into(),
        how: "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\", or --source with more addresses".into(),
    })
}

/// Whether the address of the target can only be one of this machine.
pub(super) fn is_here(target: &Target) -> bool {
    let host = target.endpoint.host.as_str();
    let is_loopback = || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    target.endpoint.scheme == Scheme::Unix || host == "localhost" || is_loopback()
}

/// This machine.
pub(super) fn environment(file_limit: Option<u64>, shared_with_target: bool) -> Environment {
    let line = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let memory =
        field("/proc/meminfo", "MemTotal").and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    Environment {
        host: line("/proc/sys/kernel/hostname"),
        kernel: format!("{} {}", line("/proc/sys/kernel/ostype"), line("/proc/sys/kernel/osrelease")).trim().to_owned(),
        processor: field("/proc/cpuinfo", "model name").unwrap_or_default(),
        cores: thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok()),
        memory_bytes: memory.map(|kib| kib * 1024),
        file_limit,
        shared_with_target,
    }
}

/// This machine since it was last booted: processes that read the same value read the same clock. Empty when unknown.
pub(super) fn machine() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// How far this machine's wall clock may be from the true time, when its time service says so: as chrony's manual has it, the
/// offset that remains, the dispersion and half the delay on the way to the source.
pub(super) fn clock_error() -> Option<Duration> {
    let tracking = Command::new("chronyc").args(["-c", "tracking"]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    tracking.ok().filter(|output| output.status.success()).and_then(|output| tracked(&output.stdout))
}

/// The bound in the line that `chronyc -c tracking` prints: reference, name, stratum, time, offset, last offset, its mean,
/// frequency, residual, skew, root delay, root dispersion, interval, leap status.
fn tracked(line: &[u8]) -> Option<Duration> {
    let line = str::from_utf8(line).ok()?;
    let fields: Vec<&str> = line.trim().split(',').collect();
    let number = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok());
    if fields.len() < 14 || fields[13] == "Not synchronised" {
        return None;
    }
    Duration::try_from_secs_f64(number(4)?.abs() + number(11)? + number(10)? / 2.0).ok()
}

/// One process, sampled at the end of each window.
pub(super) struct Watched {
    sampler: Option<Sampler>,
    last: Option<(Time, Usage)>,
    first: Option<(Time, Usage)>,
    ended: bool,
}

impl Watched {
    /// Watches `pid`; a process that cannot be read gives no figures.
    pub(super) fn new(pid: Option<u32>, now: Time) -> Self {
        let mut sampler = pid.and_then(|pid| Sampler::new(pid).ok());
        let first = sampler.as_mut().and_then(|sampler| sampler.sample().ok()).map(|usage| (now, usage));
        Self { sampler, last: first, first, ended: false }
    }

    /// From now on processor time counts.
    pub(super) fn begin(&mut self, now: Time) {
        self.sample(now);
        self.first = self.last;
    }

    /// What it used since the last sample, and holds now.
    pub(super) fn sample(&mut self, now: Time) -> Option<ProcessUsage> {
        let sampled = self.sampler.as_mut()?.sample();
        self.ended |= sampled.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        let usage = sampled.ok()?;
        let cpu = self.last.and_then(|(then, before)| share(&before, &usage, now.since(then)));
        self.last = Some((now, usage));
        Some(ProcessUsage { cpu, rss_bytes: Some(usage.resident), open_files: Some(u64::from(usage.open_files)) })
    }

    /// Whether the process was found to have ended; said once.
    pub(super) fn has_just_ended(&mut self) -> bool {
        let news = self.ended && self.sampler.is_some();
        if news {
            self.sampler = None;
        }
        news
    }

    /// Processor time per elapsed time from the first to the last sample.
    pub(super) fn mean_cpu(&self) -> Option<f64> {
        let ((then, before), (now, after)) = (self.first?, self.last?);
        share(&before, &after, now.since(then))
    }
}

fn share(before: &Usage, after: &Usage, elapsed: Duration) -> Option<f64> {
    let used = (after.user + after.system).saturating_sub(before.user + before.system);
    (!elapsed.is_zero()).then(|| used.as_secs_f64() / elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_a_synchronised_clock_is_read() {
        let line =
            b"A29FC87B,192.0.2.1,3,1763763000.1,-0.000100,0.00002,0.00003,1.5,0.001,0.02,0.004,0.0005,64.2,Normal\n";
        assert_eq!(tracked(line), Some(Duration::from_micros(2600)));
    }

    #[test]
    fn a_clock_that_follows_nothing_has_no_bound() {
        let line = b"00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n";
        assert_eq!(tracked(line), None);
        for line in
            [&b""[..], b"1,2,3", b"\xff", b"a,b,c,d,x,f,g,h,i,j,k,l,m,Normal", b"a,b,c,d,1,f,g,h,i,j,-9,1,m,Normal"]
        {
            assert_eq!(tracked(line), None);
        }
    }

    #[test]
    fn local_ports_are_counted_for_each_source_address() {
        let check = |sources: Option<u32>, connections| {
            let mut target = Target::new("mqtt://127.0.0.1".parse().unwrap());
            target.sources = sources.map(transport::Sources::loopback);
            port_check(&target, connections).unwrap().ok
        };
        let ports = simulator::local_ports().unwrap();
        assert_eq!((check(None, ports), check(None, ports + 1)), (Some(true), Some(false)));
        assert_eq!((check(Some(2), 2 * ports), check(Some(2), 2 * ports + 1)), (Some(true), Some(false)));
        assert!(port_check(&Target::new("unix:/run/broker.sock".parse().unwrap()), 1 << 40).is_none());
    }
}
