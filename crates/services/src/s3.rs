//! Amazon S3, over the s3s crate.
