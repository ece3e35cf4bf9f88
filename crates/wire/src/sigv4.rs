//! AWS Signature Version 4: who signed a request, whether really, and how to sign one.
//!
//! [`find`] reads a signature off a request, in the `Authorization` header or presigned
//! in the query, without believing it. [`Signature::verify`] says whether the request
//! was signed with a secret, in constant time; with a [`SigningKey`] at hand, which is
//! good for a day, [`Signature::verify_with`] saves the derivation.
//!
//! Source: "Signature Version 4 signing process" of the IAM user guide and
//! "Authenticating requests" of the S3 API reference. Stricter than the letter in this:
//! `host` and every `x-amz-*` header that is there must be signed, as AWS's services ask.
//!
//! What it is not: it checks neither that a region and service exist nor that the
//! request came to the one that its signature names, and the signatures of single chunks
//! of a streamed S3 body are left to whoever reads that body.

mod canonical;
mod find;
mod key;
mod sign;
mod verify;

pub use find::{Signature, find};
pub use key::SigningKey;
pub use sign::{Credentials, sign, sign_with};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const CONTENT_HASH: &str = "x-amz-content-sha256";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
/// The one service whose paths are encoded once and whose bodies may go unsigned.
const S3: &str = "s3";
/// `20150830`, the day in a date of the compact form.
const DAY_CHARS: usize = 8;
