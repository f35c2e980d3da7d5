#!/usr/bin/env python3
"""Is the state under two key prefixes of one Redis the same, byte for byte, whatever the generation?

    redis_state.py SOCKET PREFIX PREFIX
"""
import hashlib
import socket
import sys


class Redis:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def send(self, *commands):
        out = b""
        for words in commands:
            out += b"*%d\r\n" % len(words)
            for word in words:
                word = word if isinstance(word, bytes) else word.encode()
                out += b"$%d\r\n%s\r\n" % (len(word), word)
        self.socket.sendall(out)
        return [self.read() for _ in commands]

    def read(self):
        line = self.file.readline()
        mark, rest = line[:1], line[1:-2]
        if mark == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if mark == b"*":
            return [self.read() for _ in range(int(rest))]
        if mark == b"-":
            sys.exit(f"redis: {rest.decode()}")
        return rest


def state(redis, prefix):
    """{partition, kind, token}: digest of the record, of each partition's current generation."""
    generations, found, cursor = {}, {}, b"0"
    while True:
        cursor, keys = redis.send(("SCAN", cursor, "MATCH", f"{prefix}:*", "COUNT", "1000"))[0]
        values = redis.send(*[("GET", key) for key in keys]) if keys else []
        for key, value in zip(keys, values):
            parts = key.decode().split(":", 4)
            if parts[1] == "wm":
                fields = dict(word.split("=", 1) for word in value.decode().split())
                generations[parts[2]] = fields["generation"]
            elif parts[1] != "own":
                found[tuple(parts[1:])] = hashlib.sha256(value).digest()
        if cursor == b"0":
            break
    return {
        (partition, kind, token): digest
        for (partition, generation, kind, token), digest in found.items()
        if generations.get(partition) == generation
    }


def main():
    redis = Redis(sys.argv[1])
    one, other = (state(redis, prefix) for prefix in sys.argv[2:4])
    missing = one.keys() ^ other.keys()
    different = [key for key in one.keys() & other.keys() if one[key] != other[key]]
    print(f"{len(one)} records against {len(other)}: {len(missing)} of one side only, {len(different)} differ")
    for key in list(missing)[:3] + different[:3]:
        print("   ", key)
    sys.exit(bool(missing or different or not one))


main()
