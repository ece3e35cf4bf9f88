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
    /// AWS's name for what is wrong without its suffix `Exception`, and a sentence for the caller.
    #[error("{message}")]
    Refused { code: &'static str, message: String },
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

impl Error {
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }
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
