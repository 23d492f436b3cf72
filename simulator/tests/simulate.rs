//! A fleet alone against a broker on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the engines' tests use the rest")]
mod support;

use std::time::Duration;

use protocol::server;
use simulator::{
    SimulateError, Simulation, Target,
    farm::{Farm, Group, Model, Plan},
    fleet::Ramp,
    simulate,
};
use support::{
    broker::{Broker, Script, Seen},
    watch::PATIENCE,
};
use tokio::{sync::oneshot, time::timeout};

fn farm() -> Farm {
    let groups = vec![Group::new(Model::MilkMeter, 3, 1)];
    Farm::from_plan(&Plan { epoch_ms: 1_760_000_400_000, barns: vec!["barn_1".to_owned()], groups }, 7)
}

fn simulation(target: Target) -> Simulation {
    Simulation {
        target,
        habits: Vec::new(),
        ramp: Ramp::Over(Duration::ZERO),
        compression: 1.0,
        duration: None,
        seed: 7,
    }
}

#[tokio::test]
async fn shutdown_ends_with_a_farewell_and_disconnect_of_every_device() {
    let mut broker = Broker::start(Script::default()).await;
    let target = Target::new(broker.endpoint.clone());
    let (interrupt, interrupted) = oneshot::channel();
    let watch = async {
        let mut births = 0;
        while births < 3 {
            births += u32::from(matches!(broker.seen.recv().await, Some(Seen::Publish { .. })));
        }
        interrupt.send(()).unwrap();
        let (mut farewells, mut ends) = (0, Vec::new());
        while ends.len() < 3 {
            match broker.seen.recv().await.unwrap() {
                Seen::Publish { retain: true, .. } => farewells += 1,
                Seen::Closed { cause } => ends.push(cause),
                _ => {}
            }
        }
        (farewells, ends)
    };
    let shutdown = async { interrupted.await.unwrap() };
    let run = simulate(farm(), simulation(target), |_| {}, shutdown);
    let (total, (farewells, ends)) = timeout(PATIENCE, async { tokio::join!(run, watch) }).await.unwrap();
    let total = total.unwrap();
    assert_eq!((total.connects, total.online, total.losses, farewells), (3, 0, 0, 3));
    assert!(ends.iter().all(|cause| matches!(cause, server::Closed::Client(_))), "{ends:?}");
}

#[tokio::test]
async fn nobody_there_is_an_error_at_once() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = Target::new(format!("mqtt://127.0.0.1:{port}").parse().unwrap());
    let run = simulate(farm(), simulation(target), |_| {}, std::future::pending());
    let error = timeout(PATIENCE, run).await.unwrap().unwrap_err();
    assert!(matches!(error, SimulateError::Unreachable(_)), "{error}");
}
