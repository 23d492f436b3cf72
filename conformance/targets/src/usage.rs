//! What a process costs.

use std::{fs, io, path::PathBuf, time::Duration};

use serde::Serialize;

/// What a process has used until one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// CPU time in user mode since the process began, over all its threads, in steps of 10 ms.
    pub user: Duration,
    /// CPU time in the kernel since the process began, over all its threads, in steps of 10 ms.
    pub system: Duration,
    /// Resident memory, in bytes.
    pub resident: u64,
    /// Open file descriptors.
    pub open_files: u32,
}

/// Reads [`Usage`] from `/proc` (Linux; see proc(5)).
///
/// A process id may be used again after its process has been collected. The sampler remembers when its process began and
/// does not mistake another for it.
#[derive(Debug)]
pub struct Sampler {
    folder: PathBuf,
    /// Field 22 of `stat`: clock ticks between the machine's boot and the process's start.
    began: u64,
}

/// `/proc` counts CPU time in hundredths of a second on every architecture (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

impl Sampler {
    /// Watches the process `pid`.
    ///
    /// # Errors
    ///
    /// As [`Sampler::sample`].
    pub fn new(pid: u32) -> io::Result<Self> {
        if !cfg!(target_os = "linux") {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "processes are sampled on Linux only"));
        }
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let began = Stat::read(&folder)?.began;
        Ok(Self { folder, began })
    }

    /// What the process has used until now.
    ///
    /// # Errors
    ///
    /// `NotFound` when it has ended, `PermissionDenied` when it is another user's, `Unsupported` where there is no Linux,
    /// `InvalidData` when the kernel's text cannot be read.
    pub fn sample(&mut self) -> io::Result<Usage> {
        let stat = Stat::read(&self.folder)?;
        if stat.began != self.began || matches!(stat.state, "Z" | "X") {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the process has ended"));
        }
        let open_files = fs::read_dir(self.folder.join("fd"))?.count();
        Ok(Usage {
            user: TICK * u32::try_from(stat.user).unwrap_or(u32::MAX),
            system: TICK * u32::try_from(stat.system).unwrap_or(u32::MAX),
            resident: resident(&fs::read_to_string(self.folder.join("status"))?)?,
            open_files: u32::try_from(open_files).unwrap_or(u32::MAX),
        })
    }
}

/// The fields of `stat` that matter here.
struct Stat {
    state: &'static str,
    user: u64,
    system: u64,
    began: u64,
}

impl Stat {
    fn read(folder: &std::path::Path) -> io::Result<Self> {
        let text = fs::read_to_string(folder.join("stat")).map_err(|error| match error.raw_os_error() {
            // ESRCH: it ended between open and read.
            Some(3) => io::Error::new(io::ErrorKind::NotFound, error),
            _ => error,
        })?;
        Self::parse(&text).ok_or_else(|| unreadable("stat"))
    }

    fn parse(text: &str) -> Option<Self> {
        // The program's name stands in parentheses and may hold spaces and parentheses itself.
        let (_, after) = text.rsplit_once(')')?;
        // The first of these is field 3.
        let fields: Vec<&str> = after.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse().ok();
        let state = match *fields.first()? {
            "Z" => "Z",
            "X" => "X",
            _ => "",
        };
        Some(Self { state, user: number(14)?, system: number(15)?, began: number(22)? })
    }
}

/// `VmRSS` of `status`, which counts in KiB and so needs no page size.
fn resident(status: &str) -> io::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(|| unreadable("status"))?;
    let number = line.trim().strip_suffix("kB").and_then(|number| number.trim().parse::<u64>().ok());
    number.map(|kibibytes| kibibytes * 1024).ok_or_else(|| unreadable("status"))
}

fn unreadable(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("cannot read the process's {file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_may_hold_anything() {
        let text = "7 (a) b (c)) S 1 7 7 0 -1 4194304 1 2 3 4 150 20 0 0 20 0 1 0 987654 1000 55 18446744073709551615";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.user, stat.system, stat.began), (150, 20, 987_654));
        assert!(Stat::parse("7 (a) S 1").is_none());
        assert!(Stat::parse("").is_none());
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t    2048 kB\n").unwrap(), 2_097_152);
        assert!(resident("Name:\tx\n").is_err());
    }

    #[test]
    fn this_process_uses_memory_files_and_time() {
        let mut sampler = Sampler::new(std::process::id()).unwrap();
        let before = sampler.sample().unwrap();
        assert!(before.resident > 100_000, "{before:?}");
        let held: Vec<_> = (0..5).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        // Other tests of this process open and close files too, so the count is only bounded from below.
        assert!(sampler.sample().unwrap().open_files >= 5);
        drop(held);
        let busy = |usage: Usage| usage.user + usage.system;
        let mut sum = 0_u64;
        while busy(sampler.sample().unwrap()) <= busy(before) {
            sum = (0..100_000_u64).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
    }

    #[test]
    fn a_process_that_ended_is_not_found() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let mut sampler = Sampler::new(child.id()).unwrap();
        assert!(sampler.sample().is_ok());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(sampler.sample().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(Sampler::new(child.id()).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
