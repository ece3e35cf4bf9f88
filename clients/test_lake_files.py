"""The lake's files: nothing is lost or doubled when the house is killed, and nobody but the house writes them."""

import json
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError
from conftest import eventually

OFTEN = {
    "CAIRN_HISTORY_OPEN": "true",
    "CAIRN_LAKE_FLUSH_INTERVAL": "1s",
    "CAIRN_LAKE_MAINTENANCE_INTERVAL": "1s",
    "CAIRN_LAKE_PUBLISH_INTERVAL": "1s",
}


def recorded(house, name):
    """The request IDs of all calls of this name, as the look-up finds them."""
    trail = house.client("cloudtrail")
    attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
    found, more = [], {}
    while True:
        page = trail.lookup_events(LookupAttributes=attributes, MaxResults=50, **more)
        found += [event["CloudTrailEvent"].split('"requestID":"')[1].split('"')[0] for event in page["Events"]]
        if "NextToken" not in page:
            return found
        more = {"NextToken": page["NextToken"]}


def test_kills_in_the_midst_of_flushes_and_merges_lose_and_double_nothing(new_house):
    house = new_house(**OFTEN, CAIRN_RECORDING="fail-closed").start()
    acknowledged, running = [], threading.Event()
    running.set()

    def load():
        number = 0
        while running.is_set():
            try:
                iam = house.client("iam", connect_timeout=2, read_timeout=10)
                while running.is_set():
                    number += 1
                    answer = iam.create_user(UserName=f"lake-{number}")
                    acknowledged.append(answer["ResponseMetadata"]["RequestId"])
                    time.sleep(0.02)
            except Exception:
                time.sleep(0.05)

    worker = threading.Thread(target=load)
    worker.start()
    chance = random.Random(3)
    for _ in range(8):
        enough = len(acknowledged) + 5
        time.sleep(chance.uniform(1, 2.5))
        eventually(lambda: len(acknowledged) >= enough, pause=0.01)
        house.kill()
        house.start()
    running.clear()
    worker.join()
    wanted = set(acknowledged)

    def all_there():
        found = recorded(house, "CreateUser")
        return found if wanted <= set(found) else None

    found = eventually(all_there, pause=1)
    assert len(found) == len(set(found))
    bucket = f"cairn-lake-{house.account}"
    assert any(key.startswith("events/data/") for key in house.keys(bucket))
    house.stop()
    house.start()
    assert sorted(recorded(house, "CreateUser")) == sorted(found)


def test_only_the_house_writes_the_lakes_files(new_house):
    house = new_house(**OFTEN).start()
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    user = house.user("reader", {"Version": "2012-10-17", "Statement": [allowed]})
    bucket = f"cairn-lake-{house.account}"
    s3 = house.client("s3", keys=user)

    def files():
        try:
            return [key for key in house.keys(bucket) if key.endswith(".parquet")]
        except ClientError:
            return []

    key = eventually(files)[0]
    assert s3.get_object(Bucket=bucket, Key=key, Range="bytes=0-3")["Body"].read() == b"PAR1"
    for call in (
        lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"other"),
        lambda: s3.put_object(Bucket=bucket, Key="events/data/new.parquet", Body=b"other"),
        lambda: s3.delete_object(Bucket=bucket, Key=key),
        lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]}),
        lambda: s3.copy_object(Bucket=bucket, Key="new", CopySource={"Bucket": bucket, "Key": key}),
        lambda: s3.create_multipart_upload(Bucket=bucket, Key="new"),
        lambda: s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": []}),
        lambda: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": []})),
        lambda: s3.delete_bucket_policy(Bucket=bucket),
        lambda: s3.put_bucket_acl(Bucket=bucket, ACL="private"),
        lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}),
        lambda: s3.put_bucket_encryption(
            Bucket=bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            },
        ),
        lambda: s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": []}),
        lambda: s3.delete_bucket(Bucket=bucket),
    ):
        for s3 in (house.client("s3", keys=user), house.client("s3")):
            with pytest.raises(ClientError) as failed:
                call()
            assert failed.value.response["Error"]["Code"] == "AccessDenied"
    with pytest.raises(ClientError) as failed:
        house.client("cloudtrail").start_query(
            QueryStatement="SELECT eventid FROM events", DeliveryS3Uri=f"s3://{bucket}/results"
        )
    assert failed.value.response["Error"]["Code"] == "InsufficientS3BucketPolicyException"


def test_nobody_takes_the_name_of_the_lakes_bucket(new_house):
    house = new_house().start()
    s3 = house.client("s3")
    with pytest.raises(ClientError) as failed:
        s3.create_bucket(Bucket=f"cairn-lake-{house.account}")
    assert failed.value.response["Error"]["Code"] == "BucketAlreadyExists"
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    s3.create_bucket(Bucket="mine-already")
    house.stop()
    house.options["CAIRN_LAKE_BUCKET"] = "mine-already"
    with pytest.raises(AssertionError, match="mine-already.*lake.bucket"):
        house.start()
    house.options["CAIRN_LAKE_BUCKET"] = "the-lakes-own"
    house.start()


def test_the_files_may_lie_in_a_bucket_of_another_s3(new_house, tmp_path):
    other = new_house("other").start()
    other.client("s3").create_bucket(Bucket="kept-elsewhere")
    keys = other.root_keys()
    config = tmp_path / "cairn.toml"
    config.write_text(
        f"""
        [outside.lake-outside]
        endpoint_url = "{other.url}"
        region = "us-east-1"
        bucket = "kept-elsewhere"
        access_key_id = "{keys['aws_access_key_id']}"
        secret_access_key = "{keys['aws_secret_access_key']}"
        allow_http = true
        """
    )
    house = new_house("data", **OFTEN, CAIRN_LAKE_BUCKET="lake-outside")
    house.start("--config", config)
    names = [f"outside-{number}" for number in range(5)]
    for name in names:
        house.client("iam").create_user(UserName=name)
    files = lambda: [key for key in other.keys("kept-elsewhere") if key.endswith(".parquet")]
    eventually(files)
    house.kill()
    house.start("--config", config)
    eventually(lambda: len(recorded(house, "CreateUser")) >= len(names))
    assert len(recorded(house, "CreateUser")) == len(names)
