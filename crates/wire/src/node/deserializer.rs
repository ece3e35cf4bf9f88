//! The serde deserializer over a [`Node`].

use super::error::Step;
use super::{Error, Node};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::Value;

impl<'a> Node<'a> {
    fn mismatch(self, wanted: &str) -> Error {
        Error::mismatch(self.kind(), wanted)
    }

    fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Json(Value::String(text)) => Some(text),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn as_bool(self) -> Option<bool> {
        match self {
            Self::Json(Value::Bool(value)) => Some(*value),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    fn as_float(self) -> Option<f64> {
        match self {
            Self::Json(Value::Number(number)) => number.as_f64(),
            Self::Json(Value::String(text)) => not_finite(text),
            Self::Text(text) => not_finite(text).or_else(|| text.parse().ok().filter(|value: &f64| value.is_finite())),
            _ => None,
        }
    }

    /// The elements of a list, in order. None when it is no list.
    fn as_list(self) -> Option<Vec<Node<'a>>> {
        match self {
            Self::Json(Value::Array(items)) => Some(items.iter().map(Node::Json).collect()),
            // An empty list is sent as an empty parameter.
            Self::Text("") => Some(Vec::new()),
            Self::Branch(branch) => match branch.get("member") {
                Some(twig) if branch.len() == 1 => Self::of_twig(twig).numbered(),
                _ => self.numbered(),
            },
            _ => None,
        }
    }

    /// What stands under `1`, `2`, …, in that order. None when there is any other name.
    fn numbered(self) -> Option<Vec<Node<'a>>> {
        let Self::Branch(branch) = self else {
            return self.as_text().filter(|text| text.is_empty()).map(|_| Vec::new());
        };
        let mut items = Vec::with_capacity(branch.len());
        for (name, twig) in branch {
            items.push((number(name)?, Self::of_twig(twig)));
        }
        items.sort_by_key(|(number, _)| *number);
        Some(items.into_iter().map(|(_, item)| item).collect())
    }

    /// The members of a structure; null ones are absent. None when it is no structure.
    fn as_members(self) -> Option<Vec<(&'a str, Node<'a>)>> {
        match self {
            Self::Json(Value::Object(members)) => {
                let members = members.iter().map(|(name, value)| (name.as_str(), Node::Json(value)));
                Some(members.filter(|(_, value)| !value.is_null()).collect())
            }
            Self::Branch(branch) => Some(branch.iter().map(|(name, twig)| (*name, Self::of_twig(twig))).collect()),
            Self::Text("") => Some(Vec::new()),
            _ => None,
        }
    }

    /// The entries of a map: in forms, numbered pairs of key and value.
    fn as_entries(self) -> Option<Vec<(&'a str, Node<'a>)>> {
        let Self::Branch(branch) = self else { return self.as_members() };
        let pairs = match branch.get("entry") {
            Some(twig) if branch.len() == 1 => Self::of_twig(twig).numbered()?,
            _ => self.numbered()?,
        };
        pairs.into_iter().map(Self::as_pair).collect()
    }

    fn as_pair(self) -> Option<(&'a str, Node<'a>)> {
        let Self::Branch(branch) = self else { return None };
        let named = |small, capital| branch.get(small).or_else(|| branch.get(capital)).map(Self::of_twig);
        Some((named("key", "Name")?.as_text()?, named("value", "Value").unwrap_or(Self::Text(""))))
    }

    fn visit_list<'de, V: Visitor<'de>>(items: Vec<Node<'a>>, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(List { items: items.into_iter().enumerate() })
    }

    fn visit_members<'de, V: Visitor<'de>>(members: Vec<(&'a str, Node<'a>)>, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members { members: members.into_iter(), current: None })
    }

    /// Any integer, for the visitor to say whether it fits the type asked for.
    fn visit_integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        const WANTED: &str = "an integer";
        let (signed, unsigned) = match self {
            Self::Json(Value::Number(number)) => (number.as_i64(), number.as_u64()),
            Self::Text(text) => (text.parse().ok(), text.parse().ok()),
            _ => (None, None),
        };
        match (signed, unsigned) {
            (Some(value), _) => visitor.visit_i64(value),
            (None, Some(value)) => visitor.visit_u64(value),
            (None, None) => match self.as_float().filter(|value| value.fract() == 0.0 && value.abs() < 9e15) {
                Some(value) if matches!(self, Self::Json(Value::Number(_))) => visitor.visit_i64(value as i64),
                _ => Err(self.mismatch(WANTED)),
            },
        }
    }
}

/// The floats that JSON has no numbers for.
fn not_finite(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn number(name: &str) -> Option<u32> {
    name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse().ok())?
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.visit_integer(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Json(Value::Null) => visitor.visit_unit(),
            Self::Json(Value::Bool(value)) => visitor.visit_bool(*value),
            Self::Json(Value::Number(number)) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Self::Json(Value::String(text)) => visitor.visit_str(text),
            Self::Text(text) => visitor.visit_str(text),
            Self::Json(Value::Array(_)) => self.deserialize_seq(visitor),
            Self::Json(Value::Object(members)) => Self::visit_members(
                members.iter().map(|(name, value)| (name.as_str(), Node::Json(value))).collect(),
                visitor,
            ),
            Self::Branch(_) => self.deserialize_struct("", &[], visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.as_bool().ok_or_else(|| self.mismatch("a boolean"))?)
    }

    integers!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.as_float().ok_or_else(|| self.mismatch("a number"))?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.as_text().ok_or_else(|| self.mismatch("a string"))?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Json(Value::Null | Value::Object(_)) | Self::Branch(_) => visitor.visit_unit(),
            _ => Err(self.mismatch("a structure")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items = self.as_list().ok_or_else(|| self.mismatch("a list"))?;
        Self::visit_list(items, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        Self::visit_members(self.as_entries().ok_or_else(|| self.mismatch("a map"))?, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        Self::visit_members(self.as_members().ok_or_else(|| self.mismatch("a structure"))?, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Some(name) = self.as_text() {
            return visitor.visit_enum(Choice { name, content: None });
        }
        match self.as_members().as_deref() {
            Some([(name, content)]) => visitor.visit_enum(Choice { name, content: Some(*content) }),
            _ => Err(self.mismatch("a choice of one member")),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

struct List<'a> {
    items: std::iter::Enumerate<std::vec::IntoIter<Node<'a>>>,
}

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|error| error.within(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'a> {
    members: std::vec::IntoIter<(&'a str, Node<'a>)>,
    current: Option<(&'a str, Node<'a>)>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.current = self.members.next();
        let Some((name, _)) = self.current else { return Ok(None) };
        seed.deserialize(Node::Text(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, value) = self.current.take().expect("serde asks for a value only after its key");
        seed.deserialize(value).map_err(|error| error.within(Step::Member(name.to_owned())))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

/// One variant of an enum, with content where it has any.
struct Choice<'a> {
    name: &'a str,
    content: Option<Node<'a>>,
}

impl<'de, 'a> EnumAccess<'de> for Choice<'a> {
    type Error = Error;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        let content = Content { name: self.name, node: self.content };
        Ok((seed.deserialize(name)?, content))
    }
}

struct Content<'a> {
    name: &'a str,
    node: Option<Node<'a>>,
}

impl Content<'_> {
    fn read<T>(&self, read: impl FnOnce(Node<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let node = self.node.ok_or_else(|| Error::mismatch("a string", "a structure"))?;
        read(node).map_err(|error| error.within(Step::Member(self.name.to_owned())))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.node {
            None => Ok(()),
            Some(_) => Err(Error::mismatch("a structure", "a string")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.read(|node| seed.deserialize(node))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.read(|node| node.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.read(|node| node.deserialize_struct("", fields, visitor))
    }
}
