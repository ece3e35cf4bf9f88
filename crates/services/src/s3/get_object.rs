//! GetObject and HeadObject.

use super::call::Call;
use super::encryption::{Use, refuse_customer_keys};
use super::refusal::{self, error, invalid_argument};
use super::shape::{self, Encrypted, Sums};
use cairn_bucket::{Conditions, Object, Range, Span};
use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::dto::{
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectLockLegalHoldStatus, ObjectLockMode,
    StorageClass, StreamingBlob,
};
use s3s::{Body, S3ErrorCode, S3Request, S3Response, S3Result};

pub(super) async fn get_object(call: &Call, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
    let input = req.input;
    refuse_customer_keys(&req.headers)?;
    let changes_headers = req.uri.query().unwrap_or_default().split('&').any(|pair| pair.starts_with("response-"));
    if changes_headers && call.identified().secret.is_none() {
        let message = "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(error(S3ErrorCode::InvalidRequest, message));
    }
    let bucket = call.bucket()?;
    let object = call.find(&input.key, shape::version(input.version_id.as_ref())).await?;
    let conditions = shape::conditions(
        input.if_match.as_ref(),
        input.if_none_match.as_ref(),
        input.if_modified_since.as_ref(),
        input.if_unmodified_since.as_ref(),
    )?;
    check(&object, &conditions)?;
    let wanted = range(input.range, input.part_number)?;
    let span = object.span(wanted).map_err(refusal::of)?;
    call.use_key(bucket, &object.key, &object.sse, Use::Decrypt).await?;
    let content = call.buckets().content(&object, span).await.map_err(refusal::of)?;
    let frames = StreamBody::new(content.map_ok(Frame::data).boxed());
    let headers = headers(&object);
    let shows_sums = input.checksum_mode.is_some() && span.len == object.size;
    let sums = Sums::from(object.checksum.as_ref().filter(|_| shows_sums));
    let sse = Encrypted::from(&object.sse);
    let locked = Locked::of(call, &object);
    let output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(StreamingBlob::from(Body::http_body_unsync(frames))),
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.content_disposition.clone(),
        content_encoding: object.headers.content_encoding.clone(),
        content_language: object.headers.content_language.clone(),
        content_length: i64::try_from(span.len).ok(),
        content_range: content_range(wanted, span, object.size),
        content_type: Some(content_type(&object)),
        e_tag: Some(shape::etag(&object.etag)),
        last_modified: Some(shape::timestamp(object.modified)),
        metadata: metadata(&object),
        parts_count: parts_count(wanted, &object),
        storage_class: object.headers.storage_class.clone().map(StorageClass::from),
        tag_count: (!object.tags.is_empty()).then_some(object.tags.len() as i32),
        version_id: object.shown_version().map(str::to_owned),
        website_redirect_location: object.headers.website_redirect.clone(),
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        object_lock_mode: locked.mode,
        object_lock_retain_until_date: locked.until,
        object_lock_legal_hold_status: locked.hold,
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        checksum_type: sums.kind,
        ..GetObjectOutput::default()
    };
    Ok(S3Response::with_headers(output, headers))
}

pub(super) async fn head_object(
    call: &Call,
    req: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = req.input;
    refuse_customer_keys(&req.headers)?;
    let object = call.find(&input.key, shape::version(input.version_id.as_ref())).await?;
    let conditions = shape::conditions(
        input.if_match.as_ref(),
        input.if_none_match.as_ref(),
        input.if_modified_since.as_ref(),
        input.if_unmodified_since.as_ref(),
    )?;
    check(&object, &conditions)?;
    let wanted = range(input.range, input.part_number)?;
    let span = object.span(wanted).map_err(refusal::of)?;
    let mut headers = headers(&object);
    if !object.tags.is_empty() {
        headers.insert("x-amz-tagging-count", HeaderValue::from(object.tags.len()));
    }
    let sums = Sums::from(object.checksum.as_ref().filter(|_| input.checksum_mode.is_some()));
    let sse = Encrypted::from(&object.sse);
    let locked = Locked::of(call, &object);
    let output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.content_disposition.clone(),
        content_encoding: object.headers.content_encoding.clone(),
        content_language: object.headers.content_language.clone(),
        content_length: i64::try_from(span.len).ok(),
        content_range: content_range(wanted, span, object.size),
        content_type: Some(content_type(&object)),
        e_tag: Some(shape::etag(&object.etag)),
        last_modified: Some(shape::timestamp(object.modified)),
        metadata: metadata(&object),
        parts_count: parts_count(wanted, &object),
        storage_class: object.headers.storage_class.clone().map(StorageClass::from),
        version_id: object.shown_version().map(str::to_owned),
        website_redirect_location: object.headers.website_redirect.clone(),
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key,
        bucket_key_enabled: sse.bucket_key,
        object_lock_mode: locked.mode,
        object_lock_retain_until_date: locked.until,
        object_lock_legal_hold_status: locked.hold,
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        checksum_type: sums.kind,
        ..HeadObjectOutput::default()
    };
    Ok(S3Response::with_headers(output, headers))
}

impl Call {
    /// A version of an object of the address's bucket. Whoever may not list the bucket
    /// does not learn that a key is not there.
    pub async fn find(&self, key: &str, version: Option<&str>) -> S3Result<Object> {
        let bucket = self.bucket()?;
        let found = self.buckets().find(&bucket.name, key, version).await;
        found.map_err(refusal::of).map_err(|error| self.hide_absence(bucket, error))
    }

    pub fn hide_absence(&self, bucket: &cairn_bucket::Bucket, error: s3s::S3Error) -> s3s::S3Error {
        if *error.code() != S3ErrorCode::NoSuchKey {
            return error;
        }
        match self.authorize_on(bucket, None, "s3:ListBucket") {
            Ok(()) => error,
            Err(denied) => denied,
        }
    }
}

/// What has not changed is named by its tag.
fn check(object: &Object, conditions: &Conditions) -> S3Result<()> {
    object.check(conditions).map_err(|refused| {
        let is_same = matches!(refused, cairn_bucket::Error::NotModified);
        let error = refusal::of(refused);
        if !is_same {
            return error;
        }
        let (etag, modified) = (format!("\"{}\"", object.etag), object.modified.http());
        refusal::with_headers(error, &[("etag", &etag), ("last-modified", &modified)])
    })
}

/// The lock of an object, for those who may see it.
struct Locked {
    mode: Option<ObjectLockMode>,
    until: Option<s3s::dto::Timestamp>,
    hold: Option<ObjectLockLegalHoldStatus>,
}

impl Locked {
    fn of(call: &Call, object: &Object) -> Self {
        let may =
            |action| call.bucket().is_ok_and(|bucket| call.authorize_on(bucket, Some(&object.key), action).is_ok());
        let retention = object.retention.filter(|_| may("s3:GetObjectRetention"));
        let hold = object.legal_hold.filter(|_| may("s3:GetObjectLegalHold"));
        Self {
            mode: retention.map(|retention| ObjectLockMode::from_static(shape::mode_name(retention.mode))),
            until: retention.map(|retention| shape::timestamp(retention.until)),
            hold: hold.map(|hold| ObjectLockLegalHoldStatus::from_static(if hold { "ON" } else { "OFF" })),
        }
    }
}

fn range(range: Option<s3s::dto::Range>, part: Option<i32>) -> S3Result<Range> {
    match (range, part) {
        (None, None) => Ok(Range::Whole),
        (Some(s3s::dto::Range::Int { first, last }), None) => Ok(Range::From { first, last }),
        (Some(s3s::dto::Range::Suffix { length }), None) => Ok(Range::Last(length)),
        (None, Some(part)) => u32::try_from(part)
            .ok()
            .filter(|part| (1..=10_000).contains(part))
            .map(Range::Part)
            .ok_or_else(|| invalid_argument("Part number must be an integer between 1 and 10000, inclusive")),
        (Some(_), Some(_)) => {
            Err(error(S3ErrorCode::InvalidRequest, "Cannot specify both Range header and partNumber query parameter"))
        }
    }
}

fn content_range(wanted: Range, span: Span, size: u64) -> Option<String> {
    let is_part = wanted != Range::Whole && span.len > 0;
    is_part.then(|| format!("bytes {}-{}/{size}", span.offset, span.offset + span.len - 1))
}

fn parts_count(wanted: Range, object: &Object) -> Option<i32> {
    let asked = matches!(wanted, Range::Part(_)) && !object.parts.is_empty();
    asked.then_some(object.parts.len() as i32)
}

fn content_type(object: &Object) -> String {
    object.headers.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())
}

fn metadata(object: &Object) -> Option<s3s::dto::Metadata> {
    (!object.metadata.is_empty()).then(|| object.metadata.clone().into_iter().collect())
}

/// Headers that are given back as they came, whether or not the protocol can read them.
fn headers(object: &Object) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(expires) = object.headers.expires.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(http::header::EXPIRES, expires);
    }
    headers
}
