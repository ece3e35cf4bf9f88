//! What can go wrong with keys, by what the caller can do about it.

/// Why a key did not do what was asked. Keys and aliases are named as their ARN where
/// it is known, else as the caller named them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("key {0} does not exist")]
    NotFound(String),
    #[error("alias {0} does not exist")]
    AliasNotFound(String),
    #[error("not the id, ARN or alias of a key: {0:?}")]
    InvalidReference(String),
    #[error("key {0} is disabled")]
    Disabled(String),
    #[error("key {0} is pending deletion")]
    PendingDeletion(String),
    #[error("key {0} is not pending deletion")]
    NotPendingDeletion(String),
    #[error("the ciphertext is not one of ours, was changed, or its encryption context is another")]
    InvalidCiphertext,
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    InvalidTag(String),
    #[error("key {0} is managed by the house")]
    Managed(String),
    #[error("alias {0} is reserved for keys of the house")]
    ReservedAlias(String),
    #[error("alias {0} exists already")]
    Conflict(String),
    #[error("{0}")]
    LimitExceeded(String),
    #[error("keys: {0}")]
    Unavailable(String),
    #[error("the material of key {0} cannot be unsealed: it was changed, or the root key is another")]
    Corrupt(String),
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
