//! GetAccessKeyInfo: which account an access key belongs to.

use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct GetAccessKeyInfo;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    access_key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    account: String,
}

impl Operation for GetAccessKeyInfo {
    const NAME: &'static str = "GetAccessKeyInfo";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let account = call.engines.identity.account_of_key(&input.access_key_id);
        let invalid = || Fault::validation(format!("Invalid Access Key: {:.128}", input.access_key_id));
        account.map(|account| Output { account }).ok_or_else(invalid)
    }
}
