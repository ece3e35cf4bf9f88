//! AWS Key Management Service.
//!
//! Every operation on a key is authorized by the key's own policy: it must allow the
//! caller, or delegate to the account whose policies then decide.

mod alias;
mod create_key;
mod data_key;
mod decrypt;
mod deletion;
mod describe_key;
mod description;
mod encrypt;
mod generate_random;
mod key;
mod key_policy;
mod list_aliases;
mod list_keys;
mod re_encrypt;
mod rotation;
mod status;
mod tags;

use crate::Service;
use crate::operation::row;
use cairn_wire::Protocol;

pub static SERVICE: Service = Service {
    name: "kms",
    source: "kms.amazonaws.com",
    target: "TrentService",
    protocol: Protocol::Json { version: "1.1" },
    api_version: "2014-11-01",
    global: false,
    operations: &[
        row::<create_key::CreateKey>(),
        row::<describe_key::DescribeKey>(),
        row::<list_keys::ListKeys>(),
        row::<description::UpdateKeyDescription>(),
        row::<status::EnableKey>(),
        row::<status::DisableKey>(),
        row::<deletion::ScheduleKeyDeletion>(),
        row::<deletion::CancelKeyDeletion>(),
        row::<alias::CreateAlias>(),
        row::<alias::UpdateAlias>(),
        row::<alias::DeleteAlias>(),
        row::<list_aliases::ListAliases>(),
        row::<encrypt::Encrypt>(),
        row::<decrypt::Decrypt>(),
        row::<re_encrypt::ReEncrypt>(),
        row::<data_key::GenerateDataKey>(),
        row::<data_key::GenerateDataKeyWithoutPlaintext>(),
        row::<generate_random::GenerateRandom>(),
        row::<key_policy::GetKeyPolicy>(),
        row::<key_policy::PutKeyPolicy>(),
        row::<key_policy::ListKeyPolicies>(),
        row::<rotation::EnableKeyRotation>(),
        row::<rotation::DisableKeyRotation>(),
        row::<rotation::GetKeyRotationStatus>(),
        row::<rotation::RotateKeyOnDemand>(),
        row::<tags::TagResource>(),
        row::<tags::UntagResource>(),
        row::<tags::ListResourceTags>(),
    ],
    unsupported: &[
        "ConnectCustomKeyStore",
        "CreateCustomKeyStore",
        "CreateGrant",
        "DeleteCustomKeyStore",
        "DeleteImportedKeyMaterial",
        "DeriveSharedSecret",
        "DescribeCustomKeyStores",
        "DisconnectCustomKeyStore",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateMac",
        "GetParametersForImport",
        "GetPublicKey",
        "ImportKeyMaterial",
        "ListGrants",
        "ListKeyRotations",
        "ListRetirableGrants",
        "ReplicateKey",
        "RetireGrant",
        "RevokeGrant",
        "Sign",
        "UpdateCustomKeyStore",
        "UpdatePrimaryRegion",
        "Verify",
        "VerifyMac",
    ],
};
