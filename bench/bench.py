"""Benchmarks against peers: ratios and CPU time. See README.md beside this file; start it by `bench/run`."""

import gzip
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "clients"))
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
os.environ.setdefault("CAIRN_BIN", str(TARGET / "cairn"))

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import lake as lake_bench
import signer
from conftest import AWS, House
from stub import Stub

TICKS = os.sysconf("SC_CLK_TCK")
TOOLS = Path(sys.executable).parent


def cpu_of(pid):
    """CPU seconds of a running process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measured(command, **options):
    """Runs a command: (CPU seconds, wall seconds, what it printed, exit code)."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - began, done.stdout + done.stderr, done.returncode


def table(title, rows):
    print(f"\n{title}")
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}", flush=True)


def signed_call(address, keys, action):
    """One signed Query call as bytes; it is good for a quarter of an hour."""
    body = f"Action={action}&Version=2011-06-15".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Host": f"{address[0]}:{address[1]}"}
    request = botocore.awsrequest.AWSRequest("POST", f"http://{address[0]}:{address[1]}/", data=body, headers=headers)
    credentials = botocore.credentials.Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    botocore.auth.SigV4Auth(credentials, "sts", "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()] + [f"Content-Length: {len(body)}"]
    return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + body


def blast(address, call, seconds, connections):
    """Calls over kept connections where the server keeps them: how many answers were 200."""
    counts, end = [0] * connections, time.monotonic() + seconds

    def run(index):
        link = stream = None
        while time.monotonic() < end:
            if link is None:
                link = socket.create_connection(address)
                stream = link.makefile("rb")
            link.sendall(call)
            status, length, closes = stream.readline(), 0, False
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.lower().partition(b":")
                length = int(value) if name == b"content-length" else length
                closes = closes or (name == b"connection" and b"close" in value)
            stream.read(length)
            assert b" 200 " in status, status
            counts[index] += 1
            if closes:
                link.close()
                link = None

    threads = [threading.Thread(target=run, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def rate(pid, address, keys, seconds=8, connections=8):
    """Calls per CPU second of the server, and calls per second on the wall."""
    call = signed_call(address, keys, "GetCallerIdentity")
    blast(address, call, 1, connections)
    before, began = cpu_of(pid), time.monotonic()
    count = blast(address, call, seconds, connections)
    return count / (cpu_of(pid) - before), count / (time.monotonic() - began)


def address_of(url):
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def door(place):
    house = House(place / "door").start()
    ours, ours_wall = rate(house.process.pid, address_of(house.url), house.root_keys())
    house.stop()
    closed = House(place / "closed", CAIRN_RECORDING="fail-closed").start()
    strict, strict_wall = rate(closed.process.pid, address_of(closed.url), closed.root_keys())
    closed.stop()
    port = free_port()
    moto = subprocess.Popen(
        [TOOLS / "moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.2)
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
    theirs, theirs_wall = rate(moto.pid, ("127.0.0.1", port), keys, connections=2)
    moto.send_signal(signal.SIGKILL)
    moto.wait()
    rows = [
        ("cairn, calls per CPU second (fail-open)", f"{ours:,.0f}   (wall {ours_wall:,.0f}/s)"),
        ("cairn, calls per CPU second (fail-closed)", f"{strict:,.0f}   (wall {strict_wall:,.0f}/s)"),
        ("moto_server, calls per CPU second", f"{theirs:,.0f}   (wall {theirs_wall:,.0f}/s; no signature checked, no record)"),
        ("ratio", f"{ours / theirs:.1f}"),
    ]
    table("door: signed sts:GetCallerIdentity", rows)


def journal(place):
    done = subprocess.run([TARGET / "examples/append", str(place / "journal")], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    table("journal: durable appends of 1.5 KB events", [(name, str(value)) for name, value in figures.items()])


def make_logs(place, files=200, records=1000):
    """A tree of CloudTrail-like log files; (folder, bytes of JSON)."""
    key = signer.Key()
    archive = signer.Archive(key, seed=11)
    folder, total = place / "logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/10", 0
    folder.mkdir(parents=True)
    padding = "".join(chr(97 + index % 26) for index in range(331))
    for number in range(files):
        moment = signer.START + number * signer.timedelta(seconds=30)
        found = []
        for index in range(records):
            record = archive.record(moment)
            record["requestParameters"]["tail"] = f"{padding}{number}-{index}"
            record["userAgent"] = "aws-sdk-java/2.20.0 Linux/5.10 OpenJDK_64-Bit_Server_VM/17.0.6 vendor/Amazon.com_Inc."
            record["tlsDetails"] = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"}
            found.append(record)
        text = json.dumps({"Records": found}, separators=(",", ":")).encode()
        total += len(text)
        name = Path(archive.log_key(moment)).name
        (folder / name).write_bytes(gzip.compress(text, 6, mtime=0))
    return place / "logs", total


def import_(place, runs=5):
    logs, total = make_logs(place)
    megabytes, found = total / 1e6, []
    for number in range(runs):
        house = House(place / f"import-{number}").start()
        server = cpu_of(house.process.pid)
        cpu, wall, printed, code = measured([os.environ["CAIRN_BIN"], "import", str(logs)], env=house.environment())
        found.append((cpu_of(house.process.pid) - server + cpu, wall))
        assert code == 0, printed
        house.stop()
    cpus, walls = (sorted(values) for values in zip(*found))
    middle = runs // 2
    table(
        f"import: log files into the journal, durable ({runs} runs)",
        [
            ("raw JSON", f"{megabytes:,.0f} MB in {len(list(logs.rglob('*.gz')))} files"),
            ("MB per CPU second, both processes", f"median {megabytes / cpus[middle]:,.0f}, best {megabytes / cpus[0]:,.0f}"),
            ("MB per second on the wall", f"median {megabytes / walls[middle]:,.0f}, best {megabytes / walls[0]:,.0f}"),
        ],
    )


def verify(place):
    verify_archive(place / "small", records=10)
    verify_archive(place / "medium", records=60)


def verify_archive(place, records):
    place.mkdir()
    archive = signer.Archive(signer.Key(), records=records, bucket="verified-logs")
    archive.hours(24, logs=100)
    raw = sum(len(gzip.decompress(stored.body)) for stored in archive.objects.values()) / 1e6
    house = House(place / "verify").start()
    s3 = house.client("s3")
    s3.create_bucket(Bucket=archive.bucket)
    archive.upload(s3)
    keys = place / "keys.json"
    keys.write_text(json.dumps(archive.public_keys()))
    environment = house.shell_environment()
    start, end = signer.iso(signer.START), signer.iso(signer.START + 24 * signer.HOUR)
    archive.write(place / "tree")
    cairn = lambda target: [os.environ["CAIRN_BIN"], "verify", target, "--public-keys", str(keys), "--from", start, "--to", end]
    rounds = []
    with Stub(archive) as stub:
        peer = [AWS, "cloudtrail", "validate-logs", "--trail-arn", archive.arn, "--start-time", start, "--end-time", end]
        split = {**environment, "AWS_ENDPOINT_URL_CLOUDTRAIL": stub.url, "AWS_ENDPOINT_URL_S3": house.url}
        for _ in range(5):
            ours = [measured(cairn(target), env=environment) for target in (f"s3://{archive.bucket}", str(place / "tree"))]
            rounds.append([*ours, measured(peer, env=split)])
    house.stop()
    assert all(run[3] == 0 for runs in rounds for run in runs), rounds
    middle = lambda values: sorted(values)[len(rounds) // 2]
    figures = [(middle(runs[which][0] for runs in rounds), middle(runs[which][1] for runs in rounds)) for which in range(3)]
    ratios = [
        tuple(middle(runs[2][what] / runs[which][what] for runs in rounds) for what in (0, 1)) for which in range(2)
    ]
    said = lambda cpu, wall: f"{raw / cpu:,.0f} MB per CPU second   (CPU {cpu:.2f} s, wall {wall:.2f} s)"
    table(
        f"verify: {records} records in a log file (medians of {len(rounds)} rounds)",
        [
            ("raw JSON", f"{raw:,.0f} MB in {len(archive.objects)} files"),
            ("cairn verify, over HTTP", said(*figures[0])),
            ("cairn verify, a local tree", said(*figures[1])),
            ("aws validate-logs, over HTTP", said(*figures[2])),
            ("ratio of CPU and wall, HTTP", "{:.1f}, {:.1f}".format(*ratios[0])),
            ("ratio of CPU and wall, tree", "{:.1f}, {:.1f}".format(*ratios[1])),
        ],
    )


def idle(place):
    House(place / "idle").start().stop()
    starts = []
    for _ in range(5):
        began = time.monotonic()
        house = House(place / "idle").start()
        starts.append(time.monotonic() - began)
        time.sleep(1)
        status = Path(f"/proc/{house.process.pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
        house.stop()
    table(
        "idle",
        [("start to ready (median of 5)", f"{sorted(starts)[2] * 1000:.0f} ms"), ("resident", f"{resident:.0f} MB")],
    )


def lake(place):
    lake_bench.run(place, table, lake_bench.options_of([word for word in sys.argv[1:] if word.startswith("--")]))


BENCHES = {"door": door, "journal": journal, "import": import_, "verify": verify, "idle": idle, "lake": lake}


def main():
    for name in [word for word in sys.argv[1:] if not word.startswith("--")] or BENCHES:
        place = Path(tempfile.mkdtemp(prefix="cairn-bench-"))
        try:
            BENCHES[name](place)
        finally:
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
