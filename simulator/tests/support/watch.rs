//! Turning an engine until something happens, under a deadline.

use std::time::Duration;

use protocol::Time;
use simulator::{ClientEngine, ClientEvent, ClientKey};
use tokio::time::timeout;

use super::broker::{Broker, Seen};

/// How long anything in a test may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Turns `engine` until `pick` takes one of its events.
pub(crate) async fn event<E: ClientEngine, T>(
    engine: &mut E,
    mut pick: impl FnMut(ClientKey, &ClientEvent) -> Option<T>,
) -> T {
    timeout(PATIENCE, async {
        loop {
            while let Some((key, event)) = engine.poll_event() {
                if let Some(picked) = pick(key, &event) {
                    return picked;
                }
            }
            engine.turn(later(engine)).await;
        }
    })
    .await
    .expect("the event comes in time")
}

/// Turns `engine` until `pick` takes something that the broker saw. The engine's events stay.
pub(crate) async fn seen<E: ClientEngine, T>(
    engine: &mut E,
    broker: &mut Broker,
    mut pick: impl FnMut(Seen) -> Option<T>,
) -> T {
    timeout(PATIENCE, async {
        loop {
            tokio::select! {
                seen = broker.seen.recv() => {
                    if let Some(picked) = pick(seen.expect("the broker runs")) {
                        return picked;
                    }
                }
                () = engine.turn(later(engine)) => {}
            }
        }
    })
    .await
    .expect("the broker sees it in time")
}

fn later<E: ClientEngine>(engine: &E) -> Time {
    engine.clock().now().after(PATIENCE)
}
