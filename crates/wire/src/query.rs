#![allow(clippy::unimplemented)]
use crate::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    pub fn parse(_text: &[u8]) -> Result<Self, Fault> {
        unimplemented!()
    }
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub fn decode<T: DeserializeOwned>(_form: &Form) -> Result<T, Fault> {
    unimplemented!()
}
pub fn encode<T: Serialize>(_operation: &str, _xmlns: &str, _request_id: &str, _output: &T) -> Vec<u8> {
    unimplemented!()
}
pub fn error(_fault: &Fault, _xmlns: &str, _request_id: &str) -> Vec<u8> {
    unimplemented!()
}
pub(crate) fn spoken(_fault: &Fault) -> (&str, u16) {
    unimplemented!()
}
