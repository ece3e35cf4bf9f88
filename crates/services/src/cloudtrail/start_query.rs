//! StartQuery: one SELECT over event data stores, which runs on after the answer.

use super::query;
use super::rights;
use super::trail::{exception, filled};
use crate::call::Call;
use crate::operation::{Access, Operation, Target};
use cairn_lake::query::{NewQuery, Place};
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct StartQuery;

const URI_CHARS_MAX: usize = 1024;
/// As AWS allows it for prefixes of trails.
const PREFIX_CHARS_MAX: usize = 200;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    query_statement: Option<String>,
    #[serde(rename = "DeliveryS3Uri", skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_parameters: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_owner_account_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    query_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_data_store_owner_account_id: Option<String>,
}

impl Input {
    /// The query as it is to run: given, or the template that the alias names.
    fn statement(&self, call: &Call<'_>) -> Result<String, Fault> {
        let alias = self.query_alias.as_deref().filter(|alias| !alias.is_empty());
        match (self.query_statement.as_deref(), alias) {
            (Some(statement), None) => Ok(statement.to_owned()),
            (None, Some(alias)) => {
                query::check_alias(alias)?;
                let template = call.engines.lake.dashboards.template(call.account(), call.region, alias);
                template.ok_or_else(|| query::invalid(format!("There is no query template with the alias {alias}.")))
            }
            (Some(_), Some(_)) => Err(exception(
                "InvalidParameter",
                "Give QueryStatement, or QueryAlias for the query of a dashboard; not both.",
            )),
            (None, None) => Err(query::invalid("QueryStatement or QueryAlias is required.")),
        }
    }

    fn parameters(&self) -> &[String] {
        self.query_parameters.as_deref().unwrap_or_default()
    }

    fn owner<'a>(&'a self, call: &Call<'_>) -> Result<Option<&'a str>, Fault> {
        query::owner(call, self.event_data_store_owner_account_id.as_ref())
    }
}

impl Operation for StartQuery {
    const NAME: &'static str = "StartQuery";
    const ACCESS: Access = Access::Write;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        let statement = input.statement(call)?;
        let plan = query::plan(call, input.owner(call)?, &statement, input.parameters()).await?;
        Ok(query::targets(call, &plan.sources, None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let statement = input.statement(call)?;
        let plan = query::plan(call, input.owner(call)?, &statement, input.parameters()).await?;
        let owner = input.owner(call)?.map(str::to_owned);
        let delivery = filled(input.delivery).map(|uri| place(call, uri)).transpose()?;
        let new = NewQuery {
            account: call.account().to_owned(),
            region: call.region.to_owned(),
            text: statement,
            parameters: input.query_parameters.unwrap_or_default(),
            alias: filled(input.query_alias),
            refresh: None,
            delivery,
            plan,
        };
        let entry = call.engines.lake.queries.start(new).await.map_err(query::fault)?;
        Ok(Output { query_id: entry.id, event_data_store_owner_account_id: owner })
    }
}

/// A bucket that is there, and a prefix in it. Whether its policy lets results in, the delivery will say.
fn place(call: &Call<'_>, uri: String) -> Result<Place, Fault> {
    let place = parse(uri)?;
    let buckets = &call.engines.buckets;
    if !buckets.is_outside(&place.bucket, call.account()) && buckets.bucket(&place.bucket).is_err() {
        let message = format!("S3 bucket {} does not exist.", place.bucket);
        return Err(exception("S3BucketDoesNotExist", message));
    }
    if buckets.bucket(&place.bucket).is_ok_and(|bucket| bucket.settings.house)
        || place.bucket == call.engines.lake.tables.bucket()
    {
        let message =
            format!("S3 bucket {} holds the lake's own files; results are not delivered there.", place.bucket);
        return Err(exception("InsufficientS3BucketPolicy", message));
    }
    rights::check_delivery(call, &place.bucket, &place.prefix)?;
    Ok(place)
}

fn parse(uri: String) -> Result<Place, Fault> {
    let bad = |why: &str| Err(exception("InvalidS3BucketName", format!("DeliveryS3Uri {why}.")));
    if uri.chars().count() > URI_CHARS_MAX {
        return Err(query::invalid(format!("DeliveryS3Uri has at most {URI_CHARS_MAX} characters.")));
    }
    let Some(rest) = uri.strip_prefix("s3://") else { return bad("is not of the form s3://BUCKET[/PREFIX]") };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inner = |byte: u8| edge(byte) || matches!(byte, b'-' | b'.');
    let named = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(inner)
        && bucket.bytes().next().is_some_and(edge)
        && bucket.bytes().last().is_some_and(edge);
    if !named {
        return bad("does not name a bucket: 3 to 63 lower-case letters, digits, dots and hyphens");
    }
    let prefix = prefix.trim_end_matches('/').to_owned();
    if prefix.chars().count() > PREFIX_CHARS_MAX || prefix.starts_with('/') || prefix.contains("//") {
        let message =
            format!("The prefix in DeliveryS3Uri has at most {PREFIX_CHARS_MAX} characters and no empty folder.");
        return Err(exception("InvalidS3Prefix", message));
    }
    Ok(Place { bucket: bucket.to_owned(), prefix, uri })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_bucket_and_perhaps_a_prefix() {
        for (uri, bucket, prefix) in [
            ("s3://b-1", "b-1", ""),
            ("s3://b-1/", "b-1", ""),
            ("s3://b-1/q/r/", "b-1", "q/r"),
            ("s3://b.1/q", "b.1", "q"),
        ] {
            let place = parse(uri.to_owned()).unwrap();
            assert_eq!((place.bucket.as_str(), place.prefix.as_str(), place.uri.as_str()), (bucket, prefix, uri));
        }
        for (uri, code) in [
            ("b-1", "InvalidS3BucketNameException"),
            ("s3://", "InvalidS3BucketNameException"),
            ("s3://B", "InvalidS3BucketNameException"),
            ("s3://-b1/q", "InvalidS3BucketNameException"),
            ("s3://b-1//q", "InvalidS3PrefixException"),
            (&format!("s3://b-1/{}", "q".repeat(201)), "InvalidS3PrefixException"),
            (&format!("s3://b-1/{}", "q".repeat(1100)), "InvalidParameterException"),
        ] {
            assert_eq!(parse(uri.to_owned()).unwrap_err().code, code, "{uri}");
        }
    }
}
