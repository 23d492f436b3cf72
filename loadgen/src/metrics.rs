//! What a target on another machine uses, read from its own metrics page.
//!
//! A thread asks for the page about once a second, so that no answer, however late, delays a window. A page that cannot be read
//! costs its figures and one warning, never a run.

mod drops;
mod page;
mod text;

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use reports::observation::ProcessUsage;

pub(crate) use drops::{BEGAN_AGAIN, Drops};
pub use page::MetricsPage;
use text::Figures;

/// Time between two looks at the page.
const EVERY: Duration = Duration::from_secs(1);
/// The longest time that the page may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest page that is read; EMQX's with its rules has some hundred kilobytes.
const LONGEST: u64 = 16 << 20;
/// What was read longer ago says nothing of now.
const FRESH: Duration = Duration::from_secs(5);

/// Reads a [`MetricsPage`] until it is dropped.
#[derive(Debug)]
pub(crate) struct Scraper {
    shared: Arc<Mutex<Shared>>,
    /// Its end wakes the thread, which then ends.
    _stop: mpsc::Sender<()>,
}

#[derive(Debug, Default)]
struct Shared {
    last: Option<(Instant, Figures)>,
    usage: Option<(Instant, ProcessUsage)>,
    failure: Option<String>,
    told: bool,
}

impl Scraper {
    /// Begins to read `page`.
    pub(crate) fn start(page: &MetricsPage) -> Self {
        let (stop, stopped) = mpsc::channel::<()>();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (page, kept) = (page.clone(), Arc::clone(&shared));
        let work = move || {
            let agent = page.agent(PATIENCE);
            loop {
                let read = agent.as_ref().map_err(Clone::clone).and_then(|agent| look(agent, &page));
                if let Ok(mut shared) = kept.lock() {
                    shared.take(Instant::now(), read.map_err(|why| format!("the metrics page {page}: {why}")));
                }
                if stopped.recv_timeout(EVERY) != Err(mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("metrics".to_owned()).spawn(work)
            && let Ok(mut shared) = shared.lock()
        {
            shared.failure = Some(format!("no metrics are read: no thread could be started: {error}"));
        }
        Self { shared, _stop: stop }
    }

    /// What the target used as of the last look, if that was lately.
    pub(crate) fn usage(&self) -> Option<ProcessUsage> {
        let shared = self.shared.lock().ok()?;
        shared.usage.filter(|(at, _)| at.elapsed() < FRESH).map(|(_, usage)| usage)
    }

    /// Why the page could not be read; said once.
    pub(crate) fn complaint(&self) -> Option<String> {
        let mut shared = self.shared.lock().ok()?;
        let failure = shared.failure.clone().filter(|_| !shared.told);
        shared.told |= failure.is_some();
        failure
    }
}

impl Shared {
    fn take(&mut self, now: Instant, read: Result<Figures, String>) {
        let figures = match read {
            Ok(figures) => figures,
            Err(why) => {
                self.failure.get_or_insert(why);
                return;
            }
        };
        let cpu = match (figures.cpu_seconds, self.last) {
            (Some(after), Some((then, Figures { cpu_seconds: Some(before), .. }))) => {
                let elapsed = now.duration_since(then).as_secs_f64();
                // A counter that went back belongs to another process.
                (elapsed > 0.0 && after >= before).then(|| (after - before) / elapsed)
            }
            (Some(_), _) => None,
            (None, _) => figures.cpu,
        };
        let whole = |value: f64| value as u64;
        let usage =
            ProcessUsage { cpu, rss_bytes: figures.memory.map(whole), open_files: figures.open_files.map(whole) };
        self.last = Some((now, figures));
        self.usage = Some((now, usage));
    }
}

fn look(agent: &ureq::Agent, page: &MetricsPage) -> Result<Figures, String> {
    let figures = Figures::read(&page.text(agent, LONGEST)?);
    if figures == Figures::default() {
        return Err("it has neither process_cpu_seconds_total nor another figure that is known here".to_owned());
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_the_difference_of_two_looks() {
        let mut shared = Shared::default();
        let begin = Instant::now();
        let figures = |seconds| Figures { cpu_seconds: Some(seconds), memory: Some(1e6), ..Figures::default() };
        shared.take(begin, Ok(figures(10.0)));
        assert_eq!(shared.usage.unwrap().1.cpu, None);
        shared.take(begin + Duration::from_secs(2), Ok(figures(13.0)));
        let usage = shared.usage.unwrap().1;
        assert_eq!((usage.cpu, usage.rss_bytes), (Some(1.5), Some(1_000_000)));
        shared.take(begin + Duration::from_secs(3), Ok(figures(0.5)));
        assert_eq!(shared.usage.unwrap().1.cpu, None, "it was started again");
        shared.take(begin + Duration::from_secs(4), Ok(Figures { cpu: Some(0.25), ..Figures::default() }));
        assert_eq!(shared.usage.unwrap().1.cpu, Some(0.25));
    }
}
