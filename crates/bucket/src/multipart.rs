//! Objects put in parts.

mod complete;

use crate::change::Change;
use crate::object::{Body, Object, Span, Sse};
use crate::put::{Put, PutCondition, of_source};
use crate::{Algorithm, Buckets, ChecksumKind, Error, Expected, Trailer, limit, rows};
use cairn_event::Time;
use cairn_store::BlobId;
use cairn_store::sqlx::sqlite::SqliteRow;
use cairn_store::sqlx::{self, Executor, Row as _, Sqlite};
use serde::{Deserialize, Serialize};

/// An upload to be begun. The put's condition belongs to its completion and is refused here.
#[derive(Clone, Debug, Default)]
pub struct NewUpload {
    pub put: Put,
    pub algorithm: Option<Algorithm>,
    /// Composite for SHA and for CRC32(C) unless said otherwise, full object for CRC64NVME. Errors:
    /// InvalidRequest for a pair that S3 does not have.
    pub kind: Option<ChecksumKind>,
    /// Principal id and ARN of who began it, given back in lists.
    pub initiator: (String, String),
}

/// An upload in progress.
#[derive(Clone, Debug)]
pub struct Upload {
    pub id: String,
    pub put: Put,
    /// Never absent in `put` either.
    pub sse: Sse,
    pub algorithm: Option<Algorithm>,
    pub kind: Option<ChecksumKind>,
    pub initiator: (String, String),
    pub begun: Time,
    pub(crate) data_key: Vec<u8>,
    pub(crate) seq: i64,
}

/// A part that has arrived.
#[derive(Clone, Debug)]
pub struct Part {
    pub number: u32,
    pub size: u64,
    pub etag: String,
    pub modified: Time,
    /// Base64, of [`Upload::checksum_algorithm`]; None when the part came with another, which was verified.
    pub checksum: Option<String>,
}

/// One row of the list that completes an upload.
#[derive(Clone, Debug)]
pub struct CompletedPart {
    pub number: u32,
    /// Without quotes.
    pub etag: String,
    /// Must be that of the part where it is given: algorithm and base64.
    pub checksum: Option<(Algorithm, String)>,
}

/// How to complete an upload.
#[derive(Clone, Debug, Default)]
pub struct Complete {
    pub bucket: String,
    pub key: String,
    pub id: String,
    /// Ascending; each but the last of at least 5 MiB.
    pub parts: Vec<CompletedPart>,
    pub condition: Option<PutCondition>,
    /// The full-object or composite checksum that the caller expects, base64.
    pub checksum: Option<(Algorithm, String)>,
    /// `x-amz-mp-object-size`
    pub size: Option<u64>,
}

/// What is kept of an upload in one column.
#[derive(Serialize, Deserialize)]
struct UploadFacts {
    put: Put,
    sse: Sse,
    algorithm: Option<Algorithm>,
    kind: Option<ChecksumKind>,
    initiator: (String, String),
}

/// An upload out of its row.
pub(crate) fn upload(row: &SqliteRow) -> Result<Upload, Error> {
    let facts: UploadFacts = rows::parse(row.try_get("facts")?, "facts of an upload")?;
    Ok(Upload {
        id: row.try_get("id")?,
        put: facts.put,
        sse: facts.sse,
        algorithm: facts.algorithm,
        kind: facts.kind,
        initiator: facts.initiator,
        begun: Time(row.try_get("begun")?),
        data_key: row.try_get("data_key")?,
        seq: row.try_get("seq")?,
    })
}

fn part(row: &SqliteRow) -> Result<Part, Error> {
    Ok(Part {
        number: row.try_get("number")?,
        size: row.try_get::<i64, _>("size")? as u64,
        etag: row.try_get("etag")?,
        modified: Time(row.try_get("modified")?),
        checksum: row.try_get("checksum")?,
    })
}

async fn find<'e, E>(db: E, bucket: &str, key: &str, id: &str) -> Result<Upload, Error>
where
    E: Executor<'e, Database = Sqlite>,
{
    let query = sqlx::query("SELECT * FROM bucket_upload WHERE id = $1 AND bucket = $2 AND key = $3");
    let row = query.bind(id).bind(bucket).bind(key).fetch_optional(db).await?;
    upload(&row.ok_or_else(|| Error::NoSuchUpload(id.to_owned()))?)
}

impl Upload {
    /// The algorithm of the object's checksum, asked for or not.
    pub fn checksum_algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or(Algorithm::Crc64Nvme)
    }

    fn checksum_kind(&self) -> ChecksumKind {
        self.kind.unwrap_or(ChecksumKind::FullObject)
    }
}

impl Buckets {
    /// Begins an upload. Errors: as `put`.
    pub async fn create_upload(&self, new: NewUpload) -> Result<Upload, Error> {
        let NewUpload { mut put, algorithm, kind, initiator } = new;
        if put.condition.is_some() {
            return Err(Error::InvalidRequest("a condition belongs to the completion of an upload".to_owned()));
        }
        let kind = match (algorithm, kind) {
            (Some(algorithm), kind) => Some(algorithm.kind(kind)?),
            (None, None) => None,
            (None, Some(_)) => {
                return Err(Error::InvalidRequest("a checksum type needs a checksum algorithm".to_owned()));
            }
        };
        let sse = self.ready(&mut put).await?;
        put.sse = Some(sse.clone());
        let data_key = self.new_data_key(&put.bucket, &put.key, &sse).await?.encrypted;
        let id = self.inner.world.dice.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._", 64);
        let buckets = self.clone();
        Self::run(async move {
            let mut change = buckets.begin().await?;
            put.check(&rows::settings(&mut change.tx, &put.bucket).await?)?;
            let facts = UploadFacts { put, sse, algorithm, kind, initiator };
            let done = sqlx::query(
                "INSERT INTO bucket_upload (id, bucket, key, begun, facts, data_key) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&id)
            .bind(&facts.put.bucket)
            .bind(&facts.put.key)
            .bind(change.now.millis())
            .bind(rows::json(&facts))
            .bind(data_key.as_slice())
            .execute(&mut *change.tx)
            .await?;
            let (seq, begun) = (done.last_insert_rowid(), change.now);
            change.commit().await?;
            let UploadFacts { put, sse, algorithm, kind, initiator } = facts;
            Ok(Upload { id, put, sse, algorithm, kind, initiator, begun, data_key, seq })
        })
        .await
    }

    /// Errors: NoSuchUpload, also when the upload is for another bucket or key.
    pub async fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload, Error> {
        self.bucket(bucket)?;
        find(self.inner.db.read(), bucket, key, id).await
    }

    /// Puts part `number` (1 to 10,000) of at most 5 GiB; the same number again replaces it.
    /// Errors: NoSuchUpload, Invalid, InvalidRequest for another algorithm than the upload's, BadDigest.
    pub async fn upload_part(
        &self,
        upload: &Upload,
        number: u32,
        body: Body,
        mut expected: Expected,
        trailer: Option<Trailer>,
    ) -> Result<Part, Error> {
        if !(1..=limit::PARTS_MAX).contains(&number) {
            return Err(Error::Invalid(format!("a part's number is from 1 to {}, not {number}", limit::PARTS_MAX)));
        }
        let algorithm = expected.algorithm.unwrap_or_else(|| upload.checksum_algorithm());
        if upload.algorithm.is_some_and(|wanted| wanted != algorithm) {
            let (wanted, given) = (upload.checksum_algorithm().name(), algorithm.name());
            return Err(Error::InvalidRequest(format!("the upload's checksum algorithm is {wanted}, not {given}")));
        }
        expected.algorithm = Some(algorithm);
        let Put { bucket, key, .. } = &upload.put;
        let data_key = self.open_data_key(bucket, key, &upload.sse, &upload.data_key).await?;
        let received = self.receive(body, data_key, &expected, trailer).await?;
        let kept = algorithm == upload.checksum_algorithm();
        let (buckets, upload) = (self.clone(), upload.clone());
        Self::run(async move {
            let mut change = buckets.begin().await?;
            let part = Part {
                number,
                size: received.size,
                etag: received.sums.etag(),
                modified: change.now,
                checksum: kept.then(|| received.sums.value()),
            };
            match change.put_part(&upload, &part, &received.flight.blob).await {
                Ok(()) => {
                    change.commit().await?;
                    drop(received.flight);
                    Ok(part)
                }
                Err(error) => {
                    drop(change);
                    buckets.give_up(received.flight).await;
                    Err(error)
                }
            }
        })
        .await
    }

    /// Puts a part from bytes of another object. Errors: as `upload_part` and `content`.
    pub async fn upload_part_copy(
        &self,
        upload: &Upload,
        number: u32,
        source: &Object,
        span: Span,
    ) -> Result<Part, Error> {
        let body = self.content(source, span).await?;
        let expected = Expected { size: Some(span.len), ..Expected::default() };
        self.upload_part(upload, number, body, expected, None).await.map_err(|error| of_source(error, source))
    }

    /// At most `max` (and 1000) of an upload's parts after number `after`, and whether more follow.
    pub async fn parts(&self, upload: &Upload, after: u32, max: usize) -> Result<(Vec<Part>, bool), Error> {
        let max = max.min(limit::PAGE_MAX);
        let query = "SELECT * FROM bucket_part WHERE upload = $1 AND number > $2 ORDER BY number LIMIT $3";
        let query = sqlx::query(query).bind(upload.seq).bind(after).bind(max as i64 + 1);
        let rows = query.fetch_all(self.inner.db.read()).await?;
        let parts = rows.iter().take(max).map(part).collect::<Result<_, _>>()?;
        Ok((parts, rows.len() > max))
    }

    /// Throws an upload and its parts away. Errors: NoSuchUpload.
    pub async fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> Result<(), Error> {
        let upload = self.upload(bucket, key, id).await?;
        let buckets = self.clone();
        Self::run(async move {
            let mut change = buckets.begin().await?;
            change.remove_upload(upload.seq, &[]).await?;
            change.commit().await
        })
        .await
    }
}

impl Change {
    /// Errors: NoSuchUpload when it was completed or aborted meanwhile.
    async fn put_part(&mut self, upload: &Upload, part: &Part, blob: &BlobId) -> Result<(), Error> {
        find(&mut *self.tx, &upload.put.bucket, &upload.put.key, &upload.id).await?;
        let replaced: Option<String> =
            sqlx::query_scalar("SELECT blob FROM bucket_part WHERE upload = $1 AND number = $2")
                .bind(upload.seq)
                .bind(part.number)
                .fetch_optional(&mut *self.tx)
                .await?;
        if let Some(replaced) = replaced {
            self.doomed.push(rows::blob(&replaced)?);
        }
        sqlx::query("INSERT OR REPLACE INTO bucket_part VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(upload.seq)
            .bind(part.number)
            .bind(blob.as_str())
            .bind(part.size as i64)
            .bind(&part.etag)
            .bind(&part.checksum)
            .bind(part.modified.millis())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Removes an upload; the blobs of its parts too, but for the parts that became an object's.
    async fn remove_upload(&mut self, upload: i64, kept: &[u32]) -> Result<(), Error> {
        let blobs: Vec<String> = sqlx::query_scalar(
            "SELECT blob FROM bucket_part WHERE upload = $1 AND number NOT IN (SELECT value FROM json_each($2))",
        )
        .bind(upload)
        .bind(rows::json(&kept))
        .fetch_all(&mut *self.tx)
        .await?;
        for blob in blobs {
            self.doomed.push(rows::blob(&blob)?);
        }
        for statement in ["DELETE FROM bucket_part WHERE upload = $1", "DELETE FROM bucket_upload WHERE seq = $1"] {
            sqlx::query(statement).bind(upload).execute(&mut *self.tx).await?;
        }
        Ok(())
    }
}
