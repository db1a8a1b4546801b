//! Temporary credentials: of roles, and of users themselves.

use std::time::Duration;

use crate::cloud::{Cloud, Keys};
use crate::outcome::outcome;
use crate::report::Report;

pub(crate) async fn assume_role(cloud: &Cloud, report: &mut Report) {
    let account = cloud.account_id;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},
            "Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"ours"}}}}}}]}}"#
    );
    cloud.iam().create_role().role_name("auditor").assume_role_policy_document(trust).send().await.unwrap();
    cloud.pass(Duration::from_secs(60));
    let assume = |role: &str, external_id: Option<&str>| {
        cloud
            .sts()
            .assume_role()
            .role_arn(format!("arn:aws:iam::{account}:role/{role}"))
            .role_session_name("night-shift")
            .set_external_id(external_id.map(str::to_owned))
            .send()
    };

    let unknown = assume("nobody", Some("ours")).await;
    report.check("a role that does not exist", "AccessDenied 403", outcome(&unknown));
    let wrong = assume("auditor", Some("theirs")).await;
    report.check("a wrong external id", "AccessDenied 403", outcome(&wrong));
    let missing = assume("auditor", None).await;
    report.check("no external id", "AccessDenied 403", outcome(&missing));

    let session = assume("auditor", Some("ours")).await.unwrap().credentials.unwrap();
    let keys = Keys {
        id: session.access_key_id,
        secret: session.secret_access_key,
        token: Some(session.session_token),
    };
    report.check("temporary key ids begin with", "ASIA", &keys.id[..4]);
    report.check("the session's identity", "assumed-role/auditor/night-shift", cloud.whoami(&keys).await);
}

pub(crate) async fn session_token(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let long_term = cloud.create_key("alice").await;
    let session = cloud.sts_as(&long_term).get_session_token().send().await.unwrap().credentials.unwrap();
    let keys = Keys {
        id: session.access_key_id,
        secret: session.secret_access_key,
        token: Some(session.session_token),
    };
    report.check("temporary key ids begin with", "ASIA", &keys.id[..4]);
    report.check("the session's identity", "user/alice", cloud.whoami(&keys).await);
    let bare = Keys { token: None, ..keys.clone() };
    report.check("without the token", "InvalidClientTokenId 403", cloud.whoami(&bare).await);
    let forged = Keys { token: Some("forged".to_owned()), ..keys.clone() };
    report.check("with another token", "InvalidClientTokenId 403", cloud.whoami(&forged).await);
    let expired = cloud.after(Duration::from_secs(13 * 60 * 60), cloud.whoami(&keys)).await;
    report.check("after the twelve hours that it lasts", "ExpiredToken 403", expired);
}
