//! Keeps a broker that was started for a run, in a thread of its own: starting a process again takes milliseconds that the
//! load does not have.

use std::{
    io,
    task::{Context, Poll},
    thread::{self, JoinHandle},
    time::Instant,
};

use loadgen::{BrokerControl, Deed, Done};
use targets::{Live, Running};
use tokio::{
    runtime,
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender, unbounded_channel},
        oneshot,
    },
};

use crate::exit::Failure;

/// What was started.
pub(super) enum Kept {
    Embedded(Running),
    Described(Live),
}

/// A kept broker. Dropping it ends the broker.
pub(super) struct Keeper {
    /// Its URL.
    pub(super) address: String,
    /// When it is known.
    pub(super) release: Option<String>,
    /// Its process, if it is one.
    pub(super) pid: Option<u32>,
    /// Where it serves its metrics, if it does.
    pub(super) monitor: Option<String>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Do(Deed, UnboundedSender<Done>),
    Ask(oneshot::Sender<Option<String>>),
    Stop(oneshot::Sender<io::Result<()>>),
}

impl Keeper {
    /// Starts a broker as `launch` does, and keeps it.
    pub(super) async fn start(
        launch: impl Future<Output = Result<Kept, Failure>> + Send + 'static,
    ) -> Result<Self, Failure> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
        let (orders, incoming) = unbounded_channel();
        let (tell, told) = oneshot::channel();
        let work = async move {
            match launch.await {
                Err(failure) => drop(tell.send(Err(failure))),
                Ok(mut kept) => {
                    let known = (kept.address().to_owned(), kept.release(), kept.pid(), kept.monitor());
                    // Nobody waits any more when the run was given up: then the channel of orders is closed, too.
                    drop(tell.send(Ok(known)));
                    serve(&mut kept, incoming).await;
                }
            }
        };
        let thread = thread::Builder::new().name("keeper".to_owned()).spawn(move || runtime.block_on(work));
        let mut keeper = Self {
            address: String::new(),
            release: None,
            pid: None,
            monitor: None,
            orders: Some(orders),
            thread: Some(thread.map_err(Failure::internal)?),
        };
        let known = told.await.map_err(|_| Failure::internal("the keeper of the broker ended"))??;
        (keeper.address, keeper.release, keeper.pid, keeper.monitor) = known;
        Ok(keeper)
    }

    /// For the events of a run.
    pub(super) fn control(&self) -> Box<dyn BrokerControl> {
        let (tell, done) = unbounded_channel();
        Box::new(Control { orders: self.orders.as_ref().map(UnboundedSender::downgrade), tell, done })
    }

    /// How the broker's process ended by itself, in words; `None` while it runs and where it is no process of ours.
    pub(super) async fn ended(&self) -> Option<String> {
        let (tell, told) = oneshot::channel();
        self.orders.as_ref()?.send(Order::Ask(tell)).ok()?;
        told.await.ok().flatten()
    }

    /// Ends the broker, as it wants to be asked to.
    pub(super) async fn stop(self) -> io::Result<()> {
        let (tell, told) = oneshot::channel();
        if let Some(orders) = &self.orders {
            let _gone = orders.send(Order::Stop(tell));
        }
        told.await.unwrap_or_else(|_| Err(io::Error::other("the keeper of the broker ended")))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        // What it keeps goes before this process does.
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

async fn serve(kept: &mut Kept, mut orders: UnboundedReceiver<Order>) {
    // Set by whoever killed it or asked it to end.
    let mut is_away = false;
    while let Some(order) = orders.recv().await {
        match order {
            Order::Do(deed, tell) => {
                let outcome = kept.perform(deed).await;
                let at = Instant::now();
                is_away = match deed {
                    Deed::Kill | Deed::End => true,
                    Deed::Start => outcome.is_err(),
                    Deed::Freeze | Deed::Thaw => is_away,
                };
                // A run that has ended does not listen.
                drop(tell.send(Done { deed, at, outcome }));
            }
            // Nobody waits any more when the command was given up.
            Order::Ask(tell) => drop(tell.send(kept.early_end())),
            Order::Stop(tell) => {
                if !is_away {
                    kept.tell_early_end();
                }
                drop(tell.send(kept.stop().await));
                return;
            }
        }
    }
}

impl Kept {
    fn running(&self) -> Option<&Running> {
        match self {
            Self::Embedded(running) => Some(running),
            Self::Described(live) => live.nodes().first()?.running(),
        }
    }

    fn running_mut(&mut self) -> Option<&mut Running> {
        match self {
            Self::Embedded(running) => Some(running),
            Self::Described(live) => live.nodes_mut().first_mut()?.running_mut(),
        }
    }

    fn address(&self) -> &str {
        match self {
            Self::Embedded(running) => running.address(),
            Self::Described(live) => live.address(),
        }
    }

    fn release(&self) -> Option<String> {
        match self {
            Self::Embedded(_) => None,
            Self::Described(live) => live.release().map(ToOwned::to_owned),
        }
    }

    fn pid(&self) -> Option<u32> {
        self.running().and_then(Running::pid)
    }

    fn monitor(&self) -> Option<String> {
        self.running().and_then(Running::monitor).map(ToOwned::to_owned)
    }

    async fn perform(&mut self, deed: Deed) -> Result<Option<u32>, String> {
        let running = self.running_mut().ok_or("it was stopped")?;
        let told = |error: io::Error| error.to_string();
        match deed {
            Deed::Freeze => running.freeze().map_err(told)?,
            Deed::Thaw => running.thaw().map_err(told)?,
            Deed::Kill => {
                running.kill().await.map_err(told)?;
                return Ok(None);
            }
            Deed::End => {
                running.end().await.map_err(told)?;
                return Ok(None);
            }
            Deed::Start => running.start_again().await.map_err(|error| error.to_string())?,
        }
        Ok(running.pid())
    }

    /// How it ended by itself.
    fn early_end(&mut self) -> Option<String> {
        self.running_mut()?.ended().map(|status| status.to_string())
    }

    /// Says it when the broker has ended by itself.
    fn tell_early_end(&mut self) {
        let Some(running) = self.running_mut() else { return };
        if let Some(status) = running.ended() {
            tracing::warn!("the broker ended before the run did: {status}");
            for words in running.last_words() {
                tracing::warn!("its last words: {words}");
            }
        }
    }

    async fn stop(&mut self) -> io::Result<()> {
        match self {
            Self::Embedded(running) => running.end().await.map(drop),
            Self::Described(live) => {
                for node in 0..live.nodes().len() {
                    live.stop_node(node).await?;
                }
                Ok(())
            }
        }
    }
}

/// A broker in the hands of its keeper.
#[derive(Debug)]
struct Control {
    /// The keeper does not wait for it when it ends.
    orders: Option<WeakUnboundedSender<Order>>,
    tell: UnboundedSender<Done>,
    done: UnboundedReceiver<Done>,
}

impl BrokerControl for Control {
    fn ask(&mut self, deed: Deed) {
        let orders = self.orders.as_ref().and_then(WeakUnboundedSender::upgrade);
        if orders.is_none_or(|orders| orders.send(Order::Do(deed, self.tell.clone())).is_err()) {
            let outcome = Err("its keeper has ended".to_owned());
            drop(self.tell.send(Done { deed, at: Instant::now(), outcome }));
        }
    }

    fn poll_done(&mut self, context: &mut Context<'_>) -> Poll<Done> {
        match self.done.poll_recv(context) {
            Poll::Ready(Some(done)) => Poll::Ready(done),
            // It holds a sender itself, so the channel never ends.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
