#![allow(clippy::unimplemented)]
use crate::{Fault, Secret};
use cairn_event::Time;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

#[derive(Clone, Debug)]
pub struct Signature {
    pub access_key: String,
    pub region: String,
    pub service: String,
    pub time: Time,
    pub token: Option<String>,
    pub presigned: bool,
}

/// Who signs.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub access_key: String,
    pub secret: Secret,
    pub token: Option<String>,
}

#[derive(Clone)]
pub struct SigningKey;

impl SigningKey {
    pub fn derive(_secret: &str, _day: &str, _region: &str, _service: &str) -> Self {
        unimplemented!()
    }
}

pub fn find(_method: &Method, _uri: &Uri, _headers: &HeaderMap) -> Result<Option<Signature>, Fault> {
    unimplemented!()
}

impl Signature {
    pub fn day(&self) -> &str {
        unimplemented!()
    }
    pub fn verify(
        &self,
        _secret: &str,
        _method: &Method,
        _uri: &Uri,
        _headers: &HeaderMap,
        _body: &[u8],
        _now: Time,
    ) -> Result<(), Fault> {
        unimplemented!()
    }
    pub fn verify_with(
        &self,
        _key: &SigningKey,
        _method: &Method,
        _uri: &Uri,
        _headers: &HeaderMap,
        _body: &[u8],
        _now: Time,
    ) -> Result<(), Fault> {
        unimplemented!()
    }
}

pub fn sign(_parts: &mut Parts, _body: &[u8], _credentials: &Credentials, _region: &str, _service: &str, _now: Time) {
    unimplemented!()
}
