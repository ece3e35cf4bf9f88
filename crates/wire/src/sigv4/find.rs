//! Reading a signature off a request.

use super::{ALGORITHM, DATE, DAY_CHARS, TERMINATOR, TOKEN};
use crate::Fault;
use cairn_event::Time;
use http::{HeaderMap, Method, Uri, header};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::time::Duration;

/// Longer names in a scope are refused; AWS's access key ids have up to 128 characters.
const NAME_CHARS_MAX: usize = 128;
/// A week, the longest that a presigned request is good for.
const EXPIRES_SECONDS_MAX: u64 = 7 * 24 * 3600;
/// How long presigned requests are good for that do not say.
const EXPIRES_SECONDS: u64 = 15 * 60;

/// What a request says of who signed it, for what and when. Nothing of it is true before
/// [`Signature::verify`] says so.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    pub access_key: String,
    pub region: String,
    pub service: String,
    pub time: Time,
    /// The session token of temporary credentials.
    pub token: Option<String>,
    /// Whether it stands in the query rather than in the `Authorization` header.
    pub presigned: bool,
    /// How long a presigned request is good for.
    pub(super) expires: Duration,
    /// The time as it was signed, `20150830T123600Z`.
    pub(super) date: String,
    pub(super) signed_headers: String,
    pub(super) mac: [u8; 32],
}

impl Signature {
    /// The day of its scope, such as `20150830`, for [`super::SigningKey::derive`].
    pub fn day(&self) -> &str {
        &self.date[..DAY_CHARS]
    }
}

/// Shows neither the token nor the signature.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access_key, region, service, date, presigned, .. } = self;
        write!(f, "Signature({access_key} {date} {region} {service}, presigned: {presigned})")
    }
}

/// The signature of a request. None when it has none; a Fault when it has one that cannot
/// be read, or two. A CORS preflight (OPTIONS) is never signed, whatever URL it asks about.
pub fn find(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Option<Signature>, Fault> {
    if method == Method::OPTIONS {
        return Ok(None);
    }
    let query = uri.query().unwrap_or_default();
    let presigned = query.contains("X-Amz-Signature=") || query.contains("X-Amz-Algorithm=");
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    match (authorizations.next(), authorizations.next(), presigned) {
        (None, _, false) => Ok(None),
        (None, _, true) => in_query(query, headers).map(Some),
        (Some(value), None, false) => {
            let value = value.to_str().map_err(|_| Fault::incomplete_signature("Authorization header is not ASCII"))?;
            in_header(value, headers).map(Some)
        }
        _ => Err(Fault::incomplete_signature(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be specified",
        )),
    }
}

/// The parts of a signature as texts, wherever they stood.
struct Parts<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
    date: String,
    token: Option<String>,
    presigned: bool,
    expires: Duration,
}

fn in_header(value: &str, headers: &HeaderMap) -> Result<Signature, Fault> {
    let (algorithm, rest) = value.trim().split_once(' ').unwrap_or((value, ""));
    known_algorithm(algorithm)?;
    let mut parameters = [None; 3];
    for parameter in rest.split(',') {
        let (name, value) = parameter.trim().split_once('=').unwrap_or_default();
        let place = match name {
            "Credential" => 0,
            "SignedHeaders" => 1,
            "Signature" => 2,
            _ => continue,
        };
        if parameters[place].replace(value).is_some() {
            return Err(Fault::incomplete_signature(format!(
                "Authorization header has more than one '{name}' parameter."
            )));
        }
    }
    let needed = |name, value: Option<_>| {
        value.ok_or_else(|| Fault::incomplete_signature(format!("Authorization header requires '{name}' parameter.")))
    };
    Parts {
        credential: needed("Credential", parameters[0])?,
        signed_headers: needed("SignedHeaders", parameters[1])?,
        signature: needed("Signature", parameters[2])?,
        date: header_date(headers)?,
        token: text(headers, TOKEN),
        presigned: false,
        expires: Duration::ZERO,
    }
    .read()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `X-Amz-Date`, or the `Date` of HTTP in its place.
fn header_date(headers: &HeaderMap) -> Result<String, Fault> {
    if let Some(date) = text(headers, DATE) {
        return Ok(date);
    }
    let date = text(headers, header::DATE.as_str()).ok_or_else(|| {
        Fault::incomplete_signature(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    match chrono::DateTime::parse_from_rfc2822(&date) {
        Ok(time) => Ok(Time(time.timestamp_millis()).compact()),
        Err(_) => Ok(date),
    }
}

fn in_query(query: &str, headers: &HeaderMap) -> Result<Signature, Fault> {
    const NAMES: [&str; 7] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
    ];
    let mut values: [Option<String>; 7] = Default::default();
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        let Some(place) = NAMES.iter().position(|known| *known == name) else { continue };
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        if values[place].replace(value).is_some() {
            return Err(Fault::incomplete_signature(format!("AWS query-string parameters must have '{name}' once.")));
        }
    }
    let [algorithm, credential, signed_headers, signature, date, expires, token] = values;
    let needed = |name, value: Option<String>| {
        value.ok_or_else(|| Fault::incomplete_signature(format!("AWS query-string parameters must include '{name}'.")))
    };
    known_algorithm(&needed(NAMES[0], algorithm)?)?;
    Parts {
        credential: &needed(NAMES[1], credential)?,
        signed_headers: &needed(NAMES[2], signed_headers)?,
        signature: &needed(NAMES[3], signature)?,
        date: needed(NAMES[4], date)?,
        token: token.or_else(|| text(headers, TOKEN)),
        presigned: true,
        expires: lifetime(expires.as_deref())?,
    }
    .read()
}

fn lifetime(expires: Option<&str>) -> Result<Duration, Fault> {
    let Some(text) = expires else { return Ok(Duration::from_secs(EXPIRES_SECONDS)) };
    let seconds = text.parse::<u64>().ok().filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        Fault::incomplete_signature(format!("X-Amz-Expires must be between 1 and {EXPIRES_SECONDS_MAX} seconds"))
    })
}

fn known_algorithm(name: &str) -> Result<(), Fault> {
    if name == ALGORITHM {
        return Ok(());
    }
    Err(Fault::incomplete_signature(format!("Unsupported AWS 'algorithm', only {ALGORITHM} is supported.")))
}

impl Parts<'_> {
    fn read(self) -> Result<Signature, Fault> {
        let scope = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.";
        let mut names = self.credential.split('/');
        let mut name = || names.next().filter(|name| is_name(name)).ok_or_else(|| Fault::incomplete_signature(scope));
        let (access_key, day, region, service, terminator) = (name()?, name()?, name()?, name()?, name()?);
        if names.next().is_some() {
            return Err(Fault::incomplete_signature(scope));
        }
        if !is_region(region) {
            return Err(Fault::invalid_signature("Credential should be scoped to a valid region."));
        }
        if terminator != TERMINATOR {
            let message = format!("Credential should be scoped with a valid terminator: '{TERMINATOR}'.");
            return Err(Fault::invalid_signature(message));
        }
        let time = compact(&self.date)?;
        if day != &self.date[..DAY_CHARS] {
            let message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.";
            return Err(Fault::invalid_signature(message));
        }
        Ok(Signature {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            time,
            token: self.token,
            presigned: self.presigned,
            expires: self.expires,
            signed_headers: header_names(self.signed_headers)?.to_owned(),
            mac: mac(self.signature)?,
            date: self.date,
        })
    }
}

/// Regions stand in ARNs and in the keys of log files.
fn is_region(name: &str) -> bool {
    name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn compact(date: &str) -> Result<Time, Fault> {
    let is_compact = date.len() == 16
        && date.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    let time = Time::parse(date).ok().filter(|_| is_compact);
    time.ok_or_else(|| Fault::incomplete_signature("Date must be in ISO-8601 'basic format'."))
}

/// Small letters, sorted, each once.
fn header_names(names: &str) -> Result<&str, Fault> {
    let small = names.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
    if small && !names.is_empty() && names.split(';').is_sorted_by(|one, next| one < next) {
        return Ok(names);
    }
    Err(Fault::invalid_signature("SignedHeaders must be names in lower case, sorted, each once."))
}

fn mac(signature: &str) -> Result<[u8; 32], Fault> {
    let mut mac = [0; 32];
    hex::decode_to_slice(signature, &mut mac).map_err(|_| Fault::invalid_signature(super::verify::MISMATCH))?;
    Ok(mac)
}
