//! What a caller must be allowed elsewhere for a call to CloudTrail: CloudTrail does it on, without asking again.

use crate::call::Call;
use crate::dispatch::denial;
use cairn_identity::{Context, Decision, Request};
use cairn_wire::Fault;

/// Whether the caller may hand a role on.
pub(super) fn check_pass(call: &Call<'_>, role: &str) -> Result<(), Fault> {
    check(call, "iam:PassRole", role)
}

/// Whether the caller may read a folder of a mapped bucket outside. The policies of the caller are the only ones
/// that speak of it, and the house has the key to all of it. Any other bucket is read by its own policy.
pub(super) fn check_source(call: &Call<'_>, uri: &str) -> Result<(), Fault> {
    let rest = uri.strip_prefix("s3://").unwrap_or(uri);
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    if !call.engines.buckets.is_outside(bucket, call.account()) {
        return Ok(());
    }
    check(call, "s3:ListBucket", &format!("arn:aws:s3:::{bucket}"))?;
    check(call, "s3:GetObject", &under(bucket, folder))
}

/// Whether the caller may write there, where it is a mapped bucket outside.
pub(super) fn check_delivery(call: &Call<'_>, bucket: &str, folder: &str) -> Result<(), Fault> {
    if !call.engines.buckets.is_outside(bucket, call.account()) {
        return Ok(());
    }
    check(call, "s3:PutObject", &under(bucket, folder))
}

/// Everything in a folder, named so that a policy must let in all of it.
fn under(bucket: &str, folder: &str) -> String {
    let folder = folder.trim_end_matches('/');
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("arn:aws:s3:::{bucket}/{folder}{slash}*")
}

fn check(call: &Call<'_>, action: &str, resource: &str) -> Result<(), Fault> {
    let context = Context::default();
    let decision = call.engines.identity.decide(&Request {
        caller: call.caller,
        action,
        resource,
        resource_account: call.account(),
        resource_policy: None,
        policy_required: false,
        context: &context,
    });
    match decision {
        Decision::Allowed => Ok(()),
        refused => Err(Fault::access_denied(denial(call.caller, action, resource, refused))),
    }
}
