//! What the operations share: targets, tags, pages, and the engine's errors in IAM's words.

use crate::call::Call;
use crate::operation::Target;
use cairn_identity::{Entity, Error, Sort, Tags};
use cairn_wire::{Fault, Timestamp, page};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Says in types which sort of entity an operation is about.
pub(super) trait Of: Send + Sync + 'static {
    const SORT: Sort;
}

pub(super) struct Users;
pub(super) struct Roles;
pub(super) struct Groups;

impl Of for Users {
    const SORT: Sort = Sort::User;
}

impl Of for Roles {
    const SORT: Sort = Sort::Role;
}

impl Of for Groups {
    const SORT: Sort = Sort::Group;
}

/// One of three texts, in the order of [`Sort`]: user, role, group.
pub(super) const fn pick(sort: Sort, texts: [&'static str; 3]) -> &'static str {
    texts[sort as usize]
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

/// Tags by their keys, of which none may come twice.
pub(crate) fn tags(list: Option<&Vec<Tag>>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for Tag { key, value } in list.into_iter().flatten() {
        if tags.keys().any(|known| known.eq_ignore_ascii_case(key)) {
            return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        tags.insert(key.clone(), value.clone());
    }
    Ok(tags)
}

/// None when there is none, as AWS leaves the member out.
pub(super) fn tag_list(tags: &Tags) -> Option<Vec<Tag>> {
    let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}

/// The condition keys that tags in a request bring.
pub(crate) fn tag_context(list: Option<&Vec<Tag>>) -> Vec<(String, String)> {
    let mut context = Vec::new();
    for tag in list.into_iter().flatten() {
        context.push((format!("aws:RequestTag/{}", tag.key), tag.value.clone()));
        context.push(("aws:TagKeys".to_owned(), tag.key.clone()));
    }
    context
}

/// Something of IAM to be authorized on; IAM's records do not name it.
pub(super) fn target(call: &Call<'_>, arn: String, context: Vec<(String, String)>) -> Vec<Target> {
    vec![Target { arn, account: call.account().to_owned(), context, ..Target::default() }]
}

/// An entity, also one that is not there (yet), with the condition keys that it brings.
pub(super) fn entity_target(
    call: &Call<'_>,
    sort: Sort,
    name: &str,
    path: Option<&str>,
    mut context: Vec<(String, String)>,
) -> Vec<Target> {
    let arn = match call.engines.identity.entity(call.account(), sort, name) {
        Ok(entity) => {
            for (key, value) in &entity.tags {
                context.push((format!("aws:ResourceTag/{key}"), value.clone()));
                context.push((format!("iam:ResourceTag/{key}"), value.clone()));
            }
            entity.arn()
        }
        Err(_) => cairn_identity::arn(call.account(), sort.word(), path.unwrap_or("/"), name),
    };
    target(call, arn, context)
}

/// The user that is named, or the one that calls.
pub(super) fn user_name(call: &Call<'_>, named: Option<&String>) -> Result<String, Fault> {
    let own = || call.caller.user_name().map(str::to_owned);
    let missing = || Fault::validation("Must specify userName when calling with non-User credentials");
    named.cloned().or_else(own).ok_or_else(missing)
}

/// The holder that the member of its sort names.
pub(super) fn holder(sort: Sort, names: [&Option<String>; 3]) -> Result<&str, Fault> {
    let member = pick(sort, ["userName", "roleName", "groupName"]);
    names[sort as usize].as_deref().ok_or_else(|| missing(member))
}

fn missing(member: &str) -> Fault {
    Fault::validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

/// How many items a page has.
pub(super) fn page_size(asked: Option<u32>) -> Result<usize, Fault> {
    let size = asked.unwrap_or(100);
    if (1..=1000).contains(&size) {
        return Ok(size as usize);
    }
    Err(Fault::validation(format!(
        "1 validation error detected: Value '{size}' at 'maxItems' failed to satisfy constraint: \
         Member must have value between 1 and 1000"
    )))
}

/// The name after which a list goes on.
pub(super) fn place(marker: Option<&String>) -> Result<Option<String>, Fault> {
    let invalid = || Fault::validation("Invalid Marker.");
    marker.map(|marker| page::decode(marker).ok_or_else(invalid)).transpose()
}

/// The marker of the page after one that ends with `last`, if more follow.
pub(super) fn marker(more: bool, last: Option<&str>) -> Option<String> {
    last.filter(|_| more).map(|last| page::encode(&last))
}

/// A sorted list of texts, cut to one page.
pub(super) fn cut<'a>(
    all: impl Iterator<Item = &'a String>,
    after: Option<String>,
    size: usize,
) -> cairn_identity::Page<&'a String> {
    cairn_identity::Page::take(all.filter(move |text| after.as_ref().is_none_or(|after| *text > after)), size)
}

/// How IAM hands out policy documents: percent-encoded as RFC 3986 says.
pub(super) fn encoded(document: &str) -> String {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(document, PLAIN).to_string()
}

/// A user, as every answer shows one.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct User {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    pub user_id: String,
    pub arn: String,
    pub create_date: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

impl User {
    pub fn of(user: &Entity) -> Self {
        Self {
            path: user.path.clone(),
            user_name: Some(user.name.clone()),
            user_id: user.id.clone(),
            arn: user.arn(),
            create_date: user.created.into(),
            tags: tag_list(&user.tags),
        }
    }

    /// As lists show one: without its tags.
    pub fn listed(user: &Entity) -> Self {
        Self { tags: None, ..Self::of(user) }
    }
}

pub(super) fn invalid(message: &str) -> Fault {
    Fault::new("InvalidInputException", 400, message)
}

/// Refuses a member that means something to AWS and nothing here.
pub(super) fn refuse(member: &str, value: Option<&String>) -> Result<(), Fault> {
    match value {
        None => Ok(()),
        Some(_) => Err(invalid(&format!("{member} is not supported by this version of Cairn."))),
    }
}

/// An engine's message as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// The engine's errors by the names that records give them; on the wire they go without
/// `Exception`.
pub(crate) fn fault(error: Error) -> Fault {
    match error {
        Error::NotFound(text) => Fault::new("NoSuchEntityException", 404, sentence(&text)),
        Error::Conflict(text) => Fault::new("EntityAlreadyExistsException", 409, sentence(&text)),
        Error::InUse(text) => Fault::new("DeleteConflictException", 409, sentence(&text)),
        Error::LimitExceeded(text) => Fault::new("LimitExceededException", 409, sentence(&text)),
        Error::Invalid(text) => Fault::validation(sentence(&text)),
        Error::MalformedPolicy(error) => {
            Fault::new("MalformedPolicyDocumentException", 400, sentence(&error.to_string()))
        }
        Error::Managed(text) => Fault::access_denied(sentence(&text)),
        Error::Unavailable(_) | Error::Corrupt(_) => Fault::new(
            "ServiceFailureException",
            500,
            "The request processing has failed because of an internal failure.",
        )
        .because(error),
    }
}
