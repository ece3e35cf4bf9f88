//! GetSessionToken: temporary credentials of the caller's own. AWS asks no permission for it.

use super::credentials::{Credentials, check_mfa};
use crate::call::Call;
use crate::iam::fault;
use crate::operation::{Access, Operation};
use cairn_wire::{Fault, Secret};
use serde::{Deserialize, Serialize};

pub(super) struct GetSessionToken;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_code: Option<Secret>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    credentials: Credentials,
}

impl Operation for GetSessionToken {
    const NAME: &'static str = "GetSessionToken";
    const ACCESS: Access = Access::Read;
    // As in AWS's records.
    const ANSWER_RECORDED: bool = true;
    const AUTHORIZED: bool = false;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        check_mfa(input.serial_number.as_ref(), input.token_code.as_ref().map(|code| &code.0))?;
        let issued = call.engines.identity.session_token(call.caller, input.duration_seconds).map_err(fault)?;
        Ok(Output { credentials: Credentials::from(&issued) })
    }
}
