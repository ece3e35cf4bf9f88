//! The end of a call: the answer as it leaves, and what is recorded of it.

use super::call::Call;
use super::meter::Meter;
use super::{parameters, xml};
use crate::outcome::Outcome;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use s3s::Body;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Headers of an answer to a write that its record shows.
const ELEMENTS: &[&str] = &[
    "x-amz-version-id",
    "x-amz-delete-marker",
    "x-amz-copy-source-version-id",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
];

/// Completes the answer and takes the outcome.
pub(super) fn finish(call: &Call, meter: &Meter, mut response: Response<Body>) -> (Response<Body>, Outcome) {
    let id_2 = BASE64_STANDARD.encode(call.engines().world.dice.bytes::<48>());
    let error = refusal(&response);
    if let Some((code, message)) = &error {
        refuse(call, &mut response, code, message, &id_2);
    }
    if response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().remove(CONTENT_TYPE);
        *response.body_mut() = Body::empty();
    }
    let request_id = call.arrival.request_id.to_string();
    for (name, value) in [("x-amz-request-id", &request_id), ("x-amz-id-2", &id_2)] {
        response.headers_mut().insert(name, HeaderValue::from_str(value).expect("it is ASCII"));
    }
    let mut outcome = call.take_outcome();
    if let Some(body) = meter.body() {
        parameters::add_body(&mut outcome.parameters, &body);
    }
    if error.is_none() && !outcome.read_only {
        outcome.response = elements(response.headers());
    }
    let more = additional(call, &outcome, meter, &response, id_2);
    outcome.additional.extend(more);
    outcome.error = error;
    (response, outcome)
}

/// Code and message of an answer that is an error. Not modified is none.
fn refusal(response: &Response<Body>) -> Option<(String, String)> {
    if response.status().as_u16() < 300 || response.status() == StatusCode::NOT_MODIFIED {
        return None;
    }
    let told = response.body().bytes().and_then(|body| xml::parse(&body)).map(|(_, document)| document);
    let text = |name: &str| Some(told.as_ref()?.get(name)?.as_str()?.to_owned());
    let code = text("Code").unwrap_or_else(|| "InternalError".to_owned());
    let message = text("Message").unwrap_or_else(|| words(&code).to_owned());
    Some((code, message))
}

/// Gives an error the form that S3 gives it, whoever raised it.
fn refuse(call: &Call, response: &mut Response<Body>, code: &str, message: &str, id_2: &str) {
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if call.method == Method::HEAD {
        *response.body_mut() = Body::empty();
        return;
    }
    let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    let mut add = |name: &str, text: &str| {
        let text = quick_xml::escape::escape(text);
        write!(document, "<{name}>{text}</{name}>").expect("writing to a string cannot fail");
    };
    add("Code", code);
    add("Message", message);
    match (code, &call.address.bucket, &call.address.key) {
        ("NoSuchKey" | "NoSuchVersion", _, Some(key)) => add("Key", key),
        ("InvalidAccessKeyId", ..) => add("AWSAccessKeyId", call.so_far().caller.access_key().unwrap_or_default()),
        (code, Some(bucket), _) if code.contains("Bucket") => add("BucketName", bucket),
        _ => {}
    }
    add("RequestId", &call.arrival.request_id.to_string());
    add("HostId", id_2);
    document.push_str("</Error>");
    *response.body_mut() = Body::from(document);
}

fn elements(headers: &HeaderMap) -> Value {
    let told = ELEMENTS.iter().filter_map(|name| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.into())));
    let told: Map<String, Value> = told.collect();
    if told.is_empty() { Value::Null } else { Value::Object(told) }
}

fn additional(
    call: &Call,
    outcome: &Outcome,
    meter: &Meter,
    response: &Response<Body>,
    id_2: String,
) -> Map<String, Value> {
    let identified = call.identified();
    let mut more = Map::new();
    if identified.secret.is_some() {
        more.insert("SignatureVersion".into(), "SigV4".into());
        let method = if identified.presigned { "QueryString" } else { "AuthHeader" };
        more.insert("AuthenticationMethod".into(), method.into());
    }
    if let Some(suite) = call.arrival.tls.as_ref().and_then(|tls| tls.get("cipherSuite")) {
        more.insert("CipherSuite".into(), suite.clone());
    }
    let read = meter.bytes();
    more.insert("bytesTransferredIn".into(), call.decoded_bytes.filter(|_| read > 0).unwrap_or(read).into());
    more.insert("bytesTransferredOut".into(), bytes_out(call, response).into());
    more.insert("x-amz-id-2".into(), id_2.into());
    if let Some(applied) = response.headers().get("x-amz-server-side-encryption").filter(|_| !outcome.read_only) {
        more.insert("SSEApplied".into(), sse_applied(outcome, applied).into());
    }
    more
}

fn bytes_out(call: &Call, response: &Response<Body>) -> u64 {
    if call.method == Method::HEAD {
        return 0;
    }
    let announced = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    announced.or_else(|| http_body::Body::size_hint(response.body()).exact()).unwrap_or(0)
}

fn sse_applied(outcome: &Outcome, applied: &HeaderValue) -> String {
    let kind = if applied == "AES256" { "SSE_S3" } else { "SSE_KMS" };
    if outcome.parameters.get("x-amz-server-side-encryption").is_some() {
        kind.to_owned()
    } else {
        format!("Default_{kind}")
    }
}

/// What S3 says with a code, where the protocol gives the code alone.
pub(super) fn words(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access Denied",
        "BadDigest" => "The Content-MD5 you specified did not match what we received.",
        "IncompleteBody" => "You did not provide the number of bytes specified by the Content-Length HTTP header",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidDigest" => "The Content-MD5 you specified is not valid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => "The XML you provided was not well-formed or did not validate against our published schema",
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "NotImplemented" => "A header or operation you provided implies functionality that is not implemented",
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        _ => "We encountered an error with your request.",
    }
}
