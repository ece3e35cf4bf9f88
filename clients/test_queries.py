"""Rows L3 to L7, L13, L14 and O5: queries of the lake by real clients, and by the command line."""

import csv
import gzip
import hashlib
import io
import json
import re

import pytest
from botocore.exceptions import ClientError
from conftest import eventually
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

ENDED = ("FINISHED", "FAILED", "CANCELLED", "TIMED_OUT")


def code(caught):
    return caught.value.response["Error"]["Code"]


def ended(cloudtrail, query):
    """What DescribeQuery says once the query has ended."""
    describe = lambda: cloudtrail.describe_query(QueryId=query)
    return eventually(lambda: (found := describe())["QueryStatus"] in ENDED and found, 60)


def run(cloudtrail, statement, **more):
    query = cloudtrail.start_query(QueryStatement=statement, **more)["QueryId"]
    found = ended(cloudtrail, query)
    assert found["QueryStatus"] == "FINISHED", found
    return query


def rows(cloudtrail, query, **more):
    """Every row as one dictionary, over all pages."""
    found, token = [], {}
    while True:
        page = cloudtrail.get_query_results(QueryId=query, **more, **token)
        found += [{name: value for cell in row for name, value in cell.items()} for row in page["QueryResultRows"]]
        if "NextToken" not in page:
            assert page["QueryStatistics"]["TotalResultsCount"] == len(found)
            return found
        token = {"NextToken": page["NextToken"]}


def test_l3_a_query_sees_what_was_called_before_it_and_gives_texts(house):
    cloudtrail = house.client("cloudtrail")
    for number in range(3):
        house.client("iam").create_user(UserName=f"l3-{number}")
    query = run(cloudtrail, "SELECT eventname, count(*) AS c FROM events GROUP BY eventname ORDER BY c DESC")
    page = cloudtrail.get_query_results(QueryId=query)
    assert all(len(cell) == 1 for row in page["QueryResultRows"] for cell in row)
    found = {row["eventname"]: row["c"] for row in rows(cloudtrail, query)}
    assert int(found["CreateUser"]) >= 3 and isinstance(found["CreateUser"], str)


def test_l4_what_is_not_one_select_is_refused(house):
    cloudtrail = house.client("cloudtrail")
    for statement in [
        "INSERT INTO events VALUES (1)",
        "CREATE TABLE t (a bigint)",
        "DELETE FROM events",
        "SELECT 1 FROM events; SELECT 2 FROM events",
        "SELEC 1",
        "SELECT nocolumn FROM events",
    ]:
        with pytest.raises(ClientError) as caught:
            cloudtrail.start_query(QueryStatement=statement)
        assert code(caught) == "InvalidQueryStatementException", statement
    with pytest.raises(ClientError) as caught:
        cloudtrail.start_query(QueryStatement="SELECT 1 FROM events" + " " * 10_000)
    assert code(caught) == "InvalidParameterException"
    with pytest.raises(ClientError) as caught:
        cloudtrail.start_query(QueryStatement="SELECT 1 FROM 0f2f6c0e-9a7f-4d0a-8f5f-1f6a4f7d2b11")
    assert code(caught) == "EventDataStoreNotFoundException"


def test_l5_a_query_is_cancelled_once(house):
    cloudtrail = house.client("cloudtrail")
    query = run(cloudtrail, "SELECT eventname FROM events LIMIT 1")
    with pytest.raises(ClientError) as caught:
        cloudtrail.cancel_query(QueryId=query)
    assert code(caught) == "InactiveQueryException"
    with pytest.raises(ClientError) as caught:
        cloudtrail.cancel_query(QueryId="0f2f6c0e-9a7f-4d0a-8f5f-1f6a4f7d2b11")
    assert code(caught) == "QueryIdNotFoundException"


def test_l6_queries_are_described_and_listed_by_pages(house):
    cloudtrail = house.client("cloudtrail")
    made = [run(cloudtrail, f"SELECT {number} AS n FROM events LIMIT 1") for number in range(3)]
    found = cloudtrail.describe_query(QueryId=made[0])
    assert found["QueryString"] == "SELECT 0 AS n FROM events LIMIT 1"
    statistics = found["QueryStatistics"]
    assert set(statistics) >= {"EventsMatched", "EventsScanned", "BytesScanned", "ExecutionTimeInMillis", "CreationTime"}
    listed, token = [], {}
    while True:
        page = cloudtrail.list_queries(EventDataStore="events", QueryStatus="FINISHED", MaxResults=2, **token)
        listed += [query["QueryId"] for query in page["Queries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert set(made) <= set(listed) and len(listed) == len(set(listed))
    for wrong, expected in [
        ({"QueryStatus": "DONE"}, "InvalidQueryStatusException"),
        ({"MaxResults": 1001}, "InvalidMaxResultsException"),
        ({"NextToken": "nonsense"}, "InvalidNextTokenException"),
        ({"StartTime": 2, "EndTime": 1}, "InvalidDateRangeException"),
    ]:
        with pytest.raises(ClientError) as caught:
            cloudtrail.list_queries(EventDataStore="events", **wrong)
        assert code(caught) == expected


def test_a_result_is_paged_and_a_token_is_bound_to_its_query(house):
    cloudtrail = house.client("cloudtrail")
    for _ in range(5):
        cloudtrail.describe_trails()
    query = run(cloudtrail, "SELECT eventid FROM events LIMIT 5")
    page = cloudtrail.get_query_results(QueryId=query, MaxQueryResults=2)
    assert len(page["QueryResultRows"]) == 2 and page["NextToken"]
    assert len({row["eventid"] for row in rows(cloudtrail, query, MaxQueryResults=2)}) == 5
    other = run(cloudtrail, "SELECT eventid FROM events LIMIT 5")
    with pytest.raises(ClientError) as caught:
        cloudtrail.get_query_results(QueryId=other, NextToken=page["NextToken"])
    assert code(caught) == "InvalidNextTokenException"


def lake_bucket(house, name, actions):
    s3 = house.client("s3")
    s3.create_bucket(Bucket=name)
    if actions:
        statement = {
            "Sid": "AWSCloudTrailLake1",
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": actions,
            "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        }
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def verify_results(house, bucket, folder):
    """Checks a delivered result as the page on result validation says; raises when anything is wrong."""
    s3 = house.client("s3")
    read = lambda name: s3.get_object(Bucket=bucket, Key=f"{folder}/{name}")["Body"].read()
    sign = json.loads(read("result_sign.json"))
    assert (sign["hashAlgorithm"], sign["signatureAlgorithm"]) == ("SHA-256", "SHA256withRSA")
    for file in sign["files"]:
        assert hashlib.sha256(read(file["fileName"])).hexdigest() == file["fileHashValue"]
    keys = house.client("cloudtrail", region=sign["region"]).list_public_keys(
        StartTime=sign["queryCompleteTime"], EndTime="2100-01-01T00:00:00Z"
    )["PublicKeyList"]
    value = next(key["Value"] for key in keys if key["Fingerprint"] == sign["publicKeyFingerprint"])
    # PKCS#1 within a SubjectPublicKeyInfo.
    head = bytes.fromhex("300d06092a864886f70d0101010500")
    bits = b"\x03\x82" + (len(value) + 1).to_bytes(2, "big") + b"\0" + value
    key = load_der_public_key(b"\x30\x82" + (len(head) + len(bits)).to_bytes(2, "big") + head + bits)
    text = " ".join(file["fileHashValue"] for file in sign["files"])
    key.verify(bytes.fromhex(sign["hashSignature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return [read(file["fileName"]) for file in sign["files"]]


def delivered(cloudtrail, query):
    describe = lambda: cloudtrail.describe_query(QueryId=query)
    return eventually(lambda: (found := describe())["DeliveryStatus"] != "PENDING" and found)


def test_l7_a_result_is_delivered_and_its_signature_holds(house):
    cloudtrail, s3 = house.client("cloudtrail"), house.client("s3")
    bucket = lake_bucket(house, "l7-results", ["s3:PutObject*", "s3:Abort*"])
    for _ in range(5):
        cloudtrail.describe_trails()
    query = run(cloudtrail, "SELECT eventname, eventid FROM events LIMIT 4", DeliveryS3Uri=f"s3://{bucket}/q")
    assert delivered(cloudtrail, query)["DeliveryStatus"] == "SUCCESS"
    key = next(key for key in house.keys(bucket) if key.endswith("result_1.csv.gz"))
    assert re.fullmatch(rf"q/AWSLogs/{house.account}/CloudTrail-Lake/Query/\d{{4}}/\d\d/\d\d/{query}/result_1.csv.gz", key)
    folder = key.rsplit("/", 1)[0]
    [body] = verify_results(house, bucket, folder)
    table = list(csv.reader(io.StringIO(gzip.decompress(body).decode())))
    assert table[0] == ["eventname", "eventid"]
    assert table[1:] == [[row["eventname"], row["eventid"]] for row in rows(cloudtrail, query)]
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(b"other"))
    with pytest.raises(AssertionError):
        verify_results(house, bucket, folder)
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    sign = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}/result_sign.json")["Body"].read())
    sign["hashSignature"] = "00" * 256
    s3.put_object(Bucket=bucket, Key=f"{folder}/result_sign.json", Body=json.dumps(sign))
    with pytest.raises(InvalidSignature):
        verify_results(house, bucket, folder)


def test_l7_a_bucket_that_does_not_let_results_in_gets_none(house):
    cloudtrail = house.client("cloudtrail")
    bucket = lake_bucket(house, "l7-closed", [])
    query = run(cloudtrail, "SELECT eventname FROM events LIMIT 1", DeliveryS3Uri=f"s3://{bucket}")
    assert delivered(cloudtrail, query)["DeliveryStatus"] == "ACCESS_DENIED"
    assert house.keys(bucket) == []
    with pytest.raises(ClientError) as caught:
        cloudtrail.start_query(QueryStatement="SELECT 1 FROM events", DeliveryS3Uri="s3://l7-is-not-there")
    assert code(caught) == "S3BucketDoesNotExistException"


def test_l13_samples_are_found_and_every_one_of_them_runs(house):
    cloudtrail = house.client("cloudtrail")
    found = cloudtrail.search_sample_queries(SearchPhrase="console login")["SearchResults"]
    assert found and set(found[0]) == {"Name", "Description", "SQL", "Relevance"}
    assert "console" in found[0]["Name"].lower()
    samples = {}
    phrase = "console access roles keys calls iam trail buckets deletions changes activity address clients resource tls what"
    token = {}
    while True:
        page = cloudtrail.search_sample_queries(SearchPhrase=phrase, MaxResults=50, **token)
        samples.update((sample["Name"], sample["SQL"]) for sample in page["SearchResults"])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(samples) >= 20
    for name, statement in samples.items():
        query = cloudtrail.start_query(QueryStatement=statement)["QueryId"]
        assert ended(cloudtrail, query)["QueryStatus"] == "FINISHED", name
    with pytest.raises(ClientError) as caught:
        cloudtrail.generate_query(EventDataStores=["events"], Prompt="who signed in yesterday?")
    assert code(caught) == "GenerateResponseException"


def test_l14_the_aws_cli_asks_and_nobody_says_that_the_lake_is_closed(house):
    statement = "SELECT eventname FROM events LIMIT 2"
    for _ in range(2):
        house.client("cloudtrail").describe_trails()
    query = house.aws_json("cloudtrail", "start-query", "--query-statement", statement)["QueryId"]
    ended(house.client("cloudtrail"), query)
    answer = house.aws_json("cloudtrail", "get-query-results", "--query-id", query)
    assert answer["QueryStatus"] == "FINISHED" and len(answer["QueryResultRows"]) == 2


def test_a_user_without_permission_asks_nothing(house):
    keys = house.user("query-nobody")
    with pytest.raises(ClientError) as caught:
        house.client("cloudtrail", keys=keys).start_query(QueryStatement="SELECT 1 FROM events")
    assert "AccessDenied" in code(caught)


def test_the_command_line_prints_rows_in_every_format(house, tmp_path):
    statement = "SELECT eventname, count(*) AS calls FROM events WHERE eventname = ? GROUP BY eventname"
    arguments = ["query", statement, "--param", "CreateBucket"]
    house.client("s3").create_bucket(Bucket="cli-query")
    table = house.cli(*arguments).stdout.splitlines()
    assert table[0].split() == ["eventname", "calls"] and table[2].split()[0] == "CreateBucket"
    assert house.cli(*arguments, "--format", "csv").stdout.splitlines()[0] == "eventname,calls"
    [line] = house.cli(*arguments, "--format", "json").stdout.splitlines()
    assert json.loads(line)["calls"] >= 1
    file = tmp_path / "rows.parquet"
    house.cli(*arguments, "--format", "parquet", "--output", file)
    assert file.read_bytes()[:4] == file.read_bytes()[-4:] == b"PAR1"
    assert "CreateBucket" in house.cli("query", "--history").stdout or "eventname = ?" in house.cli("query", "--history").stdout
    failed = house.cli("query", "SELECT nocolumn FROM events", check=False)
    assert failed.returncode == 1 and "nocolumn" in failed.stderr
    assert house.cli("query", check=False).returncode == 2
    assert house.cli("query", "--explain", "SELECT count(*) FROM events").stdout.strip()


def test_the_command_line_works_without_a_server_and_results_survive(new_house):
    house = new_house().start()
    house.client("iam").create_user(UserName="before")
    query = run(house.client("cloudtrail"), "SELECT eventname FROM events WHERE eventname = 'CreateUser'")
    house.stop()
    offline = house.cli("query", "SELECT count(*) AS n FROM events WHERE eventname = 'CreateUser'", "--format", "json")
    assert json.loads(offline.stdout)["n"] == 1
    tables = house.cli("tables").stdout
    assert "events" in tables
    assert "eventname" in house.cli("tables", "describe", "events").stdout
    house.start()
    assert rows(house.client("cloudtrail"), query) == [{"eventname": "CreateUser"}]
