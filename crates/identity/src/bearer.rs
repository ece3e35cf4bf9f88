//! Bearer tokens: for clients that send a password once and a token ever after.
//!
//! ```text
//! token = base64url( Seal under the context "identity/bearer" of the statement as JSON )
//! ```
//! A token needs no row and outlives a restart. It is good for as long as it says, and no longer than the
//! access key that it was given for: a key that is gone, off or has another secret takes its tokens with it.

use crate::Identity;
use crate::caller::Caller;
use crate::error::CredentialError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cairn_event::Time;
use cairn_wire::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const PLACE: &[u8] = b"identity/bearer";
/// Longer tokens are refused unread.
const TOKEN_BYTES_MAX: usize = 48 * 1024;
const LIFETIME: Duration = Duration::from_hours(1);

/// A token as its holder is given it.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub token: Secret,
    pub expires: Time,
}

#[derive(Serialize, Deserialize)]
struct Statement {
    access_key: String,
    secret: Secret,
    /// The token of the session that the caller was in.
    session: Option<Secret>,
    expires: Time,
}

impl Identity {
    /// Who shows a long-lived access key with its secret.
    pub fn prove(&self, access_key: &str, secret: &Secret) -> Result<Caller, CredentialError> {
        let credential = self.credential(access_key, None)?;
        // Secrets are compared in constant time.
        if credential.secret == *secret { Ok(credential.caller) } else { Err(CredentialError::InvalidToken) }
    }

    /// A token for a caller that has proved itself; its session's end is the token's too.
    pub fn bearer(&self, caller: &Caller) -> Result<Bearer, CredentialError> {
        let access_key = caller.access_key().ok_or(CredentialError::Unknown)?.to_owned();
        let session = caller.session().map(|session| session.token(&self.inner.seal));
        let secret = self.credential(&access_key, session.as_ref().map(Secret::expose))?.secret;
        let end = self.now() + LIFETIME;
        let expires = caller.session().map_or(end, |session| session.span.expires.min(end));
        let statement = Statement { access_key, secret, session, expires };
        let body = serde_json::to_vec(&statement).expect("a statement is plain data, which always serializes");
        Ok(Bearer { token: Secret(URL_SAFE_NO_PAD.encode(self.inner.seal.seal(PLACE, &body))), expires })
    }

    /// Who shows a token.
    pub fn of_bearer(&self, token: &str) -> Result<Caller, CredentialError> {
        let statement = self.statement(token).ok_or(CredentialError::InvalidToken)?;
        if self.now() >= statement.expires {
            return Err(CredentialError::ExpiredToken);
        }
        let credential = self.credential(&statement.access_key, statement.session.as_ref().map(Secret::expose))?;
        if credential.secret == statement.secret { Ok(credential.caller) } else { Err(CredentialError::InvalidToken) }
    }

    fn statement(&self, token: &str) -> Option<Statement> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let body = self.inner.seal.open_sealed(PLACE, &URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        serde_json::from_slice(&body).ok()
    }
}
