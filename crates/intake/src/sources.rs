//! Decoders of logs that others wrote. One file a source.

pub mod cloudtrail;
