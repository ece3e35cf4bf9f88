//! CreateAccount, DescribeCreateAccountStatus and ListCreateAccountStatus. An account is there
//! as soon as the call returns; the management account comes in by the account's role.

use super::organization::{fault, invalid, managed};
use crate::call::Call;
use crate::iam::{Tag, tag_context};
use crate::operation::{Access, Operation, Target};
use cairn_identity::{Account, NewAccount};
use cairn_wire::{Fault, Secret, Timestamp, page};
use serde::{Deserialize, Serialize};

pub(super) struct CreateAccount;
pub(super) struct DescribeCreateAccountStatus;
pub(super) struct ListCreateAccountStatus;

const ROLE: &str = "OrganizationAccountAccessRole";
const STATES: [&str; 3] = ["IN_PROGRESS", "SUCCEEDED", "FAILED"];
const PAGE_MAX: usize = 20;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    email: Secret,
    account_name: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iam_user_access_to_billing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Tag>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    create_account_request_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    create_account_status: Status,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    id: String,
    account_name: Secret,
    state: &'static str,
    requested_timestamp: Timestamp,
    completed_timestamp: Timestamp,
    account_id: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    states: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    create_account_statuses: Vec<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Status {
    /// None for an account that no call made.
    fn of(account: &Account) -> Option<Self> {
        let membership = account.membership.as_ref()?;
        Some(Self {
            id: membership.request.clone()?,
            account_name: Secret(account.name.clone()),
            state: "SUCCEEDED",
            requested_timestamp: membership.joined.into(),
            completed_timestamp: membership.joined.into(),
            account_id: account.id.clone(),
        })
    }
}

/// How many accounts a page has, and after which one it begins.
pub(super) fn page(max_results: Option<u32>, token: Option<&String>) -> Result<(usize, Option<String>), Fault> {
    let size = max_results.map_or(PAGE_MAX, |size| size as usize);
    if !(1..=PAGE_MAX).contains(&size) {
        return Err(invalid(format!("MaxResults is between 1 and {PAGE_MAX}.")));
    }
    let unknown = || invalid("You specified an invalid value for NextToken.".to_owned());
    let after = token.map(|token| page::decode(token).ok_or_else(unknown)).transpose()?;
    Ok((size, after))
}

/// The status of every account that a call made for the caller's organization, by account.
fn statuses(call: &Call<'_>) -> Result<Vec<Status>, Fault> {
    let members = managed(call)?.members;
    let status = |id: &String| Status::of(&*call.engines.identity.account(id)?);
    Ok(members.iter().filter_map(status).collect())
}

fn check_name(input: &Create) -> Result<(), Fault> {
    let (email, name) = (input.email.expose(), input.account_name.expose());
    let (user, domain) = email.split_once('@').unwrap_or_default();
    let plain = !email.contains(char::is_whitespace) && !domain.contains('@') && domain.contains('.');
    if user.is_empty() || !plain || !(6..=64).contains(&email.len()) {
        return Err(invalid("You provided an invalid e-mail address.".to_owned()));
    }
    if !(1..=50).contains(&name.len()) || !name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(invalid("AccountName has 1 to 50 printable ASCII characters.".to_owned()));
    }
    if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        return Err(invalid("Tags of accounts are not supported by this version of Cairn.".to_owned()));
    }
    Ok(())
}

impl Operation for CreateAccount {
    const NAME: &'static str = "CreateAccount";
    const ACCESS: Access = Access::Write;
    type Input = Create;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Create) -> Result<Vec<Target>, Fault> {
        let context = tag_context(input.tags.as_ref());
        Ok(vec![Target { arn: "*".to_owned(), account: call.account().to_owned(), context, ..Target::default() }])
    }

    async fn call(call: &Call<'_>, input: Create) -> Result<Output, Fault> {
        managed(call)?;
        check_name(&input)?;
        let Create { email, account_name, role_name, .. } = input;
        let role = role_name.unwrap_or_else(|| ROLE.to_owned());
        let new = NewAccount { name: account_name.0.clone(), email: email.0.clone(), role };
        let account = call.engines.identity.create_account(call.account(), new).await.map_err(fault)?;
        if let Err(error) = call.engines.lake.stores.members_changed().await {
            tracing::warn!(%error, "event data stores do not know of the new account yet");
        }
        let status = Status::of(&account).ok_or_else(|| Fault::internal("a new account has no request"))?;
        Ok(Output { create_account_status: status })
    }
}

impl Operation for DescribeCreateAccountStatus {
    const NAME: &'static str = "DescribeCreateAccountStatus";
    const ACCESS: Access = Access::Read;
    type Input = Describe;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Describe) -> Result<Output, Fault> {
        let found = statuses(call)?.into_iter().find(|status| status.id == input.create_account_request_id);
        let message = "We can't find a create account request with the CreateAccountRequestId that you specified.";
        let missing = || Fault::new("CreateAccountStatusNotFoundException", 400, message);
        Ok(Output { create_account_status: found.ok_or_else(missing)? })
    }
}

impl Operation for ListCreateAccountStatus {
    const NAME: &'static str = "ListCreateAccountStatus";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let states = input.states.unwrap_or_default();
        if let Some(other) = states.iter().find(|state| !STATES.contains(&state.as_str())) {
            return Err(invalid(format!("{other:.64} is not one of {}.", STATES.join(", "))));
        }
        let (size, after) = page(input.max_results, input.next_token.as_ref())?;
        let wanted = |status: &Status| states.is_empty() || states.iter().any(|state| state == status.state);
        let rest = statuses(call)?.into_iter().filter(wanted);
        let rest = rest.filter(|status| after.as_ref().is_none_or(|after| status.account_id > *after));
        let page = cairn_identity::Page::take(rest, size);
        let last = page.items.last().filter(|_| page.more);
        let next_token = last.map(|status| cairn_wire::page::encode(&status.account_id));
        Ok(Listed { create_account_statuses: page.items, next_token })
    }
}
