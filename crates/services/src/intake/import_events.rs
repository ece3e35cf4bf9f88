//! ImportEvents: takes one CloudTrail log file in, `POST /intake/cloudtrail`.
//!
//! The body is the file as AWS wrote it, JSON or gzip (told by its first bytes). The
//! file's name stands in `x-cairn-file-name` or the query's `name`. With a version, in
//! `x-cairn-file-version` or the query's `version`, a file of which nothing was rejected
//! is remembered for ListCompleteFiles. The answer is the report; it is sent when all
//! that it counts as taken is durable.

use super::fault;
use crate::call::Call;
use crate::operation::{Access, Body, Done, Erased, Prepared};
use bytes::Bytes;
use cairn_event::Category;
use cairn_intake::{File, Intake, Report};
use cairn_wire::{Fault, Protocol, json, query, record};
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use serde::Serialize;

const NAME_BYTES_MAX: usize = 4096;
const VERSION_BYTES_MAX: usize = 256;

pub(super) struct ImportEvents;

/// What is recorded of the input.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    file_name: String,
    file_version: Option<String>,
    body_bytes: u64,
}

#[async_trait::async_trait]
impl Erased for ImportEvents {
    fn name(&self) -> &'static str {
        "ImportEvents"
    }

    fn access(&self) -> Access {
        Access::Write
    }

    fn category(&self) -> Category {
        Category::Management
    }

    fn authorized(&self) -> bool {
        true
    }

    async fn prepare<'a>(&self, call: &'a Call<'a>, _: &'a Protocol, body: Body<'a>) -> Result<Prepared<'a>, Fault> {
        let Body::Raw(parts, body) = body else {
            return Err(Fault::serialization("the body is to be a log file"));
        };
        let input = read(parts, body)?;
        let body = body.clone();
        Ok(Prepared {
            targets: Vec::new(),
            parameters: record::value(&input),
            run: Box::pin(async move { run(&call.engines.intake, &input, body).await }),
        })
    }
}

fn read(parts: &Parts, body: &Bytes) -> Result<Input, Fault> {
    let form = query::Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?;
    let given = |header: &str, member: &str, bytes_max: usize| {
        let text = match parts.headers.get(header) {
            Some(value) => Some(
                std::str::from_utf8(value.as_bytes())
                    .map_err(|_| Fault::validation(format!("{header} is not UTF-8")))?,
            ),
            None => form.get(member),
        };
        match text {
            Some(text) if text.len() > bytes_max => {
                Err(Fault::validation(format!("the file's {member} is longer than {bytes_max} bytes")))
            }
            text => Ok(text.map(str::to_owned)),
        }
    };
    let input = Input {
        file_name: given("x-cairn-file-name", "name", NAME_BYTES_MAX)?.unwrap_or_default(),
        file_version: given("x-cairn-file-version", "version", VERSION_BYTES_MAX)?,
        body_bytes: body.len() as u64,
    };
    check_encoding(parts, body)?;
    Ok(input)
}

/// A gzip file is known by its first bytes, so that the header can only contradict it.
fn check_encoding(parts: &Parts, body: &Bytes) -> Result<(), Fault> {
    let Some(encoding) = parts.headers.get(CONTENT_ENCODING) else { return Ok(()) };
    match encoding.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(()),
        "gzip" | "x-gzip" if body.starts_with(&[0x1f, 0x8b]) => Ok(()),
        "gzip" | "x-gzip" => Err(Fault::validation("the body is said to be gzip and does not begin as gzip does")),
        other => Err(Fault::new(
            "UnsupportedMediaType",
            415,
            format!("content encoding {other:?} is not supported; send gzip or plain JSON"),
        )),
    }
}

async fn run(intake: &Intake, input: &Input, body: Bytes) -> Result<Done, Fault> {
    let name = &input.file_name;
    let report = intake.take(name, body).await.map_err(|error| fault(name, &error))?;
    if let Some(version) = input.file_version.as_ref().filter(|_| report.rejected == 0) {
        intake.note_complete(&File { name: name.clone(), version: version.clone() }).await;
    }
    let bytes = json::encode(&report);
    // The record counts; what was wrong with each rejected one is for the caller.
    let counts = Report { rejections: Vec::new(), ..report };
    Ok(Done { bytes, response: record::value(&counts) })
}
