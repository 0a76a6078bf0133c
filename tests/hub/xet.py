"""The content-addressed half of the fake hub: files as runs of chunks, chunks in xorbs, and the pages that serve them.

What the protocol asks of a download: read tokens, reconstructions (v1 and v2, ranges), signed addresses of xorbs that
go out of date. Chunks are cut at fixed places, since no client that downloads can tell; their hashes are the real ones.
"""
import hashlib
import hmac
import json
import re
import time
import urllib.parse

import xet_hash

MIB = 1 << 20
SECRET = b"of this hub only"
XORB_LIMIT = 16 * MIB  # a quarter of the real limit: a file of 64 MiB comes in four parts
TOKEN_SECONDS = 3600
ADDRESS_SECONDS = 900
PLAIN, LZ4, GROUPED = 0, 1, 2
# Version 1, independent blocks of at most 256 KiB, no checksums; the last byte is the header's own checksum.
FRAME = bytes.fromhex("04224d186050fb")


def lz4_length(number):
    return b"\xff" * (number // 255) + bytes([number % 255])


def lz4_sequence(literals, distance, length):
    """Literals, then `length` bytes from `distance` back; without a distance it is the last sequence."""
    few, same = min(15, len(literals)), min(15, length - 4) if distance else 0
    return (bytes([few << 4 | same]) + (lz4_length(len(literals) - 15) if few == 15 else b"") + literals
            + (distance.to_bytes(2, "little") if distance else b"") + (lz4_length(length - 19) if same == 15 else b""))


def lz4_block(data):
    out, seen, at, done = bytearray(), {}, 0, 0
    while at < len(data) - 12:  # the format wants the last bytes plain
        word = data[at:at + 4]
        before = seen.get(word, -1)
        seen[word] = at
        if before < 0 or at - before > 0xFFFF:
            at += 1
            continue
        length = 4
        while at + length < len(data) - 5 and data[before + length] == data[at + length]:
            length += 1
        out += lz4_sequence(data[done:at], at - before, length)
        at = done = at + length
    return bytes(out + lz4_sequence(data[done:], 0, 0))


def lz4_frame(data):
    block = lz4_block(data)
    size, block = (len(block), block) if len(block) < len(data) else (len(data) | 1 << 31, data)
    return FRAME + size.to_bytes(4, "little") + block + bytes(4)


def packed(data, is_small):
    """A chunk as it lies in a xorb. The larger ones are left as they are: packing takes long."""
    choices = [(PLAIN, data)]
    if is_small:
        choices += [(LZ4, lz4_frame(data)), (GROUPED, lz4_frame(b"".join(data[place::4] for place in range(4))))]
    scheme, body = min(choices, key=lambda choice: len(choice[1]))
    return bytes([0]) + len(body).to_bytes(3, "little") + bytes([scheme]) + len(data).to_bytes(3, "little") + body


class Xorb:
    def __init__(self):
        self.nodes = []  # (digest, length) of each chunk
        self.starts = [0]  # where each chunk lies, and where the last one ends
        self.parts = []
        self.content = b""
        self.name = ""

    def add(self, digest, length, body):
        self.nodes.append((digest, length))
        self.parts.append(body)
        self.starts.append(self.starts[-1] + len(body))
        return len(self.nodes) - 1

    def close(self):
        self.content = b"".join(self.parts)
        self.parts = []
        self.name = xet_hash.text_of(xet_hash.tree_hash(self.nodes))


class Storage:
    def __init__(self):
        self.files = {}  # hash: [(xorb, number of the chunk in it)]
        self.xorbs = {}
        self.places = {}  # digest: (xorb, number)
        self.known = {}  # SHA-256: digest, the slow one

    def add(self, contents):
        """Gives the hash of each content."""
        xorb, names = Xorb(), []
        for content in contents:
            is_small = len(content) < MIB
            step = 8 * 1024 if is_small else 64 * 1024
            nodes = []
            places = []
            for at in range(0, len(content), step):
                data = content[at:at + step]
                digest = self.digest(data)
                nodes.append((digest, len(data)))
                if digest not in self.places:
                    if xorb.starts[-1] + len(data) + 8 > XORB_LIMIT:
                        self.keep(xorb)
                        xorb = Xorb()
                    self.places[digest] = (xorb, xorb.add(digest, len(data), packed(data, is_small)))
                places.append(self.places[digest])
            names.append(xet_hash.text_of(xet_hash.file_hash(nodes)))
            self.files[names[-1]] = places
        self.keep(xorb)
        return names

    def digest(self, data):
        key = hashlib.sha256(data).digest()
        if key not in self.known:
            self.known[key] = xet_hash.blake3(data, xet_hash.CHUNK_KEY)
        return self.known[key]

    def keep(self, xorb):
        if xorb.nodes:
            xorb.close()
            self.xorbs[xorb.name] = xorb

    def cover(self, name, start, end):
        """The terms that hold the bytes [start, end) of a file: (how far in it begins, [[xorb, first, last + 1]])."""
        terms, at, skip = [], 0, None
        for xorb, number in self.files[name]:
            length = xorb.nodes[number][1]
            if at + length > start and at < end:
                skip = start - at if skip is None else skip
                if terms and terms[-1][0] is xorb and terms[-1][2] == number:
                    terms[-1][2] += 1
                else:
                    terms.append([xorb, number, number + 1])
            at += length
        return skip, terms

    def size(self, name):
        return sum(xorb.nodes[number][1] for xorb, number in self.files[name])


def merged(ranges):
    """Overlapping and neighbouring ranges as one."""
    result = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1]:
            result[-1][1] = max(result[-1][1], last)
        else:
            result.append([first, last])
    return result


def sign(*words):
    return hmac.new(SECRET, "\n".join(map(str, words)).encode(), hashlib.sha256).hexdigest()


def address(endpoint, xorb, first, last, expires):
    signed = f"bytes={xorb.starts[first]}-{xorb.starts[last] - 1}"
    query = {"Expires": expires, "X-Xet-Signed-Range": signed, "Signature": sign(xorb.name, expires, signed)}
    return f"{endpoint}/xorbs/{xorb.name}?{urllib.parse.urlencode(query)}"


def reconstruction(version, storage, name, start, end, endpoint, expires):
    skip, terms = storage.cover(name, start, end)
    wanted = {}
    for xorb, first, last in terms:
        wanted.setdefault(xorb.name, []).append((first, last))
    fetches = {}
    for xorb_name, ranges in wanted.items():
        xorb = storage.xorbs[xorb_name]
        # One address for each range: what a storage does that cannot answer with several ranges at once.
        for first, last in merged(ranges):
            url = address(endpoint, xorb, first, last, expires)
            chunks = {"start": first, "end": last}
            lies = {"start": xorb.starts[first], "end": xorb.starts[last] - 1}
            one = ({"range": chunks, "url": url, "url_range": lies} if version == "v1"
                   else {"url": url, "ranges": [{"chunks": chunks, "bytes": lies}]})
            fetches.setdefault(xorb_name, []).append(one)
    return {"offset_into_first_range": skip,
            "terms": [{"hash": xorb.name, "range": {"start": first, "end": last},
                       "unpacked_length": sum(length for _, length in xorb.nodes[first:last])}
                      for xorb, first, last in terms],
            "fetch_info" if version == "v1" else "xorbs": fetches}


def spoiled(xorb, first, last):
    """The content with one wrong byte in the middle one of the wanted chunks that are plain. A packed one would not be
    unpacked: that is an error and not a wrong byte."""
    plain = [start for start in xorb.starts[:-1] if first <= start <= last and xorb.content[start + 4] == PLAIN]
    if not plain:
        return xorb.content
    begins = plain[len(plain) // 2]
    at = begins + 8 + int.from_bytes(xorb.content[begins + 1:begins + 4], "little") // 2
    return xorb.content[:at] + bytes([xorb.content[at] ^ 1]) + xorb.content[at + 1:]


class Pages:
    """What a handler of the fake hub answers besides, when the hub has a storage."""

    def xet_headers(self, name, revision, xet_hash_):
        cas, hub = self.server.hub.bridge_endpoint, self.server.hub.endpoint
        return {"X-Xet-Hash": xet_hash_,
                "Link": f'<{hub}/api/models/{name}/xet-read-token/{revision}>; rel="xet-auth", '
                        f'<{cas}/v1/reconstructions/{xet_hash_}>; rel="xet-reconstruction-info"'}

    def xet_token(self, name, revision):
        if self.repository(name, revision) is None:
            return
        expires = int(time.time()) + TOKEN_SECONDS
        token = f"xet.{expires}.{sign('token', expires)}"
        cas = self.server.hub.bridge_endpoint
        self.answer(200, json.dumps({"accessToken": token, "exp": expires, "casUrl": cas}).encode(),
                    {"X-Xet-Cas-Url": cas, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": expires})

    def has_token(self):
        words = re.fullmatch(r"Bearer xet\.(\d+)\.([0-9a-f]+)", self.headers.get("Authorization", ""))
        return bool(words) and words[2] == sign("token", int(words[1])) and int(words[1]) > time.time()

    def xet_reconstruction(self, version, name, fault):
        storage = self.server.hub.storage
        if not self.has_token():
            return self.error(401, "", "the read token is missing, wrong or out of date")
        if name not in storage.files:
            return self.error(404, "", "no such file")
        size = storage.size(name)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-"))
        start, end = int(asked[1]), min(size, int(asked[2]) + 1) if asked[2] else size
        if start >= size:
            return self.answer(416, b"", {"Content-Range": f"bytes */{size}"})
        expires = int(time.time()) + (-1 if fault.get("kind") == "expired" else ADDRESS_SECONDS)
        endpoint = self.server.hub.bridge_endpoint
        told = reconstruction(version, storage, name, start, end, endpoint, expires)
        self.answer(200, json.dumps(told).encode())

    def xet_xorb(self, name, query, fault):
        xorb = self.server.hub.storage.xorbs.get(name)
        if xorb is None:
            return self.error(404, "", "no such xorb")
        signed = dict(urllib.parse.parse_qsl(query))
        expires, bytes_ = signed.get("Expires", "0"), signed.get("X-Xet-Signed-Range", "")
        if signed.get("Signature") != sign(name, expires, bytes_) or int(expires) < time.time():
            return self.error(403, "", "the address is out of date")
        if self.headers.get("Range") != bytes_:
            return self.error(403, "", "the address is for another range")
        content = xorb.content
        if fault.get("kind") == "wrong_byte":
            content, fault = spoiled(xorb, *(int(number) for number in bytes_.removeprefix("bytes=").split("-"))), {}
        self.send_content(content, {"ETag": f'"{name}"', "Accept-Ranges": "bytes"}, fault)

    def xet(self, path, query, fault):
        """True when the page is one of these and was answered."""
        token = re.fullmatch(r"/api/models/([^/]+/[^/]+)/xet-read-token/([^/]+)", path)
        file = re.fullmatch(r"/(v[12])/reconstructions/([0-9a-f]{64})", path)
        xorb = re.fullmatch(r"/xorbs/([0-9a-f]{64})", path)
        if token:
            self.xet_token(*token.groups())
        elif file:
            self.xet_reconstruction(*file.groups(), fault)
        elif xorb:
            self.xet_xorb(xorb[1], query, fault)
        return bool(token or file or xorb)
