//! The pump over real loopback sockets: what one side writes, the other reads, in turns.

#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use transport::{Event, Key, Listener, Options, Pump, Stream};

/// How long anything may take before the test counts as hung.
const DEADLINE: Duration = Duration::from_secs(10);

async fn pair() -> (Stream, TcpStream) {
    let listener = Listener::bind("127.0.0.1:0".parse::<SocketAddr>().unwrap(), Options::default()).unwrap();
    let address = listener.address().tcp().unwrap();
    let mut acceptor = listener.start().unwrap();
    let peer = TcpStream::connect(address).await.unwrap();
    let (ours, _) = poll_fn(|cx| acceptor.poll_accept(cx)).await.unwrap();
    (ours, peer)
}

/// Runs turns until one brings an event.
async fn next(pump: &mut Pump) -> Event {
    timeout(
        DEADLINE,
        poll_fn(|cx| {
            let event = pump.next(cx);
            pump.flush(cx);
            event.map_or(Poll::Pending, Poll::Ready)
        }),
    )
    .await
    .expect("an event")
}

/// Runs turns for as long as `other` takes.
async fn beside<T>(pump: &mut Pump, other: impl Future<Output = T>) -> T {
    let mut other = Box::pin(other);
    timeout(
        DEADLINE,
        poll_fn(|cx| {
            while pump.next(cx).is_some() {}
            pump.flush(cx);
            other.as_mut().poll(cx)
        }),
    )
    .await
    .expect("the other side ends")
}

fn received(event: Event) -> (Key, Vec<u8>) {
    match event {
        Event::Received(key, bytes) => (key, bytes.to_vec()),
        Event::Closed(_, cause) => panic!("closed: {cause:?}"),
    }
}

#[tokio::test]
async fn bytes_go_both_ways() {
    let (ours, mut peer) = pair().await;
    let mut pump = Pump::new();
    let key = pump.insert(ours);
    peer.write_all(b"moo").await.unwrap();
    assert_eq!(received(next(&mut pump).await), (key, b"moo".to_vec()));
    pump.out(key).unwrap().extend_from_slice(b"baa");
    let mut answer = [0; 3];
    beside(&mut pump, peer.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"baa");
}

#[tokio::test]
async fn the_peers_close_is_the_last_event_and_spends_the_key() {
    let (ours, mut peer) = pair().await;
    let mut pump = Pump::new();
    let key = pump.insert(ours);
    peer.write_all(b"last words").await.unwrap();
    drop(peer);
    assert_eq!(received(next(&mut pump).await).1, b"last words");
    assert!(matches!(next(&mut pump).await, Event::Closed(k, Ok(())) if k == key));
    assert!(pump.out(key).is_none());
    assert!(pump.is_empty());
}

#[tokio::test]
async fn a_slow_reader_holds_up_only_itself() {
    let (slow, mut slow_peer) = pair().await;
    let (quick, mut quick_peer) = pair().await;
    let mut pump = Pump::new();
    let (slow, quick) = (pump.insert(slow), pump.insert(quick));
    let flood = vec![7; 16 << 20];
    pump.out(slow).unwrap().extend_from_slice(&flood);
    pump.out(quick).unwrap().extend_from_slice(b"quick");
    let mut answer = [0; 5];
    beside(&mut pump, quick_peer.read_exact(&mut answer)).await.unwrap();
    assert!(pump.unsent(slow) > 0, "the kernel took 16 MiB at once");
    let mut all = vec![0; flood.len()];
    beside(&mut pump, slow_peer.read_exact(&mut all)).await.unwrap();
    assert!(all == flood);
    assert_eq!((pump.unsent(slow), pump.unsent(quick)), (0, 0));
}

#[tokio::test]
async fn a_paused_connection_is_not_read_until_it_resumes() {
    let (ours, mut peer) = pair().await;
    let (other, mut other_peer) = pair().await;
    let mut pump = Pump::new();
    let (key, other) = (pump.insert(ours), pump.insert(other));
    pump.pause(key);
    peer.write_all(b"early").await.unwrap();
    // The fence: what came later on another connection is read first.
    other_peer.write_all(b"fence").await.unwrap();
    assert_eq!(received(next(&mut pump).await), (other, b"fence".to_vec()));
    pump.resume(key);
    assert_eq!(received(next(&mut pump).await), (key, b"early".to_vec()));
}

#[tokio::test]
async fn close_delivers_what_waits_even_while_the_peer_keeps_sending() {
    let (ours, mut peer) = pair().await;
    let mut pump = Pump::new();
    let key = pump.insert(ours);
    peer.write_all(&[1; 100_000]).await.unwrap();
    pump.out(key).unwrap().extend_from_slice(b"goodbye");
    pump.close(key);
    assert!(pump.out(key).is_none(), "a closing connection takes nothing more");
    let mut said = Vec::new();
    beside(&mut pump, peer.read_to_end(&mut said)).await.unwrap();
    assert_eq!(said, b"goodbye");
    drop(peer);
    timeout(DEADLINE, poll_fn(|cx| turn_until_empty(&mut pump, cx))).await.expect("the connection goes");
}

#[tokio::test]
async fn a_peer_that_never_closes_is_dropped_after_lingering() {
    let (ours, peer) = pair().await;
    let mut pump = Pump::new();
    let key = pump.insert(ours);
    let start = Instant::now();
    pump.close(key);
    timeout(DEADLINE, poll_fn(|cx| turn_until_empty(&mut pump, cx))).await.expect("the connection goes");
    assert!(start.elapsed() >= Duration::from_millis(900));
    drop(peer);
}

#[tokio::test]
async fn many_connections_share_a_turn() {
    let mut pump = Pump::new();
    let mut peers = Vec::new();
    for n in 0..300_u16 {
        let (ours, mut peer) = pair().await;
        let key = pump.insert(ours);
        peer.write_all(&n.to_be_bytes()).await.unwrap();
        peers.push((key, peer));
    }
    let mut seen = vec![false; peers.len()];
    for _ in 0..peers.len() {
        let (key, bytes) = received(next(&mut pump).await);
        let n = usize::from(u16::from_be_bytes(bytes.try_into().unwrap()));
        assert_eq!(peers[n].0, key);
        assert!(!std::mem::replace(&mut seen[n], true));
    }
}

#[tokio::test]
async fn a_turn_that_ends_early_does_not_sleep_on_what_is_left() {
    let mut pump = Pump::new();
    let mut peers = Vec::new();
    for _ in 0..8 {
        let (ours, mut peer) = pair().await;
        pump.insert(ours);
        peer.write_all(b"moo").await.unwrap();
        peers.push(peer);
    }
    // Each turn looks once, though more wait.
    let mut seen = 0;
    let all = poll_fn(|cx| {
        seen += usize::from(pump.next(cx).is_some());
        pump.flush(cx);
        if seen == peers.len() { Poll::Ready(()) } else { Poll::Pending }
    });
    timeout(DEADLINE, all).await.expect("every peer is heard");
}

#[tokio::test]
async fn an_aborted_slot_does_not_wake_its_next_tenant_under_the_old_key() {
    let (ours, mut peer) = pair().await;
    let mut pump = Pump::new();
    let old = pump.insert(ours);
    peer.write_all(b"late").await.unwrap();
    pump.abort(old);
    let (ours, mut peer) = pair().await;
    let new = pump.insert(ours);
    assert_ne!(old, new);
    peer.write_all(b"new").await.unwrap();
    assert_eq!(received(next(&mut pump).await), (new, b"new".to_vec()));
    assert!(pump.out(old).is_none());
    assert_eq!(pump.unsent(old), 0);
}

#[tokio::test]
async fn a_reset_is_reported_with_its_cause() {
    let (ours, peer) = pair().await;
    let mut pump = Pump::new();
    let key = pump.insert(ours);
    peer.set_zero_linger().unwrap();
    drop(peer);
    let cause = match next(&mut pump).await {
        Event::Closed(k, cause) if k == key => cause.unwrap_err(),
        other => panic!("{other:?}"),
    };
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionReset);
}

fn turn_until_empty(pump: &mut Pump, cx: &mut std::task::Context<'_>) -> Poll<()> {
    while pump.next(cx).is_some() {}
    pump.flush(cx);
    if pump.is_empty() { Poll::Ready(()) } else { Poll::Pending }
}

#[tokio::test]
async fn what_came_before_a_failed_write_is_read() {
    let (ours, mut peer) = pair().await;
    let mut pump = Pump::new();
    let key = pump.insert(ours);
    let write = |pump: &mut Pump, bytes: &[u8]| {
        pump.out(key).unwrap().extend_from_slice(bytes);
        pump.flush(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    };
    write(&mut pump, b"never read");
    peer.readable().await.unwrap();
    peer.write_all(b"good-bye").await.unwrap();
    // Bytes that were not read make the close a reset.
    drop(peer);
    // The reactor looks at every socket while this one is set up.
    let _other = pair().await;
    write(&mut pump, b"too late");
    assert_eq!(received(next(&mut pump).await), (key, b"good-bye".to_vec()));
    assert!(matches!(next(&mut pump).await, Event::Closed(k, Err(_)) if k == key));
    assert!(pump.is_empty());
}

/// Counts the wake-ups that come while the task runs: each has the runtime poll it once more.
#[derive(Default)]
struct WokenMeanwhile(std::sync::atomic::AtomicUsize);

impl std::task::Wake for WokenMeanwhile {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_turn_that_read_everything_does_not_wake_its_own_task() {
    let (ours, mut peer) = pair().await;
    let mut pump = Pump::new();
    pump.insert(ours);
    beside(&mut pump, std::future::ready(())).await;
    peer.write_all(b"moo").await.unwrap();
    let counter = std::sync::Arc::new(WokenMeanwhile::default());
    let waker = std::task::Waker::from(std::sync::Arc::clone(&counter));
    let read = timeout(DEADLINE, async {
        loop {
            // Lets the runtime see the socket; then one turn under the counting waker.
            tokio::task::yield_now().await;
            let before = counter.0.load(std::sync::atomic::Ordering::Relaxed);
            let mut cx = std::task::Context::from_waker(&waker);
            let read = std::iter::from_fn(|| pump.next(&mut cx)).count();
            pump.flush(&mut cx);
            if read > 0 {
                return (read, counter.0.load(std::sync::atomic::Ordering::Relaxed) - before);
            }
        }
    });
    assert_eq!(read.await.unwrap(), (1, 0));
}
