//! AWS Security Token Service.

mod assume_role;
mod credentials;
mod get_access_key_info;
mod get_caller_identity;
mod get_session_token;

use crate::Service;
use crate::operation::row;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "sts",
    source: "sts.amazonaws.com",
    target: "",
    protocol: Protocol::Query { xmlns: "https://sts.amazonaws.com/doc/2011-06-15/" },
    api_version: "2011-06-15",
    global: false,
    operations: &[
        row::<get_caller_identity::GetCallerIdentity>(),
        row::<assume_role::AssumeRole>(),
        row::<get_session_token::GetSessionToken>(),
        row::<get_access_key_info::GetAccessKeyInfo>(),
    ],
    unsupported: &[
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "DecodeAuthorizationMessage",
        "GetDelegatedAccessToken",
        "GetFederationToken",
        "GetWebIdentityToken",
    ],
};
