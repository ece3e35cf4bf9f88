mod error;
mod gzip;
mod json;
#[cfg(test)]
mod sample;
mod sketch;
pub mod sources;
pub use error::Error;
