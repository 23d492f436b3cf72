//! The list of woken connections, run through every interleaving that the memory model allows. The file is the crate's
//! own; only `crate::sync` is another here.

#![expect(dead_code, reason = "the file is whole, and a model needs some of it")]

#[path = "../src/ready.rs"]
mod ready;

/// What the file calls `crate::sync`.
mod sync {
    pub(crate) use loom::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    };
}

use std::{
    sync::Arc,
    task::{Context, Wake, Waker},
};

use loom::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};
use ready::ReadyList;

struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A connection that becomes ready is either seen by the turn that runs, or listed and the pump woken for another.
#[test]
fn readiness_is_never_lost() {
    loom::model(|| {
        let list = Arc::new(ReadyList::default());
        let token = list.token(3);
        let readiness = Arc::new(AtomicUsize::new(0));
        let bell = Arc::new(Bell(AtomicBool::new(false)));
        let waker = Waker::from(bell.clone());
        let kernel = thread::spawn({
            let (token, readiness) = (token.clone(), readiness.clone());
            move || {
                for _ in 0..2 {
                    readiness.fetch_add(1, Ordering::AcqRel);
                    token.wake_by_ref();
                }
            }
        });
        let mut seen = 0;
        let turn = |seen: &mut usize| {
            let mut woken = Vec::new();
            list.take(&Context::from_waker(&waker), &mut woken);
            assert!(woken.len() <= 1, "listed twice");
            for token in woken {
                assert_eq!(token.index(), 3);
                token.unlist();
                *seen += readiness.swap(0, Ordering::AcqRel);
            }
        };
        turn(&mut seen);
        kernel.join().unwrap();
        if seen < 2 {
            assert!(bell.0.load(Ordering::Acquire), "asleep with {seen} of 2 seen");
        }
        turn(&mut seen);
        assert_eq!(seen, 2);
    });
}
