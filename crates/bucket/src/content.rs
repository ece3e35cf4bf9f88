//! Where the bytes of an object are.

/// The blobs of an object in their order.
#[derive(Clone, Debug)]
pub(crate) struct Content {}
