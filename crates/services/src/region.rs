//! The regions in which CloudTrail and the lake are called.
//!
//! Whoever signs a call chooses the region in the scope of the signature, and quotas and rates are counted for
//! each account and region: were any name taken, nobody would ever meet a quota.

use crate::Service;
use cairn_wire::Fault;

/// AWS's regions: CloudTrail user guide, "CloudTrail supported Regions", with those of China and GovCloud.
const KNOWN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Services that keep something for each region and count it.
const COUNTED: &[&str] = &["cloudtrail", "cloudtrail-data", "cairn"];

/// Whether a service is there in the region that a call is signed for. Errors: InvalidSignatureException, as AWS
/// answers to a scope of another region.
pub fn check(service: &Service, region: &str, home: &str) -> Result<(), Fault> {
    if !COUNTED.contains(&service.name) || region == home || KNOWN.contains(&region) {
        return Ok(());
    }
    let shown: String = region.chars().take(64).collect();
    Err(Fault::invalid_signature(format!("Credential should be scoped to a valid region, not '{shown}'.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SERVICES, cloudtrail, kms};

    #[test]
    fn only_regions_of_aws_and_the_homes_own_are_known() {
        let known = |region: &str| check(&cloudtrail::SERVICE, region, "my-home-1").is_ok();
        assert!(known("us-east-1") && known("ap-southeast-7") && known("my-home-1"));
        for made_up in ["", "us-east-99", "US-EAST-1", "us-east-1 ", "aws-global"] {
            let refused = check(&cloudtrail::SERVICE, made_up, "my-home-1").unwrap_err();
            assert_eq!(refused.code, "InvalidSignatureException", "{made_up}");
        }
        assert_eq!(check(&kms::SERVICE, "us-east-99", "my-home-1"), Ok(()));
    }

    #[test]
    fn every_service_that_is_counted_is_there() {
        assert!(COUNTED.iter().all(|name| SERVICES.iter().any(|service| service.name == *name)));
        assert!(KNOWN.is_sorted());
    }
}
