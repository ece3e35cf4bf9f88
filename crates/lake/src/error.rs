//! Why the lake did not do what was asked.

/// Variants are named for what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Invalid(String),
    /// More than a quota allows.
    #[error("{0}")]
    Limit(String),
    /// It may work later.
    #[error("{0}")]
    Unavailable(String),
    /// Stored bytes are not what was written; names the file.
    #[error("{0}")]
    Corrupt(String),
}

impl From<cairn_store::Error> for Error {
    fn from(error: cairn_store::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(format!("metadata database: {error}"))
    }
}
