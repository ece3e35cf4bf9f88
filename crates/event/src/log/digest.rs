//! The shape of a digest file.

use crate::Time;
use serde_json::{Map, Value};

type Members = Map<String, Value>;

/// Whether these bytes have everything that a digest file has. Its signature stands
/// beside it, in the object's metadata, and is not looked at here.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let Ok(Value::Object(digest)) = serde_json::from_slice(bytes) else {
        return Err("that cannot be read".to_owned());
    };
    for name in
        ["awsAccountId", "digestS3Bucket", "digestS3Object", "digestPublicKeyFingerprint", "digestSignatureAlgorithm"]
    {
        text(&digest, name)?;
    }
    time(&digest, "digestStartTime")?;
    time(&digest, "digestEndTime")?;
    for name in [
        "newestEventTime",
        "oldestEventTime",
        "previousDigestS3Bucket",
        "previousDigestS3Object",
        "previousDigestHashValue",
        "previousDigestHashAlgorithm",
        "previousDigestSignature",
    ] {
        match digest.get(name) {
            Some(Value::Null | Value::String(_)) => {}
            _ => return Err(format!("without a usable {name}")),
        }
    }
    let Some(Value::Array(files)) = digest.get("logFiles") else {
        return Err("without a list of logFiles".to_owned());
    };
    files.iter().enumerate().try_for_each(|(index, file)| log_file(index, file))
}

fn log_file(index: usize, file: &Value) -> Result<(), String> {
    let whole = || -> Result<(), String> {
        let file = file.as_object().ok_or("that is no object")?;
        ["s3Bucket", "s3Object", "hashAlgorithm"].iter().try_for_each(|name| text(file, name).map(drop))?;
        let hash = text(file, "hashValue")?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { Ok(()) } else { Err("without a usable hashValue".to_owned()) }
    };
    whole().map_err(|reason| format!("with a log file (number {index}) {reason}"))
}

fn text<'a>(members: &'a Members, name: &str) -> Result<&'a str, String> {
    members
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| format!("without a usable {name}"))
}

fn time(members: &Members, name: &str) -> Result<(), String> {
    Time::parse(text(members, name)?).map(drop).map_err(|_| format!("without a usable {name}"))
}
