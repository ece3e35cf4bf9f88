//! Iceberg's bytes: schema, manifests, lists of manifests, metadata. The only place that names the crate.

use super::model::{Count, Listed, Manifest, Snapshot, State};
use super::plan::Draft;
use crate::Error;
use crate::schema::{COLUMNS, Kind};
use bytes::Bytes;
use iceberg::io::FileIO;
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, ListType, ManifestContentType, ManifestFile,
    ManifestListWriter, ManifestWriterBuilder, NestedField, NestedFieldRef, PartitionSpec, PrimitiveType, Schema, Type,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The column by which files are pruned and rows are sorted.
const EVENT_TIME: i32 = 1;
/// Ids of partition fields begin past it.
const LAST_PARTITION: i32 = 999;
const UNSORTED: i32 = 0;
const BY_TIME: i32 = 1;

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn failed(error: iceberg::Error) -> Error {
    Error::Unavailable(format!("iceberg metadata: {error}"))
}

/// The schema of the columns.
fn schema() -> Result<Schema, Error> {
    let fields = COLUMNS.iter().map(|column| {
        let kind = match column.kind {
            Kind::Text | Kind::Json => Type::Primitive(PrimitiveType::String),
            Kind::Bool => Type::Primitive(PrimitiveType::Boolean),
            Kind::Time => Type::Primitive(PrimitiveType::Timestamptz),
            Kind::Texts => {
                let text = Type::Primitive(PrimitiveType::String);
                Type::List(ListType::new(NestedField::list_element(column.element(), text, true).into()))
            }
        };
        NestedFieldRef::from(NestedField::optional(column.field, column.name, kind))
    });
    Schema::builder().with_fields(fields.collect::<Vec<_>>()).build().map_err(failed)
}

/// The schema as metadata has it, under this id.
pub(super) fn schema_json(id: usize) -> Result<Value, Error> {
    let mut value =
        serde_json::to_value(schema()?).map_err(|error| Error::Unavailable(format!("iceberg schema: {error}")))?;
    value["schema-id"] = json!(id);
    Ok(value)
}

/// What is written passes through memory: where it goes is for others to say.
async fn written(io: &FileIO) -> Result<Bytes, Error> {
    io.new_input(IN_MEMORY).map_err(failed)?.read().await.map_err(failed)
}

const IN_MEMORY: &str = "memory:///written";

/// A manifest's bytes, and what lists say of it. `location` is what keys of files are put behind.
pub(super) async fn manifest(
    draft: &Draft,
    key: String,
    snapshot: i64,
    sequence: i64,
    location: &str,
) -> Result<(Manifest, Bytes), Error> {
    let io = FileIO::new_with_memory();
    let output = io.new_output(IN_MEMORY).map_err(failed)?;
    let spec = PartitionSpec::unpartition_spec();
    let mut writer = ManifestWriterBuilder::new(output, Some(snapshot), Arc::new(schema()?), spec).build_v2_data();
    for file in &draft.added {
        writer.add_file(data_file(file, location)?, file.sequence).map_err(failed)?;
    }
    for file in &draft.existing {
        let (data, came) = (data_file(file, location)?, Some(file.sequence));
        writer.add_existing_file(data, file.snapshot, file.sequence, came).map_err(failed)?;
    }
    for file in &draft.deleted {
        let (data, came) = (data_file(file, location)?, Some(file.sequence));
        writer.add_delete_file(data, file.sequence, came).map_err(failed)?;
    }
    writer.write_manifest_file().await.map_err(failed)?;
    let bytes = written(&io).await?;
    let manifest = Manifest {
        key,
        bytes: bytes.len() as i64,
        snapshot,
        sequence,
        sequence_min: draft.live().map(|file| file.sequence).min().unwrap_or(sequence),
        added: Count::of(draft.added.iter()),
        existing: Count::of(draft.existing.iter()),
        deleted: Count::of(draft.deleted.iter()),
        files: draft.live().cloned().collect(),
    };
    Ok((manifest, bytes))
}

fn data_file(file: &Listed, location: &str) -> Result<DataFile, Error> {
    let (from, to) = file.times;
    // Times here are whole milliseconds, rows may say more: the bounds enclose both.
    let lower = Datum::timestamptz_micros(from.millis().saturating_mul(1000));
    let upper = Datum::timestamptz_micros(to.millis().saturating_mul(1000).saturating_add(999));
    DataFileBuilder::default()
        .content(DataContentType::Data)
        .file_path(format!("{location}{}", file.key))
        .file_format(DataFileFormat::Parquet)
        .record_count(file.rows)
        .file_size_in_bytes(file.bytes)
        .lower_bounds(HashMap::from([(EVENT_TIME, lower)]))
        .upper_bounds(HashMap::from([(EVENT_TIME, upper)]))
        .build()
        .map_err(|error| Error::Unavailable(format!("iceberg metadata: {error}")))
}

/// The list of a snapshot's manifests.
pub(super) async fn list(
    manifests: &[Manifest],
    snapshot: i64,
    parent: Option<i64>,
    sequence: i64,
    location: &str,
) -> Result<Bytes, Error> {
    let io = FileIO::new_with_memory();
    let output = io.new_output(IN_MEMORY).map_err(failed)?.writer().await.map_err(failed)?;
    let mut writer = ManifestListWriter::v2(output, snapshot, parent, sequence);
    writer.add_manifests(manifests.iter().map(|manifest| listed(manifest, location))).map_err(failed)?;
    writer.close().await.map_err(failed)?;
    written(&io).await
}

fn listed(manifest: &Manifest, location: &str) -> ManifestFile {
    ManifestFile {
        manifest_path: format!("{location}{}", manifest.key),
        manifest_length: manifest.bytes,
        partition_spec_id: 0,
        content: ManifestContentType::Data,
        sequence_number: manifest.sequence,
        min_sequence_number: manifest.sequence_min,
        added_snapshot_id: manifest.snapshot,
        added_files_count: Some(manifest.added.files),
        existing_files_count: Some(manifest.existing.files),
        deleted_files_count: Some(manifest.deleted.files),
        added_rows_count: Some(manifest.added.rows),
        existing_rows_count: Some(manifest.existing.rows),
        deleted_rows_count: Some(manifest.deleted.rows),
        partitions: None,
        key_metadata: None,
        first_row_id: None,
    }
}

/// The metadata of a table, as its file and the catalog's answers have it.
pub(super) fn metadata(table: &str, state: &State, location: &str) -> Value {
    let by_time =
        json!({"source-id": EVENT_TIME, "transform": "identity", "direction": "asc", "null-order": "nulls-first"});
    let column_max = COLUMNS.iter().map(|column| match column.kind {
        Kind::Texts => column.element(),
        _ => column.field,
    });
    let current = state.current().map(|snapshot| snapshot.id);
    let refs = current.map_or(json!({}), |id| json!({"main": {"snapshot-id": id, "type": "branch"}}));
    let log = state.snapshots.iter().map(|one| json!({"snapshot-id": one.id, "timestamp-ms": one.at.millis()}));
    let mut metadata = json!({
        "format-version": 2,
        "table-uuid": state.uuid,
        "location": format!("{location}{table}"),
        "last-sequence-number": state.sequence,
        "last-updated-ms": state.updated.millis(),
        "last-column-id": column_max.max(),
        "schemas": state.schemas,
        "current-schema-id": state.schemas.len().saturating_sub(1),
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "default-spec-id": 0,
        "last-partition-id": LAST_PARTITION,
        "sort-orders": [{"order-id": UNSORTED, "fields": []}, {"order-id": BY_TIME, "fields": [by_time]}],
        "default-sort-order-id": BY_TIME,
        "properties": {"write.format.default": "parquet"},
        "refs": refs,
        "snapshots": state.snapshots.iter().map(|one| snapshot(one, location)).collect::<Vec<_>>(),
        "snapshot-log": log.collect::<Vec<_>>(),
        "metadata-log": [],
    });
    if let Some(current) = current {
        metadata["current-snapshot-id"] = json!(current);
    }
    metadata
}

fn snapshot(snapshot: &Snapshot, location: &str) -> Value {
    let mut value = json!({
        "snapshot-id": snapshot.id,
        "sequence-number": snapshot.sequence,
        "timestamp-ms": snapshot.at.millis(),
        "manifest-list": format!("{location}{}", snapshot.list),
        "summary": snapshot.summary,
        "schema-id": snapshot.schema,
    });
    if let Some(parent) = snapshot.parent {
        value["parent-snapshot-id"] = json!(parent);
    }
    value
}
