//! CloudTrail and S3 as a command reaches them: a house that it opened, or what the
//! environment and the shared files name (see [`elsewhere`]).

use super::elsewhere::{self, Direct};
use crate::client::Client;
use bytes::Bytes;
use cairn_trail::verify::Source;
use cairn_wire::Secret;
use cairn_wire::sigv4::{self, Credentials};
use cairn_world::World;
use http::{HeaderValue, Method, Request, header};
use object_store::ClientOptions;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};
use object_store::client::{HttpClient, HttpConnector};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// For one request, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// No bucket has this name; what reaches buckets is asked for who signs.
const NO_BUCKET: &str = "-";

/// Where requests go, and who signs them.
pub struct Aws {
    world: World,
    direct: Direct,
    http: HttpClient,
    place: Place,
}

enum Place {
    House { url: String, region: String, credentials: Credentials },
    Environment,
}

impl Aws {
    /// The house of `client`, or without one what the environment names.
    pub fn new(world: &World, house: Option<&Client>) -> Result<Self, String> {
        // Whether plain HTTP is meant, the endpoint's URL has said.
        let options = ClientOptions::new().with_allow_http(true).with_timeout(REQUEST_TIMEOUT);
        let direct = Direct::new(world);
        let http = direct.connect(&options).map_err(|error| error.to_string())?;
        let place = match house {
            None => Place::Environment,
            Some(Client { url, region, credentials, .. }) => {
                Place::House { url: url.clone(), region: region.clone(), credentials: credentials.clone() }
            }
        };
        Ok(Self { world: world.clone(), direct, http, place })
    }

    /// An archive in a bucket, or below a folder of it.
    pub fn archive(&self, name: &str, prefix: &str) -> Result<Arc<dyn Source>, String> {
        elsewhere::archive(&self.world, &self.direct, self.builder(name), name, prefix)
    }

    fn builder(&self, bucket: &str) -> AmazonS3Builder {
        let Place::House { url, region, credentials } = &self.place else {
            return elsewhere::builder(&self.world, bucket);
        };
        AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_http_connector(self.direct.clone())
            .with_endpoint(url)
            .with_allow_http(true)
            .with_virtual_hosted_style_request(false)
            .with_region(region)
            .with_access_key_id(&credentials.access_key)
            .with_secret_access_key(credentials.secret.expose())
    }

    /// One call of CloudTrail in a region; an error answer becomes an error with its code.
    pub async fn cloudtrail(&self, region: &str, operation: &str, input: &Value) -> Result<Vec<u8>, String> {
        let (url, credentials) = self.signer(region).await.map_err(|reason| format!("{operation}: {reason}"))?;
        let failed = |reason: String| format!("{operation} at {url}: {reason}");
        let body = Bytes::from(input.to_string());
        let target = format!("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.{operation}");
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", url.trim_end_matches('/')))
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"))
            .header("x-amz-target", target)
            .body(());
        let (mut parts, ()) = request.map_err(|error| failed(error.to_string()))?.into_parts();
        sigv4::sign(&mut parts, &body, &credentials, region, "cloudtrail", self.world.now())
            .map_err(|error| failed(error.to_string()))?;
        let answer = self.http.execute(Request::from_parts(parts, body.into())).await;
        let answer = answer.map_err(|error| failed(with_causes(&error)))?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(|error| failed(with_causes(&error)))?;
        if status.is_success() { Ok(body.to_vec()) } else { Err(failed(error_of(status, &body))) }
    }

    /// Where CloudTrail is, and who asks it.
    async fn signer(&self, region: &str) -> Result<(String, Credentials), String> {
        if let Place::House { url, credentials, .. } = &self.place {
            return Ok((url.clone(), credentials.clone()));
        }
        let builder = elsewhere::builder(&self.world, NO_BUCKET);
        let own = std::env::var("AWS_ENDPOINT_URL_CLOUDTRAIL").ok().filter(|url| !url.is_empty());
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let url = own.or_else(|| builder.get_config_value(&Key::Endpoint));
        let url = url.unwrap_or_else(|| format!("https://cloudtrail.{region}.{domain}"));
        let client = builder.build().map_err(|error| error.to_string())?;
        let found = client.credentials().get_credential().await;
        let found = found.map_err(|error| format!("there are no credentials to ask with: {}", with_causes(&error)))?;
        let credentials = Credentials {
            access_key: found.key_id.clone(),
            secret: Secret(found.secret_key.clone()),
            token: found.token.clone(),
        };
        Ok((url, credentials))
    }
}

/// The code and message of an error answer.
fn error_of(status: http::StatusCode, body: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let message = text("message").or_else(|| text("Message")).unwrap_or_default();
    match text("__type") {
        Some(code) => format!("{}: {message}", code.rsplit('#').next().unwrap_or(code)),
        None => format!("the answer is {status}"),
    }
}

/// An error with what caused it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}
