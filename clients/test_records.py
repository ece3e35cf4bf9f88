"""Rows R1 to R5, R9, R10 and R14: what a record says."""

import json
import re
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from conftest import eventually

ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def bucket(house):
    """The bucket of a trail that records everything."""
    bucket = house.trail_bucket("records-logs")
    house.trail("records", bucket)
    data = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]
    management = [{"Field": "eventCategory", "Equals": ["Management"]}]
    house.client("cloudtrail").put_event_selectors(
        TrailName="records", AdvancedEventSelectors=[{"FieldSelectors": data}, {"FieldSelectors": management}]
    )
    return bucket


def test_r1_a_record_is_complete(house, bucket):
    answer = house.client("iam").create_user(UserName="r1")
    request = answer["ResponseMetadata"]["RequestId"]
    record = house.wait_for_record(bucket, requestID=request)
    required = [
        "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
        "userAgent", "requestParameters", "responseElements", "requestID", "eventID", "readOnly", "eventType",
        "managementEvent", "recipientAccountId", "eventCategory",
    ]  # fmt: skip
    assert [name for name in required if name not in record] == []
    assert (record["eventVersion"], record["eventCategory"], record["managementEvent"]) == ("1.11", "Management", True)
    assert uuid.UUID(record["eventID"])
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", record["eventTime"])
    assert (record["eventSource"], record["eventName"]) == ("iam.amazonaws.com", "CreateUser")
    assert record["requestParameters"] == {"userName": "r1"}
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in record["userAgent"] or "aws-sdk" in record["userAgent"]
    assert record["recipientAccountId"] == house.account


def test_r2_reads_and_writes_are_told_apart(house, bucket):
    cloudtrail = house.client("cloudtrail")
    request = cloudtrail.describe_trails()["ResponseMetadata"]["RequestId"]
    record = house.wait_for_record(bucket, requestID=request)
    assert record["readOnly"] is True and record["responseElements"] is None
    request = house.client("iam").create_user(UserName="r2")["ResponseMetadata"]["RequestId"]
    record = house.wait_for_record(bucket, requestID=request)
    assert record["readOnly"] is False
    assert record["responseElements"]["user"]["userName"] == "r2"


def test_r3_identities(house, bucket):
    account = house.account

    def identity(client, call="get_caller_identity"):
        request = getattr(client, call)()["ResponseMetadata"]["RequestId"]
        return house.wait_for_record(bucket, requestID=request)["userIdentity"]

    root = identity(house.client("sts"))
    assert root["type"] == "Root" and "userName" not in root
    assert (root["principalId"], root["arn"]) == (account, f"arn:aws:iam::{account}:root")
    assert (root["accountId"], root["accessKeyId"]) == (account, house.root_keys()["aws_access_key_id"])

    keys = house.user("r3-user", ALLOW_ALL)
    user = identity(house.client("sts", keys=keys))
    assert (user["type"], user["userName"]) == ("IAMUser", "r3-user")
    assert user["principalId"].startswith("AIDA")
    assert (user["arn"], user["accountId"]) == (f"arn:aws:iam::{account}:user/r3-user", account)
    assert user["accessKeyId"] == keys["aws_access_key_id"]

    session = house.client("sts", keys=keys).get_session_token()["Credentials"]
    short = identity(house.client("sts", keys=session_keys(session)))
    assert (short["type"], short["userName"]) == ("IAMUser", "r3-user")
    assert short["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    assert short["accessKeyId"].startswith("ASIA")

    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Principal": {"AWS": account}}],
    }
    iam = house.client("iam")
    role = iam.create_role(RoleName="r3-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName="r3-role", PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
    taken = house.client("sts", keys=keys).assume_role(
        RoleArn=role["Arn"], RoleSessionName="session", SourceIdentity="alice"
    )["Credentials"]
    assumed = identity(house.client("sts", keys=session_keys(taken)))
    assert assumed["type"] == "AssumedRole" and "userName" not in assumed
    assert assumed["principalId"] == f"{role['RoleId']}:session"
    assert assumed["arn"] == f"arn:aws:sts::{account}:assumed-role/r3-role/session"
    context = assumed["sessionContext"]
    assert context["sessionIssuer"] == {
        "type": "Role",
        "principalId": role["RoleId"],
        "arn": role["Arn"],
        "accountId": account,
        "userName": "r3-role",
    }
    assert context["attributes"]["mfaAuthenticated"] == "false"  # R4
    assert context["attributes"]["creationDate"].endswith("Z")
    assert context["sourceIdentity"] == "alice"

    anonymous = house.client("s3", signature_version=UNSIGNED)
    with pytest.raises(ClientError):
        anonymous.get_object(Bucket=bucket, Key="r3-anonymous")
    found = lambda: [
        record
        for record in house.records(bucket)
        if (record.get("requestParameters") or {}).get("key") == "r3-anonymous"
    ]
    record = eventually(found)[0]
    assert record["userIdentity"] == {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    assert record["errorCode"] == "AccessDenied"


def session_keys(credentials):
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def test_r5_denials_are_recorded(house, bucket):
    keys = house.user("r5")
    with pytest.raises(ClientError) as caught:
        house.client("cloudtrail", keys=keys).describe_trails()
    error = caught.value.response
    assert error["Error"]["Code"] == "AccessDeniedException"
    record = house.wait_for_record(bucket, requestID=error["ResponseMetadata"]["RequestId"])
    assert record["errorCode"] == "AccessDenied"
    assert "not authorized to perform: cloudtrail:DescribeTrails" in record["errorMessage"]
    assert record["userIdentity"]["userName"] == "r5"
    with pytest.raises(ClientError) as caught:
        house.client("s3", keys=keys).get_object(Bucket=bucket, Key="r5")
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    house.wait_for_record(bucket, eventName="GetObject", errorCode="AccessDenied")


def test_r9_sizes_are_kept(house, bucket):
    kms = house.client("kms")
    long = "a" * 2000
    sts = house.client("sts", user_agent=long)
    request = sts.get_caller_identity()["ResponseMetadata"]["RequestId"]
    record = house.wait_for_record(bucket, requestID=request)
    assert len(record["userAgent"]) == 1024
    # The parameters of a refused call are shown too, so that a large one can be made.
    with pytest.raises(ClientError) as caught:
        kms.create_key(Description="d" * (101 * 1024))
    request = caught.value.response["ResponseMetadata"]["RequestId"]
    record = house.wait_for_record(bucket, requestID=request)
    assert "requestParameters" not in record and record["omitted"] is True
    assert len(json.dumps(record)) < 256 * 1024


def test_r10_secrets_are_nowhere(house, bucket):
    iam = house.client("iam")
    iam.create_user(UserName="r10")
    answer = iam.create_access_key(UserName="r10")
    house.wait_for_record(bucket, requestID=answer["ResponseMetadata"]["RequestId"])
    kms = house.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    data = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    encrypted = kms.encrypt(KeyId=key, Plaintext=b"the raw plaintext of r10")
    sealed = kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"])
    house.wait_for_record(bucket, requestID=sealed["ResponseMetadata"]["RequestId"])
    import base64

    secrets = [
        answer["AccessKey"]["SecretAccessKey"],
        base64.b64encode(data["Plaintext"]).decode(),
        base64.b64encode(b"the raw plaintext of r10").decode(),
        "the raw plaintext of r10",
        house.root_keys()["aws_secret_access_key"],
    ]
    delivered = json.dumps(house.records(bucket))
    assert [secret for secret in secrets if secret in delivered] == []
    log = (house.data_dir.parent / "data.log").read_text()
    assert [secret for secret in secrets if secret in log] == []


def test_r14_every_call_is_recorded_once(house, bucket):
    calls = 10_000
    sts = house.client("sts", max_pool_connections=16)
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda _: sts.get_caller_identity()["ResponseMetadata"]["RequestId"], range(calls))
        requests = list(answers)
    assert len(set(requests)) == calls

    def all_there():
        found = [record["requestID"] for record in house.records(bucket) if record.get("requestID") in wanted]
        return found if len(set(found)) == calls else None

    wanted = set(requests)
    found = eventually(all_there, 240, 2)
    assert len(found) == calls


def test_the_log_shows_no_error(house):
    log = (house.data_dir.parent / "data.log").read_text()
    assert "ERROR" not in log and "panicked" not in log, log[-3000:]
