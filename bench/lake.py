"""The lake against ClickHouse and DuckDB: how fast logs come in, how large they are, how fast questions are answered.

Started by `bench/run lake`; see README.md. What counts is CPU time: of a server that was ended, from the kernel's
account of children; of one that runs, from the clock that the kernel keeps for it.
"""

import gzip
import http.client
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import logs
import questions
from conftest import House

PEERS = Path(__file__).with_name("peers.py")
RUNS = 5
NEEDLE_RUNS = 20


def children():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def cpu_of(pid):
    """CPU seconds of a running process, by the kernel's clock of it: nanoseconds, threads that have ended too."""
    return time.clock_gettime((~pid << 3) | 2)


def start(place, **options):
    defaults = {"CAIRN_HISTORY_OPEN": "true", "CAIRN_LAKE_FLUSH_INTERVAL": "1h", "CAIRN_LAKE_MAINTENANCE_INTERVAL": "1h"}
    return House(place, **{**defaults, **options}).start()


class Lake:
    """Asks a running house."""

    def __init__(self, house):
        self.house = house
        config = botocore.config.Config(retries={"max_attempts": 8, "mode": "standard"}, parameter_validation=False)
        make = lambda service: boto3.session.Session().client(
            service, region_name="us-east-1", endpoint_url=house.url, config=config, **house.root_keys()
        )
        self.trail, self.s3 = make("cloudtrail"), make("s3")
        self.bucket = f"cairn-lake-{house.account}"

    def ask(self, statement):
        """The rows of an answer, each a tuple of texts."""
        query = self.trail.start_query(QueryStatement=statement)["QueryId"]
        rows, token = [], {}
        pause = 0.002
        while True:
            page = self.trail.get_query_results(QueryId=query, MaxQueryResults=1000, **token)
            if page["QueryStatus"] in ("QUEUED", "RUNNING"):
                time.sleep(pause)
                pause = min(pause * 1.5, 0.2)
                continue
            assert page["QueryStatus"] == "FINISHED", (statement, page.get("ErrorMessage"))
            for row in page["QueryResultRows"]:
                rows.append(tuple("" if value is None else value for column in row for value in column.values()))
            if not page.get("NextToken"):
                return rows
            token = {"NextToken": page["NextToken"]}

    def count(self):
        return int(self.ask("SELECT count(*) AS n FROM events WHERE origin = 'import'")[0][0])

    def wait_for(self, count, seconds=1800):
        end = time.monotonic() + seconds
        while (found := self.count()) < count:
            assert time.monotonic() < end, f"{found} of {count} events after {seconds} s"
            time.sleep(0.5)
        assert found == count, f"{found} events, not {count}"

    def files(self):
        """Keys and sizes of the Parquet files of the table of all events."""
        try:
            pages = list(self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket))
        except self.s3.exceptions.NoSuchBucket:
            return {}
        items = [item for page in pages for item in page.get("Contents", [])]
        return {item["Key"]: item["Size"] for item in items if item["Key"].endswith(".parquet")}

    def settled(self, quiet=8, seconds=1800):
        """The files, once merging has come to rest."""
        end, before, since = time.monotonic() + seconds, None, time.monotonic()
        while time.monotonic() < end:
            files = self.files()
            if files != before:
                before, since = files, time.monotonic()
            elif time.monotonic() - since > quiet:
                return files
            time.sleep(1)
        raise AssertionError("merging does not come to rest")

    def fetch(self, files, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for number, key in enumerate(files):
            self.s3.download_file(self.bucket, key, str(folder / f"{number}.parquet"))
        return folder


def bring_in(place, folder, records, **options):
    """Imports a tree into a new house and ends it: (CPU seconds, wall seconds until it could be queried)."""
    before, began = children(), time.monotonic()
    house = start(place, **options)
    done = subprocess.run(
        [os.environ["CAIRN_BIN"], "import", str(folder)], capture_output=True, text=True, env=house.environment()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    Lake(house).wait_for(records)
    wall = time.monotonic() - began
    # At its end it writes into files what is fresh: that is paid for too.
    house.stop()
    return children() - before, wall


def peer(name, folder, place):
    done = subprocess.run([sys.executable, PEERS, name, str(folder), str(place)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def ingest(place, folder, raw, records, table):
    megabytes = raw / 1e6
    cpu, wall = bring_in(place / "house", folder, records)
    house = start(place / "house", CAIRN_LAKE_MAINTENANCE_INTERVAL="1s")
    files = Lake(house).settled()
    house.stop()
    theirs = {name: peer(name, folder, place / name) for name in ("clickhouse", "duckdb")}
    rate = {name: megabytes / found["cpu"] for name, found in theirs.items()}
    own = megabytes / cpu
    said = lambda name: f"{rate[name]:,.0f} MB per CPU second   (CPU {theirs[name]['cpu']:.1f} s, wall {theirs[name]['wall']:.1f} s)"
    table(
        f"lake, import: {records:,} records, {megabytes:,.0f} MB of JSON in {len(list(folder.rglob('*.gz'))):,} files",
        [
            ("cairn, durable and queryable and in files", f"{own:,.0f} MB per CPU second   (CPU {cpu:.1f} s, queryable after {wall:.1f} s)"),
            ("chdb (ClickHouse), MergeTree", said("clickhouse")),
            ("DuckDB, Parquet with zstd", said("duckdb")),
            ("ratio to ClickHouse, DuckDB", f"{own / rate['clickhouse']:.1f}, {own / rate['duckdb']:.1f}"),
            ("cairn, bytes a record on disk", f"{sum(files.values()) / records:,.0f}   ({len(files)} files)"),
            ("chdb, DuckDB, bytes a record", ", ".join(f"{found['bytes'] / records:,.0f}" for found in theirs.values())),
        ],
    )
    return files


def answers(place, files, records, table):
    import duckdb

    house = start(place / "house")
    lake = Lake(house)
    folder = lake.fetch(files, place / "parquet")
    base = duckdb.connect()
    base.execute("SET threads = 1")
    base.execute("SET TimeZone = 'UTC'")
    base.execute(f"CREATE VIEW files AS SELECT * FROM read_parquet('{folder}/*.parquet')")
    stored = base.execute("SELECT count(*) FROM files WHERE origin = 'import'").fetchone()[0]
    assert stored == records, f"{stored} rows in the files, not {records}"
    needle = base.execute("SELECT eventid FROM files WHERE origin = 'import' ORDER BY md5(eventid) LIMIT 1").fetchone()[0]
    rows, sums, worst = [], {True: [0.0, 0.0], False: [0.0, 0.0]}, 0.0
    for name, is_needle, ours, theirs in questions.questions(needle):
        runs = NEEDLE_RUNS if is_needle else RUNS
        found = lake.ask(ours)
        before = cpu_of(house.process.pid)
        for _ in range(runs):
            lake.ask(ours)
        own = (cpu_of(house.process.pid) - before) / runs
        expected = [tuple("" if value is None else str(value) for value in row) for row in base.execute(theirs).fetchall()]
        before = time.process_time()
        for _ in range(runs):
            base.execute(theirs).fetchall()
        peers = (time.process_time() - before) / runs
        assert found == expected, f"{name}: {found[:5]} and not {expected[:5]} ({len(found)} and {len(expected)} rows)"
        sums[is_needle][0] += own
        sums[is_needle][1] += peers
        worst = max(worst, own / peers) if is_needle else worst
        rows.append((f"{'needle: ' if is_needle else ''}{name}", f"{own * 1000:9.1f} ms   {peers * 1000:9.1f} ms   {own / peers:5.2f}   {len(found)} rows"))
    house.stop()
    total = [sum(pair[index] for pair in sums.values()) for index in (0, 1)]
    rows.append(("sum", f"{total[0] * 1000:9.1f} ms   {total[1] * 1000:9.1f} ms   {total[0] / total[1]:5.2f}"))
    rows.append(("worst ratio of a needle", f"{worst:.2f}"))
    table("lake, questions: CPU of cairn's server (API and all), DuckDB over the same Parquet files, ratio; equal answers", rows)


class Sender:
    """Sends log files of new events over one connection."""

    def __init__(self, house):
        host, port = house.url.removeprefix("http://").split(":")
        self.link = http.client.HTTPConnection(host, int(port), timeout=60)
        self.url, keys = house.url, house.root_keys()
        self.credentials = botocore.credentials.Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
        record = {
            "eventVersion": "1.10",
            "userIdentity": {"type": "IAMUser", "principalId": "AIDAFRESH", "arn": f"arn:aws:iam::{house.account}:user/fresh", "accountId": house.account, "accessKeyId": "AKIAFRESH", "userName": "fresh"},
            "eventTime": "@TIME", "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances", "awsRegion": "us-east-1",
            "sourceIPAddress": "192.0.2.1", "userAgent": "x" * 500, "requestParameters": {"filler": "y" * 400}, "responseElements": None,
            "requestID": "@ID", "eventID": "@ID", "readOnly": True, "eventType": "AwsApiCall", "managementEvent": True,
            "recipientAccountId": house.account, "eventCategory": "Management",
        }
        self.form = json.dumps(record, separators=(",", ":"))

    def send(self, count):
        """The id of the last event, once all are acknowledged."""
        form = self.form.replace("@TIME", datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        ids = [str(uuid.UUID(bytes=os.urandom(16), version=4)) for _ in range(count)]
        body = gzip.compress(('{"Records":[' + ",".join(form.replace("@ID", each) for each in ids) + "]}").encode(), 1)
        request = botocore.awsrequest.AWSRequest("POST", f"{self.url}/intake/cloudtrail", data=body, headers={"Host": self.url.removeprefix("http://")})
        botocore.auth.SigV4Auth(self.credentials, "cairn", "us-east-1").add_auth(request)
        self.link.request("POST", "/intake/cloudtrail", body=body, headers=dict(request.headers.items()))
        answer = self.link.getresponse()
        told = answer.read()
        assert answer.status == 200, told
        return ids[-1]


def fresh(place, seconds, rate, table):
    """From the acknowledgement of an event until it is found, while others come in."""
    house = start(place / "fresh", CAIRN_LAKE_FLUSH_INTERVAL="5m", CAIRN_LAKE_MAINTENANCE_INTERVAL="1m")
    batch, sent, delays = 1000, [0], {"LookupEvents": [], "SQL": []}

    def look(event):
        lake, acknowledged = Lake(house), time.monotonic()
        while not lake.trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event}])["Events"]:
            assert time.monotonic() < acknowledged + 60, "never found"
        delays["LookupEvents"].append(time.monotonic() - acknowledged)

    def ask(event):
        lake, acknowledged = Lake(house), time.monotonic()
        while lake.ask(f"SELECT count(*) AS n FROM events WHERE eventid = '{event}'") != [("1",)]:
            assert time.monotonic() < acknowledged + 60, "never found"
        delays["SQL"].append(time.monotonic() - acknowledged)

    sender, began = Sender(house), time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        probes = []
        while (passed := time.monotonic() - began) < seconds:
            due = began + sent[0] / rate
            if due > time.monotonic():
                time.sleep(due - time.monotonic())
            event = sender.send(batch)
            sent[0] += batch
            if all(probe.done() for probe in probes):
                probes = [pool.submit(look, event), pool.submit(ask, event)]
        reached = sent[0] / passed
        [probe.result() for probe in probes]
    house.stop()
    at = lambda found, part: statistics.quantiles(found, n=100)[part - 1] * 1000 if len(found) > 1 else found[0] * 1000
    rows = [("events acknowledged a second", f"{reached:,.0f} for {seconds} s")]
    for name, found in delays.items():
        rows.append((f"found by {name}", f"p50 {at(found, 50):,.0f} ms, p99 {at(found, 99):,.0f} ms   ({len(found)} probes)"))
    table("lake, freshness: from acknowledged to found, the look-up's own time included", rows)


def tiny(place, count, table):
    """A count over very many tiny log files: where they lie, and in the lake before and after merging."""
    import duckdb

    folder, records = place / "tiny", count * 3
    logs.make(folder, records, count)
    options = {"CAIRN_LAKE_FLUSH_INTERVAL": "1s", "CAIRN_LAKE_MEMORY_BYTES_MAX": "1MiB"}
    bring_in(place / "tiny-house", folder, records, **options)

    def counted(**more):
        house = start(place / "tiny-house", **more)
        lake = Lake(house)
        files = lake.settled() if more else lake.files()
        lake.count()
        before, began = cpu_of(house.process.pid), time.monotonic()
        for _ in range(RUNS):
            assert lake.count() == records
        spent = (cpu_of(house.process.pid) - before) / RUNS, (time.monotonic() - began) / RUNS
        house.stop()
        return len(files), *spent

    base = duckdb.connect()
    base.execute("SET threads = 1")
    before, began = time.process_time(), time.monotonic()
    query = f"SELECT sum(len(Records)) FROM read_json('{folder}/**/*.json.gz', columns = {{'Records': 'JSON[]'}})"
    assert base.execute(query).fetchone()[0] == records
    lying = time.process_time() - before, time.monotonic() - began
    first, merged = counted(), counted(CAIRN_LAKE_MAINTENANCE_INTERVAL="1s")
    said = lambda found: f"CPU {found[-2] * 1000:,.0f} ms, wall {found[-1] * 1000:,.0f} ms"
    table(
        f"lake, a count over {count:,} tiny log files",
        [
            ("DuckDB, where they lie", said(lying)),
            ("cairn, before merging", f"{said(first)}   ({first[0]} files)"),
            ("cairn, after merging", f"{said(merged)}   ({merged[0]} files)"),
            ("ratio of CPU before and after", f"{first[1] / merged[1]:.1f}"),
        ],
    )


def run(place, table, options):
    """All of it. `options`: records, files, tiny, seconds, only (a part's name, or None)."""
    wanted = lambda part: options["only"] in (None, part)
    if wanted("import") or wanted("questions"):
        folder, records = place / "logs", options["records"] // options["files"] * options["files"]
        raw = logs.make(folder, records, options["files"])
        files = ingest(place, folder, raw, records, table)
        if wanted("questions"):
            answers(place, files, records, table)
    if wanted("freshness"):
        fresh(place, options["seconds"], 10_000, table)
    if wanted("tiny"):
        tiny(place, options["tiny"], table)


QUICK = {"records": 50_000, "files": 100, "tiny": 500, "seconds": 5, "only": None}
FULL = {"records": 1_000_000, "files": 2_000, "tiny": 100_000, "seconds": 60, "only": None}


def options_of(arguments):
    """What stands behind the name: --quick, --records=N, --files=N, --tiny=N, --seconds=N, --only=PART."""
    options = dict(QUICK if "--quick" in arguments else FULL)
    for argument in arguments:
        if found := re.fullmatch(r"--(records|files|tiny|seconds)=(\d+)", argument):
            options[found[1]] = int(found[2])
        elif found := re.fullmatch(r"--only=(import|questions|freshness|tiny)", argument):
            options["only"] = found[1]
        elif argument != "--quick":
            sys.exit(f"bench: what is {argument}? {options_of.__doc__}")
    return options
