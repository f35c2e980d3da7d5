#!/usr/bin/env python3
"""What systemd would hear: writes every datagram's lines that come to a Unix socket, as they come.

usage: notify.py SOCKET
"""
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
while True:
    print(listener.recv(4096).decode().rstrip("\n"), flush=True)
