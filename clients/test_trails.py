"""Rows T1 to T10: trails, by awscli and boto3."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import eventually


def refused(call, code, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert error["Error"]["Code"] == code, error
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.fixture
def cloudtrail(house):
    """A client; whatever trails a test made are gone after it."""
    client = house.client("cloudtrail")
    yield client
    for trail in client.describe_trails()["trailList"]:
        house.client("cloudtrail", region=trail["HomeRegion"]).delete_trail(Name=trail["TrailARN"])


@pytest.fixture(scope="module")
def bucket(house):
    return house.trail_bucket("shared-logs")


def test_t1_a_trail_is_made_with_the_defaults_and_started_and_stopped(house, cloudtrail, bucket):
    made = house.aws_json("cloudtrail", "create-trail", "--name", "trail-t1", "--s3-bucket-name", bucket)
    expected = {
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": False,
        "LogFileValidationEnabled": False,
        "IsOrganizationTrail": False,
        "S3BucketName": bucket,
        "TrailARN": f"arn:aws:cloudtrail:us-east-1:{house.account}:trail/trail-t1",
    }
    assert {name: made.get(name) for name in expected} == expected
    status = cloudtrail.get_trail_status(Name="trail-t1")
    assert status["IsLogging"] is False and "StartLoggingTime" not in status
    cloudtrail.start_logging(Name="trail-t1")
    status = cloudtrail.get_trail_status(Name="trail-t1")
    assert status["IsLogging"] is True and status["StartLoggingTime"]
    house.aws("cloudtrail", "stop-logging", "--name", "trail-t1")
    status = cloudtrail.get_trail_status(Name="trail-t1")
    assert status["IsLogging"] is False and status["StopLoggingTime"]


@pytest.mark.parametrize("name", ["ab", "a" * 129, "my--ns", "my._ns", "-a1", "a1-", "192.168.5.4", "a b"])
def test_t2_names_are_checked(cloudtrail, bucket, name):
    refused(cloudtrail.create_trail, "InvalidTrailNameException", Name=name, S3BucketName=bucket)


def test_t2_a_good_name_passes(cloudtrail, bucket):
    assert cloudtrail.create_trail(Name="a.b-c_1", S3BucketName=bucket)["Name"] == "a.b-c_1"


def test_t3_names_are_unique_and_trails_are_counted(house, cloudtrail, bucket):
    cloudtrail.create_trail(Name="one-multi", S3BucketName=bucket, IsMultiRegionTrail=True)
    refused(cloudtrail.create_trail, "TrailAlreadyExistsException", Name="one-multi", S3BucketName=bucket)
    for number in range(4):
        cloudtrail.create_trail(Name=f"quota-{number}", S3BucketName=bucket)
    refused(cloudtrail.create_trail, "MaximumNumberOfTrailsExceededException", Name="sixth", S3BucketName=bucket)
    elsewhere = house.client("cloudtrail", region="eu-west-1")
    for number in range(4):
        elsewhere.create_trail(Name=f"west-{number}", S3BucketName=bucket)
    # The multi-region trail counts here too.
    refused(elsewhere.create_trail, "MaximumNumberOfTrailsExceededException", Name="west-5", S3BucketName=bucket)
    for number in range(4):
        elsewhere.delete_trail(Name=f"west-{number}")


def test_t4_the_bucket_is_checked(house, cloudtrail, bucket):
    create = cloudtrail.create_trail
    refused(create, "S3BucketDoesNotExistException", Name="t4a", S3BucketName="there-is-no-such-bucket")
    house.client("s3").create_bucket(Bucket="no-policy-here")
    refused(create, "InsufficientS3BucketPolicyException", Name="t4b", S3BucketName="no-policy-here")
    refused(create, "InvalidS3PrefixException", Name="t4c", S3BucketName=bucket, S3KeyPrefix="p" * 201)
    refused(create, "InvalidS3BucketNameException", Name="t4d", S3BucketName="Not_A_Bucket")
    # The policy names no prefix.
    refused(create, "InsufficientS3BucketPolicyException", Name="t4e", S3BucketName=bucket, S3KeyPrefix="else")
    create(Name="t4f", S3BucketName=bucket)


def test_t5_topics_keys_and_log_groups_are_checked(house, cloudtrail, bucket):
    create = lambda **more: cloudtrail.create_trail(Name="trail-t5", S3BucketName=bucket, **more)
    refused(create, "InsufficientSnsTopicPolicyException", SnsTopicName="no-topic")
    missing = f"arn:aws:kms:us-east-1:{house.account}:key/00000000-0000-4000-8000-000000000000"
    refused(create, "KmsKeyNotFoundException", KmsKeyId=missing)
    refused(create, "InvalidKmsKeyIdException", KmsKeyId="what is this")
    key = house.client("kms").create_key()["KeyMetadata"]["Arn"]
    refused(create, "InsufficientEncryptionPolicyException", KmsKeyId=key)
    group = f"arn:aws:logs:us-east-1:{house.account}:log-group:g:*"
    with pytest.raises(ClientError) as caught:
        create(CloudWatchLogsLogGroupArn=group)
    assert caught.value.response["Error"]["Code"] in (
        "InvalidCloudWatchLogsLogGroupArnException",
        "InvalidCloudWatchLogsRoleArnException",
    )


def test_t6_a_trail_is_changed_in_its_home_region_alone(house, cloudtrail, bucket):
    arn = cloudtrail.create_trail(Name="trail-t6", S3BucketName=bucket, IsMultiRegionTrail=True)["TrailARN"]
    west = house.client("cloudtrail", region="eu-west-1")
    listed = west.describe_trails()["trailList"]
    assert [(trail["TrailARN"], trail["HomeRegion"]) for trail in listed] == [(arn, "us-east-1")]
    assert west.describe_trails(includeShadowTrails=False)["trailList"] == []
    refused(west.update_trail, "InvalidHomeRegionException", Name=arn, EnableLogFileValidation=True)
    selectors = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
    refused(west.put_event_selectors, "InvalidHomeRegionException", TrailName=arn, EventSelectors=selectors)
    refused(west.delete_trail, "InvalidHomeRegionException", Name=arn)


def test_t7_an_update_moves_new_files_and_a_deletion_keeps_old_ones(house, cloudtrail):
    bucket = house.trail_bucket("t7-logs")
    house.trail("trail-t7", bucket)
    house.client("iam").create_user(UserName="t7-before")
    house.wait_for_record(bucket, eventName="CreateUser")
    policy = json.loads(house.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"][1]["Resource"] = f"arn:aws:s3:::{bucket}/*"
    house.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    house.aws("cloudtrail", "update-trail", "--name", "trail-t7", "--s3-key-prefix", "p")
    house.client("iam").create_user(UserName="t7-after")
    found = lambda name: any(
        (record.get("requestParameters") or {}).get("userName") == name for record in house.records(bucket)
    )

    eventually(lambda: found("t7-after"))
    keys = house.keys(bucket)
    assert any(key.startswith("p/AWSLogs/") for key in keys)
    assert any(key.startswith("AWSLogs/") for key in keys)
    cloudtrail.delete_trail(Name="trail-t7")
    refused(cloudtrail.get_trail, "TrailNotFoundException", Name="trail-t7")
    assert set(keys) <= set(house.keys(bucket))


def test_t8_lists_end(house, cloudtrail, bucket):
    arn = cloudtrail.create_trail(Name="trail-t8", S3BucketName=bucket)["TrailARN"]
    pages = list(cloudtrail.get_paginator("list_trails").paginate())
    assert [trail for page in pages for trail in page["Trails"]] == [
        {"TrailARN": arn, "Name": "trail-t8", "HomeRegion": "us-east-1"}
    ]


def test_t9_tags(house, cloudtrail, bucket):
    arn = cloudtrail.create_trail(Name="trail-t9", S3BucketName=bucket, TagsList=[{"Key": "a", "Value": "1"}])["TrailARN"]
    cloudtrail.add_tags(ResourceId=arn, TagsList=[{"Key": "a", "Value": "2"}, {"Key": "b"}])
    listed = house.aws_json("cloudtrail", "list-tags", "--resource-id-list", arn)["ResourceTagList"]
    assert listed[0]["ResourceId"] == arn
    assert {tag["Key"]: tag.get("Value", "") for tag in listed[0]["TagsList"]} == {"a": "2", "b": ""}
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(49)]
    refused(cloudtrail.add_tags, "TagsLimitExceededException", ResourceId=arn, TagsList=many)
    cloudtrail.remove_tags(ResourceId=arn, TagsList=[{"Key": "a"}])
    tags = cloudtrail.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"]
    assert [tag["Key"] for tag in tags] == ["b"]
    refused(cloudtrail.add_tags, "CloudTrailARNInvalidException", ResourceId="not-an-arn", TagsList=many[:1])


@pytest.mark.parametrize("recursive", [True, False])
def test_t10_recursive_logging(house, cloudtrail, recursive):
    name = f"t10-{recursive}".lower()
    bucket = house.trail_bucket(f"{name}-logs")
    house.trail(name, bucket, RecursiveLogging=recursive)
    data = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]
    management = [{"Field": "eventCategory", "Equals": ["Management"]}]
    cloudtrail.put_event_selectors(
        TrailName=name, AdvancedEventSelectors=[{"FieldSelectors": data}, {"FieldSelectors": management}]
    )
    s3 = house.client("s3")
    own = lambda: [
        record
        for record in house.records(bucket)
        if record["eventName"] == "PutObject" and record["userIdentity"].get("invokedBy") == "cloudtrail.amazonaws.com"
    ]

    for number in range(3):
        s3.put_object(Bucket=bucket, Key=f"mark-{number}", Body=b"x")
        mark = lambda number=number: [
            record
            for record in house.records(bucket)
            if (record.get("requestParameters") or {}).get("key") == f"mark-{number}" and record["eventName"] == "PutObject"
        ]
        eventually(mark)
    if recursive:
        assert eventually(own)[0]["eventCategory"] == "Data"
    else:
        assert own() == []
