//! boto3.

use serde_json::json;

use crate::scene::{Ran, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn it_works_with_paginators_presigned_requests_and_sessions() {
    let scene = Scene::set().await;
    let mut python = scene.python();
    python.args(["-c", include_str!("boto3_unchanged.py")]);
    let seen = Ran(python.output().unwrap()).json();
    let expected = json!({
        "identity": format!("arn:aws:iam::{}:user/operator", scene.account_id),
        "user_pages": [2, 2, 1],
        "authorization_details": ["alice", "bob", "carol", "dan", "operator"],
        "tags": { "Owner": "platform & <friends>", "Ünïcode": "é\u{1f511}" },
        "keys_of_alice": 1,
        "third_key": "LimitExceeded",
        "new_key_before_it_propagates": "InvalidClientTokenId",
        "account_pages": [2, 1],
        "binary_secret": true,
        "presigned": 200,
        "presigned_and_changed": 403,
        "session_token": format!("arn:aws:iam::{}:user/operator", scene.account_id),
        "buckets": [format!("data-{}", scene.account_id)],
        "object": "simulated",
        "unsigned": "AccessDenied",
        "clock_skew": "SignatureDoesNotMatch"
    });
    assert_eq!(seen, expected);
}
