//! What only the sandbox can do: misbehave on request, as the cloud does on its bad days. The SDK must take it for
//! what it means, because rotakey decides by that.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use rotakey_sim::api::Service;
use rotakey_sim::faults::{Effect, InjectedFault};

use crate::cloud::Cloud;
use crate::outcome::outcome;

#[tokio::test]
async fn an_answer_can_be_lost_whether_the_call_took_effect_or_not() {
    for (happened, expected) in [(true, "ok"), (false, "NoSuchEntity 404")] {
        let cloud = Cloud::sandbox().await;
        cloud.inject(
            InjectedFault::new(Effect::NoAnswer { happened }).on(Service::Iam, "CreateUser").times(1),
        );
        let lost = cloud.iam().create_user().user_name("alice").send().await;
        assert_eq!(outcome(&lost), "no answer");
        let user = cloud.iam().get_user().user_name("alice").send().await;
        assert_eq!(outcome(&user), expected, "happened: {happened}");
    }
}

#[tokio::test]
async fn throttling_and_outages_are_told_in_the_words_of_the_service() {
    for (effect, iam, secrets_manager) in [
        (Effect::Throttle, "Throttling 400", "ThrottlingException 400"),
        (Effect::Outage, "ServiceUnavailable 503", "InternalServiceError 500"),
    ] {
        let cloud = Cloud::sandbox().await;
        cloud.inject(InjectedFault::new(effect));
        assert_eq!(outcome(&cloud.iam().list_users().send().await), iam);
        assert_eq!(outcome(&cloud.secrets_manager().list_secrets().send().await), secrets_manager);
    }
}

#[tokio::test]
async fn the_sdk_takes_throttling_and_outages_for_something_to_try_again() {
    for effect in [Effect::Throttle, Effect::Outage] {
        let cloud = Cloud::sandbox().await;
        cloud.inject(InjectedFault::new(effect).times(2));
        let patient = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
        let config =
            aws_sdk_iam::config::Builder::from(&cloud.operator_config()).retry_config(patient).build();
        let users = aws_sdk_iam::Client::from_conf(config).list_users().send().await;
        assert_eq!(outcome(&users), "ok", "{effect:?}");
    }
}

#[tokio::test]
async fn an_outage_of_one_service_or_account_leaves_the_others_alone() {
    let cloud = Cloud::sandbox().await;
    cloud.inject(InjectedFault::new(Effect::Outage).on_service(Service::Iam));
    assert_eq!(outcome(&cloud.iam().list_users().send().await), "ServiceUnavailable 503");
    assert_eq!(outcome(&cloud.secrets_manager().list_secrets().send().await), "ok");
    let elsewhere = Cloud::sandbox().await;
    elsewhere.inject(InjectedFault::new(Effect::Outage).in_account("000000000001".parse().unwrap()));
    assert_eq!(outcome(&elsewhere.iam().list_users().send().await), "ok");
}

#[tokio::test]
async fn a_new_key_is_refused_until_it_has_propagated() {
    let cloud = Cloud::sandbox().await;
    cloud.create_user("alice").await;
    let keys = cloud.create_fresh_key("alice").await;
    assert_eq!(cloud.whoami(&keys).await, "InvalidClientTokenId 403");
    cloud.pass(Duration::from_secs(60));
    assert_eq!(cloud.whoami(&keys).await, "user/alice");
}
