"""Makes CloudTrail archives as AWS signs them, whole or damaged, to try verifiers on.

It knows nothing of Cairn: keys, digests and signatures are made from AWS's description alone
("CloudTrail log file integrity validation"). An archive can be written into a directory, each
file's object metadata beside it, or put into a bucket:

    python signer.py DIR --hours 24 --logs 4 --records 50
"""

import argparse
import base64
import gzip
import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

START = datetime(2026, 1, 10, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
PREVIOUS = ("S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def squeezed(data):
    return gzip.compress(data, mtime=0)


class Key:
    """A pair of keys, and the time it is valid for."""

    def __init__(self, start=START - 30 * 24 * HOUR, end=START + 30 * 24 * HOUR):
        self.start, self.end = start, end
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
        self.fingerprint = hashlib.md5(self.der).hexdigest()

    def sign(self, text):
        return self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()

    def listed(self):
        """As ListPublicKeys shows it."""
        return {
            "Value": base64.b64encode(self.der).decode(),
            "ValidityStartTime": int(self.start.timestamp()),
            "ValidityEndTime": int(self.end.timestamp()),
            "Fingerprint": self.fingerprint,
        }


@dataclass
class Object:
    body: bytes
    metadata: dict = field(default_factory=dict)


@dataclass
class Archive:
    """The objects of one bucket, and the chain that is being written into it."""

    key: Key
    bucket: str = "trail-logs"
    prefix: str = ""
    organization: str = ""
    account: str = "111122223333"
    region: str = "us-east-1"
    trail: str = "prod"
    home: str = "us-east-1"
    records: int = 3
    seed: int = 7

    def __post_init__(self):
        self.objects = {}
        self.listed = [self.key]
        self.digests = []
        self.previous = None
        self.dice = random.Random(self.seed)

    @property
    def arn(self):
        return f"arn:aws:cloudtrail:{self.home}:{self.account}:trail/{self.trail}"

    def folder(self, kind, time):
        parts = [self.prefix, "AWSLogs", self.organization, self.account, kind, self.region, time.strftime("%Y/%m/%d")]
        return "/".join(part for part in parts if part)

    def digest_key(self, end, backfill=False):
        stamp = end.strftime("%Y%m%dT%H%M%SZ")
        name = f"{self.account}_CloudTrail-Digest_{self.region}_{self.trail}_{self.home}_{stamp}"
        return f"{self.folder('CloudTrail-Digest', end)}/{name}{'_backfill' if backfill else ''}.json.gz"

    def log_key(self, time):
        unique = "".join(self.dice.choices(LETTERS, k=16))
        name = f"{self.account}_CloudTrail_{self.region}_{time.strftime('%Y%m%dT%H%MZ')}_{unique}"
        return f"{self.folder('CloudTrail', time)}/{name}.json.gz"

    def record(self, time):
        identifier = "%08x-0000-4000-8000-%012x" % (self.dice.getrandbits(32), self.dice.getrandbits(48))
        return {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDA" + "".join(self.dice.choices(LETTERS[:26], k=16)),
                "arn": f"arn:aws:iam::{self.account}:user/someone",
                "accountId": self.account,
                "userName": "someone",
            },
            "eventTime": iso(time),
            "eventSource": "s3.amazonaws.com",
            "eventName": "ListBuckets",
            "awsRegion": self.region,
            "sourceIPAddress": f"198.51.100.{self.dice.randrange(256)}",
            "userAgent": "signer",
            "requestParameters": {"Host": "s3.amazonaws.com", "token": "%064x" % self.dice.getrandbits(256)},
            "responseElements": None,
            "eventID": identifier,
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        }

    def log(self, time):
        """Adds a log file; gives what its digest says of it."""
        times = [time - timedelta(seconds=30 + number) for number in range(self.records)]
        data = json.dumps({"Records": [self.record(at) for at in times]}, separators=(",", ":")).encode()
        key = self.log_key(time)
        self.objects[key] = Object(squeezed(data))
        return {
            "s3Bucket": self.bucket,
            "s3Object": key,
            "hashValue": sha256(data),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": iso(times[0]),
            "oldestEventTime": iso(times[-1]),
        }

    def digest(self, start, end, logs, backfill=False, edit=None):
        """Adds the next digest of the chain, changed by `edit` before it is signed."""
        key = self.digest_key(end, backfill)
        previous = dict(zip(PREVIOUS, self.previous or [None] * 5))
        digest = {
            "awsAccountId": self.account,
            "digestStartTime": iso(start),
            "digestEndTime": iso(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": self.key.fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": max((log["newestEventTime"] for log in logs), default=None),
            "oldestEventTime": min((log["oldestEventTime"] for log in logs), default=None),
            **{f"previousDigest{name}": value for name, value in previous.items()},
            "logFiles": logs,
        }
        if edit:
            edit(digest)
        data = json.dumps(digest).encode()
        signature = self.sign(digest, data)
        metadata = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        if backfill:
            metadata["backfill-generation-timestamp"] = (end + 5 * HOUR).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.objects[key] = Object(squeezed(data), metadata)
        self.previous = [self.bucket, key, sha256(data), "SHA-256", signature]
        self.digests.append(key)
        return key

    def sign(self, digest, data):
        lines = [
            digest["digestEndTime"],
            f"{digest['digestS3Bucket']}/{digest['digestS3Object']}",
            sha256(data),
            digest["previousDigestSignature"] or "null",
        ]
        return self.key.sign("\n".join(lines))

    def hour(self, number, logs=2, edit=None):
        """Adds the digest of one hour after START, with log files spread over it."""
        start = START + number * HOUR
        minutes = [(part + 1) * 60 // (logs + 1) for part in range(logs)]
        files = [self.log(start + timedelta(minutes=minute)) for minute in minutes]
        return self.digest(start, start + HOUR, files, edit=edit)

    def hours(self, count, logs=2, edit=None):
        """Adds so many hours, every fourth of them empty; `edit` takes the hour's number too."""
        for number in range(count):
            change = (lambda digest, number=number: edit(number, digest)) if edit else None
            self.hour(number, 0 if number % 4 == 3 else logs, change)
        return self

    def rotate(self, key):
        """Signs with another key from now on."""
        self.key = key
        self.listed.append(key)

    def restart(self):
        """The next digest begins a new chain."""
        self.previous = None

    def backfill(self, *numbers):
        """Adds a chain of backfill digests that name late log files of these hours."""
        self.restart()
        for number in numbers:
            start = START + number * HOUR
            self.digest(start, start + HOUR, [self.log(start + timedelta(minutes=7))], backfill=True)

    def logs(self):
        return [key for key in self.objects if "/CloudTrail/" in key]

    def content(self, key):
        return gzip.decompress(self.objects[key].body)

    def public_keys(self):
        return {"PublicKeyList": [key.listed() for key in self.listed]}

    def write(self, directory, metadata=True):
        """Writes a tree as `aws s3 sync` does, and what `aws s3api head-object` prints beside each digest."""
        for key, stored in self.objects.items():
            path = Path(directory) / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stored.body)
            if metadata and "/CloudTrail-Digest/" in key:
                beside = path.with_name(path.name + ".meta.json")
                beside.write_text(json.dumps({"ContentLength": len(stored.body), "Metadata": stored.metadata}))

    def upload(self, s3):
        """Puts everything into the bucket, by a boto3 client."""
        for key, stored in self.objects.items():
            s3.put_object(Bucket=self.bucket, Key=key, Body=stored.body, Metadata=stored.metadata)


# Damage. Each takes an archive of six hours and leaves one thing wrong with it.


def change_log(archive):
    key = archive.logs()[2]
    archive.objects[key].body = squeezed(archive.content(key).replace(b"ListBuckets", b"ListBucketz", 1))


def delete_log(archive):
    del archive.objects[archive.logs()[2]]


def spoil_log(archive):
    archive.objects[archive.logs()[2]].body = b"this is not gzip"


def lengthen_log(archive):
    stored = archive.objects[archive.logs()[2]]
    stored.body += stored.body


def change_digest(archive):
    key = archive.digests[2]
    archive.objects[key].body = squeezed(archive.content(key) + b" ")


def strip_digest(archive):
    archive.objects[archive.digests[2]].metadata.clear()


def spoil_digest(archive):
    archive.objects[archive.digests[2]].body = b"this is not gzip"


def lengthen_digest(archive):
    stored = archive.objects[archive.digests[2]]
    stored.body += stored.body


def delete_digest(archive):
    del archive.objects[archive.digests[2]]


def delete_two_digests(archive):
    del archive.objects[archive.digests[2]], archive.objects[archive.digests[3]]


def delete_newest_digest(archive):
    del archive.objects[archive.digests[-1]]


def copy_digest(archive, end=START + 5 * HOUR + timedelta(minutes=30)):
    copied = archive.objects[archive.digests[2]]
    archive.objects[archive.digest_key(end)] = Object(copied.body, dict(copied.metadata))


def copy_digest_to_the_end(archive):
    copy_digest(archive, START + 6 * HOUR + timedelta(minutes=5))


def move_digest(archive):
    copy_digest(archive)
    delete_digest(archive)


def hide_key(archive):
    archive.listed = [Key()]


def wrap_key(archive):
    """Lists the key as SubjectPublicKeyInfo, which it must not be."""
    key = archive.key
    spki = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key.der = spki


def rename_algorithm(archive):
    archive.objects[archive.digests[2]].metadata["signature-algorithm"] = "SHA1withRSA"


def sign_again(archive):
    """Takes a log file out of a digest and signs it again with the right key, as its thief could."""
    key = archive.digests[2]
    digest = json.loads(archive.content(key))
    archive.objects.pop(digest["logFiles"].pop()["s3Object"])
    data = json.dumps(digest).encode()
    archive.objects[key].body = squeezed(data)
    archive.objects[key].metadata["signature"] = archive.sign(digest, data)


def plant_log(archive):
    archive.log(START + HOUR + timedelta(minutes=33))


def zero_previous_hash(number, digest):
    """For `hours`: a digest that does not tell its predecessor's hash."""
    if number == 4:
        digest["previousDigestHashValue"] = "0" * 64


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("directory")
    options.add_argument("--hours", type=int, default=24)
    options.add_argument("--logs", type=int, default=4, help="log files in an hour")
    options.add_argument("--records", type=int, default=50, help="records in a log file")
    options.add_argument("--plain", action="store_true", help="without metadata files")
    options = options.parse_args()
    archive = Archive(Key(end=START + (options.hours + 24) * HOUR), records=options.records)
    archive.hours(options.hours, options.logs)
    archive.write(options.directory, metadata=not options.plain)
    (Path(options.directory) / "public-keys.json").write_text(json.dumps(archive.public_keys()))
    end = iso(START + options.hours * HOUR)
    print(f"{len(archive.objects)} files in {options.directory}, {iso(START)} to {end}, keys in public-keys.json")


if __name__ == "__main__":
    main()
