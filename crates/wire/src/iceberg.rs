//! The REST catalog protocol of Apache Iceberg: bodies out, faults.
//!
//! Source: open-api/rest-catalog-open-api.yaml of Apache Iceberg.

use crate::tree::Tree;
use crate::{Fault, json};
use serde::Serialize;
use serde_json::json;

/// Writes an output; one that is `()` has no body.
pub(crate) fn encode<T: Serialize + ?Sized>(output: &T) -> Vec<u8> {
    match Tree::of(output) {
        Tree::Absent | Tree::Null => Vec::new(),
        _ => json::encode(output),
    }
}

/// What clients act upon: 401 to prove themselves, 419 to prove themselves anew, 403 to give up.
pub(crate) fn status(fault: &Fault) -> u16 {
    match &*fault.code {
        "MissingAuthenticationTokenException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "NotAuthorizedException" => 401,
        "AccessDeniedException" => 403,
        "UnsupportedOperationException" => 501,
        "ExpiredTokenException" => 419,
        _ => fault.status,
    }
}

/// The body that tells of a fault. Those of the token's endpoint are written as OAuth 2 (RFC 6749) has them.
pub(crate) fn error(fault: &Fault) -> Vec<u8> {
    let body = match &*fault.code {
        "invalid_client" | "invalid_request" | "unsupported_grant_type" => {
            json!({"error": fault.code, "error_description": fault.message})
        }
        code => json!({"error": {"message": fault.message, "type": code, "code": status(fault)}}),
    };
    body.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fault: &Fault, expected_status: u16, expected: &serde_json::Value) {
        assert_eq!(status(fault), expected_status);
        assert_eq!(&serde_json::from_slice::<serde_json::Value>(&error(fault)).unwrap(), expected);
    }

    #[test]
    fn faults_have_the_status_and_the_shape_that_clients_know() {
        let denied = json!({"error": {"message": "no", "type": "AccessDeniedException", "code": 403}});
        check(&Fault::access_denied("no"), 403, &denied);
        let missing = json!({"error": {"message": "gone", "type": "NoSuchTableException", "code": 404}});
        check(&Fault::new("NoSuchTableException", 404, "gone"), 404, &missing);
        let client = json!({"error": "invalid_client", "error_description": "who?"});
        check(&Fault::new("invalid_client", 401, "who?"), 401, &client);
        assert_eq!(status(&Fault::new("ExpiredTokenException", 403, "")), 419);
    }

    #[test]
    fn an_answer_without_members_has_no_body_only_when_it_is_nothing() {
        assert_eq!(encode(&()), b"");
        assert_eq!(encode(&json!({})), b"{}");
    }
}
