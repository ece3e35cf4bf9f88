//! Amazon S3, through the s3s crate.
//!
//! s3s reads the protocol (routes, XML, signatures and signed chunks) and calls back. What
//! is said here: who calls ([`caller`]), may they ([`access`]), what each operation does
//! (a file each) and what of it is recorded ([`parameters`], [`outcome`]). A service is made for
//! every request, so that everything that belongs to it stands in one place, [`call::Call`].
//!
//! Start from [`Service::answer`], the path of every S3 call, and from
//! [`operations::ROWS`], the one list that access and recording read.

mod access;
mod address;
mod attributes;
mod bucket_policy;
mod bucket_settings;
mod buckets;
mod call;
mod caller;
mod copy_object;
mod delete_object;
mod encryption;
mod get_object;
mod handler;
mod list_objects;
mod list_uploads;
mod meter;
mod multipart;
mod object_settings;
mod operations;
mod outcome;
mod parameters;
mod put_object;
mod refusal;
mod shape;
mod unset;
mod xml;

use crate::Services;
use crate::call::Arrival;
use crate::outcome::Outcome;
use address::{Address, Hosts};
use call::Call;
use handler::Handler;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method};
use meter::Meter;
use operations::Row;
pub use s3s::Body;
use s3s::S3Error;
use s3s::config::{S3Config, S3ConfigProvider, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use std::sync::Arc;

/// The largest XML body. 1000 keys to delete and 10,000 parts to complete stay below it.
const XML_BYTES_MAX: usize = 8 << 20;
/// Forms are refused before they are read; should one be read all the same, no more than this is kept.
const FORM_BYTES_MAX: u16 = 1 << 10;
const FORM: &[u8] = b"multipart/form-data";

/// The names of the operations that are answered, and how many others are known.
#[cfg(test)]
pub(crate) fn answered() -> (Vec<&'static str>, usize) {
    let names: Vec<&str> = handler::INPUTS.iter().filter_map(|input| input.strip_suffix("Input")).collect();
    let others = operations::ROWS.len() - names.len();
    (names, others)
}

/// Answers S3 calls.
#[derive(Clone)]
pub struct Service {
    services: Services,
    config: Arc<dyn S3ConfigProvider>,
}

impl Service {
    pub fn new(services: Services) -> Self {
        let mut config = S3Config::default();
        config.xml_max_body_size = XML_BYTES_MAX;
        config.post_object_max_file_size = FORM_BYTES_MAX.into();
        config.form_max_field_size = FORM_BYTES_MAX.into();
        config.form_max_fields_size = FORM_BYTES_MAX.into();
        config.form_max_parts = 1;
        // The house has a clock of its own and asks it in `caller`.
        config.presigned_url_max_skew_time_secs = u32::MAX;
        Self { services, config: Arc::new(StaticConfigProvider::new(Arc::new(config))) }
    }

    /// Answers one call. Bodies stream in and out. The outcome is final when this
    /// returns: a write has read its body to the end, a read has told how much it will send.
    pub async fn answer<B>(&self, arrival: &Arrival, request: http::Request<B>) -> (http::Response<Body>, Outcome)
    where
        Body: From<B>,
    {
        let (parts, body) = request.into_parts();
        let address = Address::of(&parts.uri, arrival.host.as_deref());
        let call = Arc::new(Call::new(self.services.clone(), arrival.clone(), address, &parts));
        let meter = Meter::new(call.row.is_some_and(Row::shows_body));
        let answered = match call.identify(&parts) {
            Ok(()) if is_form(&parts) => Err(refusal::not_implemented("POST policy uploads are not implemented")),
            Ok(()) => self.run(&call, http::Request::from_parts(parts, meter.measure(body.into()))).await,
            Err(error) => Err(error),
        };
        let response = answered.unwrap_or_else(refusal::response);
        outcome::finish(&call, &meter, response)
    }

    async fn run(&self, call: &Arc<Call>, request: http::Request<Body>) -> Result<http::Response<Body>, S3Error> {
        let handler = Handler(call.clone());
        let mut builder = S3ServiceBuilder::new(handler.clone());
        builder.set_auth(handler.clone());
        builder.set_access(handler);
        builder.set_host(Hosts);
        builder.set_config(self.config.clone());
        builder.build().call(request).await.map_err(|error| refusal::internal(&format!("{error:?}")))
    }
}

/// Whether it is the upload of a browser's form, which is proven by a policy in its fields
/// and not by the signature that was read.
fn is_form(parts: &Parts) -> bool {
    let is_form = |value: &HeaderValue| {
        let kind = value.as_bytes().trim_ascii_start();
        kind.get(..FORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
    };
    parts.method == Method::POST && parts.headers.get_all(CONTENT_TYPE).iter().any(is_form)
}

/// The answer to a call that was made and cannot be recorded, when it must be.
pub fn unrecorded(fault: &cairn_wire::Fault) -> http::Response<Body> {
    refusal::response(refusal::of_fault(fault))
}
