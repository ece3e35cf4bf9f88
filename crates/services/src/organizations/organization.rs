//! CreateOrganization and DescribeOrganization, and what the other operations share.

use crate::call::Call;
use crate::iam::sentence;
use crate::operation::{Access, Operation};
use cairn_identity::Error;
use cairn_wire::{Fault, Secret};
use serde::{Deserialize, Serialize};

pub(super) struct CreateOrganization;
pub(super) struct DescribeOrganization;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_set: Option<String>,
}

#[derive(Deserialize, Serialize)]
pub(super) struct Describe {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    organization: Organization,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Organization {
    id: String,
    arn: String,
    feature_set: &'static str,
    master_account_arn: String,
    master_account_id: String,
    master_account_email: Secret,
    /// No policy types are supported.
    available_policy_types: [String; 0],
}

/// The caller's organization.
pub(super) fn own(call: &Call<'_>) -> Result<cairn_identity::Organization, Fault> {
    let message = "Your account is not a member of an organization.";
    let missing = || Fault::new("AWSOrganizationsNotInUseException", 400, message);
    call.engines.identity.organization_of(call.account()).ok_or_else(missing)
}

/// The organization that the caller's account manages.
pub(super) fn managed(call: &Call<'_>) -> Result<cairn_identity::Organization, Fault> {
    let organization = own(call)?;
    if organization.management_account == call.account() {
        return Ok(organization);
    }
    Err(Fault::access_denied("You don't have permissions to access this resource."))
}

pub(super) fn account_arn(organization: &cairn_identity::Organization, account: &str) -> String {
    let cairn_identity::Organization { id, management_account, .. } = organization;
    format!("arn:aws:organizations::{management_account}:account/{id}/{account}")
}

fn output(call: &Call<'_>) -> Result<Output, Fault> {
    let organization = own(call)?;
    let management = &organization.management_account;
    let email = call.engines.identity.account(management).map(|account| account.email.clone());
    let shown = Organization {
        arn: format!("arn:aws:organizations::{management}:organization/{}", organization.id),
        feature_set: "ALL",
        master_account_arn: account_arn(&organization, management),
        master_account_id: management.clone(),
        master_account_email: Secret(email.unwrap_or_default()),
        available_policy_types: [],
        id: organization.id,
    };
    Ok(Output { organization: shown })
}

/// The engine's errors in the words of Organizations.
pub(super) fn fault(error: Error) -> Fault {
    let refuse = |code: &'static str, text: String| Fault::new(code, 400, sentence(&text));
    match error {
        Error::NotFound(text) => refuse("AccountNotFoundException", text),
        Error::Conflict(text) | Error::Invalid(text) | Error::InUse(text) => refuse("InvalidInputException", text),
        Error::MalformedPolicy(error) => refuse("InvalidInputException", error.to_string()),
        Error::LimitExceeded(text) => refuse("ConstraintViolationException", text),
        Error::Managed(text) => Fault::access_denied(sentence(&text)),
        Error::Unavailable(_) | Error::Corrupt(_) => Fault::new(
            "ServiceException",
            500,
            "Organizations can't complete the request because of an internal error.",
        )
        .because(error),
    }
}

pub(super) fn invalid(message: String) -> Fault {
    Fault::new("InvalidInputException", 400, message)
}

impl Operation for CreateOrganization {
    const NAME: &'static str = "CreateOrganization";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Create) -> Result<Output, Fault> {
        match input.feature_set.as_deref() {
            None | Some("ALL") => {}
            Some("CONSOLIDATED_BILLING") => {
                return Err(invalid("CONSOLIDATED_BILLING is not supported by this version of Cairn.".to_owned()));
            }
            Some(other) => return Err(invalid(format!("{other:.64} is not a feature set: use ALL."))),
        }
        call.engines.identity.create_organization(call.account()).await.map_err(|error| match error {
            Error::Conflict(_) => {
                let message = "The AWS account is already a member of an organization.";
                Fault::new("AlreadyInOrganizationException", 400, message)
            }
            error => fault(error),
        })?;
        output(call)
    }
}

impl Operation for DescribeOrganization {
    const NAME: &'static str = "DescribeOrganization";
    const ACCESS: Access = Access::Read;
    type Input = Describe;
    type Output = Output;

    async fn call(call: &Call<'_>, _: Describe) -> Result<Output, Fault> {
        output(call)
    }
}
