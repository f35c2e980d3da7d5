#!/usr/bin/env python3
"""Stands in for the service manager: binds the datagram socket PATH (NOTIFY_SOCKET) and appends a
line `MS MESSAGE` to FILE for each message that comes.

usage: pings.py PATH FILE
"""
import socket
import sys
import time


def main():
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(sys.argv[1])
    with open(sys.argv[2], "a", buffering=1) as out:
        while True:
            text = server.recv(4096).decode().replace("\n", " ")
            out.write(f"{int(time.time() * 1000)} {text}\n")


if __name__ == "__main__":
    main()
