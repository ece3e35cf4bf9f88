//! PutObject, and what every new object brings: its headers, tags, lock, encryption, body.

use super::call::Call;
use super::parameters::query;
use super::refusal::{self, error, invalid_argument};
use super::shape::{self, Encrypted, Sums};
use bytes::Bytes;
use cairn_bucket::{Algorithm, Body, Bucket, Expected, Headers, Put, PutCondition, Retention, Trailer};
use cairn_event::Time;
use futures::{StreamExt, TryStreamExt, stream};
use http::HeaderMap;
use s3s::dto::{ETagCondition, PutObjectInput, PutObjectOutput, StreamingBlob};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result, TrailingHeaders};
use std::collections::BTreeMap;
use std::io;

const META: &str = "x-amz-meta-";
const CHECKSUM: &str = "x-amz-checksum-";
/// How a body fails that came without the checksum it announced.
pub(super) const NO_TRAILER: &str = "MalformedTrailer";

pub(super) async fn put_object(call: &Call, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
    let bucket = call.bucket()?;
    let input = req.input;
    if input.write_offset_bytes.is_some() {
        return Err(refusal::not_implemented("Appending to objects is not implemented"));
    }
    let mut put = new_object(call, bucket, &input.key, &req.headers)?;
    put.condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
    put.sse = Some(call.encrypt(bucket, &input.key, &req.headers).await?);
    let sums = Sums {
        crc32: input.checksum_crc32,
        crc32c: input.checksum_crc32c,
        crc64nvme: input.checksum_crc64nvme,
        sha1: input.checksum_sha1,
        sha256: input.checksum_sha256,
        kind: None,
    };
    let expected = expected(&req.headers, sums, input.content_md5, input.content_length)?;
    let body = body(input.body, &req.headers, req.trailing_headers.as_ref());
    let trailer = trailer(req.trailing_headers, expected.algorithm);
    let stored = call.buckets().put(put, body, expected, trailer).await.map_err(refusal::of)?;
    let (sums, sse) = (Sums::from(stored.checksum.as_ref()), Encrypted::from(&stored.sse));
    Ok(S3Response::new(PutObjectOutput {
        e_tag: Some(shape::etag(&stored.etag)),
        version_id: stored.version,
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        checksum_type: sums.kind,
        ..PutObjectOutput::default()
    }))
}

/// What the headers say of a new object. Whoever sets tags, a lock or an ACL with it must
/// be allowed to set them.
pub(super) fn new_object(call: &Call, bucket: &Bucket, key: &str, headers: &HeaderMap) -> S3Result<Put> {
    let text = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let may = |action: &str| call.authorize_on(bucket, Some(key), action);
    accept_acl(call, bucket, Some(key), headers)?;
    let tags = text("x-amz-tagging").map(|text| tagging(&text)).transpose()?.unwrap_or_default();
    if !tags.is_empty() {
        may("s3:PutObjectTagging")?;
    }
    let retention = retention(text("x-amz-object-lock-mode"), text("x-amz-object-lock-retain-until-date"))?;
    if retention.is_some() {
        may("s3:PutObjectRetention")?;
    }
    let legal_hold = text("x-amz-object-lock-legal-hold").map(|status| hold(&status)).transpose()?;
    if legal_hold.is_some() {
        may("s3:PutObjectLegalHold")?;
    }
    let metadata = headers.iter().filter_map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        Some((name.as_str().strip_prefix(META)?.to_owned(), value))
    });
    Ok(Put {
        bucket: bucket.name.clone(),
        key: key.to_owned(),
        metadata: metadata.collect(),
        tags,
        retention,
        legal_hold,
        headers: Headers {
            content_type: text("content-type"),
            content_encoding: text("content-encoding").and_then(|encoding| without_chunks(&encoding)),
            content_language: text("content-language"),
            content_disposition: text("content-disposition"),
            cache_control: text("cache-control"),
            expires: text("expires"),
            website_redirect: text("x-amz-website-redirect-location"),
            storage_class: text("x-amz-storage-class").map(storage_class).transpose()?.flatten(),
        },
        ..Put::default()
    })
}

/// A canned ACL is accepted where it changes nothing; grants are not.
pub(super) fn accept_acl(call: &Call, bucket: &Bucket, key: Option<&str>, headers: &HeaderMap) -> S3Result<()> {
    if headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-")) {
        let message = "The bucket does not allow ACLs";
        return Err(error(S3ErrorCode::AccessControlListNotSupported, message));
    }
    let Some(canned) = headers.get("x-amz-acl").and_then(|value| value.to_str().ok()) else { return Ok(()) };
    bucket.accept_acl(canned).map_err(refusal::of)?;
    match key {
        Some(key) if canned != "bucket-owner-full-control" => call.authorize_on(bucket, Some(key), "s3:PutObjectAcl"),
        _ => Ok(()),
    }
}

/// `aws-chunked` is how the body travelled, not how the object is encoded.
fn without_chunks(encoding: &str) -> Option<String> {
    let kept: Vec<&str> = encoding.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
    Some(kept.join(",")).filter(|kept| !kept.is_empty())
}

fn storage_class(class: String) -> S3Result<Option<String>> {
    const CLASSES: [&str; 7] = [
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER_IR",
        "GLACIER",
        "DEEP_ARCHIVE",
    ];
    match class.as_str() {
        "STANDARD" => Ok(None),
        known if CLASSES.contains(&known) => Ok(Some(class)),
        _ => Err(error(S3ErrorCode::InvalidStorageClass, "The storage class you specified is not valid")),
    }
}

/// `name=value&…` of the x-amz-tagging header.
pub(super) fn tagging(text: &str) -> S3Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for (name, value) in query(text) {
        if tags.insert(name, value).is_some() {
            return Err(error(S3ErrorCode::InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

fn retention(mode: Option<String>, until: Option<String>) -> S3Result<Option<Retention>> {
    let (mode, until) = match (mode, until) {
        (None, None) => return Ok(None),
        (Some(mode), Some(until)) => (mode, until),
        _ => {
            let message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
            return Err(invalid_argument(message));
        }
    };
    let mode = shape::mode(&mode).map_err(|_| invalid_argument("Unknown wormMode directive."))?;
    let until = Time::parse(&until)
        .map_err(|_| invalid_argument("The retain until date must be provided in ISO 8601 format"))?;
    Ok(Some(Retention { mode, until }))
}

fn hold(status: &str) -> S3Result<bool> {
    match status {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        _ => Err(invalid_argument("Legal Hold must be either of 'ON' or 'OFF'")),
    }
}

/// When a put may take place.
pub(super) fn condition(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<Option<PutCondition>> {
    match (if_match, if_none_match) {
        (None, None) => Ok(None),
        (Some(tag), None) => Ok(Some(PutCondition::Etag(shape::named_etag(tag)))),
        (None, Some(tag)) if tag.is_any() => Ok(Some(PutCondition::Absent)),
        _ => Err(refusal::not_implemented("A header you provided implies functionality that is not implemented")),
    }
}

/// What the caller says that the body is. The algorithm of a checksum that comes in a
/// trailer is named by a header.
pub(super) fn expected(
    headers: &HeaderMap,
    sums: Sums,
    md5: Option<String>,
    length: Option<i64>,
) -> S3Result<Expected> {
    let one = sums.one()?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let announced = announced(headers);
    let in_trailer = announced.as_deref().and_then(|name| name.strip_prefix(CHECKSUM));
    if one.is_some() && in_trailer.is_some() {
        let message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
        return Err(error(S3ErrorCode::InvalidRequest, message));
    }
    let named = in_trailer.or_else(|| text("x-amz-sdk-checksum-algorithm"));
    let algorithm = match &one {
        Some((algorithm, _)) => Some(*algorithm),
        None => named.map(shape::algorithm_named).transpose()?,
    };
    let checksum = one.map(|(_, value)| value);
    Ok(Expected { md5, algorithm, checksum, size: length.and_then(|length| u64::try_from(length).ok()) })
}

/// The trailer that will bring a checksum, such as `x-amz-checksum-crc32`.
fn announced(headers: &HeaderMap) -> Option<String> {
    let name = headers.get("x-amz-trailer")?.to_str().ok()?.trim().to_ascii_lowercase();
    name.starts_with(CHECKSUM).then_some(name)
}

/// The checksum after the body, for when the body has been read.
pub(super) fn trailer(headers: Option<TrailingHeaders>, algorithm: Option<Algorithm>) -> Option<Trailer> {
    let (headers, algorithm) = (headers?, algorithm?);
    let name = format!("x-amz-checksum-{}", shape::algorithm_name(algorithm).to_ascii_lowercase());
    Some(Box::new(move || headers.take()?.get(name)?.to_str().ok().map(str::to_owned)))
}

/// The body, which fails at its end if a checksum was announced and did not come: whoever
/// cut it off could have changed the body as well.
pub(super) fn body(blob: Option<StreamingBlob>, headers: &HeaderMap, trailing: Option<&TrailingHeaders>) -> Body {
    let blob = match blob {
        Some(blob) => blob.map_err(io::Error::other).boxed(),
        None => stream::empty().boxed(),
    };
    let Some(name) = announced(headers) else { return blob };
    let trailing = trailing.cloned();
    let end = stream::once(async move {
        let came = trailing.and_then(|trailing| trailing.read(|headers| headers.contains_key(&name)));
        if came == Some(true) { Ok(Bytes::new()) } else { Err(io::Error::other(NO_TRAILER)) }
    });
    blob.chain(end).boxed()
}
