//! Completing an upload: its parts become an object.

use super::{Complete, CompletedPart, Part, Upload, find, part};
use crate::change::Change;
use crate::content::Content;
use crate::put::{Put, Stored};
use crate::rows::Facts;
use crate::{Buckets, Checksum, Error, checksum, limit, rows};
use cairn_store::sqlx;
use std::collections::BTreeMap;

impl Complete {
    /// The parts as the caller lists them, each as it arrived. Errors: InvalidRequest, InvalidPart,
    /// InvalidPartOrder, TooSmall, TooLarge.
    fn chosen(&self, upload: &Upload, arrived: &BTreeMap<u32, Part>) -> Result<Vec<Part>, Error> {
        if self.parts.is_empty() {
            return Err(Error::InvalidRequest("an upload is completed with at least one part".to_owned()));
        }
        if !self.parts.is_sorted_by(|one, next| one.number < next.number) {
            return Err(Error::InvalidPartOrder("the parts are not listed in ascending order".to_owned()));
        }
        let chosen = self.parts.iter().map(|listed| listed.find(upload, arrived)).collect::<Result<Vec<_>, _>>()?;
        let (_, but_last) = chosen.split_last().unwrap_or((&chosen[0], &[]));
        if let Some(small) = but_last.iter().find(|part| part.size < limit::PART_BYTES_MIN) {
            let (number, size) = (small.number, small.size);
            let message =
                format!("part {number} has {size} bytes, every part but the last at least {}", limit::PART_BYTES_MIN);
            return Err(Error::TooSmall(message));
        }
        let size: u64 = chosen.iter().map(|part| part.size).sum();
        if size > limit::OBJECT_BYTES_MAX {
            return Err(Error::TooLarge(format!("an object has at most {} bytes", limit::OBJECT_BYTES_MAX)));
        }
        match self.size {
            Some(expected) if expected != size => Err(Error::InvalidRequest(format!(
                "the parts have {size} bytes, not the {expected} that were announced"
            ))),
            _ => Ok(chosen),
        }
    }

    /// The object's checksum, when every part has one. Errors: BadDigest.
    fn checksum(&self, upload: &Upload, parts: &[Part]) -> Result<Option<Checksum>, Error> {
        let values: Option<Vec<(&str, u64)>> =
            parts.iter().map(|part| part.checksum.as_deref().map(|checksum| (checksum, part.size))).collect();
        let (algorithm, kind) = (upload.checksum_algorithm(), upload.checksum_kind());
        let found = values.map(|values| checksum::of_parts(algorithm, kind, values.into_iter())).transpose()?;
        if let Some((algorithm, expected)) = &self.checksum {
            let same = found.as_ref().is_some_and(|found| {
                // A composite one may be given without its count.
                found.algorithm == *algorithm && found.value.split('-').next() == expected.split('-').next()
            });
            if !same {
                let name = algorithm.name();
                return Err(Error::BadDigest(format!("the {name} that was given is not that of the object")));
            }
        }
        Ok(found)
    }
}

impl CompletedPart {
    fn find(&self, upload: &Upload, arrived: &BTreeMap<u32, Part>) -> Result<Part, Error> {
        let same = |part: &&Part| {
            let checksum = self.checksum.as_ref();
            part.etag == self.etag
                && checksum.is_none_or(|(algorithm, value)| {
                    *algorithm == upload.checksum_algorithm() && part.checksum.as_ref() == Some(value)
                })
        };
        let found = arrived.get(&self.number).filter(same).cloned();
        found.ok_or_else(|| {
            let number = self.number;
            Error::InvalidPart(format!("part {number} was not found, or its etag or checksum is not what was listed"))
        })
    }
}

impl Buckets {
    /// Makes the object. Nothing is copied. Completing again what was just completed gives NoSuchUpload.
    /// Errors: NoSuchUpload, InvalidPart, InvalidPartOrder, TooSmall, BadDigest, PreconditionFailed.
    pub async fn complete_upload(&self, complete: Complete) -> Result<Stored, Error> {
        self.bucket(&complete.bucket)?;
        let buckets = self.clone();
        Self::run(async move {
            let mut change = buckets.begin().await?;
            let stored = buckets.complete_in(&mut change, complete).await?;
            change.commit().await?;
            Ok(stored)
        })
        .await
    }

    async fn complete_in(&self, change: &mut Change, complete: Complete) -> Result<Stored, Error> {
        let upload = find(&mut *change.tx, &complete.bucket, &complete.key, &complete.id).await?;
        let rows = sqlx::query("SELECT * FROM bucket_part WHERE upload = $1")
            .bind(upload.seq)
            .fetch_all(&mut *change.tx)
            .await?;
        let arrived = rows.iter().map(|row| part(row).map(|part| (part.number, part))).collect::<Result<_, _>>()?;
        let parts = complete.chosen(&upload, &arrived)?;
        let facts = Facts {
            size: parts.iter().map(|part| part.size).sum(),
            etag: checksum::etag_of_parts(parts.iter().map(|part| part.etag.as_str()))?,
            headers: upload.put.headers.clone(),
            metadata: upload.put.metadata.clone(),
            checksum: complete.checksum(&upload, &parts)?,
            sse: upload.sse.clone(),
        };
        let content = Content { data_key: upload.data_key.clone(), blob: None };
        let mut put = Put { condition: complete.condition, ..upload.put.clone() };
        // A retention that has run out since the upload was begun gives way to the bucket's default.
        put.retention = put.retention.filter(|retention| retention.until > change.now);
        let (version, stored) = self.store(change, &put, facts, content).await?;
        let numbers: Vec<u32> = parts.iter().map(|part| part.number).collect();
        sqlx::query(
            "INSERT INTO bucket_piece SELECT $1, number, blob, size, checksum FROM bucket_part
             WHERE upload = $2 AND number IN (SELECT value FROM json_each($3))",
        )
        .bind(version)
        .bind(upload.seq)
        .bind(rows::json(&numbers))
        .execute(&mut *change.tx)
        .await?;
        change.remove_upload(upload.seq, &numbers).await?;
        Ok(stored)
    }
}
