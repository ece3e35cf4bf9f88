//! Bytes on the wire.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurpose as Base64};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Padding may be missing, as some clients send it.
const LENIENT: Base64 = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes as a member of an input or output: base64 on the wire, omitted from records.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Blob(pub Vec<u8>);

impl Blob {
    /// The name by which serializers know it.
    pub(crate) const NAME: &'static str = "Blob";
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Says how many bytes there are, never which.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Self::NAME, &STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        LENIENT.decode(text.as_bytes()).map(Self).map_err(|_| D::Error::custom("not base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_travel_as_base64() {
        assert_eq!(serde_json::to_string(&Blob(b"hunter2!".to_vec())).unwrap(), "\"aHVudGVyMiE=\"");
        for text in ["\"aHVudGVyMiE=\"", "\"aHVudGVyMiE\""] {
            assert_eq!(serde_json::from_str::<Blob>(text).unwrap().0, b"hunter2!", "{text}");
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for text in ["\"aHV udGVy\"", "\"*\"", "\"a\"", "5", "[1]"] {
            assert!(serde_json::from_str::<Blob>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn debugging_shows_no_bytes() {
        assert_eq!(format!("{:?}", Blob(b"hunter2".to_vec())), "Blob(7 bytes)");
    }
}
