"""Rows V2 to V15: `cairn verify` on archives of an independent signer, beside the AWS CLI on the same ones.

Where the CLI looks, both must agree; what it overlooks, `cairn verify` must find.
"""

import json
import os
import subprocess
from dataclasses import dataclass, field

import pytest

import signer
from conftest import AWS, BINARY, PATIENCE
from signer import HOUR, START, Archive, Key, iso
from stub import Stub

END = START + 6 * HOUR
PROVEN, INVALID, UNABLE, INCOMPLETE, NOTHING_FOUND = 0, 1, 2, 3, 4


@pytest.fixture(scope="module")
def key():
    return Key()


@pytest.fixture(scope="module")
def later_key():
    return Key(start=START + 2 * HOUR)


@dataclass
class Case:
    """What is done to six hours, and what both verifiers say then."""

    damage: callable = None
    exit: int = INVALID
    codes: list = field(default_factory=list)
    cli_exit: int = 1
    cli_says: list = field(default_factory=list)
    edit: callable = None


def gap(archive):
    archive.restart()
    archive.hour(8)
    archive.hour(9)


WHOLE = ["6/6 digest files valid", "10/10 log files valid"]
CASES = {
    "whole": Case(None, PROVEN, [], 0, WHOLE),
    "backfill": Case(
        lambda archive: archive.backfill(1, 4), PROVEN, [], 0, [*WHOLE[:1], "2/2 backfill digest files valid", "12/12 log"]
    ),
    # V3, V4
    "log changed": Case(signer.change_log, INVALID, ["log_altered"], 1, ["INVALID: hash value doesn't match"]),
    "log deleted": Case(signer.delete_log, INVALID, ["log_missing"], 1, ["INVALID: not found"]),
    "log not gzip": Case(signer.spoil_log, INVALID, ["log_malformed"], 1, ["INVALID: invalid format"]),
    "log of two members": Case(
        signer.lengthen_log, INVALID, ["log_trailing"], 1, ["INVALID: unexpected data after end of compressed stream"]
    ),
    "digest not gzip": Case(
        signer.spoil_digest,
        INVALID,
        ["digest_malformed", "log_undigested", "log_undigested"],
        1,
        ["INVALID: invalid format"],
    ),
    # V5
    "digest changed": Case(
        signer.change_digest, INVALID, ["digest_signature"], 1, ["INVALID: signature verification failed"]
    ),
    "digest without metadata": Case(
        signer.strip_digest, INVALID, 2 * ["digest_signature"], 1, ["INVALID: signature verification failed"]
    ),
    # V6
    "digest deleted": Case(
        signer.delete_digest,
        INVALID,
        ["digest_missing", "log_undigested", "log_undigested"],
        1,
        ["INVALID: not found"],
    ),
    # V7
    "digest copied": Case(signer.copy_digest, INVALID, ["digest_moved"], 0, WHOLE),
    "digest copied to the end": Case(
        signer.copy_digest_to_the_end,
        INVALID,
        ["digest_moved"],
        1,
        ["INVALID: has been moved from its original location", "1/7 digest files INVALID"],
    ),
    "digest moved": Case(
        signer.move_digest,
        INVALID,
        ["digest_missing", "digest_moved", "log_undigested", "log_undigested"],
        1,
        ["INVALID: not found"],
    ),
    # V8
    "key unknown": Case(
        signer.hide_key,
        INVALID,
        6 * ["key_unknown"],
        1,
        ["INVALID: public key not found in region us-east-1 for fingerprint"],
    ),
    "key not PKCS #1": Case(
        signer.wrap_key,
        INVALID,
        6 * ["key_unusable"],
        1,
        ["INVALID: Unable to load PKCS #1 key"],
    ),
    # V15: the CLI says that all is well, or too little
    "newest digest deleted": Case(
        signer.delete_newest_digest, INCOMPLETE, ["newest_missing", "log_pending", "log_pending"], 0, ["5/5 digest files valid"]
    ),
    "two digests deleted": Case(
        signer.delete_two_digests,
        INVALID,
        ["digest_missing", "digest_missing", "log_undigested", "log_undigested"],
        1,
        ["1/5 digest files INVALID"],
    ),
    "hash of the predecessor zeroed": Case(None, INVALID, ["previous_hash"], 0, WHOLE, signer.zero_previous_hash),
    "predecessor signed again": Case(
        signer.sign_again, INVALID, ["previous_hash", "previous_signature"], 0, ["6/6 digest files valid", "9/9 log"]
    ),
    "digest of two members": Case(
        signer.lengthen_digest, INVALID, ["digest_malformed", "log_undigested", "log_undigested"], 0, WHOLE
    ),
    "log file planted": Case(signer.plant_log, INVALID, ["log_extra"], 0, WHOLE),
    "algorithm renamed": Case(signer.rename_algorithm, INVALID, ["digest_algorithm"], 0, WHOLE),
}


def environment(url):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CAIRN_"))}
    return {
        **kept,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def run(command, url="http://127.0.0.1:1"):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment(url), timeout=PATIENCE)


def cairn(target, *options, url="http://127.0.0.1:1", start=START, end=END):
    """Runs `cairn verify`; gives exit status and report."""
    done = run([BINARY, "verify", target, "--from", iso(start), "--to", iso(end), "--json", *options], url)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def codes(report):
    parts = [*report["chains"], *report["loose"]]
    return sorted(finding["code"] for part in parts for finding in part["findings"])


def validate_logs(archive, url, *options, end=END):
    command = [AWS, "cloudtrail", "validate-logs", "--trail-arn", archive.arn, "--region", archive.region]
    return run([*command, "--start-time", iso(START), "--end-time", iso(end), "--verbose", *options], url)


def written(archive, directory, **options):
    archive.write(directory / "tree", **options)
    keys = directory / "keys.json"
    keys.write_text(json.dumps(archive.public_keys()))
    return directory / "tree", "--public-keys", keys


@pytest.mark.parametrize("name", CASES)
def test_both_verifiers_agree_where_the_cli_looks_and_cairn_finds_the_rest(name, key, tmp_path):
    case = CASES[name]
    archive = Archive(Key() if case.damage is signer.wrap_key else key).hours(6, edit=case.edit)
    if case.damage:
        case.damage(archive)
    with Stub(archive) as stub:
        seen = {
            "directory": cairn(*written(archive, tmp_path)),
            "bucket": cairn(f"s3://{archive.bucket}", url=stub.url),
            "trail": cairn(archive.arn, url=stub.url),
        }
        cli = validate_logs(archive, stub.url)
    for status, report in seen.values():
        assert (status, codes(report)) == (case.exit, sorted(case.codes)), json.dumps(report, indent=1)
    assert cli.returncode == case.cli_exit, cli.stdout + cli.stderr
    for text in case.cli_says:
        assert text in cli.stdout + cli.stderr
    if case.cli_exit:
        assert seen["bucket"][0] == INVALID, "what the CLI refuses is never let pass"


def test_every_deleted_digest_is_named(key, tmp_path):
    archive = Archive(key).hours(6)
    deleted = archive.digests[2:4]
    signer.delete_two_digests(archive)
    _, report = cairn(*written(archive, tmp_path))
    findings = report["chains"][0]["findings"]
    assert [finding["key"] for finding in findings if finding["code"] == "digest_missing"] == deleted
    assert [(gap["from"], gap["to"]) for gap in report["certificate"]["gaps"]] == [
        (iso(START + 2 * HOUR), iso(START + 3 * HOUR)),
        (iso(START + 3 * HOUR), iso(START + 4 * HOUR)),
    ]


def test_a_stop_is_a_gap_that_both_name(key, tmp_path):
    archive = Archive(key).hours(6)
    gap(archive)
    end = START + 10 * HOUR
    with Stub(archive) as stub:
        status, report = cairn(archive.arn, url=stub.url, end=end)
        cli = validate_logs(archive, stub.url, end=end)
    assert (status, codes(report)) == (INCOMPLETE, ["gap"])
    assert report["certificate"]["gaps"][0]["from"] == iso(END)
    assert cli.returncode == 0
    between = f"between {iso(END)} and {iso(START + 8 * HOUR)}"
    assert f"No log files were delivered by CloudTrail {between}" in cli.stderr


def test_digests_before_and_after_a_rotation_are_proven(key, later_key, tmp_path):
    archive = Archive(key).hours(3)
    archive.rotate(later_key)
    for number in (3, 4, 5):
        archive.hour(number)
    with Stub(archive) as stub:
        status, report = cairn(archive.arn, url=stub.url)
        cli = validate_logs(archive, stub.url)
    assert (status, codes(report)) == (PROVEN, [])
    assert cli.returncode == 0 and "6/6 digest files valid" in cli.stdout


def test_an_organization_is_found_wherever_the_cli_is_pointed(key, tmp_path):
    archive = Archive(key, prefix="audit", organization="o-abcdefghij", account="444455556666").hours(6)
    account = ["--account-id", archive.account]
    with Stub(archive) as stub:
        for target in (archive.arn, f"s3://{archive.bucket}", f"s3://{archive.bucket}/audit/"):
            status, report = cairn(target, url=stub.url)
            assert (status, codes(report)) == (PROVEN, []), target
            assert report["chains"][0]["organization"] == "o-abcdefghij"
        without = validate_logs(archive, stub.url)
        whole = validate_logs(archive, stub.url, *account)
        blind = validate_logs(archive, stub.url, "--s3-bucket", archive.bucket, "--s3-prefix", "audit", *account)
    assert without.returncode == 255 and "Missing required parameter for organization trail" in without.stderr
    assert whole.returncode == 0 and "6/6 digest files valid" in whole.stdout
    assert blind.returncode == 0 and "No digests found" in blind.stdout


def test_a_plain_copy_is_proven_but_for_its_newest_digest(key, tmp_path):
    archive = Archive(key).hours(6)
    tree, *keys = written(archive, tmp_path, metadata=False)
    status, report = cairn(tree, *keys)
    assert (status, codes(report)) == (INCOMPLETE, ["signature_unknown"])
    assert report["certificate"]["digests"] == {"proven": 5, "invalid": 0, "missing": 0, "unproven": 1}
    status, report = cairn(tree, *keys, end=START + 5 * HOUR)
    assert (status, codes(report)) == (PROVEN, [])


def test_other_accounts_and_regions_are_verified_in_one_run(key, tmp_path):
    tree = tmp_path / "tree"
    for account in ("111122223333", "444455556666"):
        for region in ("us-east-1", "eu-west-1"):
            archive = Archive(key, account=account, region=region).hours(6)
            if (account, region) == ("444455556666", "eu-west-1"):
                signer.change_log(archive)
            archive.write(tree)
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(archive.public_keys()))
    status, report = cairn(tree, "--public-keys", keys)
    assert (status, codes(report)) == (INVALID, ["log_altered"])
    assert report["certificate"]["digests"]["proven"] == 24
    assert report["certificate"]["logs"] == {"proven": 39, "invalid": 1, "missing": 0, "unproven": 0}


def test_the_report_ends_with_a_certificate(key, tmp_path):
    tree, *keys = written(Archive(key).hours(6), tmp_path)
    done = run([BINARY, "verify", tree, *keys, "--from", iso(START), "--to", iso(END)])
    assert done.returncode == PROVEN and done.stderr == ""
    certificate = done.stdout.split("Certificate of completeness")[1]
    for text in ("ALL PROVEN", "6 of 6 proven", "10 of 10 proven", "30 proven", f"{iso(START)} to {iso(END)}"):
        assert text in certificate


def test_each_way_to_fail_has_its_exit_status(key, tmp_path):
    archive = Archive(key).hours(6)
    tree, _, keys = written(archive, tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "nonsense").write_text("nonsense")
    for status, *arguments in [
        (UNABLE,),
        (UNABLE, tmp_path / "nowhere", "--public-keys", keys),
        (UNABLE, tree, "--public-keys", tmp_path / "nonsense"),
        (UNABLE, tree, "--public-keys", keys, "--from", "yesterday"),
        (UNABLE, tree, "--public-keys", keys, "--from", iso(END), "--to", iso(START)),
        (UNABLE, tree),
        (UNABLE, "s3://"),
        (UNABLE, "arn:aws:s3:::bucket"),
        (NOTHING_FOUND, tmp_path / "empty", "--public-keys", keys),
    ]:
        done = run([BINARY, "verify", *arguments])
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        assert status == NOTHING_FOUND or done.stderr
    with Stub(archive) as stub:
        other = archive.arn.replace("prod", "other")
        assert "a trail could not be found" in run([BINARY, "verify", other], stub.url).stderr
        archive.trail = "other"
        done = run([BINARY, "verify", other], stub.url)
        assert done.returncode == NOTHING_FOUND and "no digest file of this trail" in done.stderr
