//! What SQL shows of the flat columns of files: CloudTrail Lake's columns, as expressions.
//!
//! A query is planned against the names and types of a view ([`Shown`]) and then placed over the files'
//! columns ([`place`]): `useridentity.arn` becomes the column `useridentity_arn`, and
//! `element_at(requestparameters, 'bucketName')` a look into one JSON text, so that neither the row nor
//! the map is ever built, and filters reach the files.

mod columns;
mod part;
mod place;

pub use columns::written;
pub use place::{Files, place};

use cairn_lake::schema::{COLUMNS, Kind};
use cairn_lake::sql::{Shape, View};
use columns::{Shows, shown};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{DFSchema, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, ScalarUDF, TableSource};
use part::Part;
use std::collections::HashMap;
use std::sync::Arc;

/// The columns of files as queries read them: texts as views into what was read.
pub fn flat() -> SchemaRef {
    let lake = cairn_lake::schema::arrow();
    let fields = lake.fields().iter().zip(COLUMNS).map(|(field, column)| match column.kind {
        Kind::Text | Kind::Json => Field::new(column.name, DataType::Utf8View, true),
        Kind::Bool | Kind::Time | Kind::Texts => Field::new(column.name, field.data_type().clone(), true),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The functions that views are made of, by name.
#[derive(Clone)]
pub struct Functions(HashMap<String, Arc<ScalarUDF>>);

impl Functions {
    pub fn of(state: &SessionState) -> Self {
        Self(state.scalar_functions().clone())
    }

    pub fn call(&self, name: &str, args: Vec<Expr>) -> Expr {
        let function =
            self.0.get(name).unwrap_or_else(|| unreachable!("the function {name} is registered at the start"));
        function.call(args)
    }
}

/// One shape of views: its columns, in order.
#[derive(Clone)]
pub struct Shown {
    columns: Arc<HashMap<&'static str, Part>>,
    schema: SchemaRef,
}

/// All shapes, made once.
#[derive(Clone)]
pub struct Views {
    shapes: HashMap<&'static str, Shown>,
    pub functions: Functions,
}

fn key(shape: Shape) -> &'static str {
    match shape {
        Shape::Everything => "everything",
        Shape::Trail => "trail",
        Shape::Insight => "insight",
        Shape::Activity => "activity",
    }
}

impl Views {
    pub fn new(functions: Functions) -> Result<Self> {
        let flat = DFSchema::try_from(flat())?;
        let mut shapes = HashMap::new();
        for shape in [Shape::Everything, Shape::Trail, Shape::Insight, Shape::Activity] {
            shapes.insert(key(shape), show(&shown(shape), &flat, &functions)?);
        }
        Ok(Self { shapes, functions })
    }

    pub fn of(&self, shape: Shape) -> &Shown {
        &self.shapes[key(shape)]
    }
}

fn show(columns: &[Shows], flat: &DFSchema, functions: &Functions) -> Result<Shown> {
    let column = |name: &str| Expr::Column(datafusion::common::Column::new_unqualified(name));
    let mut fields = Vec::new();
    for shows in columns {
        let data_type = shows.part.expr(functions, &column).get_type(flat)?;
        fields.push(Field::new(shows.name, data_type, true));
    }
    let columns = columns.iter().map(|shows| (shows.name, shows.part)).collect();
    Ok(Shown { columns: Arc::new(columns), schema: Arc::new(Schema::new(fields)) })
}

/// A view as the planner sees it, until it is placed over files.
pub struct ViewSource {
    pub view: View,
    pub shown: Shown,
}

impl TableSource for ViewSource {
    fn schema(&self) -> SchemaRef {
        self.shown.schema.clone()
    }
}
