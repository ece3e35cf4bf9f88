//! A client of the house, for the commands that need one.
//!
//! [`Client::open`] works on a data directory whether or not a server runs there: it asks
//! the server that holds the directory, or opens the house in this process on a port of
//! its own. Either way every call goes through the door, signed with the root key.

use crate::config::Config;
use crate::data_dir;
use crate::house;
use crate::serve::{self, Running};
use bytes::Bytes;
use cairn_wire::Secret;
use cairn_wire::sigv4::{self, Credentials};
use cairn_world::World;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A server that is just starting holds the lock before it answers: so often and so long it is waited for.
const WAITS_MAX: u32 = 50;
const WAIT: Duration = Duration::from_millis(100);

/// What the house answered.
pub type Response = (StatusCode, HeaderMap, Bytes);

/// Calls the house.
pub struct Client {
    world: World,
    /// `http://host:port`
    pub url: String,
    pub region: String,
    pub account: String,
    pub credentials: Credentials,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    own: Option<Running>,
}

impl Client {
    /// Finds or opens the house of a data directory that exists.
    pub async fn open(data_dir: &Path) -> Result<Self, String> {
        let world = World::system();
        if data_dir::read_about(&world, data_dir).map_err(|error| error.to_string())?.is_none() {
            return Err(format!(
                "{} is not a data directory; `cairn serve --data-dir {0}` makes one",
                data_dir.display()
            ));
        }
        let config = config(&world, data_dir)?;
        for _ in 0..WAITS_MAX {
            match serve::start(&world, &config, false).await {
                Ok(running) => {
                    let url = running.url.clone();
                    return Self::to(world, data_dir, url, Some(running));
                }
                // Whoever holds the directory wrote the endpoint; without a holder it is a crash's.
                Err(house::Error::Locked(_)) => match answering(&world, data_dir).await {
                    Some(url) => return Self::to(world, data_dir, url, None),
                    None => world.clock.sleep(WAIT).await,
                },
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(format!("another cairn holds {} but does not answer", data_dir.display()))
    }

    fn to(world: World, data_dir: &Path, url: String, own: Option<Running>) -> Result<Self, String> {
        let about = data_dir::read_about(&world, data_dir).map_err(|error| error.to_string())?;
        let about = about.ok_or("the data directory has just been removed")?;
        let credentials = read_credentials(&world, data_dir)?;
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { world, url, region: about.region, account: about.account, credentials, http, own })
    }

    /// One call of the house's own API, signed for `cairn`.
    pub async fn call(
        &self,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, String> {
        self.signed(&self.credentials, "cairn", method, path_and_query, headers, body).await
    }

    /// One S3 call; an error answer becomes an error.
    pub async fn s3(&self, method: Method, path_and_query: &str, body: Bytes) -> Result<(HeaderMap, Bytes), String> {
        let answer = self.signed(&self.credentials, "s3", method, path_and_query, HeaderMap::new(), body).await?;
        succeeded(path_and_query, answer)
    }

    /// One call of a Query service: the XML of its answer.
    pub async fn query(&self, service: &str, form: &str) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = Bytes::from(form.to_owned());
        let answer = self.signed(&self.credentials, service, Method::POST, "/", headers, body).await?;
        let (_, body) = succeeded(form, answer)?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// One call of a JSON service; an error answer becomes an error with its code.
    pub async fn json(&self, service: &str, target: &str, input: &Value) -> Result<Value, String> {
        self.json_as(&self.credentials, service, target, input).await
    }

    /// The same with another access key.
    pub async fn json_as(
        &self,
        credentials: &Credentials,
        service: &str,
        target: &str,
        input: &Value,
    ) -> Result<Value, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        headers.insert("x-amz-target", HeaderValue::from_str(target).map_err(|error| error.to_string())?);
        let body = Bytes::from(input.to_string());
        let (status, _, body) = self.signed(credentials, service, Method::POST, "/", headers, body).await?;
        let answer: Value = serde_json::from_slice(&body).map_err(|error| format!("{target}: {error}"))?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(format!("{target}: {}: {}", text_of(&answer, "__type"), text_of(&answer, "message")))
    }

    /// One call, signed with these credentials for this service.
    pub async fn signed(
        &self,
        credentials: &Credentials,
        service: &str,
        method: Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, String> {
        let uri: Uri =
            format!("{}{path_and_query}", self.url).parse().map_err(|error| format!("{path_and_query}: {error}"))?;
        let mut request = Request::builder().method(method).uri(uri).body(()).map_err(|error| error.to_string())?;
        *request.headers_mut() = headers;
        let (mut parts, ()) = request.into_parts();
        parts
            .headers
            .insert(http::header::USER_AGENT, HeaderValue::from_static(concat!("cairn/", env!("CARGO_PKG_VERSION"))));
        sigv4::sign(&mut parts, &body, credentials, &self.region, service, self.world.now())
            .map_err(|error| error.to_string())?;
        let request = Request::from_parts(parts, Full::new(body));
        let response = self.http.request(request).await.map_err(|error| format!("{}: {error}", self.url))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| format!("{}: {error}", self.url))?.to_bytes();
        Ok((parts.status, parts.headers, body))
    }

    /// Ends a house that was opened for this client.
    pub async fn close(self) {
        if let Some(running) = self.own {
            running.stop().await;
        }
    }
}

fn succeeded(call: &str, (status, headers, body): Response) -> Result<(HeaderMap, Bytes), String> {
    if status.is_success() {
        return Ok((headers, body));
    }
    Err(format!("{call}: {status}: {}", String::from_utf8_lossy(&body)))
}

fn text_of<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The configuration that a server here would have, but for the port, and nothing is dropped
/// from the journal: that is for the server to do.
fn config(world: &World, data_dir: &Path) -> Result<Config, String> {
    let flags = [("data_dir", Some(data_dir.display().to_string())), ("listen", Some("127.0.0.1:0".to_owned()))];
    let file = std::env::var_os("CAIRN_CONFIG").map(PathBuf::from);
    let mut config = Config::read(world, file.as_deref(), &flags)?;
    config.journal.bytes_max = u64::MAX;
    config.journal.age_max = Duration::MAX;
    Ok(config)
}

/// The URL of a server of this directory, if one answers there.
async fn answering(world: &World, data_dir: &Path) -> Option<String> {
    let text = String::from_utf8(world.disk.read(&data_dir.join("endpoint")).ok()?).ok()?;
    let url = text.trim();
    let address = url.strip_prefix("http://")?;
    tokio::net::TcpStream::connect(address).await.ok()?;
    Some(url.to_owned())
}

fn read_credentials(world: &World, data_dir: &Path) -> Result<Credentials, String> {
    let path = data_dir.join("aws/credentials");
    let failed = |reason: String| format!("{}: {reason}", path.display());
    let bytes = world.disk.read(&path).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once('=')?.1.trim().to_owned())
    };
    let (access_key, secret) = value("aws_access_key_id")
        .zip(value("aws_secret_access_key"))
        .ok_or_else(|| failed("it has no access key".to_owned()))?;
    Ok(Credentials { access_key, secret: Secret(secret), token: None })
}
