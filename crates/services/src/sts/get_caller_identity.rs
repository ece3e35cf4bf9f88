//! GetCallerIdentity: who is calling. Nobody can be forbidden to ask.

use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct GetCallerIdentity;

#[derive(Deserialize, Serialize)]
pub(super) struct Input {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    arn: String,
    user_id: String,
    account: String,
}

impl Operation for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    const ACCESS: Access = Access::Read;
    const AUTHORIZED: bool = false;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, _: Input) -> Result<Output, Fault> {
        let caller = call.caller;
        Ok(Output {
            arn: caller.arn().to_owned(),
            user_id: caller.principal_id().to_owned(),
            account: caller.account().to_owned(),
        })
    }
}
