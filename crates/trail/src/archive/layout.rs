//! Where a trail's files go: AWS's key layout.
//!
//! ```text
//! [prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/
//!     ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_<16 letters and digits>.json.gz
//! [prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/
//!     ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOMEREGION_YYYYMMDDTHHMMSSZ[_backfill].json.gz
//! ```
//! A log file's time is when it was cut, a digest's the end of its window. Source: AWS
//! CloudTrail user guide, "Getting and viewing your CloudTrail log files" and
//! "CloudTrail digest file structure".

use crate::Trail;
use crate::state::Entry;
use cairn_event::Time;
use uuid::Uuid;

/// Records of one account and region for one trail: they share log files and digests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot {
    /// The trail's id, not its ARN: a later trail of the same name is another one.
    pub trail: Uuid,
    pub account: String,
    pub region: String,
}

impl Entry {
    /// Where the trail lives; the chain of digests there is the one that others follow.
    pub fn home_slot(&self) -> Slot {
        Slot { trail: self.id, account: self.trail.account.clone(), region: self.trail.home_region.clone() }
    }
}

impl Slot {
    /// `[prefix/]AWSLogs/[o-id/]ACCOUNT/KIND/REGION/YYYY/MM/DD`
    fn folder(&self, trail: &Trail, kind: &str, at: Time) -> String {
        let prefix = trail.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let organization = trail.organization.as_ref().map(|id| format!("{id}/")).unwrap_or_default();
        let Self { account, region, .. } = self;
        format!("{prefix}AWSLogs/{organization}{account}/{kind}/{region}/{}", at.day_path())
    }

    pub fn log_key(&self, trail: &Trail, cut: Time, unique: &str) -> String {
        let Self { account, region, .. } = self;
        let folder = self.folder(trail, "CloudTrail", cut);
        format!("{folder}/{account}_CloudTrail_{region}_{}_{unique}.json.gz", cut.compact_minute())
    }

    pub fn digest_key(&self, trail: &Trail, end: Time, backfill: bool) -> String {
        let Self { account, region, .. } = self;
        let Trail { name, home_region, .. } = trail;
        let folder = self.folder(trail, "CloudTrail-Digest", end);
        let suffix = if backfill { "_backfill" } else { "" };
        format!("{folder}/{account}_CloudTrail-Digest_{region}_{name}_{home_region}_{}{suffix}.json.gz", end.compact())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn slot() -> Slot {
        Slot { trail: Uuid::nil(), account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
    }

    fn trail(prefix: Option<&str>, organization: Option<&str>) -> Trail {
        Trail {
            arn: "arn:aws:cloudtrail:us-east-2:111122223333:trail/your-trail".to_owned(),
            name: "your-trail".to_owned(),
            account: "111122223333".to_owned(),
            home_region: "us-east-2".to_owned(),
            bucket: "b".to_owned(),
            prefix: prefix.map(str::to_owned),
            global_service_events: true,
            multi_region: true,
            validation: true,
            kms_key: None,
            organization: organization.map(str::to_owned),
            recursive_logging: true,
            custom_selectors: false,
            logging: true,
            started: None,
            stopped: None,
            created: Time(0),
            tags: BTreeMap::new(),
        }
    }

    const AT: Time = Time(1_438_394_999_000);

    #[test]
    fn a_log_file_is_named_by_the_minute_it_was_cut() {
        assert_eq!(
            slot().log_key(&trail(None, None), AT, "Mu0KsOhtH1ar15ZZ"),
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2015/08/01/\
             111122223333_CloudTrail_eu-west-1_20150801T0209Z_Mu0KsOhtH1ar15ZZ.json.gz"
        );
        assert!(
            slot()
                .log_key(&trail(Some("a/b"), Some("o-exampleorgid")), AT, "x")
                .starts_with("a/b/AWSLogs/o-exampleorgid/111122223333/CloudTrail/eu-west-1/2015/08/01/")
        );
    }

    #[test]
    fn a_digest_names_its_trail_both_regions_and_the_end_of_its_window() {
        let key = slot().digest_key(&trail(Some("p"), None), AT, false);
        assert_eq!(
            key,
            "p/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2015/08/01/\
             111122223333_CloudTrail-Digest_eu-west-1_your-trail_us-east-2_20150801T020959Z.json.gz"
        );
        // Clients cut the time out of the key by its distance from the end.
        assert_eq!(&key[key.len() - 24..key.len() - 8], "20150801T020959Z");
        let key = slot().digest_key(&trail(None, None), AT, true);
        assert_eq!(&key[key.len() - 33..], "20150801T020959Z_backfill.json.gz");
    }
}
