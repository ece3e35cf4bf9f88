//! Temporary credentials as answers show them; records hide secret and token.

use cairn_identity::Issued;
use cairn_wire::{Fault, Secret, Timestamp};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Secret,
    expiration: Timestamp,
}

impl From<&Issued> for Credentials {
    fn from(issued: &Issued) -> Self {
        Self {
            access_key_id: issued.session.access_key.clone(),
            secret_access_key: issued.secret.clone(),
            session_token: issued.token.clone(),
            expiration: issued.session.span.expires.into(),
        }
    }
}

/// There are no MFA devices here, so whoever shows one is not believed.
pub(super) fn check_mfa(serial_number: Option<&String>, token_code: Option<&String>) -> Result<(), Fault> {
    if serial_number.is_none() && token_code.is_none() {
        return Ok(());
    }
    let message = "MultiFactorAuthentication failed: MFA devices are not supported by this version of Cairn.";
    Err(Fault::access_denied(message))
}
