//! DescribeAccount and ListAccounts.

use super::create_account::page;
use super::organization::{account_arn, invalid, managed};
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_identity::Organization;
use cairn_wire::{Fault, Secret, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct DescribeAccount;
pub(super) struct ListAccounts;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    account_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    account: Account,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    id: String,
    arn: String,
    email: Secret,
    name: Secret,
    status: &'static str,
    state: &'static str,
    joined_method: &'static str,
    joined_timestamp: Timestamp,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    accounts: Vec<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn account(call: &Call<'_>, organization: &Organization, id: &str) -> Option<Account> {
    let account = call.engines.identity.account(id)?;
    let membership = account.membership.as_ref().filter(|own| own.organization == organization.id)?;
    Some(Account {
        id: account.id.clone(),
        arn: account_arn(organization, id),
        email: Secret(account.email.clone()),
        name: Secret(account.name.clone()),
        status: "ACTIVE",
        state: "ACTIVE",
        // As of AWS, whose management accounts count as invited.
        joined_method: if membership.request.is_some() { "CREATED" } else { "INVITED" },
        joined_timestamp: membership.joined.into(),
    })
}

impl Operation for DescribeAccount {
    const NAME: &'static str = "DescribeAccount";
    const ACCESS: Access = Access::Read;
    type Input = Describe;
    type Output = One;

    async fn call(call: &Call<'_>, input: Describe) -> Result<One, Fault> {
        let organization = managed(call)?;
        let id = input.account_id;
        if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("AccountId has 12 digits.".to_owned()));
        }
        let message = "You specified an account that doesn't exist.";
        let missing = || Fault::new("AccountNotFoundException", 400, message);
        Ok(One { account: account(call, &organization, &id).ok_or_else(missing)? })
    }
}

impl Operation for ListAccounts {
    const NAME: &'static str = "ListAccounts";
    const ACCESS: Access = Access::Read;
    type Input = List;
    type Output = Listed;

    async fn call(call: &Call<'_>, input: List) -> Result<Listed, Fault> {
        let organization = managed(call)?;
        let (size, after) = page(input.max_results, input.next_token.as_ref())?;
        let rest = organization.members.iter().filter(|id| after.as_ref().is_none_or(|after| *id > after));
        let page = cairn_identity::Page::take(rest, size);
        let next_token = page.items.last().filter(|_| page.more).map(cairn_wire::page::encode);
        let accounts = page.items.into_iter().filter_map(|id| account(call, &organization, id)).collect();
        Ok(Listed { accounts, next_token })
    }
}
