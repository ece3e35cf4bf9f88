//! What names, policies and numbers may be at most. Past a limit the call is refused.
//! Source: IAM User Guide, "IAM and AWS STS quotas", and the IAM API reference.

use crate::Error;
use cairn_wire::Secret;

pub(crate) fn account(id: &str) -> Result<(), Error> {
    if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::Invalid(format!("an account has 12 digits: {id:?}")))
}

/// A key that the house is to take from outside.
pub(crate) fn given_key(id: &str, secret: &Secret) -> Result<(), Error> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !(4..=128).contains(&id.len()) || !id.bytes().all(word) || id.starts_with("ASIA") {
        let form = "4 to 128 letters, digits and underscores, and does not begin with ASIA";
        return Err(Error::Invalid(format!("the root access key has {form}: {id:?}")));
    }
    let secret = secret.expose();
    if !(8..=128).contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Invalid("the root secret key has 8 to 128 printable ASCII characters".to_owned()));
    }
    Ok(())
}
