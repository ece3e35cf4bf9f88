//! ListCompleteFiles: of the files that a sender has, those that need not be sent again,
//! `POST /intake/cloudtrail/files`.

use super::fault;
use crate::call::Call;
use crate::operation::{Access, Operation};
use cairn_intake::File;
use cairn_wire::Fault;
use serde::{Deserialize, Serialize};

pub(super) struct ListCompleteFiles;

/// At most 1,000 files.
#[derive(Deserialize)]
pub(super) struct Input {
    files: Vec<File>,
}

/// The record says how many were asked for, not which.
impl Serialize for Input {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            files: usize,
        }
        Shown { files: self.files.len() }.serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// One answer a file, in the order of the question.
    complete: Vec<bool>,
    /// A larger file is refused, so that it need not be sent.
    body_bytes_max: u64,
}

impl Operation for ListCompleteFiles {
    const NAME: &'static str = "ListCompleteFiles";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let intake = &call.engines.intake;
        let complete = intake.complete(&input.files).await.map_err(|error| fault("", &error))?;
        Ok(Output { complete, body_bytes_max: intake.body_bytes_max() })
    }
}
