//! An error as the caller sees it.

use std::borrow::Cow;
use std::fmt::Display;

/// Code, status and message for the caller; the cause is for the log alone.
///
/// Codes are those of the JSON protocols (`AccessDeniedException`). Protocols that use
/// other names for the same faults translate when they write one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub struct Fault {
    pub code: Cow<'static, str>,
    /// HTTP status.
    pub status: u16,
    pub message: String,
    /// What really went wrong. Never sent and never recorded.
    pub cause: Option<String>,
}

impl Fault {
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.into(), status, message: message.into(), cause: None }
    }

    /// The same fault with what the log should say about it.
    pub fn because(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// An input that is well formed and yet not allowed.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", 400, message)
    }

    /// An input that cannot be read as what the operation takes.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", 400, message)
    }

    /// A failure of the house, of which the caller learns nothing but that it happened.
    pub fn internal(cause: impl Display) -> Self {
        let message = "The request processing has failed because of an unknown error, exception or failure.";
        Self::new("InternalFailure", 500, message).because(cause)
    }

    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDeniedException", 400, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new("ServiceUnavailable", 503, message)
    }

    /// A request without a signature.
    pub fn missing_authentication() -> Self {
        Self::new("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
    }

    /// A signature that does not say all that it must.
    pub fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::new("IncompleteSignatureException", 400, message)
    }

    /// A signature that does not hold, or not now.
    pub fn invalid_signature(message: impl Into<String>) -> Self {
        Self::new("InvalidSignatureException", 400, message)
    }

    /// A request larger than its protocol takes.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new("RequestEntityTooLargeException", 413, message)
    }
}
