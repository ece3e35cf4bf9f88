//! Deleting: markers, versions, and what locks do not let go.

use crate::{Buckets, Error};

/// One thing to delete.
#[derive(Clone, Debug, Default)]
pub struct Delete {
    pub key: String,
    /// The version to remove for good; without one a versioned bucket gets a delete marker.
    pub version: Option<String>,
    /// `x-amz-bypass-governance-retention`, given by a caller who may. It never opens a compliance
    /// lock or a legal hold.
    pub bypass_governance: bool,
    /// `If-Match`, without quotes; `*` for any.
    pub if_match: Option<String>,
}

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The version that was removed or the marker that was made; None in a bucket that was never versioned.
    pub version: Option<String>,
    /// Whether that is a delete marker.
    pub marker: bool,
}

impl Buckets {
    /// Deletes; what is not there is no error. Errors: Locked, PreconditionFailed.
    pub async fn delete(&self, bucket: &str, delete: Delete) -> Result<Deleted, Error> {
        unimplemented!()
    }

    /// Deletes up to 1000, together and durably; each has its own result, in their order.
    pub async fn delete_many(&self, bucket: &str, deletes: Vec<Delete>) -> Result<Vec<Result<Deleted, Error>>, Error> {
        unimplemented!()
    }
}
