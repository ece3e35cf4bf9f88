//! Trino's functions that the planner has not, or means otherwise: a file for each family.
//!
//! [`Function`] is one: what it takes, what it gives, and the code. Texts come as views, times as
//! microseconds, so that no family asks in which form a column came.

mod array;
mod event;
mod json;
pub mod path;
mod regex;
mod series;
mod text;
mod time;
mod time_format;
mod url;

pub use event::json_map_type;
pub use regex::Regexes;

use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, StringViewArray, StringViewBuilder};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Double,
    /// A timestamp or a date; texts are read as one.
    Time,
    Any,
}

/// What a function gives.
#[derive(Clone, Copy)]
pub enum Gives {
    This(fn() -> DataType),
    /// Of the arguments' types.
    Types(fn(&[DataType]) -> Result<DataType>),
    /// Of the arguments' types and of those arguments that are literal texts.
    Texts(fn(&[DataType], &[Option<&str>]) -> Result<DataType>),
}

/// The arguments of one call: arrays of `rows` values.
pub struct Call<'a> {
    pub arrays: Vec<ArrayRef>,
    pub rows: usize,
    pub regexes: &'a Regexes,
    pub gives: &'a DataType,
}

impl Call<'_> {
    pub fn text(&self, index: usize) -> &StringViewArray {
        self.arrays[index].as_string_view()
    }

    pub fn int(&self, index: usize) -> &Int64Array {
        self.arrays[index].as_primitive::<Int64Type>()
    }

    pub fn double(&self, index: usize) -> &datafusion::arrow::array::Float64Array {
        self.arrays[index].as_primitive::<Float64Type>()
    }

    pub fn time(&self, index: usize) -> &datafusion::arrow::array::TimestampMicrosecondArray {
        self.arrays[index].as_primitive::<TimestampMicrosecondType>()
    }

    pub fn has(&self, index: usize) -> bool {
        index < self.arrays.len()
    }

    /// One text a row.
    pub fn texts<T: AsRef<str>>(&self, mut value: impl FnMut(usize) -> Result<Option<T>>) -> Result<ArrayRef> {
        let mut texts = StringViewBuilder::with_capacity(self.rows);
        for row in 0..self.rows {
            match value(row)? {
                Some(text) => texts.append_value(text.as_ref()),
                None => texts.append_null(),
            }
        }
        Ok(Arc::new(texts.finish()))
    }

    /// One whole number a row.
    pub fn ints(&self, value: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<Result<Int64Array>>()?))
    }

    /// One yes or no a row.
    pub fn bools(&self, value: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows).map(value).collect::<Result<datafusion::arrow::array::BooleanArray>>()?))
    }

    /// One time a row, in microseconds.
    pub fn times(&self, value: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
        let times =
            (0..self.rows).map(value).collect::<Result<datafusion::arrow::array::TimestampMicrosecondArray>>()?;
        let DataType::Timestamp(_, zone) = self.gives else { return Ok(Arc::new(times.with_timezone("UTC"))) };
        Ok(Arc::new(times.with_timezone_opt(zone.clone())))
    }
}

/// The value of a row that is not null.
pub fn at(texts: &StringViewArray, row: usize) -> Option<&str> {
    use datafusion::arrow::array::Array;
    texts.is_valid(row).then(|| texts.value(row))
}

pub struct Function {
    pub name: &'static str,
    pub takes: &'static [Kind],
    /// How many arguments there must be; `takes` says how many there may be.
    pub least: usize,
    /// The last argument may come again and again.
    pub more: bool,
    pub gives: Gives,
    pub body: fn(&Call) -> Result<ArrayRef>,
}

impl Function {
    pub const fn new(
        name: &'static str,
        takes: &'static [Kind],
        gives: Gives,
        body: fn(&Call) -> Result<ArrayRef>,
    ) -> Self {
        Self { name, takes, least: takes.len(), more: false, gives, body }
    }

    /// The arguments after the first `least` may be left out.
    pub const fn least(mut self, least: usize) -> Self {
        self.least = least;
        self
    }

    pub const fn more(mut self) -> Self {
        self.more = true;
        self
    }
}

pub const TEXT: Gives = Gives::This(text_type);
pub const INT: Gives = Gives::This(|| DataType::Int64);
pub const DOUBLE: Gives = Gives::This(|| DataType::Float64);
pub const BOOL: Gives = Gives::This(|| DataType::Boolean);
pub const DATE: Gives = Gives::This(|| DataType::Date32);
pub const TIME: Gives = Gives::This(time_type);
pub const TEXTS: Gives = Gives::This(texts_type);

pub fn text_type() -> DataType {
    DataType::Utf8View
}

pub fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

pub fn texts_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true)))
}

/// All of them.
pub fn all(regexes: &Arc<Regexes>) -> Vec<ScalarUDF> {
    let families = [text::FUNCTIONS, regex::FUNCTIONS, json::FUNCTIONS, time::FUNCTIONS, array::FUNCTIONS];
    let all = families.into_iter().flatten().chain(url::FUNCTIONS).chain(event::FUNCTIONS).chain(series::FUNCTIONS);
    all.map(|function| ScalarUDF::new_from_impl(Registered::new(function, regexes.clone()))).collect()
}

/// A function as the planner knows it.
struct Registered {
    function: &'static Function,
    regexes: Arc<Regexes>,
    signature: Signature,
}

impl Registered {
    fn new(function: &'static Function, regexes: Arc<Regexes>) -> Self {
        Self { function, regexes, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str(self.function.name)
    }
}

impl PartialEq for Registered {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Registered {}

impl Hash for Registered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for Registered {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match self.function.gives {
            Gives::This(gives) => Ok(gives()),
            Gives::Types(gives) => gives(types),
            Gives::Texts(gives) => gives(types, &vec![None; types.len()]),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let gives = match self.function.gives {
            Gives::Texts(gives) => {
                let texts =
                    args.scalar_arguments.iter().map(|value| value.and_then(|value| value.try_as_str().flatten()));
                gives(&types, &texts.collect::<Vec<_>>())?
            }
            _ => self.return_type(&types)?,
        };
        Ok(Arc::new(Field::new(self.name(), gives, true)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let Function { name, takes, least, more, .. } = self.function;
        if types.len() < *least || (types.len() > takes.len() && !more) {
            let count = types.len();
            let some = if *more { " or more" } else { "" };
            let most = if takes.len() > *least { format!(" to {}", takes.len()) } else { String::new() };
            return plan_err!("function {name} takes {least}{most}{some} arguments, not {count}");
        }
        let last = takes.last().copied().unwrap_or(Kind::Any);
        let kinds = takes.iter().copied().chain(std::iter::repeat(last));
        types.iter().zip(kinds).enumerate().map(|(index, (given, kind))| coerced(name, index, given, kind)).collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let literal = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if literal { 1 } else { args.number_rows };
        let arrays = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<_>>()?;
        let call = Call { arrays, rows, regexes: &self.regexes, gives: args.return_field.data_type() };
        let array = (self.function.body)(&call)?;
        if literal {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
        } else {
            Ok(ColumnarValue::Array(array))
        }
    }
}

/// The type that an argument is made into.
fn coerced(name: &str, index: usize, given: &DataType, kind: Kind) -> Result<DataType> {
    let text =
        |given: &DataType| matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null);
    let is_text = match given {
        DataType::Dictionary(_, values) => text(values),
        other => text(other),
    };
    Ok(match kind {
        Kind::Any => given.clone(),
        Kind::Text if is_text => DataType::Utf8View,
        Kind::Int if given.is_integer() || given.is_null() => DataType::Int64,
        Kind::Double if given.is_numeric() || given.is_null() => DataType::Float64,
        Kind::Time => match given {
            DataType::Timestamp(_, Some(zone)) => DataType::Timestamp(TimeUnit::Microsecond, Some(zone.clone())),
            DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => time_type(),
            _ if is_text => time_type(),
            _ => return wrong(name, index, given, "a timestamp"),
        },
        Kind::Text => return wrong(name, index, given, "a varchar"),
        Kind::Int => return wrong(name, index, given, "a whole number"),
        Kind::Double => return wrong(name, index, given, "a number"),
    })
}

fn wrong(name: &str, index: usize, given: &DataType, wanted: &str) -> Result<DataType> {
    let (place, given) = (index + 1, crate::kind::kind(given));
    plan_err!("argument {place} of function {name} is {given}; {wanted} is expected")
}
