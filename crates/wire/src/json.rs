#![allow(clippy::unimplemented)]
use crate::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub fn decode<T: DeserializeOwned>(_body: &[u8]) -> Result<T, Fault> {
    unimplemented!()
}
pub fn encode<T: Serialize>(_output: &T) -> Vec<u8> {
    unimplemented!()
}
pub fn error(_fault: &Fault) -> Vec<u8> {
    unimplemented!()
}
