//! What records say of callers that are not entities.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use cairn_identity::Caller;
use serde_json::json;

#[test]
fn callers_without_an_account_are_recorded_as_what_they_are() {
    let expected = json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"});
    assert_eq!(Caller::anonymous().user_identity(), expected);
    let expected = json!({"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"});
    assert_eq!(Caller::service("cloudtrail.amazonaws.com").user_identity(), expected);
    let expected = json!({"type": "Unknown", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"});
    assert_eq!(Caller::unknown("AKIAIOSFODNN7EXAMPLE").user_identity(), expected);
    for caller in [Caller::anonymous(), Caller::unknown("x"), Caller::service("s3.amazonaws.com")] {
        assert_eq!((caller.account(), caller.principal_id(), caller.is_root()), ("", "", false));
    }
    let long = Caller::unknown(&"x".repeat(5000));
    assert_eq!(long.access_key().unwrap().len(), 128, "a record stays small whatever is shown");
}
