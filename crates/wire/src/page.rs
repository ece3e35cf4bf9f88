//! Page tokens: where a list goes on, in a form that callers only hand back.
//!
//! A token is not secret and not signed. What is read from one is as untrusted as any
//! other member of an input.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longer tokens are refused unread.
const BYTES_MAX: usize = 8 * 1024;

/// The token that stands for `place`.
pub fn encode<T: Serialize>(place: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(place).expect("a place is plain data, which always serializes"))
}

/// The place that a token stands for; None when it is no token of this list.
pub fn decode<T: DeserializeOwned>(token: &str) -> Option<T> {
    if token.len() > BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_of_another_list_is_no_token() {
        assert_eq!(decode::<(u64, String)>(&encode(&("trail", 5))), None);
        assert_eq!(decode::<String>(&encode(&"x".repeat(BYTES_MAX))), None);
    }

    proptest! {
        #[test]
        fn a_place_comes_back(name in ".{0,60}", number: u64) {
            prop_assert_eq!(decode::<(String, u64)>(&encode(&(&name, number))), Some((name, number)));
        }

        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = decode::<(String, u64)>(&text);
        }
    }
}
