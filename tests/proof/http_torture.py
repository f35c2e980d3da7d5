#!/usr/bin/env python3
"""What a hostile client does to a daemon's HTTP face, one kind of it for some seconds.

usage: http_torture.py KIND ADDRESS SECONDS      prints what was tried and what came back

  slow     500 connections that send a byte a second
  tokens   ten thousand requests with wrong tokens
  limits   headers and bodies beyond every limit
  smuggle  requests that two servers would cut differently: no second answer may come
  scrape   /metrics every 100 ms, in both formats
"""
import collections
import random
import socket
import sys
import time

kind, address, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
host, port = address.rsplit(":", 1)
end = time.monotonic() + seconds
seen = collections.Counter()


def dial(timeout=3):
    return socket.create_connection((host, int(port)), timeout=timeout)


def ask(data, wait=3):
    """Everything that comes back, until the other side closes or nothing comes."""
    got = b""
    try:
        with dial(wait) as line:
            line.sendall(data)
            while True:
                more = line.recv(65536)
                if not more:
                    break
                got += more
    except OSError as error:
        seen[type(error).__name__] += 1
    return got


def slow():
    lines = []
    while time.monotonic() < end:
        while len(lines) < 500:
            line = socket.socket()
            line.setblocking(False)
            line.connect_ex((host, int(port)))
            lines.append([line, 0])
            seen["connections"] += 1
        for pair in lines[:]:
            try:
                pair[0].send(b"GET /api/v1/status HTTP/1.1\r\nHost: h\r\nX: "[pair[1]:pair[1] + 1] or b"a")
                pair[1] += 1
                seen["bytes"] += 1
            except BlockingIOError:
                pass
            except OSError:
                seen["cut"] += 1
                pair[0].close()
                lines.remove(pair)
        time.sleep(1)


def tokens():
    dice = random.Random(1)
    count = 0
    while count < 10000 or time.monotonic() < end:
        token = "".join(dice.choice("abcdef0123456789") for _ in range(dice.choice((0, 1, 24, 48, 512))))
        reply = ask(b"GET /api/v1/status HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer "
                    + token.encode() + b"\r\nConnection: close\r\n\r\n")
        seen[reply[9:12].decode() or "nothing"] += 1
        count += 1


LIMITS = [
    (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", "4"),
    (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: " + b"b" * 20000 + b"\r\n\r\n", "4"),
    (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(3000)) + b"\r\n", "4"),
    (b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n"
     + b"x" * 70000, "4"),
    (b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "4"),
    (b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", "4"),
    (b"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "45"),
    (b"GET / HTTP/9.9\r\nHost: h\r\n\r\n", "245"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), "4"),
    (b"GET /%00%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", "4"),
    (b"GET /api/v1/alerts/..%2f..%2fx HTTP/1.1\r\nHost: h\r\n\r\n", "4"),
    (b"\r\n\r\n\r\n", "4"),
]


def limits():
    while time.monotonic() < end:
        for data, good in LIMITS:
            reply = ask(data)
            code = reply[9:12].decode(errors="replace")
            seen[code or "closed"] += 1
            if code and code[0] not in good:
                sys.exit(f"{data[:60]!r} was answered with {reply[:200]!r}")


INNER = b"GET /livez HTTP/1.1\r\nHost: inner\r\n\r\n"
SMUGGLE = [
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(INNER) + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 5\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    b"POST /api/v1/pause HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + INNER,
    b"GET /livez HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(INNER) + INNER,
]


def smuggle():
    while time.monotonic() < end:
        for data in SMUGGLE:
            reply = ask(data)
            answers = reply.count(b"HTTP/1.1 ")
            seen[f"{answers} answers"] += 1
            if answers > 1 or reply.count(b"HTTP/1.1 200") > 1:
                sys.exit(f"{data!r} got {answers} answers: {reply[:600]!r}")


def scrape():
    accepts = [b"text/plain;version=0.0.4", b"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"]
    turn = 0
    while time.monotonic() < end:
        due = time.monotonic() + 0.1
        reply = ask(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept: " + accepts[turn % 2] + b"\r\n\r\n")
        head, _, body = reply.partition(b"\r\n\r\n")
        wanted = (b"Content-Type: text/plain; version=0.0.4", b"Content-Type: application/openmetrics-text; version=1.0.0")[turn % 2]
        if wanted not in head or body.endswith(b"# EOF\n") != bool(turn % 2):
            sys.exit(f"{accepts[turn % 2]!r} was answered with {head!r} ... {body[-60:]!r}")
        seen[head[9:12].decode()] += 1
        turn += 1
        time.sleep(max(0, due - time.monotonic()))


globals()[kind]()
print(kind, " ".join(f"{name}={count}" for name, count in sorted(seen.items())))
