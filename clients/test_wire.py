"""Rows W1 to W6: the shell of the API, as clients meet it."""

import json
import socket
import urllib.request
from datetime import datetime, timedelta, timezone

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import pytest
from botocore.exceptions import ClientError

TARGET = "CloudTrail_20131101"


def post(house, body, target, keys=None, when=None, service="cloudtrail", region="us-east-1", token=None):
    """A signed POST made by hand: (status, headers, body)."""
    keys = keys or house.root_keys()
    request = botocore.awsrequest.AWSRequest(
        "POST", house.url + "/", data=body, headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
    )
    credentials = botocore.credentials.Credentials(
        keys["aws_access_key_id"], keys["aws_secret_access_key"], token
    )
    signer = botocore.auth.SigV4Auth(credentials, service, region)
    if when:
        # The signer asks for the time in two ways, by version.
        frozen = lambda *_: when
        original = botocore.auth.get_current_datetime if hasattr(botocore.auth, "get_current_datetime") else None
        if original:
            botocore.auth.get_current_datetime = frozen
            try:
                signer.add_auth(request)
            finally:
                botocore.auth.get_current_datetime = original
        else:
            pytest.skip("this botocore signs with a clock that cannot be set")
    else:
        signer.add_auth(request)
    return send(house, body, dict(request.headers))


def send(house, body, headers):
    request = urllib.request.Request(house.url + "/", data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def code(body):
    return json.loads(body)["__type"].split("#")[-1]


def test_w1_both_forms_of_the_target_reach_the_operation(house):
    short = post(house, b"{}", f"{TARGET}.DescribeTrails")
    long = post(house, b"{}", f"com.amazonaws.cloudtrail.v20131101.{TARGET}.DescribeTrails")
    assert short[0] == long[0] == 200
    assert json.loads(short[2]) == json.loads(long[2])


def test_w2_every_operation_of_the_model_is_known(house):
    model = botocore.session.get_session().get_service_model("cloudtrail")
    common = {"ValidationException", "SerializationException", "UnsupportedOperationException", "AccessDeniedException"}
    for name in model.operation_names:
        status, _, body = post(house, b'{"Name": 7, "ResourceId": [], "TrailName": {}}', f"{TARGET}.{name}")
        if status == 200:
            continue
        declared = {shape.name for shape in model.operation_model(name).error_shapes}
        assert code(body) in declared | common, (name, body)


@pytest.mark.parametrize(
    "body, expected",
    [
        (b"{", "SerializationException"),
        (b"[]", "SerializationException"),
        (b"\xff\xfe", "SerializationException"),
        (b'{"Name": {"a": 1}}', "SerializationException"),
        (b"{}", "ValidationException"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "SerializationException"),
    ],
)
def test_bad_bodies_get_the_right_error(house, body, expected):
    status, _, answer = post(house, body, f"{TARGET}.GetTrail")
    assert (status, code(answer)) == (400, expected)


def test_an_over_long_body_is_refused(house):
    status, _, answer = post(house, b" " * (5 << 20), f"{TARGET}.GetTrail")
    assert (status, code(answer)) == (413, "RequestEntityTooLargeException")


def test_an_unknown_operation_is_refused(house):
    status, _, answer = post(house, b"{}", f"{TARGET}.MakeCoffee")
    assert status in (400, 404)
    assert code(answer) == "UnknownOperationException"


def test_w3_errors_have_their_shape_and_class(house):
    cloudtrail = house.client("cloudtrail")
    arn = f"arn:aws:cloudtrail:us-east-1:{house.account}:trail/none"
    with pytest.raises(cloudtrail.exceptions.TrailNotFoundException) as caught:
        cloudtrail.get_trail(Name=arn)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert arn in caught.value.response["Error"]["Message"]
    status, _, body = post(house, json.dumps({"Name": arn}).encode(), f"{TARGET}.GetTrail")
    assert set(json.loads(body)) == {"__type", "message"}
    done = house.aws("cloudtrail", "get-trail", "--name", arn, check=False)
    assert done.returncode == 255 or done.returncode == 254
    assert "An error occurred (TrailNotFoundException) when calling the GetTrail operation" in done.stderr


def test_w4_only_a_good_signature_is_believed(house):
    keys = house.root_keys()
    wrong = {**keys, "aws_secret_access_key": "x" * 40}
    unknown = {**keys, "aws_access_key_id": "AKIA" + "X" * 16}
    ask = lambda **more: post(house, b"{}", f"{TARGET}.DescribeTrails", **more)
    assert code(ask(keys=wrong)[2]) in ("InvalidSignatureException", "SignatureDoesNotMatch")
    assert code(ask(keys=unknown)[2]) == "UnrecognizedClientException"
    assert code(ask(token="bogus")[2]) == "UnrecognizedClientException"
    unsigned = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{TARGET}.DescribeTrails"}
    assert code(send(house, b"{}", unsigned)[2]) == "MissingAuthenticationTokenException"
    assert ask()[0] == 200


@pytest.mark.parametrize("minutes, good", [(20, False), (-20, False), (10, True), (-10, True)])
def test_w4_a_clock_may_be_off_by_a_quarter_of_an_hour(house, minutes, good):
    when = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    status, _, body = post(house, b"{}", f"{TARGET}.DescribeTrails", when=when)
    assert (status == 200) is good, body


def test_w5_no_null_stands_in_an_answer(house):
    house.trail("fresh-w5", start=False)
    status, _, body = post(house, b'{"Name": "fresh-w5"}', f"{TARGET}.GetTrailStatus")
    assert status == 200
    assert b"null" not in body
    house.client("cloudtrail").delete_trail(Name="fresh-w5")


def test_w6_regions_and_accounts_are_apart(house):
    house.trail("trail-w6", start=False)
    elsewhere = house.client("cloudtrail", region="eu-west-1")
    assert elsewhere.describe_trails()["trailList"] == []
    assert house.aws_json("cloudtrail", "describe-trails", region="eu-west-1")["trailList"] == []

    organizations = house.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    made = organizations.create_account(Email="b@example.com", AccountName="b")["CreateAccountStatus"]
    status = organizations.describe_create_account_status(CreateAccountRequestId=made["Id"])["CreateAccountStatus"]
    assert status["State"] == "SUCCEEDED"
    role = f"arn:aws:iam::{status['AccountId']}:role/OrganizationAccountAccessRole"
    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]}
    sts = house.client("sts", keys=house.user("w6", may))
    key = sts.assume_role(RoleArn=role, RoleSessionName="w6")["Credentials"]
    theirs = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
        "aws_session_token": key["SessionToken"],
    }
    other = house.client("cloudtrail", keys=theirs)
    assert other.describe_trails()["trailList"] == []
    with pytest.raises(ClientError) as caught:
        other.get_trail(Name=f"arn:aws:cloudtrail:us-east-1:{house.account}:trail/trail-w6")
    assert caught.value.response["Error"]["Code"] in ("TrailNotFoundException", "CloudTrailARNInvalidException")
    house.client("cloudtrail").delete_trail(Name="trail-w6")


def test_a_half_sent_request_and_many_idle_connections_hurt_nobody(house):
    address = house.url.removeprefix("http://").split(":")
    sockets = [socket.create_connection((address[0], int(address[1]))) for _ in range(300)]
    sockets[0].sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
    sockets[1].sendall(b"GARBAGE\r\n\r\n")
    sockets[2].sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert house.client("sts").get_caller_identity()["Account"] == house.account
    for one in sockets:
        one.close()
