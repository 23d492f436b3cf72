//! What the connections of one proxy share: state of the rules, each other's post, the log.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wire::Direction;

use crate::{Connection, Entry, Manner, log::Log};

/// The most bytes that wait for one connection from others.
const MAILBOX: usize = 256 * 1024;

/// What the connections of one proxy share. A clone is another handle on the same.
#[derive(Clone, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Default)]
struct Inner {
    states: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
    present: Mutex<BTreeMap<u64, Member>>,
    log: Log,
}

/// An open connection as the others see it.
struct Member {
    connection: Connection,
    post: Vec<Post>,
    waiting: usize,
    wake: Option<Box<dyn Fn() + Send>>,
}

/// What one connection asks of another.
#[derive(Debug)]
pub(crate) enum Post {
    Inject(Direction, Vec<u8>),
    Sever(Manner),
}

impl Shared {
    /// The one `T` of this proxy, made when it is first asked for. Take a type of your own, so that two rules do not meet
    /// by accident.
    ///
    /// ```
    /// #[derive(Default)]
    /// struct Overheard(Vec<Vec<u8>>);
    ///
    /// let shared = faults::Shared::default();
    /// shared.state::<Overheard>().lock().unwrap().0.push(vec![1]);
    /// assert_eq!(shared.state::<Overheard>().lock().unwrap().0.len(), 1);
    /// ```
    #[must_use]
    pub fn state<T: Default + Send + 'static>(&self) -> Arc<Mutex<T>> {
        let mut states = held(&self.0.states);
        let state = states.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(Arc::new(Mutex::new(T::default()))));
        Arc::clone(state.downcast_ref().expect("filed under its own type"))
    }

    /// The connections that are open, in the order of acceptance.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        held(&self.0.present).values().map(|member| member.connection.clone()).collect()
    }

    /// Injects bytes into another connection (or the own one) as soon as it gets a turn. False when it is gone, or too much
    /// waits for it already.
    pub fn inject(&self, connection: u64, direction: Direction, bytes: Vec<u8>) -> bool {
        self.post(connection, Post::Inject(direction, bytes))
    }

    /// Severs a connection; false when it is gone.
    pub fn sever(&self, connection: u64, manner: Manner) -> bool {
        self.post(connection, Post::Sever(manner))
    }

    /// What the rules did, in the order of happening.
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.0.log.entries()
    }

    fn post(&self, connection: u64, post: Post) -> bool {
        let mut present = held(&self.0.present);
        let Some(member) = present.get_mut(&connection) else { return false };
        if let Post::Inject(_, bytes) = &post {
            if member.waiting + bytes.len() > MAILBOX {
                return false;
            }
            member.waiting += bytes.len();
        }
        member.post.push(post);
        if let Some(wake) = &member.wake {
            wake();
        }
        true
    }

    pub(crate) fn enter(&self, connection: &Connection) {
        let member = Member { connection: connection.clone(), post: Vec::new(), waiting: 0, wake: None };
        held(&self.0.present).insert(connection.number(), member);
    }

    /// Tells the others what CONNECT said.
    pub(crate) fn introduce(&self, connection: &Connection) {
        if let Some(member) = held(&self.0.present).get_mut(&connection.number()) {
            member.connection = connection.clone();
        }
    }

    /// Has `wake` called when there is post.
    pub(crate) fn on_post(&self, connection: u64, wake: impl Fn() + Send + 'static) {
        if let Some(member) = held(&self.0.present).get_mut(&connection) {
            member.wake = Some(Box::new(wake));
        }
    }

    pub(crate) fn collect(&self, connection: u64) -> Vec<Post> {
        held(&self.0.present).get_mut(&connection).map_or_else(Vec::new, |member| {
            member.waiting = 0;
            std::mem::take(&mut member.post)
        })
    }

    pub(crate) fn leave(&self, connection: u64) {
        held(&self.0.present).remove(&connection);
    }

    pub(crate) fn book(&self) -> &Log {
        &self.0.log
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

/// A rule that panicked in a test leaves data that is whole.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
