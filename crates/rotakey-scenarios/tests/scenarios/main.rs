//! One suite of scenarios over the AWS SDK, run against two doubles of AWS: the simulation of rotakey, over the
//! wire, and moto's server.
//!
//! A scenario makes calls and checks each answer against what AWS answers. The simulation must answer as AWS does,
//! always. moto may deviate where [`deviations`] says so, in exactly the way that is said there: a deviation that is
//! not listed fails the suite, and so does a listed one that is no longer there.
//!
//! moto's server is found in the environment variable `ROTAKEY_TEST_MOTO_URL`; `cargo xtask test` starts one and
//! sets it.

mod access_keys;
mod cloud;
mod credential_report;
mod deviations;
mod misbehaviour;
mod organization;
mod outcome;
mod pages;
mod parameters;
mod report;
mod roles;
mod secrets;
mod trail;
mod users;

/// Every scenario is run twice: `sandbox::…` and `moto::…`.
macro_rules! scenarios {
    ($($name:ident => $scenario:path;)*) => {
        /// The names by which the table of deviations knows the scenarios.
        const SCENARIOS: &[&str] = &[$(stringify!($name)),*];

        mod sandbox {
            $(
                #[tokio::test]
                async fn $name() {
                    let cloud = crate::cloud::Cloud::sandbox().await;
                    let mut report = crate::report::Report::default();
                    $scenario(&cloud, &mut report).await;
                    report.judge_sandbox();
                }
            )*
        }

        mod moto {
            $(
                #[tokio::test]
                async fn $name() {
                    let cloud = crate::cloud::Cloud::moto().await;
                    let mut report = crate::report::Report::default();
                    $scenario(&cloud, &mut report).await;
                    report.judge_moto(stringify!($name));
                }
            )*
        }
    };
}

scenarios! {
    key_life_cycle => crate::access_keys::life_cycle;
    quota_of_two => crate::access_keys::quota_of_two;
    invalid_status => crate::access_keys::invalid_status;
    inactive_key_used => crate::access_keys::inactive_key_used;
    deleted_key_used => crate::access_keys::deleted_key_used;
    wrong_secret => crate::access_keys::wrong_secret;
    last_used => crate::access_keys::last_used;
    access_key_info => crate::access_keys::access_key_info;
    credential_report => crate::credential_report::states_and_columns;
    list_users_pages => crate::users::list_users_pages;
    authorization_details_pages => crate::users::authorization_details_pages;
    delete_user_with_keys => crate::users::delete_user_with_keys;
    assume_role => crate::roles::assume_role;
    session_token => crate::roles::session_token;
    secret_staging_labels => crate::secrets::staging_labels;
    secret_token_idempotency => crate::secrets::token_idempotency;
    secure_string => crate::parameters::secure_string;
    list_accounts_pages => crate::organization::list_accounts_pages;
    lookup_events => crate::trail::lookup_events;
}
