"""As much of AWS as it takes to verify an archive, over the objects of a signer's archive."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

XML = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PAGE = 1000


class Stub:
    """Serves DescribeTrails, ListPublicKeys, DescribeOrganization and reads of one bucket."""

    def __init__(self, archive):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body leave in one piece, at once.
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                operation = self.headers["X-Amz-Target"].rsplit(".", 1)[-1]
                answer = json.dumps(OPERATIONS[operation](archive, body)).encode()
                self.answer(200, answer, {"Content-Type": "application/x-amz-json-1.1"})

            def do_GET(self):
                parts = urlsplit(self.path)
                bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                if bucket != archive.bucket:
                    self.error(404, "NoSuchBucket")
                elif key:
                    self.object(key)
                elif "location" in query:
                    self.answer(200, f'{XML}<LocationConstraint xmlns="{NAMESPACE}"/>'.encode())
                else:
                    self.answer(200, listing(archive, query).encode())

            def object(self, key):
                stored = archive.objects.get(key)
                if stored is None:
                    return self.error(404, "NoSuchKey")
                headers = {f"x-amz-meta-{name}": value for name, value in stored.metadata.items()}
                headers |= {"Last-Modified": "Sat, 10 Jan 2026 00:00:00 GMT", "ETag": '"0"'}
                self.answer(200, stored.body, headers)

            def error(self, status, code):
                self.answer(status, f"{XML}<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

            def answer(self, status, body, headers=None):
                self.send_response(status)
                for name, value in {"Content-Type": "application/xml", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def describe_trails(archive, _):
    trail = {
        "Name": archive.trail,
        "TrailARN": archive.arn,
        "S3BucketName": archive.bucket,
        "HomeRegion": archive.home,
        "IsOrganizationTrail": bool(archive.organization),
    }
    return {"trailList": [trail | ({"S3KeyPrefix": archive.prefix} if archive.prefix else {})]}


def list_public_keys(archive, body):
    overlaps = lambda key: key["ValidityStartTime"] <= body["EndTime"] and key["ValidityEndTime"] >= body["StartTime"]
    return {"PublicKeyList": [key for key in archive.public_keys()["PublicKeyList"] if overlaps(key)]}


OPERATIONS = {
    "GetTrailStatus": lambda archive, _: {"IsLogging": True},
    "DescribeTrails": describe_trails,
    "ListPublicKeys": list_public_keys,
    "DescribeOrganization": lambda archive, _: {"Organization": {"Id": archive.organization}},
}


def listing(archive, query):
    """ListObjects, or V2 of it, in pages."""
    is_v2 = query.get("list-type") == "2"
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = max(query.get("marker", ""), query.get("continuation-token", ""), query.get("start-after", ""))
    keys = [key for key in sorted(archive.objects) if key.startswith(prefix) and key > after]
    folders = set()
    if delimiter:
        ends = {key: key.find(delimiter, len(prefix)) for key in keys}
        folders = {key[: end + 1] for key, end in ends.items() if end >= 0}
        keys = [key for key in keys if ends[key] < 0]
    page, rest = keys[:PAGE], keys[PAGE:]
    encode = (lambda key: escape(quote(key))) if query.get("encoding-type") == "url" else escape
    contents = "".join(
        f"<Contents><Key>{encode(key)}</Key><LastModified>2026-01-10T00:00:00.000Z</LastModified>"
        f"<ETag>0</ETag><Size>{len(archive.objects[key].body)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key in page
    )
    contents += "".join(
        f"<CommonPrefixes><Prefix>{encode(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)
    )
    more = f"<IsTruncated>{'true' if rest else 'false'}</IsTruncated>"
    if rest:
        name = "NextContinuationToken" if is_v2 else "NextMarker"
        more += f"<{name}>{encode(page[-1])}</{name}>"
    if query.get("encoding-type") == "url":
        more += "<EncodingType>url</EncodingType>"
    head = f"<Name>{archive.bucket}</Name><Prefix>{encode(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"
    return f'{XML}<ListBucketResult xmlns="{NAMESPACE}">{head}{more}{contents}</ListBucketResult>'
