//! The policies that come with the house, under the names that AWS gives them. They say
//! what AWS's say, with wildcards in place of AWS's long lists.

use crate::PolicyKind;
use crate::model::{Document, ManagedPolicy, Tags, Version};
use cairn_event::Time;

/// The owner that stands in their ARNs in place of an account.
pub(crate) const OWNER: &str = "aws";

struct Row {
    name: &'static str,
    id: &'static str,
    description: &'static str,
    text: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "AdministratorAccess",
        id: "ANPACAIRN000000000001",
        description: "Everything.",
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    Row {
        name: "PowerUserAccess",
        id: "ANPACAIRN000000000002",
        description: "Everything but users, roles, groups, policies and the organization.",
        text: r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},
            {"Effect":"Allow","Action":["iam:ListRoles","organizations:DescribeOrganization"],"Resource":"*"}]}"#,
    },
    Row {
        name: "ReadOnlyAccess",
        id: "ANPACAIRN000000000003",
        description: "Everything that changes nothing.",
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
            "cloudtrail:Describe*","cloudtrail:Get*","cloudtrail:List*","cloudtrail:LookupEvents",
            "iam:Generate*","iam:Get*","iam:List*","iam:Simulate*",
            "kms:Describe*","kms:Get*","kms:List*",
            "organizations:Describe*","organizations:List*",
            "s3:Get*","s3:List*","s3:Describe*","sts:GetAccessKeyInfo","sts:GetCallerIdentity","sts:GetSessionToken"]}]}"#,
    },
    Row {
        name: "SecurityAudit",
        id: "ANPACAIRN000000000004",
        description: "How everything is set up, without the contents of buckets.",
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
            "cloudtrail:Describe*","cloudtrail:Get*","cloudtrail:List*","cloudtrail:LookupEvents",
            "iam:Generate*","iam:Get*","iam:List*","iam:Simulate*",
            "kms:Describe*","kms:Get*","kms:List*",
            "organizations:Describe*","organizations:List*",
            "s3:GetAccelerate*","s3:GetAccount*","s3:GetBucket*","s3:GetEncryption*","s3:GetLifecycle*",
            "s3:GetReplication*","s3:ListAllMyBuckets","sts:GetAccessKeyInfo"]}]}"#,
    },
    Row {
        name: "IAMFullAccess",
        id: "ANPACAIRN000000000005",
        description: "Users, roles, groups and policies.",
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
            "iam:*","organizations:DescribeAccount","organizations:DescribeOrganization","organizations:ListAccounts"]}]}"#,
    },
    Row {
        name: "AmazonS3FullAccess",
        id: "ANPACAIRN000000000006",
        description: "All buckets and objects.",
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
    },
    Row {
        name: "AmazonS3ReadOnlyAccess",
        id: "ANPACAIRN000000000007",
        description: "All buckets and objects, to be read.",
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
            "s3:Get*","s3:List*","s3:Describe*"]}]}"#,
    },
    Row {
        name: "AWSCloudTrail_FullAccess",
        id: "ANPACAIRN000000000008",
        description: "Trails, and the buckets and keys that they are made with.",
        text: r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"},
            {"Effect":"Allow","Resource":"arn:aws:s3:::aws-cloudtrail-logs*","Action":[
                "s3:CreateBucket","s3:PutBucketPolicy","s3:PutBucketPublicAccessBlock"]},
            {"Effect":"Allow","Resource":"*","Action":[
                "s3:ListAllMyBuckets","s3:GetBucketLocation","s3:GetBucketPolicy",
                "kms:CreateKey","kms:CreateAlias","kms:ListKeys","kms:ListAliases"]}]}"#,
    },
    Row {
        name: "AWSCloudTrail_ReadOnlyAccess",
        id: "ANPACAIRN000000000009",
        description: "Trails and event history, to be read.",
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":[
            "cloudtrail:Describe*","cloudtrail:Get*","cloudtrail:List*","cloudtrail:LookupEvents"]}]}"#,
    },
];

pub(crate) fn policies() -> impl Iterator<Item = ManagedPolicy> {
    ROWS.iter().map(|row| {
        let document =
            Document::read(row.text, PolicyKind::Identity).expect("a policy of the house is valid, as a test shows");
        ManagedPolicy {
            id: row.id.to_owned(),
            arn: format!("arn:aws:iam::{OWNER}:policy/{}", row.name),
            account: OWNER.to_owned(),
            name: row.name.to_owned(),
            path: "/".to_owned(),
            created: Time(0),
            updated: Time(0),
            description: Some(row.description.to_owned()),
            tags: Tags::new(),
            versions: vec![Version { number: 1, created: Time(0), document }],
            default: 1,
            next: 2,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_of_the_house_is_valid() {
        assert_eq!(policies().count(), ROWS.len());
    }
}
