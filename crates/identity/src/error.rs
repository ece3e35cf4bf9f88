//! What can go wrong with identities, by what the caller can do about it.

use crate::PolicyError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    NotFound(String),
    /// Something of that name exists already.
    #[error("{0}")]
    Conflict(String),
    /// It cannot go while something else hangs on it.
    #[error("{0}")]
    InUse(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    MalformedPolicy(#[from] PolicyError),
    /// It belongs to the house and is not to be changed.
    #[error("{0}")]
    Managed(String),
    #[error("{0}")]
    LimitExceeded(String),
    #[error("identity: {0}")]
    Unavailable(String),
    #[error("identity: {0}")]
    Corrupt(String),
}

/// Why an access key does not name a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialError {
    Unknown,
    Inactive,
    InvalidToken,
    ExpiredToken,
}

impl From<cairn_store::Error> for Error {
    fn from(error: cairn_store::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<cairn_store::sqlx::Error> for Error {
    fn from(error: cairn_store::sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
