//! An AWS that lets everybody in and never answers. On tokio's paused clock, which jumps as soon as everybody waits.

use std::net::TcpListener;
use std::time::Duration;

use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::destination as specs;
use rotakey_engine::conformance::destination::a_silent_place_is_given_up;
use rotakey_engine::port::Destination;

use crate::clouds::{REGION, pair};

/// How long one call takes with all the times that it is sent again.
const PATIENCE: Duration = Duration::from_secs(30);

/// With the waits of the real program.
async fn expect_given_up<D: Destination>(open: impl FnOnce(&Connection) -> D) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = ConnectionOptions {
        region: Some(REGION.to_owned()),
        endpoint_url: Some(format!("http://{}", silent.local_addr().unwrap())),
        credentials: Some(pair("nobody's")),
        ..ConnectionOptions::default()
    };
    let destination = open(&Connection::open(options).await.unwrap());
    let begun = tokio::time::Instant::now();
    a_silent_place_is_given_up(&destination, PATIENCE, || begun.elapsed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_an_aws_that_never_answers_is_given_up_in_time() {
    let place = specs::SecretsManager::named("conformance/silent", None);
    expect_given_up(|connection| connection.secret(&place)).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_another_account_is_given_up_in_time_where_the_role_cannot_be_assumed() {
    let place = specs::SecretsManager {
        role_arn: Some("arn:aws:iam::123456789012:role/rotakey-writer".to_owned()),
        ..specs::SecretsManager::named("conformance/silent", None)
    };
    expect_given_up(|connection| connection.secret(&place)).await;
}

#[tokio::test(start_paused = true)]
async fn a_parameter_of_an_aws_that_never_answers_is_given_up_in_time() {
    let place = specs::SsmParameter {
        name: "/conformance/silent".to_owned(),
        region: None,
        role_arn: None,
        external_id: None,
        kms_key_id: None,
    };
    expect_given_up(|connection| connection.parameter(&place)).await;
}
