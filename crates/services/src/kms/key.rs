//! What the operations share: finding the key, authorizing on it, faults, markers.

use crate::call::Call;
use crate::operation::Target;
use cairn_identity::{Policy, PolicyKind};
use cairn_key::{Context, Error, Key, Scope};
use cairn_wire::{Blob, Fault, page};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub(super) const KEY: &str = "AWS::KMS::Key";
pub(super) const ALGORITHM: &str = "SYMMETRIC_DEFAULT";

/// Where the references of a call are resolved.
pub(super) fn scope<'a>(call: &'a Call<'_>) -> Scope<'a> {
    Scope { account: call.account(), region: call.region }
}

/// The key that any reference means, also one of another account.
pub(super) async fn find(call: &Call<'_>, reference: &str) -> Result<Arc<Key>, Fault> {
    if reference.is_empty() || reference.len() > 2048 {
        return Err(Fault::validation(
            "1 validation error detected: Value at 'keyId' failed to satisfy constraint: \
             Member must have length between 1 and 2048",
        ));
    }
    call.engines.keys.resolve(scope(call), reference).await.map_err(|error| match error {
        Error::NotFound(arn) | Error::AliasNotFound(arn) if foreign(call, &arn) => hidden(call, &arn),
        Error::InvalidReference(text) if text.starts_with("arn:") => invalid_arn(call, &text),
        error => fault(error),
    })
}

/// The key of the caller's own account that an id or ARN means; an alias does not do where keys are managed.
pub(super) async fn find_own(call: &Call<'_>, reference: &str) -> Result<Arc<Key>, Fault> {
    if reference.starts_with("alias/") || reference.contains(":alias/") {
        return Err(fault(Error::InvalidReference(reference.to_owned())));
    }
    let key = find(call, reference).await?;
    if key.account == call.account() { Ok(key) } else { Err(hidden(call, &key.arn)) }
}

fn foreign(call: &Call<'_>, arn: &str) -> bool {
    arn.split(':').nth(4).is_some_and(|account| account != call.account())
}

/// Nobody learns from us which keys another account has.
fn hidden(call: &Call<'_>, arn: &str) -> Fault {
    Fault::access_denied(format!(
        "User: {} is not authorized to use the resource {arn} because the resource does not exist in this Region, \
         no resource-based policies allow access, or a resource-based policy explicitly denies access",
        call.caller.arn()
    ))
}

fn invalid_arn(call: &Call<'_>, text: &str) -> Fault {
    match cairn_event::Arn::parse(text) {
        Ok(arn) if arn.service() == "kms" && arn.region() != call.region => {
            Fault::new("NotFoundException", 400, format!("Invalid arn {}", arn.region()))
        }
        _ => Fault::new("InvalidArnException", 400, format!("Invalid arn {text}")),
    }
}

/// A key to be authorized on, with the condition keys that it brings.
pub(super) fn target(call: &Call<'_>, key: &Key) -> Result<Target, Fault> {
    let policy = Policy::parse(&key.policy, PolicyKind::Resource)
        .map_err(|error| internal(&format!("the policy of {} cannot be read: {error}", key.arn)))?;
    let mut context = vec![
        ("kms:CallerAccount".to_owned(), call.account().to_owned()),
        ("kms:KeyOrigin".to_owned(), "AWS_KMS".to_owned()),
        ("kms:KeySpec".to_owned(), ALGORITHM.to_owned()),
        ("kms:KeyUsage".to_owned(), "ENCRYPT_DECRYPT".to_owned()),
        ("kms:MultiRegion".to_owned(), "false".to_owned()),
    ];
    context.extend(key.tags.iter().map(|(name, value)| (format!("aws:ResourceTag/{name}"), value.clone())));
    Ok(Target {
        arn: key.arn.clone(),
        kind: Some(KEY),
        account: key.account.clone(),
        policy: Some(Arc::new(policy)),
        policy_required: true,
        context,
        ..Target::default()
    })
}

/// The same for a use of the key with an encryption context.
pub(super) fn target_with(call: &Call<'_>, key: &Key, with: Option<&Context>) -> Result<Target, Fault> {
    let mut target = target(call, key)?;
    target.context.push(("kms:EncryptionAlgorithm".to_owned(), ALGORITHM.to_owned()));
    for (name, value) in with.into_iter().flatten() {
        target.context.push((format!("kms:EncryptionContext:{name}"), value.clone()));
        target.context.push(("kms:EncryptionContextKeys".to_owned(), name.clone()));
    }
    Ok(target)
}

/// The target of an operation that manages one key.
pub(super) async fn own_target(call: &Call<'_>, reference: &str) -> Result<Vec<Target>, Fault> {
    let key = find_own(call, reference).await?;
    Ok(vec![target(call, &key)?])
}

/// The key that made a ciphertext. One that is gone or in another region is not told from
/// one that the caller may not use.
pub(super) async fn key_of(call: &Call<'_>, ciphertext: &Blob) -> Result<Arc<Key>, Fault> {
    let unknown = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, \
                   or you are not allowed to access.";
    match call.engines.keys.key_of(&ciphertext.0).await {
        Ok(key) if key.region == call.region => Ok(key),
        Ok(_) | Err(Error::NotFound(_)) => Err(Fault::access_denied(unknown)),
        Err(error) => Err(fault(error)),
    }
}

/// Refuses what a caller could ask of AWS for one use of a key and cannot ask here.
pub(super) fn check_use(algorithm: Option<&str>, grant_tokens: Option<&Vec<String>>) -> Result<(), Fault> {
    match algorithm {
        None | Some(ALGORITHM) => {}
        Some("RSAES_OAEP_SHA_1" | "RSAES_OAEP_SHA_256" | "SM2PKE") => {
            let message = "The encryption algorithm is not compatible with the key spec SYMMETRIC_DEFAULT.";
            return Err(Fault::new("InvalidKeyUsageException", 400, message));
        }
        Some(other) => return Err(not_in("encryptionAlgorithm", other, ALGORITHM)),
    }
    if grant_tokens.is_some_and(|tokens| !tokens.is_empty()) {
        let message = "Grants are not supported by this version of Cairn, so no grant token is valid.";
        return Err(Fault::new("InvalidGrantTokenException", 400, message));
    }
    Ok(())
}

/// Ends a dry run: everything was checked, nothing is done.
pub(super) fn check_dry_run(dry_run: Option<bool>) -> Result<(), Fault> {
    if dry_run == Some(true) {
        let message = "The request would have succeeded, but the DryRun option is set.";
        return Err(Fault::new("DryRunOperationException", 400, message));
    }
    Ok(())
}

pub(super) fn not_in(member: &str, value: &str, values: &str) -> Fault {
    Fault::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
         Member must satisfy enum value set: [{values}]"
    ))
}

pub(super) fn unsupported(message: &str) -> Fault {
    Fault::new("UnsupportedOperationException", 400, message)
}

/// How many items a page has, when `asked` lies within 1 to `max`.
pub(super) fn page_size(asked: Option<u32>, default: usize, max: usize) -> Result<usize, Fault> {
    let Some(asked) = asked else { return Ok(default) };
    let size = usize::try_from(asked).unwrap_or(usize::MAX);
    if (1..=max).contains(&size) {
        return Ok(size);
    }
    Err(Fault::validation(format!(
        "1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: \
         Member must have value between 1 and {max}"
    )))
}

pub(super) fn place<T: DeserializeOwned>(marker: Option<&str>) -> Result<Option<T>, Fault> {
    let invalid = || Fault::new("InvalidMarkerException", 400, "Could not deserialize the marker.");
    marker.map(|marker| page::decode(marker).ok_or_else(invalid)).transpose()
}

/// The marker of the page after one that ends with `last`, if more follow.
pub(super) fn marker<T: Serialize>(more: bool, last: Option<T>) -> Option<String> {
    last.filter(|_| more).map(|last| page::encode(&last))
}

fn internal(cause: &str) -> Fault {
    let message = "The request was rejected because an internal exception occurred. The request can be retried.";
    Fault::new("KMSInternalException", 500, message).because(cause)
}

/// The engine's errors in the words of AWS.
pub(super) fn fault(error: Error) -> Fault {
    let refuse = |code: &'static str, message: String| Fault::new(code, 400, message);
    match error {
        Error::NotFound(arn) => refuse("NotFoundException", format!("Key '{arn}' does not exist")),
        Error::AliasNotFound(arn) => refuse("NotFoundException", format!("Alias {arn} is not found.")),
        Error::InvalidReference(text) => refuse("NotFoundException", format!("Invalid keyId '{text}'")),
        Error::Disabled(arn) => refuse("DisabledException", format!("{arn} is disabled.")),
        Error::PendingDeletion(arn) => refuse("KMSInvalidStateException", format!("{arn} is pending deletion.")),
        Error::NotPendingDeletion(arn) => refuse("KMSInvalidStateException", format!("{arn} is not pending deletion.")),
        Error::InvalidCiphertext => refuse("InvalidCiphertextException", String::new()),
        Error::Invalid(message) => Fault::validation(message),
        Error::InvalidTag(message) => refuse("TagException", message),
        Error::ReservedAlias(_) => {
            refuse("InvalidAliasNameException", "Alias names that begin with alias/aws/ are reserved.".to_owned())
        }
        Error::Managed(arn) => Fault::access_denied(format!("{arn} is managed by AWS and cannot be changed.")),
        Error::Conflict(arn) => {
            refuse("AlreadyExistsException", format!("An alias with the name {arn} already exists"))
        }
        Error::LimitExceeded(message) => refuse("LimitExceededException", message),
        Error::Unavailable(_) | Error::Corrupt(_) => internal(&error.to_string()),
    }
}
