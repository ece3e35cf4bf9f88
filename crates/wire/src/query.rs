//! The Query protocol: forms in, XML out, faults.

mod form;
mod xml;

pub use form::Form;

use crate::Fault;
use crate::tree::Tree;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads an input: lists as `Name.member.N` or `Name.N`, maps as `Name.entry.N.key` and
/// `.value`, members of structures after a dot. Faults are those of [`crate::json::decode`].
pub fn decode<T: DeserializeOwned>(form: &Form) -> Result<T, Fault> {
    form.read()
}

/// Writes an output: `<CreateUserResponse><CreateUserResult>…`. An operation whose output
/// is `()` or a unit struct has no result element.
pub fn encode<T: Serialize + ?Sized>(operation: &str, xmlns: &str, request_id: &str, output: &T) -> Vec<u8> {
    let mut out = xml::Writer::default();
    out.open_in(&format!("{operation}Response"), xmlns);
    match Tree::of(output) {
        Tree::Absent | Tree::Null => {}
        tree => out.element(&format!("{operation}Result"), &tree),
    }
    out.open("ResponseMetadata");
    out.text("RequestId", request_id);
    out.close("ResponseMetadata");
    out.close(&format!("{operation}Response"));
    out.finish()
}

/// The body that tells of a fault, by the code that Query clients know.
pub fn error(fault: &Fault, xmlns: &str, request_id: &str) -> Vec<u8> {
    let (code, status) = spoken(fault);
    let mut out = xml::Writer::default();
    out.open_in("ErrorResponse", xmlns);
    out.open("Error");
    out.text("Type", if status < 500 { "Sender" } else { "Receiver" });
    out.text("Code", code);
    out.text("Message", &fault.message);
    out.close("Error");
    out.text("RequestId", request_id);
    out.close("ErrorResponse");
    out.finish()
}

/// The code and status by which Query services name a fault.
/// Source: the "Common errors" pages of the IAM and STS API references.
pub(crate) fn spoken(fault: &Fault) -> (&str, u16) {
    match &*fault.code {
        "AccessDeniedException" => ("AccessDenied", 403),
        "DeleteConflictException" => ("DeleteConflict", 409),
        "EntityAlreadyExistsException" => ("EntityAlreadyExists", 409),
        "ExpiredTokenException" => ("ExpiredToken", 403),
        "IncompleteSignatureException" => ("IncompleteSignature", 400),
        "InvalidInputException" => ("InvalidInput", 400),
        "InvalidSignatureException" => ("SignatureDoesNotMatch", 403),
        "LimitExceededException" => ("LimitExceeded", 409),
        "MalformedPolicyDocumentException" => ("MalformedPolicyDocument", 400),
        "MissingAuthenticationTokenException" => ("MissingAuthenticationToken", 403),
        "NoSuchEntityException" => ("NoSuchEntity", 404),
        "RequestEntityTooLargeException" => ("RequestEntityTooLarge", 413),
        "SerializationException" => ("MalformedInput", 400),
        "ServiceFailureException" => ("ServiceFailure", 500),
        "ThrottlingException" => ("Throttling", 400),
        "UnknownOperationException" => ("InvalidAction", 400),
        "UnrecognizedClientException" => ("InvalidClientTokenId", 403),
        "ValidationException" => ("ValidationError", 400),
        code => (code, fault.status),
    }
}
