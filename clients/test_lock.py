"""Object Lock, by awscli and boto3: what is locked stays, whoever asks."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

LATER = datetime.now(timezone.utc) + timedelta(days=30)


@pytest.fixture(scope="module")
def s3(house):
    client = house.client("s3")
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return client


def put(s3, key, mode, until=LATER):
    answer = s3.put_object(
        Bucket="locked", Key=key, Body=b"evidence", ObjectLockMode=mode, ObjectLockRetainUntilDate=until
    )
    return answer["VersionId"]


def denied(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == "AccessDenied", caught.value.response


def test_root_cannot_delete_or_shorten_a_compliance_lock(s3):
    version = put(s3, "compliance", "COMPLIANCE")
    here = {"Bucket": "locked", "Key": "compliance", "VersionId": version}
    denied(s3.delete_object, **here)
    denied(s3.delete_object, **here, BypassGovernanceRetention=True)
    sooner = {"Mode": "COMPLIANCE", "RetainUntilDate": LATER - timedelta(days=1)}
    denied(s3.put_object_retention, **here, Retention=sooner)
    denied(s3.put_object_retention, **here, Retention=sooner, BypassGovernanceRetention=True)
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": LATER + timedelta(days=1)}
    denied(s3.put_object_retention, **here, Retention=weaker, BypassGovernanceRetention=True)
    gone = s3.delete_objects(Bucket="locked", Delete={"Objects": [{"Key": "compliance", "VersionId": version}]})
    assert gone["Errors"][0]["Code"] == "AccessDenied" and "Deleted" not in gone
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": LATER + timedelta(days=1)}
    s3.put_object_retention(**here, Retention=longer)
    # A deletion without a version only hides it.
    marker = s3.delete_object(Bucket="locked", Key="compliance")
    assert marker["DeleteMarker"] is True
    assert s3.get_object(**here)["Body"].read() == b"evidence"


def test_a_bucket_with_locked_versions_stays(s3):
    put(s3, "keeps-the-bucket", "COMPLIANCE")
    with pytest.raises(ClientError) as caught:
        s3.delete_bucket(Bucket="locked")
    assert caught.value.response["Error"]["Code"] == "BucketNotEmpty"


def test_governance_gives_way_only_to_a_permitted_bypass(house, s3):
    version = put(s3, "governance", "GOVERNANCE")
    here = {"Bucket": "locked", "Key": "governance", "VersionId": version}
    denied(s3.delete_object, **here)
    allowed = {"Effect": "Allow", "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"], "Resource": "*"}
    keys = house.user("lock-user", {"Version": "2012-10-17", "Statement": [allowed]})
    denied(house.client("s3", keys=keys).delete_object, **here, BypassGovernanceRetention=True)
    s3.delete_object(**here, BypassGovernanceRetention=True)


def test_a_legal_hold_holds_until_it_is_lifted(s3):
    version = s3.put_object(Bucket="locked", Key="hold", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    here = {"Bucket": "locked", "Key": "hold", "VersionId": version}
    denied(s3.delete_object, **here, BypassGovernanceRetention=True)
    assert s3.get_object_legal_hold(**here)["LegalHold"]["Status"] == "ON"
    s3.put_object_legal_hold(**here, LegalHold={"Status": "OFF"})
    s3.delete_object(**here)


def test_a_default_retention_locks_what_comes(house, s3):
    house.aws("s3api", "create-bucket", "--bucket", "defaulted", "--object-lock-enabled-for-bucket")
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3}}}
    house.aws(
        "s3api", "put-object-lock-configuration", "--bucket", "defaulted", "--object-lock-configuration", json.dumps(rule)
    )
    version = s3.put_object(Bucket="defaulted", Key="k", Body=b"x")["VersionId"]
    head = s3.head_object(Bucket="defaulted", Key="k")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] > datetime.now(timezone.utc) + timedelta(days=2)
    denied(s3.delete_object, Bucket="defaulted", Key="k", VersionId=version)
    with pytest.raises(ClientError):
        s3.put_bucket_versioning(Bucket="defaulted", VersioningConfiguration={"Status": "Suspended"})


def test_the_trail_archive_can_live_in_a_locked_bucket(house):
    bucket = "trail-locked"
    house.client("s3").create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    policy_of = house.trail_bucket("policy-donor")
    policy = house.client("s3").get_bucket_policy(Bucket=policy_of)["Policy"].replace(policy_of, bucket)
    house.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    house.client("s3").put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=rule)
    house.trail("locked", bucket, EnableLogFileValidation=True)
    house.client("iam").create_user(UserName="locked")
    house.wait_for_record(bucket, eventName="CreateUser")
    key = next(key for key in house.keys(bucket) if "/CloudTrail/" in key)
    assert house.client("s3").head_object(Bucket=bucket, Key=key)["ObjectLockMode"] == "GOVERNANCE"
