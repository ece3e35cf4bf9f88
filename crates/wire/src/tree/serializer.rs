//! The serde serializer that makes a [`Tree`].

use super::Tree;
use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use std::fmt::Display;

/// Makes the tree of one value.
pub(super) struct Planter;

/// A value that is not plain data.
#[derive(Debug, thiserror::Error)]
#[error("cannot be written: {0}")]
pub(super) struct NotPlain(String);

impl Error for NotPlain {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Grown = Result<Tree, NotPlain>;

/// A list while it grows, with the name of the enum variant that it belongs to.
pub(super) struct Items {
    items: Vec<Tree>,
    variant: Option<&'static str>,
}

/// A map while it grows.
pub(super) struct Entries {
    entries: Vec<(String, Tree)>,
    key: Option<String>,
}

/// A structure while it grows, with the name of the enum variant that it belongs to.
pub(super) struct Members {
    members: Vec<(&'static str, Tree)>,
    variant: Option<&'static str>,
}

/// A variant with content reads as a structure of one member.
fn wrap(variant: Option<&'static str>, content: Tree) -> Tree {
    match variant {
        Some(name) => Tree::Struct(vec![(name, content)]),
        None => content,
    }
}

impl Items {
    fn new(length: usize, variant: Option<&'static str>) -> Self {
        Self { items: Vec::with_capacity(length.min(1024)), variant }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPlain> {
        self.items.push(value.serialize(Planter)?);
        Ok(())
    }

    fn finish(self) -> Tree {
        wrap(self.variant, Tree::List(self.items))
    }
}

impl Members {
    fn new(length: usize, variant: Option<&'static str>) -> Self {
        Self { members: Vec::with_capacity(length), variant }
    }

    fn push<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotPlain> {
        self.members.push((name, value.serialize(Planter)?));
        Ok(())
    }

    fn finish(self) -> Tree {
        wrap(self.variant, Tree::Struct(self.members))
    }
}

impl Serializer for Planter {
    type Ok = Tree;
    type Error = NotPlain;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    fn serialize_bool(self, value: bool) -> Grown {
        Ok(Tree::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Grown {
        Ok(Tree::Signed(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Grown {
        Ok(Tree::Signed(value.into()))
    }

    fn serialize_i32(self, value: i32) -> Grown {
        Ok(Tree::Signed(value.into()))
    }

    fn serialize_i64(self, value: i64) -> Grown {
        Ok(Tree::Signed(value))
    }

    fn serialize_u8(self, value: u8) -> Grown {
        Ok(Tree::Unsigned(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Grown {
        Ok(Tree::Unsigned(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Grown {
        Ok(Tree::Unsigned(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Grown {
        Ok(Tree::Unsigned(value))
    }

    fn serialize_f32(self, value: f32) -> Grown {
        Ok(Tree::Float(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Grown {
        Ok(Tree::Float(value))
    }

    fn serialize_char(self, value: char) -> Grown {
        Ok(Tree::Text(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Grown {
        Ok(Tree::Text(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Grown {
        crate::Blob(value.to_vec()).serialize(self)
    }

    fn serialize_none(self) -> Grown {
        Ok(Tree::Absent)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Grown {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Grown {
        Ok(Tree::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Grown {
        Ok(Tree::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Grown {
        Ok(Tree::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Grown {
        Ok(value.serialize(self)?.named(name))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Grown {
        Ok(wrap(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items, NotPlain> {
        Ok(Items::new(length.unwrap_or_default(), None))
    }

    fn serialize_tuple(self, length: usize) -> Result<Items, NotPlain> {
        Ok(Items::new(length, None))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items, NotPlain> {
        Ok(Items::new(length, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items, NotPlain> {
        Ok(Items::new(length, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, NotPlain> {
        Ok(Entries { entries: Vec::new(), key: None })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Members, NotPlain> {
        Ok(Members::new(length, None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Members, NotPlain> {
        Ok(Members::new(length, Some(variant)))
    }
}

impl SerializeSeq for Items {
    type Ok = Tree;
    type Error = NotPlain;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPlain> {
        self.push(value)
    }

    fn end(self) -> Grown {
        Ok(self.finish())
    }
}

impl SerializeTuple for Items {
    type Ok = Tree;
    type Error = NotPlain;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPlain> {
        self.push(value)
    }

    fn end(self) -> Grown {
        Ok(self.finish())
    }
}

impl SerializeTupleStruct for Items {
    type Ok = Tree;
    type Error = NotPlain;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPlain> {
        self.push(value)
    }

    fn end(self) -> Grown {
        Ok(self.finish())
    }
}

impl SerializeTupleVariant for Items {
    type Ok = Tree;
    type Error = NotPlain;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPlain> {
        self.push(value)
    }

    fn end(self) -> Grown {
        Ok(self.finish())
    }
}

impl SerializeMap for Entries {
    type Ok = Tree;
    type Error = NotPlain;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotPlain> {
        let key = key.serialize(Planter)?;
        self.key = Some(key.text().ok_or_else(|| NotPlain("the key of a map is no scalar".to_owned()))?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotPlain> {
        let key = self.key.take().ok_or_else(|| NotPlain("a value of a map came before its key".to_owned()))?;
        self.entries.push((key, value.serialize(Planter)?));
        Ok(())
    }

    fn end(self) -> Grown {
        Ok(Tree::Map(self.entries))
    }
}

impl SerializeStruct for Members {
    type Ok = Tree;
    type Error = NotPlain;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotPlain> {
        self.push(name, value)
    }

    fn end(self) -> Grown {
        Ok(self.finish())
    }
}

impl SerializeStructVariant for Members {
    type Ok = Tree;
    type Error = NotPlain;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NotPlain> {
        self.push(name, value)
    }

    fn end(self) -> Grown {
        Ok(self.finish())
    }
}
