//! Where observations go.

use crate::observation::Observation;
use std::io;

/// One output of a run: a file, a terminal, a live page.
///
/// A sink sees every observation of a run in order, exactly once, and must not keep memory that grows with the number of
/// messages. It is called from one thread, about once a second outside bursts, and may do blocking file work.
pub trait Sink: Send {
    /// Takes one observation.
    ///
    /// # Errors
    /// When the output can no longer be written. The run goes on; the caller reports the first error of each sink.
    fn record(&mut self, observation: &Observation) -> io::Result<()>;

    /// Completes the output. Called once, also after an interrupted run.
    ///
    /// # Errors
    /// When the output could not be completed.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Several sinks as one. A sink that fails gets no further observations; the others go on.
#[derive(Default)]
pub struct Tee {
    sinks: Vec<Box<dyn Sink>>,
    failure: Option<io::Error>,
}

impl Tee {
    /// Sends everything to each of `sinks`, in this order.
    pub fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { sinks, failure: None }
    }

    /// Adds a sink.
    pub fn push(&mut self, sink: Box<dyn Sink>) {
        self.sinks.push(sink);
    }

    fn remember(failure: &mut Option<io::Error>, result: io::Result<()>) -> bool {
        match result {
            Ok(()) => true,
            Err(error) => {
                failure.get_or_insert(error);
                false
            }
        }
    }
}

impl Sink for Tee {
    /// Never fails: failures come out of [`Tee::finish`], so that one full disk does not end a run.
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        let failure = &mut self.failure;
        self.sinks.retain_mut(|sink| Self::remember(failure, sink.record(observation)));
        Ok(())
    }

    /// Finishes every sink that still works.
    ///
    /// # Errors
    /// The first failure of any sink during the run.
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        for sink in self.sinks.drain(..) {
            Self::remember(&mut self.failure, sink.finish());
        }
        self.failure.map_or(Ok(()), Err)
    }
}
