//! How a reader of the lake proves who it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cairn_wire::{Fault, Secret, query};
use http::header::AUTHORIZATION;
use http::request::Parts;

pub(crate) enum Proof<'a> {
    /// SigV4, or nothing.
    Signature,
    Bearer(&'a str),
    /// An access key and its secret, of whoever asks for a token.
    Client {
        id: String,
        secret: Secret,
    },
}

/// What a request shows. Only the token's own endpoint takes a secret.
pub(crate) fn proof<'a>(parts: &'a Parts, body: &[u8]) -> Result<Proof<'a>, Fault> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if super::operation(parts) == Some("GetCatalogToken") && !header.starts_with("AWS4-") {
        return client(header, body);
    }
    Ok(strip(header, "bearer").map_or(Proof::Signature, Proof::Bearer))
}

/// Whether it has the form of an access key's id; what has not is not taken into records.
pub(crate) fn is_access_key(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (16..=32).contains(&id.len()) && (id.starts_with("AKIA") || id.starts_with("ASIA")) && id.bytes().all(plain)
}

/// What follows a scheme, whose case does not count.
fn strip<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = header.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn client(header: &str, body: &[u8]) -> Result<Proof<'static>, Fault> {
    let invalid = |message: &str| Fault::new("invalid_request", 400, message);
    if let Some(basic) = strip(header, "basic") {
        let text = STANDARD.decode(basic).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| invalid("the Authorization header is not Basic"))?;
        let (id, secret) = text.split_once(':').ok_or_else(|| invalid("the Authorization header has no secret"))?;
        return Ok(Proof::Client { id: id.to_owned(), secret: secret.into() });
    }
    let form = query::Form::parse(body).map_err(|fault| invalid(&fault.message))?;
    let given = |name: &str| form.get(name).filter(|text| !text.is_empty());
    let id = given("client_id").ok_or_else(|| invalid("client_id is missing: it is the id of an access key"))?;
    let secret = given("client_secret").ok_or_else(|| invalid("client_secret is missing: it is that key's secret"))?;
    Ok(Proof::Client { id: id.to_owned(), secret: secret.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(path: &str, authorization: &str) -> Parts {
        let request = Request::builder().method("POST").uri(path).header(AUTHORIZATION, authorization);
        request.body(()).unwrap().into_parts().0
    }

    const TOKENS: &str = "/iceberg/v1/oauth/tokens";

    #[test]
    fn a_secret_is_read_from_the_form_or_the_header() {
        let form = b"grant_type=client_credentials&client_id=AKIA1&client_secret=a%2Fb%2Bc&scope=catalog";
        let basic = STANDARD.encode("AKIA1:a/b+c");
        for parts in [parts(TOKENS, ""), parts(TOKENS, "Bearer old"), parts(TOKENS, &format!("basic {basic}"))] {
            let Proof::Client { id, secret } = proof(&parts, form).unwrap() else { panic!("no client") };
            assert_eq!((id.as_str(), secret.expose()), ("AKIA1", "a/b+c"));
        }
    }

    #[test]
    fn a_form_without_a_secret_is_told_what_it_lacks() {
        for (form, expected) in [("", "client_id"), ("client_id=x", "client_secret"), ("client_id=&x=y", "client_id")] {
            let fault = proof(&parts(TOKENS, ""), form.as_bytes()).err().unwrap();
            assert_eq!(fault.code, "invalid_request");
            assert!(fault.message.contains(expected), "{}", fault.message);
        }
    }

    #[test]
    fn a_secret_in_the_place_of_an_id_has_not_its_form() {
        assert!(is_access_key("AKIAIOSFODNN7EXAMPLE") && is_access_key("ASIAQXJ5QAAAAAAAAAAA"));
        for other in
            ["", "AKIA", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAwJalrXUtnFEMIK7MDENGbPxRfiCY", "alice"]
        {
            assert!(!is_access_key(other), "{other}");
        }
    }

    #[test]
    fn elsewhere_only_tokens_and_signatures_count() {
        let path = "/iceberg/v1/namespaces";
        assert!(matches!(proof(&parts(path, "bearer abc"), b"").unwrap(), Proof::Bearer("abc")));
        let form = b"client_id=AKIA1&client_secret=x";
        assert!(matches!(proof(&parts(path, "Basic eA=="), form).unwrap(), Proof::Signature));
    }
}
