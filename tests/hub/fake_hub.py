#!/usr/bin/env python3
"""A hub for tests: serves a folder of repositories on the loopback interface, with faults on demand.

    fake_hub.py --content DIR [--xet] [--faults FILE] [--log FILE] [--port N] [--lifetime SECONDS]

DIR holds OWNER/NAME/<files>. Prints one line of JSON: {"endpoint": ..., "revisions": {"owner/name": commit}}. Files named
*.safetensors are large files (SHA-256, served through a redirect to a second port, as the real hub does); the others
are plain git files. The commit is computed from the content, so it is the same in each run. With --xet the large files
lie in a content-addressed storage besides (xet.py), as nearly all of the real hub do.

FILE of faults: a JSON list, read again whenever it changes; the first match with uses left is applied:
    {"match": "REGEX on 'METHOD PATH'", "kind": KIND, "times": N (default: always), ...}
kinds: status (code, error, message, headers), wrong_byte, short_body, reset (after: bytes), stall (after: bytes,
seconds), slow; the last three take bytes_per_second of each connection, or shared_bytes_per_second of all together; html, expired (on a reconstruction: its addresses are out of date), none (ends the
search: no fault).
"""
import argparse
import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse

import xet

BLOCK = 16 * 1024


class Repository:
    def __init__(self, name, root):
        self.name = name
        self.files = {}
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            content = path.read_bytes()
            relative = path.relative_to(root).as_posix()
            git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            entry = {"type": "file", "oid": git, "size": len(content), "path": relative}
            if relative.endswith(".safetensors"):
                entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            self.files[relative] = (entry, content)
        listing = "".join(f"{e['path']} {e['oid']}\n" for e, _ in self.files.values())
        self.large = [path for path, (entry, _) in self.files.items() if "lfs" in entry and entry["size"] > 0]
        self.revision = hashlib.sha1(listing.encode()).hexdigest()

    def store(self, storage):
        names = storage.add([self.files[path][1] for path in self.large])
        for path, name in zip(self.large, names):
            self.files[path][0]["xetHash"] = name

    def folders(self):
        names = set()
        for path in self.files:
            parts = path.split("/")[:-1]
            names.update("/".join(parts[: i + 1]) for i in range(len(parts)))
        return [{"type": "directory", "oid": hashlib.sha1(n.encode()).hexdigest(), "size": 0, "path": n}
                for n in sorted(names)]


class Faults:
    def __init__(self, file):
        self.file = file
        self.seen = None
        self.rules = []
        self.lock = threading.Lock()

    def take(self, line):
        if not self.file:
            return {}
        with self.lock:
            try:
                stat = os.stat(self.file)
                version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                if version != self.seen:
                    self.rules = json.loads(pathlib.Path(self.file).read_text())
                    self.seen = version
            except FileNotFoundError:
                self.rules = []
            for rule in self.rules:
                if rule.get("times", 1) > 0 and re.search(rule["match"], line):
                    if "times" in rule:
                        rule["times"] -= 1
                    return rule
            return {}


class Line:
    """What all connections have together: whoever sends waits until its bytes have had their time."""

    def __init__(self):
        self.lock, self.free_at = threading.Lock(), 0.0

    def send(self, count, pace):
        with self.lock:
            self.free_at = max(self.free_at, time.monotonic()) + count / pace
            wait = self.free_at - time.monotonic()
        time.sleep(wait)


class Handler(xet.Pages, http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status):
        self.write_log(f"{self.command} {self.path} {status}")

    def write_log(self, line):
        hub = self.server.hub
        if hub.log:
            with hub.log_lock, open(hub.log, "a") as log:
                log.write(line + "\n")

    def answer(self, status, body=b"", headers=None, content_type="application/json"):
        self.note(status)
        self.send_response(status)
        for name, value in {"Content-Type": content_type, **(headers or {})}.items():
            self.send_header(name, str(value))
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, message, headers=None):
        head = {"X-Error-Code": code, "X-Error-Message": message, **(headers or {})}
        self.answer(status, json.dumps({"error": message}).encode(), {k: v for k, v in head.items() if v})

    def do_HEAD(self):
        self.serve()

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.serve()

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(url.path)
        fault = self.server.hub.faults.take(f"{self.command} {path}")
        kind = fault.get("kind")
        if kind == "status":
            return self.error(fault["code"], fault.get("error", ""), fault.get("message", ""), fault.get("headers"))
        if kind == "html":
            return self.answer(200, b"<!doctype html><title>Sign in</title>", content_type="text/html")
        if path.startswith("/bridge/"):
            return self.bridge(path[len("/bridge/"):], fault)
        if self.server.hub.storage and self.xet(path, url.query, fault):
            return
        if self.command == "POST" and path == "/v1/telemetry":
            return self.answer(200, b"{}")
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+))?/?", path)
        if api:
            return self.api(*api.groups())
        resolve = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if resolve:
            return self.resolve(*resolve.groups(), fault)
        self.error(404, "", "no such page")

    def repository(self, name, revision):
        repository = self.server.hub.repositories.get(name)
        if repository is None:
            self.error(404, "RepoNotFound", "Repository not found")
        elif revision not in (None, "main", repository.revision):
            self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return repository
        return None

    def api(self, name, what, revision):
        repository = self.repository(name, revision)
        if repository is None:
            return
        if what == "tree":
            items = repository.folders() + [entry for entry, _ in repository.files.values()]
            return self.answer(200, json.dumps(items).encode())
        if what == "paths-info":
            commit = {"id": repository.revision, "title": "made", "date": "2026-01-01T00:00:00.000Z"}
            items = [{**repository.files[path][0], "lastCommit": commit} for path in json.loads(self.asked)["paths"]]
            return self.answer(200, json.dumps(items).encode())
        info = {"_id": "0" * 24, "id": name, "modelId": name, "sha": repository.revision, "private": False,
                "gated": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0,
                "siblings": [{"rfilename": path} for path in repository.files]}
        self.answer(200, json.dumps(info).encode())

    def resolve(self, name, revision, path, fault):
        repository = self.repository(name, revision)
        if repository is None:
            return
        if path not in repository.files:
            return self.error(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": repository.revision})
        entry, content = repository.files[path]
        head = {"X-Repo-Commit": repository.revision, "Accept-Ranges": "bytes"}
        if "lfs" not in entry:
            head["ETag"] = f'"{entry["oid"]}"'
            return self.send_content(content, head, fault)
        oid = entry["lfs"]["oid"]
        head.update({"X-Linked-ETag": f'"{oid}"', "X-Linked-Size": entry["size"],
                     "Location": f"{self.server.hub.bridge_endpoint}/bridge/{oid}"})
        if "xetHash" in entry:
            head.update(self.xet_headers(name, repository.revision, entry["xetHash"]))
            if "application/vnd.xet-fileinfo+json" in self.headers.get("Accept", ""):
                del head["Location"]
                return self.answer(200, b"{}", head, "application/vnd.xet-fileinfo+json")
        self.answer(302, b"", head)

    def bridge(self, oid, fault):
        for repository in self.server.hub.repositories.values():
            for entry, content in repository.files.values():
                if entry.get("lfs", {}).get("oid") == oid:
                    return self.send_content(content, {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"}, fault)
        self.error(404, "", "no such object")

    def send_content(self, content, head, fault):
        kind = fault.get("kind")
        start, status = 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        end = len(content)
        if asked and len(content) > 0:
            start = int(asked.group(1))
            end = min(end, int(asked.group(2)) + 1) if asked.group(2) else end
            if start >= len(content):
                return self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            status = 206
            head["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        if kind == "wrong_byte" and content:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]
        body = memoryview(content)[start:end]
        if kind == "short_body":
            body = body[: len(body) // 2]
        head["Content-Length"] = len(body)
        self.note(status)
        self.send_response(status)
        for name, value in head.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "HEAD":
            return
        limit = fault.get("after", len(body) // 2) if kind in ("reset", "stall") else len(body)
        sent = 0
        try:
            pace, shared = fault.get("bytes_per_second"), fault.get("shared_bytes_per_second")
            block = BLOCK if pace or shared else 16 * BLOCK
            while sent < min(limit, len(body)):
                piece = body[sent:min(sent + block, limit)]
                self.wfile.write(piece)
                sent += len(piece)
                if pace:
                    time.sleep(len(piece) / pace)
                if shared:
                    self.server.hub.line.send(len(piece), shared)
            if kind == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
            if kind == "stall":
                self.wfile.flush()
                self.server.hub.stopping.wait(fault.get("seconds", 600))
                self.close_connection = True
        except OSError:
            self.close_connection = True
        self.write_log(f"SENT {urllib.parse.urlsplit(self.path).path} {sent}")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went away


class Hub:
    def __init__(self, options):
        root = pathlib.Path(options.content)
        self.repositories = {}
        for folder in sorted(root.glob("*/*")):
            name = folder.relative_to(root).as_posix()
            self.repositories[name] = Repository(name, folder)
        self.faults = Faults(options.faults)
        self.storage = xet.Storage() if options.xet else None
        if self.storage:
            for repository in self.repositories.values():
                repository.store(self.storage)
        self.log = options.log
        self.log_lock = threading.Lock()
        self.stopping = threading.Event()
        self.line = Line()
        self.main = Server(("127.0.0.1", options.port), Handler)
        self.second = Server(("127.0.0.1", 0), Handler)
        self.main.hub = self.second.hub = self
        self.endpoint = f"http://127.0.0.1:{self.main.server_address[1]}"
        # Another host name: the client follows a redirect to the same host when it only asks for a file's size.
        self.bridge_endpoint = f"http://localhost:{self.second.server_address[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", required=True)
    parser.add_argument("--xet", action="store_true")
    parser.add_argument("--faults")
    parser.add_argument("--log")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--lifetime", type=float, default=3600, help="ends by itself after so many seconds")
    hub = Hub(parser.parse_args())
    for server in (hub.main, hub.second):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"endpoint": hub.endpoint,
                      "revisions": {name: one.revision for name, one in hub.repositories.items()}}), flush=True)
    hub.stopping.wait(parser.parse_args().lifetime)


if __name__ == "__main__":
    sys.exit(main())
