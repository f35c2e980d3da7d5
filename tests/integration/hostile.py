#!/usr/bin/env python3
"""Hostile records among good ones, and the judge of what became of them.

  hostile.py make SEED COUNT GOOD.ndjson STREAM EXPECTED   COUNT hostile records mixed into the good
  hostile.py judge EXPECTED OFFLINE.csv SCORES DEAD        dead letters and scores are as they should be
  hostile.py scan EXPECTED FILE...                         no card number stands in the files

STREAM is for kcat -D and -K with the two marks below and -Z. EXPECTED has a line a hostile record:
key, TAB, the codes that may be its reason (by commas), TAB, the card numbers in it.
"""
import csv
import json
import random
import re
import sys

END, SPLIT = b"\x1e\x1d\x1e#", b"\x1e\x1d\x1e="


def luhn(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card_number(dice):
    digits = dice.choice("3456") + "".join(dice.choice("0123456789")
                                           for _ in range(dice.choice((12, 14, 14, 14, 17))))
    return next(digits + last for last in "0123456789" if luhn(digits + last))


def event(key):
    return {"event_id": "e-" + key, "event_type": "card_auth", "schema_version": 1,
            "event_time_ms": 1738000000000, "user_token": key, "card_token": "c-" + key,
            "amount_minor": 1234, "currency": "EUR", "terminal_id": "t1", "merchant_id": "m1",
            "mcc": "5411", "merchant_country": "NL",
            "geo": {"lat": 51.5, "lon": 5.5, "country": "NL"}}


def changed(key, **fields):
    made = event(key)
    made.update(fields)
    return json.dumps(made, separators=(",", ":")).encode()


def without(key, field):
    made = event(key)
    del made[field]
    return json.dumps(made).encode()


def replaced(key, old, new):
    return changed(key).replace(old.encode(), new)


# Name: what it makes of (key, dice); the codes that it may be refused with.
KINDS = [
    (lambda k, d: b"", "null_value"),
    (lambda k, d: b"\xff\xfe" + changed(k), "not_utf8"),
    (lambda k, d: changed(k, channel="pp").replace(b"pp", b"p\xc3"), "not_utf8"),
    (lambda k, d: replaced(k, '"NL"', b'"\xed\xa0\x80"'), "not_utf8"),
    (lambda k, d: changed(k)[:d.randrange(1, len(changed(k)) - 1)], "not_json"),
    (lambda k, d: changed(k) + b"}", "not_json"),
    (lambda k, d: changed(k) + changed(k), "not_json"),
    (lambda k, d: replaced(k, ":1234", b":NaN"), "not_json"),
    (lambda k, d: replaced(k, ":1234", b":1e999"), "not_json,out_of_range,bad_type"),
    (lambda k, d: replaced(k, ":1234", b":-Infinity"), "not_json"),
    (lambda k, d: replaced(k, ":1234", b":01234"), "not_json"),
    (lambda k, d: d.choice((b"[]", b"7", b'"x"', b"null", b"true", b"[{}]")), "not_object"),
    (lambda k, d: changed(k, extra=json.loads("[" * 100 + "]" * 100)), "too_deep"),
    (lambda k, d: replaced(k, '"currency"', b'"currency":"USD","currency"'), "duplicate_key"),
    (lambda k, d: replaced(k, '"lat"', b'"lat":1.5,"lat"'), "duplicate_key"),
    (lambda k, d: changed(k, event_type="card_auths"), "unknown_type"),
    (lambda k, d: changed(k, event_type=""), "unknown_type,out_of_range,bad_type"),
    (lambda k, d: changed(k, schema_version=2), "unknown_version"),
    (lambda k, d: changed(k, schema_version="1"), "bad_type,unknown_version"),
    (lambda k, d: without(k, d.choice(("event_id", "event_type", "event_time_ms", "user_token",
                                       "card_token", "amount_minor", "currency"))),
     "missing_field"),
    (lambda k, d: changed(k, amount_minor="12"), "bad_type"),
    (lambda k, d: changed(k, amount_minor=12.5), "bad_type,out_of_range"),
    (lambda k, d: changed(k, amount_minor=None), "bad_type,missing_field"),
    (lambda k, d: changed(k, user_token=7), "bad_type"),
    (lambda k, d: changed(k, geo=[1, 2]), "bad_type"),
    (lambda k, d: changed(k, amount_minor=-1), "out_of_range"),
    (lambda k, d: changed(k, amount_minor=2**53 + 2), "out_of_range"),
    (lambda k, d: changed(k, amount_minor=10**30), "out_of_range,bad_type"),
    (lambda k, d: changed(k, geo={"lat": 91, "lon": 0}), "out_of_range"),
    (lambda k, d: changed(k, geo={"lat": 0, "lon": -180.5}), "out_of_range"),
    (lambda k, d: changed(k, currency="EU"), "out_of_range,bad_type"),
    (lambda k, d: changed(k, terminal_id="t" * 129), "out_of_range,bad_type"),
    (lambda k, d: changed(k, terminal_id="t\0x"), "out_of_range,bad_type"),
    (lambda k, d: changed(k, event_time_ms=946684799999), "time_past"),
    (lambda k, d: changed(k, event_time_ms=-5), "time_past,out_of_range"),
    (lambda k, d: changed(k, event_time_ms=4102444800000), "time_future"),
    (lambda k, d: changed(k, user_token="somebody-else"), "key_mismatch"),
    (lambda k, d: bytes(d.randrange(256) for _ in range(d.randrange(1, 400))),
     "not_utf8,not_json,not_object"),
    (lambda k, d: changed(k, filler="x" * 70000), "too_large"),
]
CARDS = [
    (lambda k, d, n: changed(k, card_token=n), "card_number"),
    (lambda k, d, n: changed(k, merchant_id="m " + n + " x"), "card_number"),
    (lambda k, d, n: changed(k, note=n), "card_number"),
    (lambda k, d, n: changed(k, extra={"deep": [n]}), "card_number"),
    (lambda k, d, n: changed(k, note=" ".join(re.findall(".{1,4}", n))), "card_number"),
    (lambda k, d, n: changed(k, note="-".join(re.findall(".{1,4}", n))), "card_number"),
    (lambda k, d, n: changed(k, note=n)[:-d.randrange(1, 3)], "card_number"),
    (lambda k, d, n: changed(k, event_type="nonsense", note=n), "card_number"),
    (lambda k, d, n: b"card " + n.encode() + b" \xff", "card_number"),
    (lambda k, d, n: changed(k, note="x" * 70000 + " " + n), "too_large,card_number"),
    (lambda k, d, n: changed(k, **{n: 1}), "card_number"),
    (lambda k, d, n: changed(k, amount_minor=-1, extra=int(n)), "card_number,out_of_range"),
]


def make(seed, count, good, stream, expected):
    dice = random.Random(int(seed))
    bad = []
    with open(expected, "w") as notes:
        for number in range(int(count)):
            key = f"h{number:06d}"
            if number % 4 == 3:
                pan = card_number(dice)
                at = number // 4 % len(CARDS)
                rare = at == 9 and number % 8 != 3 or number > 3000 and at == 9
                build, codes = CARDS[0 if rare else at]
                value = build(key, dice, pan)
            else:
                pan, at = "", dice.randrange(len(KINDS))
                at = 0 if at == len(KINDS) - 1 and number > 3000 else at
                build, codes = KINDS[at]
                value = build(key, dice)
            notes.write(f"{key}\t{codes}\t{pan}\n")
            bad.append(key.encode() + SPLIT + value + END)
    user = re.compile(rb'"user_token":"([^"]+)"')
    with open(stream, "wb") as out:
        lines = open(good, "rb").read().splitlines()
        slots = sorted(dice.randrange(len(lines) + 1) for _ in bad)
        at = 0
        for place, line in enumerate(lines):
            while at < len(bad) and slots[at] <= place:
                out.write(bad[at])
                at += 1
            out.write(user.search(line).group(1) + SPLIT + line + END)
        for rest in bad[at:]:
            out.write(rest)


def read_expected(path):
    for line in open(path):
        key, codes, pan = line.rstrip("\n").split("\t")
        yield key, set(codes.split(",")), pan


def judge(expected, offline, scores, dead):
    wrong = 0
    letters = {}
    for line in open(dead, errors="replace"):
        key, _, code = line.rstrip("\n").partition("\t")
        if key in letters:
            wrong += 1
            print(f"{key}: two dead letters")
        letters[key] = code
    told = {}
    for key, codes, _ in read_expected(expected):
        code = letters.pop(key, "none")
        if code not in codes:
            wrong += 1
            pair = (code, tuple(sorted(codes)))
            told[pair] = told.get(pair, 0) + 1
            if told[pair] <= 2:
                print(f"{key}: dead letter {code}, not {codes}")
    for pair, count in told.items():
        print(f"{count} times {pair}")
    if letters:
        wrong += len(letters)
        print(f"{len(letters)} good records became dead letters, {list(letters.items())[:3]}")
    live, worst = {}, 0.0
    for line in open(scores):
        record = json.loads(line)
        wrong += record["event_id"] in live
        live[record["event_id"]] = record
    rows = 0
    for row in csv.DictReader(open(offline)):
        rows += 1
        record = live.pop(row["event_id"], None)
        if record is None:
            wrong += 1
            continue
        for head in ("card_fraud", "ato", "anomaly"):
            online = record["heads"].get(head)
            if (online is None) != (row[head] == ""):
                wrong += 1
            elif online is not None:
                difference = abs(online["probability"] - float(row[head]))
                worst = max(worst, difference)
                wrong += difference > 1e-4
    wrong += len(live)
    print(f"{rows} good scores, {len(live)} extra, worst difference {worst:.2g}; wrong: {wrong}")
    return wrong


def scan(expected, paths):
    """Planted numbers in any spelling, and whatever else passes Luhn. Thirteen digits that begin
    with 1 are milliseconds since 1970: no card number begins so."""
    planted = {pan.encode() for _, _, pan in read_expected(expected) if pan}
    run = re.compile(rb"(?<![0-9A-Za-z.])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
    found = 0
    for path in paths:
        data = open(path, "rb").read()
        for match in run.finditer(data):
            digits = re.sub(rb"[^0-9]", b"", match.group())
            stamp = len(digits) == 13 and digits[:1] == b"1"
            if digits in planted or not stamp and luhn(digits.decode()):
                found += 1
                if found <= 5:
                    print(f"{path}: {data[max(0, match.start() - 60):match.end() + 20]!r}")
    print(f"{found} card numbers in {len(paths)} outputs, {len(planted)} were planted")
    return found


if __name__ == "__main__":
    what = {"make": lambda a: make(*a), "judge": lambda a: judge(*a),
            "scan": lambda a: scan(a[0], a[1:])}[sys.argv[1]](sys.argv[2:])
    sys.exit(1 if what else 0)
