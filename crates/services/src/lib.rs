//! The AWS-compatible APIs: one folder a service, one file an operation.
//!
//! Start from [`Services::answer`], the path of every call that is not S3, and from
//! [`SERVICES`], the one list that routing, authorization, recording, help and the
//! coverage test read. [`Operation`] is what a file of an operation implements.
//!
//! What it is not: it opens no socket and writes no record. It answers a call and
//! says in an [`Outcome`] what happened; the door makes the record of it.

mod call;
mod dispatch;
mod operation;
mod outcome;
#[cfg(test)]
mod overview;
mod region;

mod cloudtrail;
mod cloudtrail_data;
mod iam;
mod iceberg;
mod intake;
mod kms;
mod lake;
mod organizations;
pub mod s3;
mod sts;

pub use call::{Arrival, Call, Engines};
pub use dispatch::{Answer, BeforeEffect, Route, Services};
pub use operation::{Access, Erased, Operation, Target};
pub use outcome::Outcome;

use cairn_wire::Protocol;

/// One AWS service as its clients see it.
pub struct Service {
    /// The prefix of its IAM actions and the name in SigV4 scopes.
    pub name: &'static str,
    /// `eventSource` of its records.
    pub source: &'static str,
    /// What stands before the operation in `X-Amz-Target`; empty where there is none.
    pub target: &'static str,
    pub protocol: Protocol,
    pub api_version: &'static str,
    /// Whether it has no regions: its events belong to the house's home region.
    pub global: bool,
    pub operations: &'static [&'static dyn Erased],
    /// Operations that its clients know and that are refused as not supported.
    pub unsupported: &'static [&'static str],
}

/// Every service but S3, whose protocol and operations come from the s3s crate.
pub static SERVICES: &[&Service] = &[
    &cloudtrail::SERVICE,
    &cloudtrail_data::SERVICE,
    &iam::SERVICE,
    &sts::SERVICE,
    &kms::SERVICE,
    &organizations::SERVICE,
    &intake::SERVICE,
    &iceberg::SERVICE,
];
