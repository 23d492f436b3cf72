//! The parts that several threads touch at once, run through every interleaving that the memory model allows. The files
//! are the broker's own; only `crate::sync` is another here.

#[path = "../src/driver/mailbox.rs"]
mod mailbox;
#[path = "../src/routing/versioned.rs"]
mod versioned;

/// What the files call `crate::sync`.
mod sync {
    pub(crate) use loom::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    };
}

/// What the mailbox calls `crate::mail`.
mod mail {
    pub(crate) type Mail = u32;

    pub(crate) fn weight(_: &Mail) -> usize {
        1
    }
}

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use loom::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use mailbox::Mailbox;
use versioned::Versioned;

/// Whether somebody was woken.
struct Bell(AtomicBool);

impl Bell {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(false)))
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A subscription must be seen by every message whose publisher heard of its SUBACK.
#[test]
fn whoever_hears_of_a_change_sees_it() {
    loom::model(|| {
        let value = Arc::new(Versioned::<Vec<u32>>::default());
        let announced = Arc::new(AtomicBool::new(false));
        let writer = thread::spawn({
            let (value, announced) = (value.clone(), announced.clone());
            move || {
                value.change(|list, _| list.push(7));
                announced.store(true, Ordering::Release);
            }
        });
        let other = thread::spawn({
            let value = value.clone();
            move || value.change(|list, version| (list.push(8), version).1)
        });
        let heard = announced.load(Ordering::Acquire);
        let seen = value.look_unless(0, |list, version| (list.clone(), version));
        if heard {
            assert!(seen.as_ref().is_some_and(|(list, _)| list.contains(&7)), "{seen:?}");
        }
        if let Some((list, version)) = seen {
            assert_eq!(list.len() as u64, version, "a version says how many changes there were");
        }
        writer.join().unwrap();
        other.join().unwrap();
        assert_eq!(value.look_unless(0, |list, version| (list.len(), version)), Some((2, 2)));
        assert!(value.look_unless(2, |_, _| ()).is_none());
    });
}

/// Mail that comes while its reader falls asleep wakes it, and keeps its order.
#[test]
fn mail_is_never_left_with_a_sleeping_reader() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::new(8, usize::MAX));
        let sender = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                let waker = Waker::from(Bell::new());
                for mail in 1..=2 {
                    assert!(mailbox.put(&Context::from_waker(&waker), &mut VecDeque::from([mail])));
                }
            }
        });
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        let mut read = Vec::new();
        mailbox.take(&Context::from_waker(&waker), &mut read);
        sender.join().unwrap();
        let woken = bell.take();
        assert!(read.len() == 2 || woken, "asleep with {} of 2 pieces read", read.len());
        mailbox.take(&Context::from_waker(&waker), &mut read);
        assert_eq!(read, [1, 2]);
    });
}

/// A sender that found no room is woken once there is some, whatever its reader does meanwhile.
#[test]
fn a_full_mailbox_wakes_its_sender() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::new(1, usize::MAX));
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        let mut outbox = VecDeque::from([1, 2]);
        let reader = thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                let (waker, mut read) = (Waker::from(Bell::new()), Vec::new());
                mailbox.take(&Context::from_waker(&waker), &mut read);
                read
            }
        });
        let all = mailbox.put(&Context::from_waker(&waker), &mut outbox);
        assert!(!all, "two pieces do not fit into one place");
        let read = reader.join().unwrap();
        if read.is_empty() {
            assert!(!bell.take(), "nobody made room");
        } else {
            assert!(bell.take(), "there is room, and the sender sleeps");
        }
    });
}

/// Several senders wake one reader; whoever stops the broker wakes it too.
#[test]
fn a_nudge_reaches_a_reader_that_sleeps() {
    loom::model(|| {
        let mailbox = Arc::new(Mailbox::new(1, usize::MAX));
        let stopping = Arc::new(AtomicBool::new(false));
        let nudger = thread::spawn({
            let (mailbox, stopping) = (mailbox.clone(), stopping.clone());
            move || {
                stopping.store(true, Ordering::Release);
                mailbox.nudge();
            }
        });
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        mailbox.take(&Context::from_waker(&waker), &mut Vec::new());
        let saw = stopping.load(Ordering::Acquire);
        nudger.join().unwrap();
        assert!(saw || bell.take(), "asleep while the broker wants to stop");
    });
}
