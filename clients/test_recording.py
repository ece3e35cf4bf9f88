"""A journal that cannot be written: fail-open goes on and accounts, fail-closed refuses."""

import os
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError
from conftest import eventually

SIZE = 64 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, so that it can be full."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place):
    """Takes every byte that is left."""
    ballast = place / "ballast"
    with open(ballast, "wb") as file:
        try:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError:
            pass
    return ballast


def start(new_house, small_disk, mode):
    house = new_house(
        CAIRN_RECORDING=mode,
        CAIRN_JOURNAL_SEGMENT_BYTES_MAX="1MiB",
        CAIRN_RECORDING_QUEUE_BYTES_MAX="64KiB",
        CAIRN_LOG_LEVEL="error",
    )
    # The journal alone lies on the small disk: the rest of the house works.
    house.start()
    house.stop()
    shutil.move(house.data_dir / "journal", small_disk / "journal")
    os.symlink(small_disk / "journal", house.data_dir / "journal")
    return house.start()


def test_fail_open_calls_succeed_and_the_loss_is_accounted_for_exactly(new_house, small_disk):
    house = start(new_house, small_disk, "fail-open")
    bucket = house.trail_bucket("loss-logs")
    house.trail("loss", bucket)
    sts = house.client("sts")
    before = sts.get_caller_identity()["ResponseMetadata"]["RequestId"]
    house.wait_for_record(bucket, requestID=before)
    ballast = fill(small_disk)
    large = "x" * 900
    requests = []
    for number in range(3000):
        client = sts if number % 50 else house.client("sts", user_agent=f"{large}{number}")
        requests.append(client.get_caller_identity()["ResponseMetadata"]["RequestId"])
    # The account is kept in a file as long as it is not on record.
    account = house.data_dir / "lost.json"
    eventually(account.exists)
    ballast.unlink()

    def call():
        requests.append(sts.get_caller_identity()["ResponseMetadata"]["RequestId"])

    # Calls whose fate is known, until the journal writes again; only then calls of other kinds.
    eventually(lambda: (call(), not account.exists())[1])
    call()
    house.wait_for_record(bucket, requestID=requests[-1])
    kept = {record.get("requestID") for record in house.records(bucket)}
    missing = [request for request in requests if request not in kept]
    assert len(missing) > 100

    def accounted():
        found = [record["serviceEventDetails"] for record in house.records(bucket) if record["eventName"] == "RecordsLost"]
        return sum(details["lostRecords"] for details in found)

    assert eventually(lambda: (found := accounted()) >= len(missing) and found) == len(missing)
    house.stop()


def test_fail_closed_calls_fail_and_no_effect_is_without_a_trace(new_house, small_disk):
    house = start(new_house, small_disk, "fail-closed")
    bucket = house.trail_bucket("closed-logs")
    house.trail("closed", bucket)
    iam = house.client("iam")
    iam.create_user(UserName="before")
    ballast = fill(small_disk)

    def until_refused(call):
        for number in range(3000):
            try:
                call(number)
            except ClientError as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
                return number, error.response["ResponseMetadata"]["RequestId"]
        pytest.fail("the disk did not fill")

    number, request = until_refused(lambda number: iam.create_user(UserName=f"during-{number}"))
    # What is smaller may still fit for a while; then reads are refused too.
    until_refused(lambda _: iam.get_user(UserName="before"))
    ballast.unlink()

    def answers():
        try:
            return house.client("sts").get_caller_identity()
        except ClientError:
            return None

    eventually(answers)
    try:
        iam.get_user(UserName=f"during-{number}")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "NoSuchEntity"
    else:
        house.wait_for_record(bucket, requestID=request)
    house.stop()
