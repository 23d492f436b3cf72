//! How long the suite waits for a target.

use std::{pin::pin, time::Duration};

use tokio::time::{self, Instant};

/// How long may still be waited, counted in ticks of this process.
///
/// A deadline on the clock blames the target for what the machine did: who was stopped, or got no processor, wakes up behind it
/// with an answer on its way that nobody has asked the socket for. A tick counts once, however long it really took, and is never
/// shorter by the clock than it says. A target that does not answer has no more time for that while its asker runs.
#[derive(Debug)]
pub(crate) struct Patience {
    left: Duration,
    spent: Duration,
}

/// Long enough to cost nothing, and short beside everything that is waited for.
const TICK: Duration = Duration::from_millis(50);

impl Patience {
    /// This much.
    pub(crate) const fn of(limit: Duration) -> Self {
        Self { left: limit, spent: Duration::ZERO }
    }

    /// What `work` comes to, which is looked at once at least; `None`, and the work is dropped, when patience runs out before.
    pub(crate) async fn wait<F: Future>(&mut self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            let (tick, began) = (self.left.min(TICK), Instant::now());
            let done = time::timeout(tick, &mut work).await.ok();
            self.spend(if done.is_some() { began.elapsed().min(tick) } else { tick });
            if done.is_some() || self.left.is_zero() {
                return done;
            }
        }
    }

    /// How much of it is gone.
    pub(crate) const fn spent(&self) -> Duration {
        self.spent
    }

    fn spend(&mut self, time: Duration) {
        self.left -= time;
        self.spent += time;
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, thread};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_process_that_stood_still_has_waited_for_one_tick() {
        let (answer, answered) = oneshot::channel();
        let mut patience = Patience::of(4 * TICK);
        // Stands still for as long as all of the patience, then lets the answer come a little later.
        tokio::spawn(async {
            thread::sleep(6 * TICK);
            time::sleep(TICK / 2).await;
            answer.send("came").unwrap();
        });
        assert_eq!(patience.wait(answered).await.unwrap(), Ok("came"));
        assert!(patience.spent() < 4 * TICK, "{:?}", patience.spent());
    }

    #[tokio::test]
    async fn patience_runs_out_and_stays_so() {
        let (began, limit) = (Instant::now(), TICK * 5 / 2);
        let mut patience = Patience::of(limit);
        assert_eq!(patience.wait(pending::<()>()).await, None);
        assert!(began.elapsed() >= limit);
        assert_eq!(patience.spent(), limit);
        assert_eq!((patience.wait(pending::<()>()).await, patience.spent()), (None, limit));
        assert_eq!(patience.wait(async { "at once" }).await, Some("at once"));
    }
}
