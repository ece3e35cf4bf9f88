//! How a client reads a table's files: where they are, and temporary credentials for them.
//!
//! The credentials are the caller's own, for these files alone: whoever may not read the lake's bucket gets
//! some that may not either.

use super::table::Named;
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::catalog::Published;
use cairn_wire::{Fault, Secret};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// `GET …/tables/{table}/credentials`
pub(super) struct LoadCredentials;

const SECONDS: u32 = 3600;

/// The value of a property: some are secrets.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(super) enum Setting {
    Plain(String),
    Hidden(Secret),
}

#[derive(Clone, Serialize)]
pub(super) struct Credentials {
    /// What the addresses of the files begin with.
    prefix: String,
    pub config: BTreeMap<&'static str, Setting>,
}

#[derive(Serialize)]
pub(super) struct Output {
    #[serde(rename = "storage-credentials")]
    storage_credentials: Vec<Credentials>,
}

/// Where the files are, in the properties that clients know.
pub(super) fn settings(call: &Call<'_>, published: &Published) -> BTreeMap<&'static str, Setting> {
    let (endpoint, region) = match &published.outside {
        Some((url, region)) => (Some(url.clone()), region.clone()),
        None => (here(call), call.engines.region.clone()),
    };
    let mut settings = BTreeMap::new();
    settings.extend(endpoint.map(|endpoint| ("s3.endpoint", Setting::Plain(endpoint))));
    settings.insert("s3.path-style-access", Setting::Plain("true".to_owned()));
    for name in ["s3.region", "client.region"] {
        settings.insert(name, Setting::Plain(region.clone()));
    }
    settings
}

/// This house as the client has named it.
fn here(call: &Call<'_>) -> Option<String> {
    let scheme = if call.arrival.tls.is_some() { "https" } else { "http" };
    call.arrival.host.as_ref().map(|host| format!("{scheme}://{host}"))
}

/// Credentials for a table's files; None when they are outside, where those of the house are not to be given.
pub(super) fn credentials(call: &Call<'_>, published: &Published) -> Result<Option<Credentials>, Fault> {
    if published.outside.is_some() {
        return Ok(None);
    }
    let bucket = format!("arn:aws:s3:::{}", published.bucket);
    let prefix = &published.prefix;
    let scope = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("{bucket}/{prefix}*")},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket,
         "Condition": {"StringLike": {"s3:prefix": format!("{prefix}*")}}},
        {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": bucket},
    ]});
    let issued = call.engines.identity.delegate(call.caller, &scope.to_string(), SECONDS);
    let issued = issued.map_err(|error| Fault::access_denied(error.to_string()))?;
    let expires = issued.session.span.expires.millis().to_string();
    let config = BTreeMap::from([
        ("s3.access-key-id", Setting::Plain(issued.session.access_key.clone())),
        ("s3.secret-access-key", Setting::Hidden(issued.secret)),
        ("s3.session-token", Setting::Hidden(issued.token)),
        ("s3.session-token-expires-at-ms", Setting::Plain(expires)),
    ]);
    Ok(Some(Credentials { prefix: format!("s3://{}/{prefix}", published.bucket), config }))
}

impl Operation for LoadCredentials {
    const NAME: &'static str = "LoadCredentials";
    const ACCESS: Access = Access::Read;
    type Input = Named;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Named) -> Result<Vec<Target>, Fault> {
        Ok(vec![input.target(call, "LoadTable")?])
    }

    async fn call(call: &Call<'_>, input: Named) -> Result<Output, Fault> {
        let published = input.published(call).await?;
        let mut credentials = credentials(call, &published)?;
        if let Some(credentials) = &mut credentials {
            credentials.config.extend(settings(call, &published));
        }
        Ok(Output { storage_credentials: credentials.into_iter().collect() })
    }
}
