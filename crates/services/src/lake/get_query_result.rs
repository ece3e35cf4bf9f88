//! GetQueryResultFile: a whole result, as the Parquet file that it is, piece by piece.

use crate::call::Call;
use crate::cloudtrail::query;
use crate::operation::{Access, Operation, Target};
use cairn_wire::{Blob, Fault};
use serde::{Deserialize, Serialize};

pub(crate) struct GetQueryResultFile;

/// Of one answer.
const PIECE_BYTES: usize = 8 << 20;

#[derive(Deserialize, Serialize)]
pub(crate) struct Input {
    id: String,
    offset: u64,
}

#[derive(Serialize)]
pub(crate) struct Output {
    /// Empty at the end of the file.
    piece: Blob,
}

impl Operation for GetQueryResultFile {
    const NAME: &'static str = "GetQueryResultFile";
    const ACCESS: Access = Access::Read;
    type Input = Input;
    type Output = Output;

    async fn targets(call: &Call<'_>, input: &Input) -> Result<Vec<Target>, Fault> {
        Ok(query::targets(call, &query::find(call, &input.id).await?.sources, None))
    }

    async fn call(call: &Call<'_>, input: Input) -> Result<Output, Fault> {
        let entry = query::find(call, &input.id).await?;
        let piece = call.engines.lake.queries.bytes(&entry, input.offset, PIECE_BYTES).await;
        Ok(Output { piece: Blob(piece.map_err(query::fault)?) })
    }
}
