#[tokio::test]
async fn my_broker_conforms() {
    let port = start_my_broker().await;
    let check = conformance::Check::of(format!("mqtt://127.0.0.1:{port}"));
    let outcome = check.only(["5:3.3", "connect.*"]).run().await.unwrap();
    assert_eq!(outcome.exit_code, 0, "{:?}", outcome.reasons);
}
