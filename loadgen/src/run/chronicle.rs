//! What is told of a run while it lasts: to every sink, and into the summary that it is judged by.
//!
//! Encoding histograms, reading `/proc` and writing files take milliseconds, and a slow disk takes longer. None of that may
//! delay a message that is due, so a [`Scribe`] does it in a thread of its own and the load's thread only hands over.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use reports::{
    Observation, Sink, Summary, Tee,
    observation::{Aborted, Event, EventKind},
};
use simulator::Clock;

use super::{
    resources::Watched,
    starvation::{self, Looks},
};
use crate::{
    MetricsPage,
    judge::Jury,
    measure::{ClosedWindow, Samples},
    metrics::Scraper,
};

/// Lag of one message in a hundred whose cause is looked for.
const LATE: Duration = Duration::from_millis(1);
/// Or that of one message in so many that was not sent in its second.
const SHORT: u64 = 100;

/// The record of a run.
pub(super) struct Chronicle {
    sinks: Box<Tee>,
    pub(super) summary: Summary,
    pub(super) jury: Jury,
    /// Set once, when a threshold that may end the run can no longer hold.
    foregone: Arc<OnceLock<Aborted>>,
    clock: Clock,
    target: Watched,
    own: Watched,
    /// The target's own page of metrics.
    page: Option<Scraper>,
    /// Of the target, where its connections have send queues.
    port: Option<u16>,
    send_queue: Option<u64>,
    looks: Looks,
}

impl Chronicle {
    /// An empty one that goes to `sinks` and that `jury` follows. Windows get the resources of this process and of `target`.
    pub(super) fn new(
        sinks: Vec<Box<dyn Sink>>,
        jury: Jury,
        target: Option<u32>,
        port: Option<u16>,
        clock: Clock,
    ) -> Self {
        Self {
            sinks: Box::new(Tee::new(sinks)),
            summary: Summary::new(),
            jury,
            foregone: Arc::default(),
            clock,
            target: Watched::new(target, clock.now()),
            own: Watched::new(Some(std::process::id()), clock.now()),
            page: None,
            port,
            send_queue: None,
            looks: Looks::default(),
        }
    }

    /// From now on what `page` says of the target stands in the windows, in place of its process.
    pub(super) fn reading(mut self, page: Option<&MetricsPage>) -> Self {
        self.page = page.map(Scraper::start);
        self
    }

    pub(super) fn record(&mut self, observation: &Observation) {
        self.summary.apply(observation);
        self.jury.apply(observation);
        self.sinks.record(observation).expect("a tee keeps its failures to the end");
    }

    /// Processor time of this process per elapsed time, from the run's start to its last window.
    pub(super) fn own_cpu(&self) -> Option<f64> {
        self.own.mean_cpu()
    }

    /// The most bytes that waited in the send queues toward the target at the end of a second in which messages were late, for
    /// whatever reason, among those that were looked at; absent when there was none, or nobody knows.
    pub(super) fn send_queue(&self) -> Option<u64> {
        self.send_queue
    }

    /// Completes every output; gives the summary and the first failure of a sink.
    pub(super) fn finish(self) -> (Summary, Option<io::Error>) {
        let failure = self.sinks.finish().err();
        (self.summary, failure)
    }

    fn record_window(&mut self, closed: &ClosedWindow) {
        let now = self.clock.now();
        let mut window = closed.window();
        let local = self.target.sample(now);
        window.target = self.page.as_ref().map_or(local, Scraper::usage);
        window.generator = self.own.sample(now);
        // Most seconds have nothing to explain. What was not sent in its second has no lag yet, and that will be no small one.
        let short = window.total.intended.saturating_sub(window.total.sent);
        let lag = if short * SHORT > window.total.intended { window.length } else { window.lag.p99 };
        if lag > LATE {
            self.look_at_queues(lag);
        }
        let at = window.at + window.length;
        self.record(&Observation::Window(Box::new(window)));
        let ended = self.target.has_just_ended().then(|| "the process of the target has ended".to_owned());
        let complaint = self.page.as_ref().and_then(Scraper::complaint);
        for text in ended.into_iter().chain(complaint) {
            let event = EventKind::Warning;
            self.record(&Observation::Event(Event { at, event, count: 1, client: None, group: None, text }));
        }
    }

    /// Reads the send queues after a second in which messages were late by `lag`, unless that costs too much.
    fn look_at_queues(&mut self, lag: Duration) {
        let began = self.clock.now();
        let Some(port) = self.port.filter(|_| self.looks.are_worth_it(lag, began)) else { return };
        if let Some(queued) = starvation::send_queues(port) {
            self.send_queue = Some(self.send_queue.map_or(queued, |before| before.max(queued)));
        }
        self.looks.took(lag, began, self.clock.now());
    }

    /// Says it when there is nothing to be gained from going on.
    fn look_ahead(&mut self) {
        if self.foregone.get().is_none()
            && let Some(aborted) = self.jury.foregone()
        {
            let _first = self.foregone.set(aborted);
        }
    }

    fn begin(&mut self) {
        let now = self.clock.now();
        self.target.begin(now);
        self.own.begin(now);
    }

    fn keep(mut self: Box<Self>, entries: &Receiver<Entry>, emptied: &Sender<Box<Samples>>) -> Box<Self> {
        for entry in entries {
            match entry {
                Entry::Begin => self.begin(),
                Entry::Observation(observation) => self.record(&observation),
                Entry::Target(pid) => self.target = Watched::new(pid, self.clock.now()),
                Entry::Window(closed) => {
                    self.record_window(&closed);
                    self.look_ahead();
                    // At the end of the run nobody wants it back.
                    let _ended = emptied.send(closed.into_emptied());
                }
            }
        }
        self
    }
}

enum Entry {
    /// The run starts: resources count from here.
    Begin,
    Observation(Box<Observation>),
    /// The process of the target is another one from now on, or there is none.
    Target(Option<u32>),
    Window(Box<ClosedWindow>),
}

/// Keeps a [`Chronicle`] in a thread of its own.
pub(super) struct Scribe {
    entries: Sender<Entry>,
    emptied: Receiver<Box<Samples>>,
    thread: JoinHandle<Box<Chronicle>>,
    foregone: Arc<OnceLock<Aborted>>,
    /// By kind and by what they are about.
    pending: BTreeMap<(EventKind, String), Event>,
}

impl Scribe {
    /// Goes on with `chronicle` until [`lay_down`](Self::lay_down).
    ///
    /// # Errors
    ///
    /// With the chronicle back: the operating system gives no thread.
    pub(super) fn new(chronicle: Box<Chronicle>) -> Result<Self, (Box<Chronicle>, io::Error)> {
        let (entries, incoming) = channel();
        let (returned, emptied) = channel();
        let (give, take) = channel::<Box<Chronicle>>();
        let foregone = Arc::clone(&chronicle.foregone);
        let work = move || take.recv().expect("given below").keep(&incoming, &returned);
        match thread::Builder::new().name("scribe".to_owned()).spawn(work) {
            Ok(thread) => {
                give.send(chronicle).expect("the thread waits for it");
                Ok(Self { entries, emptied, thread, foregone, pending: BTreeMap::new() })
            }
            Err(error) => Err((chronicle, error)),
        }
    }

    pub(super) fn begin(&self) {
        self.hand_over(Entry::Begin);
    }

    pub(super) fn record(&self, observation: Observation) {
        self.hand_over(Entry::Observation(Box::new(observation)));
    }

    /// From now on the process of the target is this one.
    pub(super) fn watch(&self, target: Option<u32>) {
        self.hand_over(Entry::Target(target));
    }

    /// The threshold that ends the run, once it can no longer hold.
    pub(super) fn foregone(&self) -> Option<&Aborted> {
        self.foregone.get()
    }

    /// Takes a window, after the events that happened in it, so that whoever judges it has heard of them; gives emptied samples for
    /// later windows.
    pub(super) fn record_window(&mut self, closed: ClosedWindow) -> Option<Box<Samples>> {
        self.flush_events();
        self.hand_over(Entry::Window(Box::new(closed)));
        self.emptied.try_recv().ok()
    }

    /// Notes something exceptional; the same kind within one window becomes one event with a count.
    pub(super) fn event(&mut self, at: Duration, event: EventKind, client: Option<String>, text: String) {
        self.event_about(at, event, "", client, text);
    }

    /// As [`event`](Self::event), of a client of `group`: the same kind of the same group becomes one event.
    pub(super) fn event_of(&mut self, at: Duration, event: EventKind, group: &str, client: &str, text: String) {
        let pending = self.pending.entry((event, group.to_owned()));
        let (client, group) = (Some(client.to_owned()), Some(group.to_owned()));
        pending.or_insert_with(|| Event { at, event, count: 0, client, group, text }).count += 1;
    }

    /// As [`event`](Self::event), but only the same kind about the same thing becomes one event.
    pub(super) fn event_about(
        &mut self,
        at: Duration,
        event: EventKind,
        about: &str,
        client: Option<String>,
        text: String,
    ) {
        let pending = self.pending.entry((event, about.to_owned()));
        pending.or_insert_with(|| Event { at, event, count: 0, client, group: None, text }).count += 1;
    }

    /// Writes the events that wait.
    pub(super) fn flush_events(&mut self) {
        for event in std::mem::take(&mut self.pending).into_values() {
            self.record(Observation::Event(event));
        }
    }

    /// Waits until all is written down.
    pub(super) fn lay_down(mut self) -> Box<Chronicle> {
        self.flush_events();
        drop(self.entries);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn hand_over(&self, entry: Entry) {
        // Fails only when the thread has panicked, which `lay_down` passes on.
        let _gone = self.entries.send(entry);
    }
}
