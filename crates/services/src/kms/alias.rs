//! CreateAlias, UpdateAlias and DeleteAlias: names for keys.
//!
//! Each is authorized on the alias and on every key concerned.

use super::key;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct CreateAlias;
pub(super) struct UpdateAlias;
pub(super) struct DeleteAlias;

const ALIAS: &str = "AWS::KMS::Alias";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    alias_name: String,
    target_key_id: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    alias_name: String,
}

#[derive(Serialize)]
pub(super) struct Output {}

fn alias_target(call: &Call<'_>, name: &str) -> Target {
    Target::own(key::scope(call).arn(name), ALIAS, call.account())
}

/// The alias and the key that it means now; of an alias that does not exist, only itself.
async fn existing(call: &Call<'_>, name: &str) -> Result<Vec<Target>, Fault> {
    let mut targets = vec![alias_target(call, name)];
    if name.starts_with("alias/")
        && let Ok(key) = call.engines.keys.resolve(key::scope(call), name).await
    {
        targets.push(key::target(call, &key)?);
    }
    Ok(targets)
}

impl Operation for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let key = key::find_own(call, &input.target_key_id).await?;
        Ok(vec![alias_target(call, &input.alias_name), key::target(call, &key)?])
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let keys = &call.engines.keys;
        let created = keys.create_alias(key::scope(call), &input.alias_name, &input.target_key_id).await;
        created.map_err(key::fault)?;
        Ok(Output {})
    }
}

impl Operation for UpdateAlias {
    const NAME: &'static str = "UpdateAlias";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let mut targets = existing(call, &input.alias_name).await?;
        let key = key::find_own(call, &input.target_key_id).await?;
        if targets.iter().all(|target| target.arn != key.arn) {
            targets.push(key::target(call, &key)?);
        }
        Ok(targets)
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let keys = &call.engines.keys;
        let updated = keys.update_alias(key::scope(call), &input.alias_name, &input.target_key_id).await;
        updated.map_err(key::fault)?;
        Ok(Output {})
    }
}

impl Operation for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const ACCESS: Access = Access::Write;
    type Input = Name;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Name) -> Result<Vec<Target>, Fault> {
        existing(call, &input.alias_name).await
    }

    async fn call(call: &Call<'_>, input: Name) -> Result<Output, Fault> {
        call.engines.keys.delete_alias(key::scope(call), &input.alias_name).await.map_err(key::fault)?;
        Ok(Output {})
    }
}
