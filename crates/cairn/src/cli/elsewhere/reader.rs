//! An archive in a bucket that is reached over plain HTTP, read with no more work than it takes.
//!
//! What [`object_store`] does for every kind of store costs more than a small log file itself: this asks
//! for whole objects and listings, signs with a key that is kept for the day, and nothing else.
//!
//! Limits: a listing's page and an error's text of [`TEXT_BYTES_MAX`]; [`TRIES_MAX`] tries for what may
//! succeed later.

mod listing;

use super::direct::{AGENT, Failure, Lines};
use bytes::Bytes;
use cairn_trail::verify::{Error, Object, Source, Unread};
use cairn_wire::Secret;
use cairn_wire::sigv4::{self, Credentials, SigningKey};
use cairn_world::World;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use http::uri::Authority;
use http::{HeaderMap, Request, StatusCode, header};
use listing::Page;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key, AwsCredentialProvider};
use object_store::client::HttpRequestBody;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const TEXT_BYTES_MAX: u64 = 8 << 20;
const TRIES_MAX: u32 = 6;
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const S3: &str = "s3";
const OWN: &str = "x-amz-meta-";
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// A bucket, or what is below a folder of it. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    inner: Arc<Inner>,
}

struct Inner {
    world: World,
    lines: Arc<Lines>,
    host: Authority,
    /// Of the bucket, with the slash before it.
    path: String,
    bucket: String,
    /// Empty, or ending in `/`.
    top: String,
    region: String,
    who: Who,
    /// The one made last, and for which access key and day.
    key: Mutex<Option<(String, String, SigningKey)>>,
}

/// Who signs.
enum Who {
    Nobody,
    One(Credentials),
    /// Whoever it is at the time: keys that expire.
    Asked(AwsCredentialProvider),
}

/// What came, of a request that was answered.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reader {
    /// None for a bucket that has to be reached in another way. `prefix` is a folder.
    pub(super) fn of(
        world: &World,
        lines: Arc<Lines>,
        builder: AmazonS3Builder,
        bucket: &str,
        prefix: &str,
    ) -> Result<Option<Self>, String> {
        let value = |key: Key| builder.get_config_value(&key);
        let is_set = |key: Key| value(key).is_some_and(|value| value == "true");
        let Some(url) = value(Key::S3Endpoint).or_else(|| value(Key::Endpoint)) else { return Ok(None) };
        let Some((host, base)) = place(&url) else { return Ok(None) };
        if super::direct::has_proxy()
            || [Key::VirtualHostedStyleRequest, Key::S3Express, Key::RequestPayer].into_iter().any(is_set)
        {
            return Ok(None);
        }
        let region = value(Key::Region).unwrap_or_else(|| "us-east-1".to_owned());
        let who = if is_set(Key::SkipSignature) {
            Who::Nobody
        } else if let (Some(access_key), Some(secret)) = (value(Key::AccessKeyId), value(Key::SecretAccessKey)) {
            Who::One(Credentials { access_key, secret: Secret(secret), token: value(Key::Token) })
        } else {
            let store = builder.build().map_err(|error| error.to_string())?;
            Who::Asked(store.credentials().clone())
        };
        let prefix = prefix.trim_matches('/');
        let top = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let path = format!("{base}/{}", utf8_percent_encode(bucket, PATH));
        let (world, bucket) = (world.clone(), bucket.to_owned());
        let inner = Inner { world, lines, host, path, bucket, top, region, who, key: Mutex::default() };
        Ok(Some(Self { inner: Arc::new(inner) }))
    }
}

/// The host of an endpoint that speaks plain HTTP, and the path before its buckets.
fn place(url: &str) -> Option<(Authority, String)> {
    let rest = url.strip_prefix("http://")?;
    let (host, base) = rest.split_once('/').map_or((rest, ""), |(host, base)| (host, base.trim_end_matches('/')));
    let host: Authority = host.parse().ok().filter(|host: &Authority| !host.as_str().contains('@'))?;
    (!base.contains(['?', '#'])).then(|| (host, if base.is_empty() { String::new() } else { format!("/{base}") }))
}

impl Inner {
    /// Asks until there is an answer that asking again would not change.
    async fn ask(&self, target: &str, bytes_max: u64) -> Result<Answer, String> {
        let mut pause = PAUSE_FIRST;
        for attempt in 1.. {
            let result = self.once(target, bytes_max).await;
            let is_final = match &result {
                Ok(answer) => !answer.status.is_server_error() && answer.status != StatusCode::TOO_MANY_REQUESTS,
                Err(failure) => !failure.may_pass(),
            };
            if is_final || attempt == TRIES_MAX {
                return result.map_err(|failure| format!("{}: {failure}", self.host));
            }
            self.world.clock.sleep(pause).await;
            pause *= 2;
        }
        unreachable!("the last try ends the loop")
    }

    async fn once(&self, target: &str, bytes_max: u64) -> Result<Answer, Failure> {
        let request = self.request(target).await.map_err(Failure::Other)?;
        let (head, body) = self.lines.read(&self.host, request, bytes_max.max(TEXT_BYTES_MAX)).await?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn request(&self, target: &str) -> Result<Request<HttpRequestBody>, String> {
        let request = Request::get(format!("{}{target}", self.path))
            .header(header::HOST, self.host.as_str())
            .header(header::USER_AGENT, AGENT)
            .body(HttpRequestBody::empty())
            .map_err(|error| error.to_string())?;
        let (mut parts, body) = request.into_parts();
        match &self.who {
            Who::Nobody => {}
            Who::One(credentials) => self.sign(&mut parts, credentials)?,
            Who::Asked(provider) => {
                let found = provider.get_credential().await.map_err(|error| error.to_string())?;
                let credentials = Credentials {
                    access_key: found.key_id.clone(),
                    secret: Secret(found.secret_key.clone()),
                    token: found.token.clone(),
                };
                self.sign(&mut parts, &credentials)?;
            }
        }
        Ok(Request::from_parts(parts, body))
    }

    fn sign(&self, parts: &mut http::request::Parts, credentials: &Credentials) -> Result<(), String> {
        let now = self.world.now();
        let key = self.key(credentials, &now.compact()[..8]);
        sigv4::sign_with(&key, parts, b"", credentials, &self.region, S3, now).map_err(|error| error.to_string())
    }

    fn key(&self, credentials: &Credentials, day: &str) -> SigningKey {
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((access_key, of, key)) = &*kept
            && *access_key == credentials.access_key
            && of == day
        {
            return key.clone();
        }
        let key = SigningKey::derive(credentials.secret.expose(), day, &self.region, S3);
        *kept = Some((credentials.access_key.clone(), day.to_owned(), key.clone()));
        key
    }

    /// One page of what is below a folder.
    async fn page(&self, folder: &str, delimiter: &str, after: Option<&str>) -> Result<Page, Error> {
        let text = |value: &str| utf8_percent_encode(value, QUERY).to_string();
        let mut target = format!("?encoding-type=url&list-type=2&prefix={}", text(folder));
        for (name, value) in [("delimiter", Some(delimiter)), ("continuation-token", after)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                target = format!("{target}&{name}={}", text(value));
            }
        }
        let failed = |reason: String| Error::Unavailable(format!("s3://{}/{folder}: {reason}", self.bucket));
        let answer = self.ask(&target, TEXT_BYTES_MAX).await.map_err(failed)?;
        if !answer.status.is_success() {
            return Err(failed(answer.refusal()));
        }
        Page::parse(&answer.body).map_err(failed)
    }
}

impl Answer {
    /// In S3's own words, where it has some.
    fn refusal(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        super::words(&text).unwrap_or_else(|| format!("the answer is {}", self.status))
    }

    fn own(&self) -> BTreeMap<String, String> {
        let named = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(OWN)?;
            Some((name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        });
        named.collect()
    }
}

#[async_trait::async_trait]
impl Source for Reader {
    fn name(&self) -> String {
        format!("s3://{}/{}", self.inner.bucket, self.inner.top)
    }

    fn bucket(&self) -> Option<&str> {
        Some(&self.inner.bucket)
    }

    fn top(&self) -> String {
        self.inner.top.clone()
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, Error> {
        let pages: Vec<Page> = pages(&self.inner, folder, "/").try_collect().await?;
        Ok(pages.into_iter().flat_map(|page| page.folders).collect())
    }

    fn keys(&self, folder: &str) -> BoxStream<'static, Result<String, Error>> {
        let pages = pages(&self.inner, folder, "");
        pages.map_ok(|page| stream::iter(page.keys.into_iter().map(Ok))).try_flatten().boxed()
    }

    async fn get(&self, key: &str, bytes_max: u64) -> Result<Object, Unread> {
        let answer = self.inner.ask(&format!("/{}", utf8_percent_encode(key, PATH)), bytes_max).await;
        let answer = answer.map_err(Unread::Failed)?;
        match answer.status {
            StatusCode::OK if answer.body.len() as u64 > bytes_max => {
                let reason = format!("it has {} bytes, more than the {bytes_max} that are read", answer.body.len());
                Err(Unread::Failed(reason))
            }
            StatusCode::OK => Ok(Object { metadata: Some(answer.own()), bytes: answer.body }),
            StatusCode::NOT_FOUND => Err(Unread::Missing),
            _ => Err(Unread::Failed(answer.refusal())),
        }
    }
}

fn pages(inner: &Arc<Inner>, folder: &str, delimiter: &'static str) -> BoxStream<'static, Result<Page, Error>> {
    let (inner, folder) = (inner.clone(), folder.to_owned());
    // None: nothing more; otherwise where to go on.
    let begin = Some(None::<String>);
    stream::try_unfold(begin, move |after| {
        let (inner, folder) = (inner.clone(), folder.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let page = inner.page(&folder, delimiter, after.as_deref()).await?;
            let next = page.next.clone().map(Some);
            Ok(Some((page, next)))
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests;
