#!/usr/bin/env python3
"""Asks a daemon for the scores of events that it will be sent only afterwards.

usage: score.py ask ADDRESS TOKEN EVENTS ANSWERS      one answer a line
       score.py compare ANSWERS SCORES                against the score topic's records
"""
import http.client
import json
import sys


def ask(address, token, events, answers):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with open(answers, "w") as out:
        for line in open(events):
            connection.request("POST", "/api/v1/score", line.strip(), headers)
            reply = connection.getresponse()
            body = reply.read()
            if reply.status != 200:
                sys.exit(f"{reply.status} {body} for {line}")
            out.write(body.decode())


def compare(answers, scores):
    published = {record["event_id"]: record for record in map(json.loads, open(scores))}
    heads = 0
    for answer in map(json.loads, open(answers)):
        record = published[answer["event_id"]]
        if set(record["heads"]) != set(answer["heads"]) or not answer["heads"]:
            sys.exit(f"other heads: {answer} {record}")
        for name, head in answer["heads"].items():
            there = record["heads"][name]
            if abs(head["probability"] - there["probability"]) > 1e-5 or head["score"] != there["score"]:
                sys.exit(f"another score: {answer} {record}")
            heads += 1
        if answer["quality"]["degraded"] or answer["outcome"] != answer["heads"][answer["head"]]["outcome"]:
            sys.exit(f"not in order: {answer}")
    print(f"{heads} scores are the same")


ask(*sys.argv[2:]) if sys.argv[1] == "ask" else compare(*sys.argv[2:])
