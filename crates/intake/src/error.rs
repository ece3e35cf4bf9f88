//! What can go wrong with an intake.

use std::io;

/// Why nothing of a file, or not all of it, came in. Sending the file again is always
/// safe: what is in the journal already counts as a duplicate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file as a whole is no log file; nothing of it was taken.
    #[error("at byte {offset}: {reason}")]
    Invalid {
        /// In the JSON, or in the gzip file when that is what is damaged.
        offset: u64,
        reason: String,
    },
    /// Over a limit; nothing of it was taken.
    #[error("{what} has more than {bytes_max} bytes")]
    TooLarge { what: &'static str, bytes_max: u64 },
    #[error("more than {max} {what} at a time")]
    TooMany { what: &'static str, max: usize },
    /// The journal or a table cannot be written now.
    #[error("{0}")]
    Unavailable(String),
    #[error("index of seen events: {0}")]
    Index(#[from] io::Error),
}

impl From<cairn_store::Error> for Error {
    fn from(error: cairn_store::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<cairn_journal::Error> for Error {
    fn from(error: cairn_journal::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<cairn_store::sqlx::Error> for Error {
    fn from(error: cairn_store::sqlx::Error) -> Self {
        Self::Unavailable(cairn_store::Error::from(error).to_string())
    }
}
