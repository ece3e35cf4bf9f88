//! Signatures against the examples that AWS publishes: "Authenticating requests" of the S3 API
//! reference (the object and bucket examples) and "Signature Version 4 signing process" of the IAM
//! user guide (ListUsers and the plainest request of the test suite).
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped has failed the test")]

use cairn_event::Time;
use cairn_wire::sigv4::{Credentials, find, sign};
use cairn_wire::{Fault, Secret};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use std::time::Duration;

const S3_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const S3_SCOPE: &str = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Example {
    secret: &'static str,
    request: &'static str,
    headers: &'static [(&'static str, &'static str)],
    scope: &'static str,
    signature: &'static str,
    body: &'static [u8],
    date: &'static str,
}

const EXAMPLES: [Example; 6] = [
    Example {
        secret: S3_SECRET,
        request: "GET /test.txt",
        headers: &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
        ],
        scope: S3_SCOPE,
        signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        body: b"",
        date: "2013-05-24T00:00:00Z",
    },
    Example {
        secret: S3_SECRET,
        request: "PUT /test%24file.text",
        headers: &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
        scope: S3_SCOPE,
        signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        body: b"Welcome to Amazon S3.",
        date: "2013-05-24T00:00:00Z",
    },
    Example {
        secret: S3_SECRET,
        request: "GET /?lifecycle",
        headers: &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
        ],
        scope: S3_SCOPE,
        signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        body: b"",
        date: "2013-05-24T00:00:00Z",
    },
    Example {
        secret: S3_SECRET,
        request: "GET /?max-keys=2&prefix=J",
        headers: &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
        ],
        scope: S3_SCOPE,
        signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        body: b"",
        date: "2013-05-24T00:00:00Z",
    },
    Example {
        secret: SECRET,
        request: "GET /?Action=ListUsers&Version=2010-05-08",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        scope: "AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request",
        signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        body: b"",
        date: "2015-08-30T12:36:00Z",
    },
    Example {
        secret: SECRET,
        request: "GET /",
        headers: &[("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
        scope: "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        body: b"",
        date: "2015-08-30T12:36:00Z",
    },
];

impl Example {
    fn parts(&self) -> Parts {
        let (method, uri) = self.request.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        let (scope, names, signature) = (self.scope, names.join(";"), self.signature);
        let authorization = format!("AWS4-HMAC-SHA256 Credential={scope},SignedHeaders={names},Signature={signature}");
        request.header("authorization", authorization).body(()).unwrap().into_parts().0
    }

    fn now(&self) -> Time {
        Time::parse(self.date).unwrap()
    }

    fn verify(&self, parts: &Parts, body: &[u8], now: Time) -> Result<(), Fault> {
        let signature = find(&parts.method, &parts.uri, &parts.headers)?.expect("the example is signed");
        signature.verify(self.secret, &parts.method, &parts.uri, &parts.headers, body, now)
    }
}

#[test]
fn the_published_examples_hold() {
    for example in EXAMPLES {
        let parts = example.parts();
        example
            .verify(&parts, example.body, example.now())
            .unwrap_or_else(|fault| panic!("{}: {fault}", example.request));
    }
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    for example in EXAMPLES {
        let (parts, now) = (example.parts(), example.now());
        let check = |what: &str, parts: &Parts, body: &[u8], now: Time| {
            assert!(example.verify(parts, body, now).is_err(), "{}: {what}", example.request);
        };
        check("another body", &parts, b"changed", now);
        check("too late", &parts, example.body, now + Duration::from_mins(16));
        check("too early", &parts, example.body, now - Duration::from_mins(16));
        let mut other = parts.clone();
        other.method = http::Method::DELETE;
        check("another method", &other, example.body, now);
        let mut other = parts.clone();
        other.uri = "/else".parse().unwrap();
        check("another path", &other, example.body, now);
        let mut other = parts.clone();
        other.headers.insert("host", HeaderValue::from_static("evil.example.com"));
        check("another host", &other, example.body, now);
        let mut other = parts.clone();
        other.headers.insert("x-amz-acl", HeaderValue::from_static("public-read"));
        check("an x-amz header that is not signed", &other, example.body, now);
    }
}

#[test]
fn clocks_may_be_a_quarter_of_an_hour_apart() {
    let example = &EXAMPLES[5];
    for minutes in [0, 14] {
        example.verify(&example.parts(), b"", example.now() + Duration::from_mins(minutes)).unwrap();
        example.verify(&example.parts(), b"", example.now() - Duration::from_mins(minutes)).unwrap();
    }
}

#[test]
fn the_published_presigned_url_holds_for_its_day() {
    let url = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let (parts, ()) = Request::get(url).header("host", "examplebucket.s3.amazonaws.com").body(()).unwrap().into_parts();
    let signature = find(&parts.method, &parts.uri, &parts.headers).unwrap().unwrap();
    assert!(signature.presigned);
    let signed = Time::parse("2013-05-24T00:00:00Z").unwrap();
    let verify = |now| signature.verify(S3_SECRET, &parts.method, &parts.uri, &parts.headers, b"", now);
    verify(signed).unwrap();
    verify(signed + Duration::from_hours(24)).unwrap();
    assert!(verify(signed + Duration::from_hours(25)).is_err());
    assert!(verify(signed - Duration::from_mins(16)).is_err());
}

#[test]
fn what_is_signed_here_is_believed_here() {
    let credentials =
        Credentials { access_key: "AKIDEXAMPLE".into(), secret: Secret::from(SECRET), token: Some("a token".into()) };
    let now = Time::parse("2026-11-25T12:00:00Z").unwrap();
    for (service, uri) in
        [("cloudtrail", "http://127.0.0.1:1/"), ("s3", "http://127.0.0.1:1/b/k%20y?list-type=2&prefix=a%2Fb")]
    {
        let (mut parts, ()) = Request::post(uri).body(()).unwrap().into_parts();
        parts.headers.insert(HeaderName::from_static("x-amz-target"), HeaderValue::from_static("A.B"));
        sign(&mut parts, b"body", &credentials, "eu-west-1", service, now).unwrap();
        let signature = find(&parts.method, &parts.uri, &parts.headers).unwrap().unwrap();
        assert_eq!((signature.service.as_str(), signature.token.as_deref()), (service, Some("a token")));
        signature.verify(SECRET, &parts.method, &parts.uri, &parts.headers, b"body", now).unwrap();
        assert!(signature.verify(S3_SECRET, &parts.method, &parts.uri, &parts.headers, b"body", now).is_err());
    }
}

#[test]
fn what_is_no_signature_is_refused_in_the_words_of_aws() {
    for (authorization, code) in [
        ("AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/iam/aws4_request", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=AKID, SignedHeaders=host, Signature=00", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256", "IncompleteSignatureException"),
    ] {
        let request = Request::post("/").header("host", "h").header("x-amz-date", "20150830T123600Z");
        let (parts, ()) = request.header("authorization", authorization).body(()).unwrap().into_parts();
        let fault = find(&parts.method, &parts.uri, &parts.headers).expect_err(authorization);
        assert_eq!(fault.code, code, "{authorization}");
    }
    let (parts, ()) = Request::post("/").body(()).unwrap().into_parts();
    assert!(find(&parts.method, &parts.uri, &parts.headers).unwrap().is_none());
}
