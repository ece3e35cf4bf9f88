//! Sessions: temporary credentials that carry all that is known of them.
//!
//! ```text
//! token = base64( Seal under the context "identity/session" of the session as JSON )
//! ```
//! So a session needs no row and outlives a restart; only its end, or that of its user or
//! role, ends it.

use crate::model::{Document, Owner, Tags};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_event::Time;
use cairn_store::Seal;
use cairn_wire::Secret;
use serde::{Deserialize, Serialize};

const PLACE: &[u8] = b"identity/session";
/// Longer tokens are refused unread.
const TOKEN_BYTES_MAX: usize = 32 * 1024;

/// When a session was made and for how long it is good, for `sessionContext`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSpan {
    pub created: Time,
    pub expires: Time,
}

/// One session of a root, a user or a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// `ASIA…`
    pub access_key: String,
    pub(crate) secret: Secret,
    pub account: String,
    pub owner: Owner,
    pub span: SessionSpan,
    /// `RoleSessionName`; empty for roots and users.
    pub name: String,
    pub mfa: bool,
    pub source_identity: Option<String>,
    pub tags: Tags,
    /// The names of tags that a session started from this one inherits.
    pub transitive: Vec<String>,
    /// It can do no more than these allow together, if there are any.
    pub policy: Option<Document>,
    /// ARNs of managed policies that limit it.
    pub policy_arns: Vec<String>,
    /// What its holder was handed it for: it can do nothing else, whoever else would let it.
    #[serde(default)]
    pub(crate) scope: Option<Document>,
    /// The long-lived access key that it was handed out for: without that it is nothing.
    #[serde(default)]
    pub(crate) parent: Option<String>,
}

impl Session {
    pub(crate) fn token(&self, seal: &Seal) -> Secret {
        let body = serde_json::to_vec(self).expect("a session is plain data, which always serializes");
        Secret(STANDARD.encode(seal.seal(PLACE, &body)))
    }

    /// None when the token is none of this house's.
    pub(crate) fn of_token(token: &str, seal: &Seal) -> Option<Self> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let body = seal.open_sealed(PLACE, &STANDARD.decode(token).ok()?).ok()?;
        serde_json::from_slice(&body).ok()
    }
}
