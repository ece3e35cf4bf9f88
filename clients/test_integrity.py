"""Rows V1 to V14: the archive that Cairn writes, proved by the unmodified AWS CLI."""

import base64
import gzip
import hashlib
import json
import random
import re
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest
from conftest import eventually
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key


def digests(house, bucket):
    """Keys of the standard digests, oldest first."""
    keys = [key for key in house.keys(bucket) if "/CloudTrail-Digest/" in key and "_backfill" not in key]
    return sorted(keys, key=lambda key: key[-24:-8])


def log_keys(house, bucket):
    return [key for key in house.keys(bucket) if "/CloudTrail/" in key]


def covered(house, bucket):
    """The log files that stand in a digest, backfill or not."""
    keys = [key for key in house.keys(bucket) if "/CloudTrail-Digest/" in key]
    return {log["s3Object"] for key in keys for log in read(house, bucket, key)[0]["logFiles"]}


def read(house, bucket, key):
    answer = house.client("s3").get_object(Bucket=bucket, Key=key)
    return json.loads(gzip.decompress(answer["Body"].read())), answer["Metadata"]


def validate(house, arn, *more, start=None):
    """`aws cloudtrail validate-logs --verbose`: (exit code, standard output, standard error)."""
    start = start or (datetime.now(timezone.utc) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    done = house.aws("cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", start, "--verbose", *more, check=False)
    return done.returncode, done.stdout, done.stderr


def make_archive(house, name, minimum=3):
    """A trail with log files in it and at least `minimum` digests: (bucket, ARN)."""
    bucket = house.trail_bucket(f"{name}-logs")
    arn = house.trail(name, bucket, EnableLogFileValidation=True)["TrailARN"]
    iam = house.client("iam")
    logs = set()
    for number in range(3):
        iam.create_user(UserName=f"{name}-{number}")
        # Each in a file of its own.
        logs |= set(eventually(lambda: set(log_keys(house, bucket)) - logs))
    eventually(lambda: len(digests(house, bucket)) >= minimum and logs <= covered(house, bucket))
    return bucket, arn


def freeze(house, name):
    """Nothing more is delivered; the final digest is there."""
    house.client("cloudtrail").stop_logging(Name=name)
    bucket = f"{name}-logs"
    seen = []

    def settled():
        seen.append(len(house.keys(bucket)))
        return len(seen) > 6 and len(set(seen[-6:])) == 1

    eventually(settled, pause=0.7)
    return digests(house, bucket)


def counts(out):
    found = re.search(r"(\d+)/(\d+) digest files valid", out)
    logs = re.search(r"(\d+)/(\d+) log files valid", out)
    return found and tuple(map(int, found.groups())), logs and tuple(map(int, logs.groups()))


def test_v1_empty_spans_have_digests_and_the_first_starts_the_chain(house):
    bucket = house.trail_bucket("v1-logs")
    house.trail("trail-v1", bucket, EnableLogFileValidation=True)
    keys = eventually(lambda: (found := digests(house, bucket)) and len(found) >= 3 and found)
    first, metadata = read(house, bucket, keys[0])
    previous = ["S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature"]
    assert [first[f"previousDigest{name}"] for name in previous] == [None] * 5
    assert set(metadata) >= {"signature", "signature-algorithm"}
    second, _ = read(house, bucket, keys[1])
    assert second["previousDigestS3Object"] == keys[0]
    assert second["previousDigestSignature"] == metadata["signature"]
    assert second["digestStartTime"] == first["digestEndTime"]
    empty = [found for key in digests(house, bucket) if not (found := read(house, bucket, key)[0])["logFiles"]]
    for digest in empty:
        assert digest["oldestEventTime"] is None and digest["newestEventTime"] is None
    house.client("cloudtrail").delete_trail(Name="trail-v1")


def test_v2_the_cli_finds_everything_valid(house):
    bucket, arn = make_archive(house, "trail-v2")
    code, out, err = validate(house, arn)
    assert code == 0, out + err
    assert "INVALID" not in out + err
    (valid, of), (logs, logs_of) = counts(out)
    assert valid == of >= 3 and logs == logs_of >= 3
    house.client("cloudtrail").delete_trail(Name="trail-v2")


DAMAGE = {
    "v3-log": "INVALID: hash value doesn't match",
    "v4-gone": "INVALID: not found",
    "v4-plain": "INVALID: invalid format",
    "v4-members": "INVALID: unexpected data after end of compressed stream",
    "v5-digest": "INVALID: signature verification failed",
    "v6-digest": "INVALID: not found",
    "v7-digest": "INVALID: has been moved from its original location",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_v3_to_v7_damage_is_found(house, kind):
    bucket, arn = make_archive(house, kind)
    keys = freeze(house, kind)
    s3 = house.client("s3")
    logs = [log["s3Object"] for key in keys for log in read(house, bucket, key)[0]["logFiles"]]
    log = logs[0]
    body = s3.get_object(Bucket=bucket, Key=log)["Body"].read()
    if kind == "v3-log":
        s3.put_object(Bucket=bucket, Key=log, Body=gzip.compress(gzip.decompress(body).replace(b"iam", b"IAM", 1)))
    elif kind == "v4-gone":
        s3.delete_object(Bucket=bucket, Key=log)
    elif kind == "v4-plain":
        s3.put_object(Bucket=bucket, Key=log, Body=b"not gzip")
    elif kind == "v4-members":
        s3.put_object(Bucket=bucket, Key=log, Body=body + gzip.compress(b"{}"))
    else:
        middle = keys[len(keys) // 2]
        answer = s3.get_object(Bucket=bucket, Key=middle)
        raw, metadata = answer["Body"].read(), answer["Metadata"]
        if kind == "v5-digest":
            changed = gzip.compress(gzip.decompress(raw) + b" ")
            s3.put_object(Bucket=bucket, Key=middle, Body=changed, Metadata=metadata)
        elif kind == "v6-digest":
            s3.delete_object(Bucket=bucket, Key=middle)
        elif kind == "v7-digest":
            other = s3.get_object(Bucket=bucket, Key=keys[0])
            s3.put_object(Bucket=bucket, Key=middle, Body=other["Body"].read(), Metadata=other["Metadata"])
    code, out, err = validate(house, arn)
    assert code == 1, out + err
    assert DAMAGE[kind] in out + err
    found = house.cli("verify", arn, "--data-dir", house.data_dir, check=False)
    assert found.returncode == 1, found.stdout + found.stderr
    house.client("cloudtrail").delete_trail(Name=kind)


def test_v9_a_stop_leaves_a_named_gap(house):
    bucket, arn = make_archive(house, "trail-v9", minimum=2)
    freeze(house, "trail-v9")
    time.sleep(3)
    house.client("cloudtrail").start_logging(Name="trail-v9")
    before = len(digests(house, bucket))
    eventually(lambda: len(digests(house, bucket)) >= before + 2)
    code, out, err = validate(house, arn)
    assert code == 0, out + err
    assert "No log files were delivered by CloudTrail between" in out + err
    house.client("cloudtrail").delete_trail(Name="trail-v9")


def test_v10_late_log_files_stand_in_a_backfill_digest(house):
    bucket, arn = make_archive(house, "v10", minimum=2)
    s3 = house.client("s3")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    request = house.client("iam").create_user(UserName="v10-late")["ResponseMetadata"]["RequestId"]
    # Longer than a digest waits for the files of its time.
    time.sleep(8)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    house.wait_for_record(bucket, requestID=request)
    late = set(log_keys(house, bucket))
    eventually(lambda: late <= covered(house, bucket))
    code, out, err = validate(house, arn)
    assert code == 0, out + err
    named = lambda: [key for key in house.keys(bucket) if key.endswith("_backfill.json.gz")]
    if named():
        assert "backfill digest files valid" in out
        assert "backfill-generation-timestamp" in read(house, bucket, named()[0])[1]
    house.client("cloudtrail").delete_trail(Name="v10")


def test_v12_public_keys_are_what_they_say(house):
    bucket, arn = make_archive(house, "v12", minimum=2)
    cloudtrail = house.client("cloudtrail")
    keys = cloudtrail.list_public_keys()["PublicKeyList"]
    for key in keys:
        value = key["Value"]
        assert hashlib.md5(value).hexdigest() == key["Fingerprint"]
        assert base64.b64encode(value).startswith(b"MIIBCgKCAQEA")
        wrapped = subject_public_key_info(value)
        assert load_der_public_key(wrapped).key_size == 2048
        assert load_der_public_key(wrapped).public_bytes(Encoding.DER, PublicFormat.PKCS1) == value
    used = read(house, bucket, digests(house, bucket)[0])[0]["digestPublicKeyFingerprint"]
    assert used in [key["Fingerprint"] for key in keys]
    past = cloudtrail.list_public_keys(StartTime=datetime(2001, 1, 1), EndTime=datetime(2001, 1, 2))
    assert past["PublicKeyList"] == []
    house.client("cloudtrail").delete_trail(Name="v12")


def subject_public_key_info(pkcs1):
    """PKCS#1 in the wrapping that the cryptography package reads."""
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    bits = b"\x03" + length(len(pkcs1) + 1) + b"\0" + pkcs1
    return b"\x30" + length(len(algorithm) + len(bits)) + algorithm + bits


def length(number):
    if number < 128:
        return bytes([number])
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(body)]) + body


def test_v13_keys_rotate_and_old_digests_stay_valid(new_house):
    house = new_house(CAIRN_TRAIL_KEY_ROTATION="6s").start()
    bucket, arn = make_archive(house, "v13", minimum=5)
    used = {read(house, bucket, key)[0]["digestPublicKeyFingerprint"] for key in digests(house, bucket)}
    assert len(used) >= 2
    start = datetime.now(timezone.utc) - timedelta(hours=1)
    listed = house.client("cloudtrail").list_public_keys(StartTime=start)["PublicKeyList"]
    assert used <= {key["Fingerprint"] for key in listed}
    code, out, err = validate(house, arn)
    assert code == 0 and "INVALID" not in out + err, out + err
    house.stop()


def test_v14_ten_kills_lose_and_double_nothing(new_house):
    """Must show 3: validate-logs after ten kill -9 under load; every acknowledged event exactly once."""
    house = new_house(CAIRN_RECORDING="fail-closed").start()
    bucket = house.trail_bucket("v14-logs")
    arn = house.trail("v14", bucket, EnableLogFileValidation=True)["TrailARN"]
    acknowledged, running = [], threading.Event()
    running.set()

    def load(worker):
        number = 0
        while running.is_set():
            try:
                iam = house.client("iam", connect_timeout=2, read_timeout=10)
                while running.is_set():
                    number += 1
                    answer = iam.create_user(UserName=f"v14-{worker}-{number}")
                    acknowledged.append(answer["ResponseMetadata"]["RequestId"])
            except Exception:
                time.sleep(0.05)

    workers = [threading.Thread(target=load, args=(worker,)) for worker in range(3)]
    for worker in workers:
        worker.start()
    chance = random.Random(14)
    for _ in range(10):
        # Always in the midst of calls, and of what else is due by then.
        enough = len(acknowledged) + chance.randint(11, 40)
        time.sleep(chance.uniform(0.5, 2))
        eventually(lambda: len(acknowledged) >= enough, pause=0.01)
        house.kill()
        house.start()
    running.clear()
    for worker in workers:
        worker.join()
    wanted = list(acknowledged)
    assert len(wanted) > 100

    def all_there():
        found = [record.get("requestID") for record in house.records(bucket)]
        return found if set(wanted) <= set(found) else None

    found = eventually(all_there, pause=1)
    doubled = {request for request in wanted if found.count(request) > 1}
    assert doubled == set()
    before = len(digests(house, bucket))
    eventually(lambda: len(digests(house, bucket)) > before + 1)
    code, out, err = validate(house, arn)
    assert code == 0 and "INVALID" not in out + err, out + err
    (valid, of), (logs, logs_of) = counts(out)
    assert valid == of and logs == logs_of
    ends = [key[-24:-8] for key in digests(house, bucket)]
    assert len(ends) == len(set(ends))
    house.stop()
