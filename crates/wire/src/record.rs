//! Inputs and outputs as CloudTrail records show them: `requestParameters` and
//! `responseElements`.

use crate::tree::Tree;
use crate::{Secret, timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

/// The record form of an input or output.
///
/// Names of members begin with a small letter (keys of maps stay as they are), members
/// that are absent or blobs are left out, times are ISO 8601, and secrets are replaced by
/// [`Secret::HIDDEN`]. A structure without any member is null, as in AWS's own records.
pub fn value<T: Serialize + ?Sized>(value: &T) -> Value {
    match shown(Tree::of(value)) {
        Some(Value::Object(members)) if members.is_empty() => Value::Null,
        shown => shown.unwrap_or(Value::Null),
    }
}

/// None for what a record leaves out.
fn shown(tree: Tree) -> Option<Value> {
    Some(match tree {
        Tree::Absent | Tree::Blob(_) => return None,
        Tree::Null => Value::Null,
        Tree::Bool(value) => value.into(),
        Tree::Signed(value) => value.into(),
        Tree::Unsigned(value) => value.into(),
        Tree::Float(value) => value.into(),
        Tree::Text(text) => text.into(),
        Tree::Time(time) => timestamp::iso(time).into(),
        Tree::Secret(_) => Secret::HIDDEN.into(),
        Tree::List(items) => items.into_iter().filter_map(shown).collect(),
        Tree::Map(entries) => object(entries.into_iter()),
        Tree::Struct(members) => object(members.into_iter().map(|(name, member)| (member_name(name), member))),
    })
}

fn object(entries: impl Iterator<Item = (String, Tree)>) -> Value {
    Value::Object(entries.filter_map(|(key, item)| Some((key, shown(item)?))).collect::<Map<_, _>>())
}

/// `TrailName` → `trailName`.
pub(crate) fn member_name(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blob, Timestamp};
    use cairn_event::Time;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Default, Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Input {
        trail_name: String,
        kms_key_id: Option<String>,
        tags_list: Vec<Tag>,
        password: Option<Secret>,
        plaintext: Option<Blob>,
        start_time: Option<Timestamp>,
        encryption_context: BTreeMap<String, String>,
        limit: Option<i32>,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Tag {
        key: String,
        value: Option<Secret>,
    }

    #[test]
    fn members_are_lower_cased_and_secrets_hidden_at_every_depth() {
        let input = Input {
            trail_name: "Main".to_owned(),
            tags_list: vec![
                Tag { key: "Team".to_owned(), value: Some(Secret::from("blue")) },
                Tag { key: "Bare".to_owned(), value: None },
            ],
            password: Some(Secret::from("hunter2")),
            plaintext: Some(Blob(b"hunter2".to_vec())),
            start_time: Some(Timestamp(Time(1_688_989_320_000))),
            encryption_context: [("AWS:Context".to_owned(), "X".to_owned())].into(),
            limit: Some(-1),
            ..Input::default()
        };
        let expected = json!({
            "trailName": "Main",
            "tagsList": [{"key": "Team", "value": "HIDDEN_DUE_TO_SECURITY_REASONS"}, {"key": "Bare"}],
            "password": "HIDDEN_DUE_TO_SECURITY_REASONS",
            "startTime": "2023-07-10T11:42:00Z",
            "encryptionContext": {"AWS:Context": "X"},
            "limit": -1,
        });
        assert_eq!(value(&input), expected);
        assert!(!value(&input).to_string().contains("hunter2"));
    }

    #[test]
    fn a_call_without_parameters_shows_null() {
        #[derive(Serialize)]
        struct Nothing {
            none: Option<u8>,
        }
        assert_eq!(value(&Nothing { none: None }), Value::Null);
        assert_eq!(value(&()), Value::Null);
    }
}
