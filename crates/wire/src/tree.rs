//! What goes out: any serde value as one tree, which each protocol then writes its way.
//!
//! The tree keeps apart what serde's formats usually mix: members of structures from
//! entries of maps, a member that is absent from one that is null, and the three types
//! whose form depends on the place (timestamps, blobs, secrets).

mod serializer;

use crate::{Blob, Secret, Timestamp};
use cairn_event::Time;
use serde::{Serialize, Serializer};

/// A plain value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    /// A member that is not there: written nowhere, in no protocol.
    Absent,
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Time(Time),
    /// Base64.
    Blob(String),
    Secret(Secret),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
    Struct(Vec<(&'static str, Tree)>),
}

impl Tree {
    /// Inputs and outputs are plain data. Only a type whose own `Serialize` fails, or one
    /// that has an integer of 128 bits, cannot be a tree; no operation has such a member.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        value.serialize(serializer::Planter).expect("inputs and outputs are plain data, which always serializes")
    }

    /// A scalar as text, for protocols that have only text and for keys of maps.
    /// None for what is absent or null, and for lists, maps and structures.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Bool(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Float(value) => float(*value),
            Self::Text(value) | Self::Blob(value) => value.clone(),
            Self::Time(time) => crate::timestamp::iso(*time),
            Self::Secret(secret) => secret.0.clone(),
            Self::Absent | Self::Null | Self::List(_) | Self::Map(_) | Self::Struct(_) => return None,
        })
    }

    /// Gives a scalar the meaning that the name of its newtype has.
    fn named(self, name: &str) -> Self {
        match (name, self) {
            (Timestamp::NAME, Self::Signed(seconds)) => Self::Time(Time::from_seconds(seconds)),
            (Timestamp::NAME, Self::Float(seconds)) => Self::Time(Time((seconds * 1000.0).round() as i64)),
            (Blob::NAME, Self::Text(text)) => Self::Blob(text),
            (Secret::NAME, Self::Text(text)) => Self::Secret(Secret(text)),
            (_, plain) => plain,
        }
    }
}

fn float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        value.to_string()
    }
}

/// The JSON form: epoch seconds, base64, secrets in plain, and nothing for what is absent.
impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Self::Float(value) => serializer.serialize_str(&float(*value)),
            Self::Text(text) | Self::Blob(text) => serializer.serialize_str(text),
            Self::Time(time) => Timestamp(*time).serialize(serializer),
            Self::Secret(secret) => serializer.serialize_str(&secret.0),
            Self::List(items) => serializer.collect_seq(items.iter().filter(|item| **item != Self::Absent)),
            Self::Map(entries) => serializer
                .collect_map(entries.iter().filter(|(_, item)| *item != Self::Absent).map(|(key, item)| (key, item))),
            Self::Struct(members) => serializer
                .collect_map(members.iter().filter(|(_, item)| *item != Self::Absent).map(|(key, item)| (key, item))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    enum Choice {
        Plain,
        One(u8),
        Pair(u8, u8),
        Named { a: bool },
    }

    #[derive(Serialize)]
    struct Everything {
        none: Option<u8>,
        some: Option<u8>,
        unit: (),
        tuple: (u8, char),
        wide: u64,
        half: f32,
        time: Timestamp,
        moment: Timestamp,
        blob: Blob,
        secret: Secret,
        map: BTreeMap<u8, Choice>,
    }

    #[test]
    fn every_kind_of_value_has_its_place_in_the_tree() {
        let map = [Choice::Plain, Choice::One(1), Choice::Pair(1, 2), Choice::Named { a: true }];
        let everything = Everything {
            none: None,
            some: Some(1),
            unit: (),
            tuple: (1, 'x'),
            wide: u64::MAX,
            half: 0.5,
            time: Timestamp(Time(5000)),
            moment: Timestamp(Time(5001)),
            blob: Blob(vec![0]),
            secret: Secret::from("s"),
            map: map.into_iter().enumerate().map(|(index, choice)| (index as u8, choice)).collect(),
        };
        let text = |text: &str| Tree::Text(text.to_owned());
        let choices = vec![
            ("0".to_owned(), text("Plain")),
            ("1".to_owned(), Tree::Struct(vec![("One", Tree::Unsigned(1))])),
            ("2".to_owned(), Tree::Struct(vec![("Pair", Tree::List(vec![Tree::Unsigned(1), Tree::Unsigned(2)]))])),
            ("3".to_owned(), Tree::Struct(vec![("Named", Tree::Struct(vec![("a", Tree::Bool(true))]))])),
        ];
        let expected = Tree::Struct(vec![
            ("none", Tree::Absent),
            ("some", Tree::Unsigned(1)),
            ("unit", Tree::Null),
            ("tuple", Tree::List(vec![Tree::Unsigned(1), text("x")])),
            ("wide", Tree::Unsigned(u64::MAX)),
            ("half", Tree::Float(0.5)),
            ("time", Tree::Time(Time(5000))),
            ("moment", Tree::Time(Time(5001))),
            ("blob", Tree::Blob("AA==".to_owned())),
            ("secret", Tree::Secret(Secret::from("s"))),
            ("map", Tree::Map(choices)),
        ]);
        assert_eq!(Tree::of(&everything), expected);
    }
}
