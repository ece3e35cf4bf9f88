//! GetCatalogToken: a bearer token for an access key and its secret, `POST /iceberg/v1/oauth/tokens`.
//!
//! Whoever has proved to be somebody may have one; what it lets do is asked at each call.

use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::{Fault, Secret};
use serde::{Deserialize, Serialize};

pub(super) struct GetCatalogToken;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Output {
    access_token: Secret,
    token_type: &'static str,
    expires_in: u64,
    issued_token_type: &'static str,
}

impl Operation for GetCatalogToken {
    const NAME: &'static str = "GetCatalogToken";
    const ACCESS: Access = Access::Read;
    const AUTHORIZED: bool = false;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        if let Some(other) = input.grant_type.filter(|kind| kind != "client_credentials") {
            let message = format!("grant_type {other:.100?} is not supported: it is client_credentials");
            return Err(Fault::new("unsupported_grant_type", 400, message));
        }
        let bearer = call.engines.identity.bearer(call.caller);
        let bearer = bearer.map_err(|_| Fault::new("invalid_client", 401, "the access key has just gone"))?;
        Ok(Output {
            access_token: bearer.token,
            token_type: "bearer",
            expires_in: bearer.expires.since(call.now()).as_secs(),
            issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        })
    }
}
