#!/usr/bin/env python3
"""Has a daemon explain every alert of its inbox again, and counts what came of it.

usage: explain.py ADDRESS TOKEN [MOST]      fails when one is not the same
"""
import http.client
import json
import sys

address, token = sys.argv[1:3]
most = int(sys.argv[3]) if len(sys.argv) > 3 else 10**9
host, port = address.rsplit(":", 1)
connection = http.client.HTTPConnection(host, int(port), timeout=30)


def ask(path):
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    reply = connection.getresponse()
    body = reply.read()
    if reply.status != 200:
        sys.exit(f"{path}: {reply.status} {body.decode()}")
    return json.loads(body)


count, worst, ties, heads, cursor = 0, 0.0, 0, {}, None
while count < most:
    page = ask("/api/v1/alerts?state=all&limit=500" + (f"&cursor={cursor}" if cursor else ""))
    for alert in page["alerts"]:
        if count == most:
            break
        again = ask(f"/api/v1/alerts/{alert['alert_id']}/explain")
        if not again["same"]:
            sys.exit(f"not the same: {json.dumps(again)}")
        count += 1
        worst = max(worst, again["score_difference_max"])
        ties += again["ties"] > 0
        heads[alert["head"]] = heads.get(alert["head"], 0) + 1
    cursor = page.get("next_cursor")
    if not cursor:
        break
print(f"alerts={count} score_difference_max={worst:.2g} with_ties={ties} "
      + " ".join(f"{name}={n}" for name, n in sorted(heads.items())))
