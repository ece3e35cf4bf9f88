"""Rows D1, D2, D4, D8 and D10: how log files are delivered."""

import gzip
import json
import zlib

from conftest import LOG_KEY, eventually


def log_keys(house, bucket):
    return [key for key in house.keys(bucket) if "/CloudTrail/" in key]


def test_d1_d2_keys_and_content(house):
    bucket = house.trail_bucket("d1-logs", "some/prefix")
    house.trail("trail-d1", bucket, S3KeyPrefix="some/prefix")
    house.client("iam").create_user(UserName="d1")
    house.wait_for_record(bucket, eventName="CreateUser")
    s3 = house.client("s3")
    for key in log_keys(house, bucket):
        assert LOG_KEY.match(key), key
        assert key.startswith("some/prefix/AWSLogs/")
        answer = s3.get_object(Bucket=bucket, Key=key)
        assert (answer["ContentType"], answer["ContentEncoding"]) == ("application/json", "gzip")
        assert answer["ServerSideEncryption"] == "AES256"
        body = answer["Body"].read()
        one = zlib.decompressobj(wbits=31)
        text = one.decompress(body)
        assert one.eof and one.unused_data == b"", "more than one gzip member"
        assert list(json.loads(text)) == ["Records"]
        assert len(text) <= 50 << 20
    house.client("cloudtrail").delete_trail(Name="trail-d1")


def test_d4_delivery_is_tried_again_until_it_works(house):
    bucket = house.trail_bucket("d4-logs")
    house.trail("trail-d4", bucket)
    cloudtrail, s3 = house.client("cloudtrail"), house.client("s3")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    request = house.client("iam").create_user(UserName="d4")["ResponseMetadata"]["RequestId"]
    error = eventually(lambda: cloudtrail.get_trail_status(Name="trail-d4").get("LatestDeliveryError"))
    assert "AccessDenied" in error, error
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    house.wait_for_record(bucket, requestID=request)
    eventually(lambda: "LatestDeliveryError" not in cloudtrail.get_trail_status(Name="trail-d4"))
    assert cloudtrail.get_trail_status(Name="trail-d4")["LatestDeliveryTime"]
    found = [record["requestID"] for record in house.records(bucket)]
    assert found.count(request) == 1
    cloudtrail.delete_trail(Name="trail-d4")


def test_d8_files_are_encrypted_with_the_trails_key(house):
    kms, s3 = house.client("kms"), house.client("s3")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{house.account}:root"}, "Action": "kms:*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
            },
        ],
    }
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    bucket = house.trail_bucket("d8-logs")
    trail = house.trail("trail-d8", bucket, KmsKeyId=key, EnableLogFileValidation=True)
    assert trail["KmsKeyId"] == key
    house.client("iam").create_user(UserName="d8")
    house.wait_for_record(bucket, eventName="CreateUser")
    log = log_keys(house, bucket)[0]
    head = house.aws_json("s3api", "head-object", "--bucket", bucket, "--key", log)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    body = s3.get_object(Bucket=bucket, Key=log)["Body"].read()
    assert json.loads(gzip.decompress(body))["Records"]
    context = {"aws:cloudtrail:arn": trail["TrailARN"], "aws:s3:arn": f"arn:aws:s3:::{bucket}/{log}"}

    def decrypted():
        for record in house.records(bucket):
            parameters = record.get("requestParameters") or {}
            if record["eventName"] == "Decrypt" and parameters.get("encryptionContext") == context:
                return record

    assert eventually(decrypted)["eventSource"] == "kms.amazonaws.com"
    digest = eventually(lambda: [key for key in house.keys(bucket) if "/CloudTrail-Digest/" in key])[0]
    assert s3.head_object(Bucket=bucket, Key=digest)["ServerSideEncryption"] == "aws:kms"
    house.client("cloudtrail").delete_trail(Name="trail-d8")


def test_d10_nothing_after_a_stop_is_delivered(house):
    bucket = house.trail_bucket("d10-logs")
    house.trail("d10", bucket)
    cloudtrail, iam = house.client("cloudtrail"), house.client("iam")
    before = iam.create_user(UserName="d10-before")["ResponseMetadata"]["RequestId"]
    cloudtrail.stop_logging(Name="d10")
    after = iam.create_user(UserName="d10-after")["ResponseMetadata"]["RequestId"]
    house.wait_for_record(bucket, requestID=before)
    # The next start delivers what comes then; by that time what was between would have been there too.
    cloudtrail.start_logging(Name="d10")
    later = iam.create_user(UserName="d10-later")["ResponseMetadata"]["RequestId"]
    house.wait_for_record(bucket, requestID=later)
    assert after not in [record.get("requestID") for record in house.records(bucket)]
    cloudtrail.delete_trail(Name="d10")
