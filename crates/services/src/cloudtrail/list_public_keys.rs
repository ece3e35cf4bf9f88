//! ListPublicKeys: the keys that sign the digests of this region.

use super::trail;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_event::Time;
use cairn_wire::{Blob, Fault, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) struct ListPublicKeys;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Output {
    public_key_list: Vec<PublicKey>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKey {
    /// PKCS#1 RSAPublicKey in DER.
    value: Blob,
    validity_start_time: Timestamp,
    validity_end_time: Timestamp,
    fingerprint: String,
}

impl Input {
    /// What is not given means now; nothing given means the current keys.
    fn span(&self, now: Time) -> Result<Option<(Time, Time)>, Fault> {
        let (start, end) = match (self.start_time, self.end_time) {
            (None, None) => return Ok(None),
            (start, end) => (start.map_or(now, |start| start.0), end.map_or(now, |end| end.0)),
        };
        if start > end {
            return Err(trail::exception("InvalidTimeRange", "The start time is after the end time."));
        }
        Ok(Some((start, end)))
    }
}

impl Operation for ListPublicKeys {
    const NAME: &'static str = "ListPublicKeys";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let span = input.span(call.now())?;
        // All keys fit into one answer, so no token was ever given out.
        if trail::filled(input.next_token).is_some() {
            return Err(trail::exception("InvalidToken", "The token is not valid."));
        }
        let keys = call.engines.trails.public_keys(call.region, span).await.map_err(trail::fault)?;
        let shown = |key: cairn_trail::PublicKey| PublicKey {
            value: Blob(key.der),
            validity_start_time: Timestamp(key.valid_from),
            validity_end_time: Timestamp(key.valid_to),
            fingerprint: key.fingerprint,
        };
        Ok(Output { public_key_list: keys.into_iter().map(shown).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_end_of_the_span_is_now() {
        let span = |start: Option<i64>, end: Option<i64>| {
            let time = |millis| Timestamp(Time(millis));
            let input = Input { start_time: start.map(time), end_time: end.map(time), next_token: None };
            input.span(Time(100)).map_err(|fault| fault.code.into_owned())
        };
        assert_eq!(span(None, None), Ok(None));
        assert_eq!(span(Some(5), None), Ok(Some((Time(5), Time(100)))));
        assert_eq!(span(None, Some(200)), Ok(Some((Time(100), Time(200)))));
        assert_eq!(span(Some(7), Some(7)), Ok(Some((Time(7), Time(7)))));
        for (start, end) in [(Some(8), Some(7)), (Some(101), None), (None, Some(99))] {
            assert_eq!(span(start, end), Err("InvalidTimeRangeException".to_owned()));
        }
    }
}
