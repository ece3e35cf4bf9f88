//! Every S3 operation: how it is asked for, what it needs, how it is recorded.
//!
//! Sources: event names and categories, Amazon S3 user guide, "Amazon S3 CloudTrail
//! events", and records that AWS wrote; actions, Service Authorization Reference,
//! "Actions, resources, and condition keys for Amazon S3".

use crate::operation::Access;
use cairn_event::Category;
use http::request::Parts;
use http::{HeaderMap, Method};

/// What an operation acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// All buckets of an account.
    Account,
    Bucket,
    Object,
}

/// One operation.
#[derive(Debug)]
pub(super) struct Row {
    pub name: &'static str,
    /// `eventName` of its records, which is not always its name.
    pub event: &'static str,
    method: Method,
    pub level: Level,
    /// What else tells it apart: names of query parameters, `name=value`, `@header`.
    marks: &'static [&'static str],
    /// The action that must be allowed.
    pub action: &'static str,
    /// The action instead of it when the request names a version.
    pub version_action: &'static str,
    pub access: Access,
    pub category: Category,
    /// Whether the tags of the object that there is are condition keys.
    pub asks_tags: bool,
    /// Whether `versionId` names what is acted on.
    pub takes_version: bool,
    /// Whether the operation itself asks for access, because its body or the source of a
    /// copy says what for.
    pub asks_itself: bool,
}

const fn row(
    method: Method,
    level: Level,
    marks: &'static [&'static str],
    name: &'static str,
    action: &'static str,
) -> Row {
    let access = if matches!(method, Method::GET | Method::HEAD) { Access::Read } else { Access::Write };
    let category = if matches!(level, Level::Object) { Category::Data } else { Category::Management };
    Row {
        name,
        event: name,
        method,
        level,
        marks,
        action,
        version_action: action,
        access,
        category,
        asks_tags: false,
        takes_version: false,
        asks_itself: false,
    }
}

impl Row {
    const fn event(mut self, event: &'static str) -> Self {
        self.event = event;
        self
    }

    const fn version(mut self, action: &'static str) -> Self {
        self.version_action = action;
        self.takes_version = true;
        self
    }

    const fn asks_itself(mut self) -> Self {
        self.asks_itself = true;
        self
    }

    /// Whether the headers of a new object are acted on: its tags and its lock.
    pub fn makes_object(&self) -> bool {
        ["PutObject", "CopyObject", "CreateMultipartUpload"].contains(&self.name)
    }

    /// An operation on a bucket that is recorded as one on its objects.
    const fn data(mut self) -> Self {
        self.category = Category::Data;
        self
    }

    const fn read(mut self) -> Self {
        self.access = Access::Read;
        self
    }

    const fn tagged(mut self) -> Self {
        self.asks_tags = true;
        self
    }

    /// Whether the body is a configuration that the record shows.
    pub fn shows_body(&self) -> bool {
        let is_object_setting =
            || ["PutObjectAcl", "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging"].contains(&self.name);
        match self.level {
            Level::Account => false,
            Level::Bucket => self.access == Access::Write && self.category == Category::Management,
            Level::Object => is_object_setting(),
        }
    }

    /// The row of an operation that s3s names.
    pub fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    /// The operation that a request asks for. The first row that fits wins, as in the
    /// protocol itself.
    pub fn of(parts: &Parts, level: Level) -> Option<&'static Self> {
        let query: Vec<&str> = parts.uri.query().unwrap_or_default().split('&').collect();
        ROWS.iter().find(|row| {
            row.method == parts.method
                && row.level == level
                && row.marks.iter().all(|mark| is_marked(mark, &query, &parts.headers))
        })
    }
}

fn is_marked(mark: &str, query: &[&str], headers: &HeaderMap) -> bool {
    if let Some(header) = mark.strip_prefix('@') {
        return headers.contains_key(header);
    }
    let has_value = mark.contains('=');
    query.iter().any(|pair| if has_value { *pair == mark } else { pair.split('=').next() == Some(mark) })
}

use Level::{Account, Bucket, Object};

const GET: Method = Method::GET;
const HEAD: Method = Method::HEAD;
const PUT: Method = Method::PUT;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// The one list.
pub(super) static ROWS: &[Row] = &[
    row(GET, Account, &["x-id=ListDirectoryBuckets"], "ListDirectoryBuckets", "s3express:ListAllMyDirectoryBuckets"),
    row(GET, Account, &[], "ListBuckets", "s3:ListAllMyBuckets"),
    // Buckets, read.
    row(HEAD, Bucket, &[], "HeadBucket", "s3:ListBucket").data(),
    row(GET, Bucket, &["analytics", "id"], "GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration"),
    row(
        GET,
        Bucket,
        &["intelligent-tiering", "id"],
        "GetBucketIntelligentTieringConfiguration",
        "s3:GetIntelligentTieringConfiguration",
    ),
    row(GET, Bucket, &["inventory", "id"], "GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration"),
    row(GET, Bucket, &["metrics", "id"], "GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration"),
    row(GET, Bucket, &["session"], "CreateSession", "s3express:CreateSession"),
    row(GET, Bucket, &["accelerate"], "GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration")
        .event("GetAccelerateConfiguration"),
    row(GET, Bucket, &["acl"], "GetBucketAcl", "s3:GetBucketAcl"),
    row(GET, Bucket, &["cors"], "GetBucketCors", "s3:GetBucketCORS"),
    row(GET, Bucket, &["encryption"], "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    row(GET, Bucket, &["lifecycle"], "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration")
        .event("GetBucketLifecycle"),
    row(GET, Bucket, &["location"], "GetBucketLocation", "s3:GetBucketLocation"),
    row(GET, Bucket, &["logging"], "GetBucketLogging", "s3:GetBucketLogging"),
    row(
        GET,
        Bucket,
        &["metadataTable"],
        "GetBucketMetadataTableConfiguration",
        "s3:GetBucketMetadataTableConfiguration",
    ),
    row(GET, Bucket, &["notification"], "GetBucketNotificationConfiguration", "s3:GetBucketNotification")
        .event("GetBucketNotification"),
    row(GET, Bucket, &["ownershipControls"], "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls"),
    row(GET, Bucket, &["policy"], "GetBucketPolicy", "s3:GetBucketPolicy"),
    row(GET, Bucket, &["policyStatus"], "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus"),
    row(GET, Bucket, &["replication"], "GetBucketReplication", "s3:GetReplicationConfiguration"),
    row(GET, Bucket, &["requestPayment"], "GetBucketRequestPayment", "s3:GetBucketRequestPayment"),
    row(GET, Bucket, &["tagging"], "GetBucketTagging", "s3:GetBucketTagging"),
    row(GET, Bucket, &["versioning"], "GetBucketVersioning", "s3:GetBucketVersioning"),
    row(GET, Bucket, &["website"], "GetBucketWebsite", "s3:GetBucketWebsite"),
    row(GET, Bucket, &["object-lock"], "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration")
        .event("GetBucketObjectLockConfiguration"),
    row(GET, Bucket, &["publicAccessBlock"], "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock")
        .event("GetBucketPublicAccessBlock"),
    row(GET, Bucket, &["analytics"], "ListBucketAnalyticsConfigurations", "s3:GetAnalyticsConfiguration"),
    row(
        GET,
        Bucket,
        &["intelligent-tiering"],
        "ListBucketIntelligentTieringConfigurations",
        "s3:GetIntelligentTieringConfiguration",
    ),
    row(GET, Bucket, &["inventory"], "ListBucketInventoryConfigurations", "s3:GetInventoryConfiguration"),
    row(GET, Bucket, &["metrics"], "ListBucketMetricsConfigurations", "s3:GetMetricsConfiguration"),
    row(GET, Bucket, &["uploads"], "ListMultipartUploads", "s3:ListBucketMultipartUploads").data(),
    row(GET, Bucket, &["versions"], "ListObjectVersions", "s3:ListBucketVersions").data(),
    row(GET, Bucket, &["list-type=2"], "ListObjectsV2", "s3:ListBucket").event("ListObjects").data(),
    row(GET, Bucket, &[], "ListObjects", "s3:ListBucket").data(),
    // Buckets, write.
    row(
        POST,
        Bucket,
        &["metadataTable"],
        "CreateBucketMetadataTableConfiguration",
        "s3:CreateBucketMetadataTableConfiguration",
    ),
    row(POST, Bucket, &["delete"], "DeleteObjects", "s3:DeleteObject").data().asks_itself(),
    row(POST, Bucket, &[], "PostObject", "s3:PutObject").data(),
    row(PUT, Bucket, &["analytics"], "PutBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
    row(
        PUT,
        Bucket,
        &["intelligent-tiering"],
        "PutBucketIntelligentTieringConfiguration",
        "s3:PutIntelligentTieringConfiguration",
    ),
    row(PUT, Bucket, &["inventory"], "PutBucketInventoryConfiguration", "s3:PutInventoryConfiguration"),
    row(PUT, Bucket, &["metrics"], "PutBucketMetricsConfiguration", "s3:PutMetricsConfiguration"),
    row(PUT, Bucket, &["accelerate"], "PutBucketAccelerateConfiguration", "s3:PutAccelerateConfiguration")
        .event("PutAccelerateConfiguration"),
    row(PUT, Bucket, &["acl"], "PutBucketAcl", "s3:PutBucketAcl"),
    row(PUT, Bucket, &["cors"], "PutBucketCors", "s3:PutBucketCORS"),
    row(PUT, Bucket, &["encryption"], "PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    row(PUT, Bucket, &["lifecycle"], "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration")
        .event("PutBucketLifecycle"),
    row(PUT, Bucket, &["logging"], "PutBucketLogging", "s3:PutBucketLogging"),
    row(PUT, Bucket, &["notification"], "PutBucketNotificationConfiguration", "s3:PutBucketNotification")
        .event("PutBucketNotification"),
    row(PUT, Bucket, &["ownershipControls"], "PutBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
    row(PUT, Bucket, &["policy"], "PutBucketPolicy", "s3:PutBucketPolicy"),
    row(PUT, Bucket, &["replication"], "PutBucketReplication", "s3:PutReplicationConfiguration"),
    row(PUT, Bucket, &["requestPayment"], "PutBucketRequestPayment", "s3:PutBucketRequestPayment"),
    row(PUT, Bucket, &["tagging"], "PutBucketTagging", "s3:PutBucketTagging"),
    row(PUT, Bucket, &["versioning"], "PutBucketVersioning", "s3:PutBucketVersioning"),
    row(PUT, Bucket, &["website"], "PutBucketWebsite", "s3:PutBucketWebsite"),
    row(PUT, Bucket, &["object-lock"], "PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration")
        .event("PutBucketObjectLockConfiguration"),
    row(PUT, Bucket, &["publicAccessBlock"], "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock")
        .event("PutBucketPublicAccessBlock"),
    row(PUT, Bucket, &[], "CreateBucket", "s3:CreateBucket").asks_itself(),
    row(DELETE, Bucket, &["analytics"], "DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
    row(
        DELETE,
        Bucket,
        &["intelligent-tiering"],
        "DeleteBucketIntelligentTieringConfiguration",
        "s3:PutIntelligentTieringConfiguration",
    ),
    row(DELETE, Bucket, &["inventory"], "DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration"),
    row(DELETE, Bucket, &["metrics"], "DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"),
    row(DELETE, Bucket, &["cors"], "DeleteBucketCors", "s3:PutBucketCORS"),
    row(DELETE, Bucket, &["encryption"], "DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    row(DELETE, Bucket, &["lifecycle"], "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    row(
        DELETE,
        Bucket,
        &["metadataTable"],
        "DeleteBucketMetadataTableConfiguration",
        "s3:DeleteBucketMetadataTableConfiguration",
    ),
    row(DELETE, Bucket, &["ownershipControls"], "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
    row(DELETE, Bucket, &["policy"], "DeleteBucketPolicy", "s3:DeleteBucketPolicy"),
    row(DELETE, Bucket, &["replication"], "DeleteBucketReplication", "s3:PutReplicationConfiguration"),
    row(DELETE, Bucket, &["tagging"], "DeleteBucketTagging", "s3:PutBucketTagging"),
    row(DELETE, Bucket, &["website"], "DeleteBucketWebsite", "s3:DeleteBucketWebsite"),
    row(DELETE, Bucket, &["publicAccessBlock"], "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock")
        .event("DeleteBucketPublicAccessBlock"),
    row(DELETE, Bucket, &[], "DeleteBucket", "s3:DeleteBucket"),
    // Objects.
    row(HEAD, Object, &[], "HeadObject", "s3:GetObject").version("s3:GetObjectVersion").tagged(),
    row(GET, Object, &["attributes"], "GetObjectAttributes", "s3:GetObject").version("s3:GetObjectVersion").tagged(),
    row(GET, Object, &["acl"], "GetObjectAcl", "s3:GetObjectAcl").version("s3:GetObjectVersionAcl").tagged(),
    row(GET, Object, &["legal-hold"], "GetObjectLegalHold", "s3:GetObjectLegalHold").version("s3:GetObjectLegalHold"),
    row(GET, Object, &["retention"], "GetObjectRetention", "s3:GetObjectRetention").version("s3:GetObjectRetention"),
    row(GET, Object, &["tagging"], "GetObjectTagging", "s3:GetObjectTagging")
        .version("s3:GetObjectVersionTagging")
        .tagged(),
    row(GET, Object, &["torrent"], "GetObjectTorrent", "s3:GetObjectTorrent").version("s3:GetObjectVersionTorrent"),
    row(GET, Object, &["uploadId"], "ListParts", "s3:ListMultipartUploadParts"),
    row(GET, Object, &[], "GetObject", "s3:GetObject").version("s3:GetObjectVersion").tagged(),
    row(POST, Object, &["select", "select-type=2"], "SelectObjectContent", "s3:GetObject").read(),
    row(POST, Object, &["uploads"], "CreateMultipartUpload", "s3:PutObject"),
    row(POST, Object, &["restore"], "RestoreObject", "s3:RestoreObject").version("s3:RestoreObject"),
    row(POST, Object, &["uploadId"], "CompleteMultipartUpload", "s3:PutObject"),
    row(PUT, Object, &["acl"], "PutObjectAcl", "s3:PutObjectAcl").version("s3:PutObjectVersionAcl").tagged(),
    row(PUT, Object, &["legal-hold"], "PutObjectLegalHold", "s3:PutObjectLegalHold")
        .version("s3:PutObjectLegalHold")
        .asks_itself(),
    row(PUT, Object, &["retention"], "PutObjectRetention", "s3:PutObjectRetention")
        .version("s3:PutObjectRetention")
        .asks_itself(),
    row(PUT, Object, &["tagging"], "PutObjectTagging", "s3:PutObjectTagging")
        .version("s3:PutObjectVersionTagging")
        .tagged()
        .asks_itself(),
    row(PUT, Object, &["partNumber", "uploadId", "@x-amz-copy-source"], "UploadPartCopy", "s3:PutObject"),
    row(PUT, Object, &["partNumber", "uploadId"], "UploadPart", "s3:PutObject"),
    row(PUT, Object, &["@x-amz-copy-source"], "CopyObject", "s3:PutObject").asks_itself(),
    row(PUT, Object, &[], "PutObject", "s3:PutObject"),
    row(DELETE, Object, &["tagging"], "DeleteObjectTagging", "s3:DeleteObjectTagging")
        .version("s3:DeleteObjectVersionTagging")
        .tagged(),
    row(DELETE, Object, &["uploadId"], "AbortMultipartUpload", "s3:AbortMultipartUpload"),
    row(DELETE, Object, &[], "DeleteObject", "s3:DeleteObject").version("s3:DeleteObjectVersion"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, target: &str, level: Level, name: &str) {
        let request = http::Request::builder().method(method).uri(target).body(()).unwrap();
        let row = Row::of(&request.into_parts().0, level);
        assert_eq!(row.map(|row| row.name), Some(name), "{method} {target}");
    }

    #[test]
    fn a_request_asks_for_one_operation() {
        check("GET", "/", Account, "ListBuckets");
        check("GET", "/b?list-type=2&prefix=acl", Bucket, "ListObjectsV2");
        check("GET", "/b?prefix=x&encoding-type=url", Bucket, "ListObjects");
        check("GET", "/b?inventory&id=1", Bucket, "GetBucketInventoryConfiguration");
        check("GET", "/b?inventory", Bucket, "ListBucketInventoryConfigurations");
        check("PUT", "/b", Bucket, "CreateBucket");
        check("PUT", "/b?policy", Bucket, "PutBucketPolicy");
        check("PUT", "/b/k?partNumber=1&uploadId=u", Object, "UploadPart");
        check("PUT", "/b/k?x-id=PutObject", Object, "PutObject");
        check("POST", "/b/k?uploads=", Object, "CreateMultipartUpload");
        check("DELETE", "/b/k?versionId=1", Object, "DeleteObject");
    }

    #[test]
    fn names_stand_in_the_list_once() {
        let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
