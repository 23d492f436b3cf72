//! One deadline at a time.

use std::{
    io,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// A timer for one deadline, on the runtime of the thread that made it.
///
/// tokio's own timer rounds up to whole milliseconds, which an open-loop schedule would show as latency. On Linux this
/// one is a `timerfd`, good to tens of microseconds; elsewhere it is tokio's.
#[derive(Debug)]
pub struct Alarm {
    clock: imp::Clock,
    set_to: Option<Instant>,
}

impl Alarm {
    /// An alarm that is not set.
    ///
    /// # Errors
    ///
    /// What the operating system says: no file descriptor is left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { clock: imp::Clock::new()?, set_to: None })
    }

    /// Ready once `deadline` has passed; wakes the task then. Asking for another deadline replaces the first.
    pub fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        loop {
            // While it is set to this and has not rung there is no need to ask what time it is.
            if self.set_to == Some(deadline) && self.clock.poll_rang(cx).is_pending() {
                return Poll::Pending;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            // The first time, or it rang early or for a deadline that was replaced meanwhile.
            self.clock.set(cx, left);
            self.set_to = Some(deadline);
        }
    }

    /// Waits until `deadline` has passed.
    pub async fn until(&mut self, deadline: Instant) {
        std::future::poll_fn(|cx| self.poll_until(cx, deadline)).await;
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use super::{Context, Duration, Poll, io};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use std::os::fd::OwnedFd;
    use tokio::io::{Interest, unix::AsyncFd};

    #[derive(Debug)]
    pub(super) struct Clock(AsyncFd<OwnedFd>);

    impl Clock {
        pub(super) fn new() -> io::Result<Self> {
            let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            #[expect(
                deprecated,
                reason = "its successor is unsafe for descriptors that may be closed behind its back; this one is owned"
            )]
            AsyncFd::with_interest(fd, Interest::READABLE).map(Self)
        }

        pub(super) fn set(&mut self, cx: &mut Context<'_>, left: Duration) {
            // Setting it takes back an earlier ring. Without this, finding that out would cost a read.
            if let Poll::Ready(Ok(mut rang)) = self.0.poll_read_ready(cx) {
                rang.clear_ready();
            }
            let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let _old = timerfd_settime(
                self.0.get_ref(),
                TimerfdTimerFlags::empty(),
                &Itimerspec { it_interval: zero, it_value: value },
            )
            .expect("a duration is a valid timer value");
        }

        pub(super) fn poll_rang(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            loop {
                let mut guard = match self.0.poll_read_ready(cx) {
                    Poll::Ready(Ok(guard)) => guard,
                    // The runtime is shutting down: nobody waits any more.
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                };
                let mut expirations = [0_u8; 8];
                let read = guard.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?));
                // Otherwise it was set anew since it rang, so nothing is to be read and readiness is cleared.
                if read.is_ok() {
                    return Poll::Ready(());
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::{Context, Duration, Poll, io};
    use std::{future::Future, pin::Pin};
    use tokio::time::{Instant, Sleep, sleep};

    #[derive(Debug)]
    pub(super) struct Clock(Pin<Box<Sleep>>);

    impl Clock {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(Box::pin(sleep(Duration::ZERO))))
        }

        pub(super) fn set(&mut self, _: &mut Context<'_>, left: Duration) {
            self.0.as_mut().reset(Instant::now() + left);
        }

        pub(super) fn poll_rang(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            self.0.as_mut().poll(cx)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_rings_after_its_deadline_and_can_be_set_again() {
        let mut alarm = Alarm::new().unwrap();
        for micros in [300, 2_000, 0, 700] {
            let deadline = Instant::now() + Duration::from_micros(micros);
            alarm.until(deadline).await;
            assert!(Instant::now() >= deadline);
        }
    }

    #[tokio::test]
    async fn an_earlier_deadline_replaces_a_later_one() {
        let mut alarm = Alarm::new().unwrap();
        let far = Instant::now() + Duration::from_secs(3600);
        assert!(std::future::poll_fn(|cx| Poll::Ready(alarm.poll_until(cx, far))).await.is_pending());
        alarm.until(Instant::now() + Duration::from_micros(500)).await;
        assert!(Instant::now() < far);
    }
}
