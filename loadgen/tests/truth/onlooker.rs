//! Outputs that take nothing for a while: the load does not wait for them.

use super::*;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The publication whose arrival at the broker lets the output go on: long after the first window, of about 50.
const LATE: u64 = 80;
/// How long the output waits for it at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// Takes the first window only once the load has gone on without it.
struct Stuck {
    moved_on: Receiver<()>,
    told: Sender<bool>,
    waited: bool,
}

impl Sink for Stuck {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        if matches!(observation, Observation::Window(_)) && !self.waited {
            self.waited = true;
            let _nobody_asks = self.told.send(self.moved_on.recv_timeout(PATIENCE).is_ok());
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_load_goes_on_while_an_output_takes_nothing() {
    let ((move_on, moved_on), (told, went_on)) = (channel(), channel());
    let outcome = on_one_thread(async {
        let (address, mut deeds) = support::start(Script { swallow: vec![LATE], ..Script::default() }).await;
        tokio::spawn(async move {
            let _broker_ended = deeds.wait_for(|deeds| !deeds.swallowed.is_empty()).await.map(drop);
            let _run_ended = move_on.send(());
        });
        let stuck = Stuck { moved_on, told, waited: false };
        loadgen::run(plan(&address, "2s", 50), vec![Box::new(stuck)], pending()).await
    });
    assert_eq!(went_on.try_recv(), Ok(true), "the load waited for an output: {:?}", outcome.reasons);
    assert_eq!(count(&outcome, Counter::Lost), 1, "what was swallowed, and nothing else");
}
