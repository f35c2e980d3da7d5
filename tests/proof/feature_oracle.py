#!/usr/bin/env python3
"""A second opinion on every feature: reads features.conf by itself, keeps plain dictionaries, and
compares each number with the rows that hecate features wrote. It shares no code with the engine.

    feature_oracle.py FEATURES.conf EVENTS.ndjson ROWS.csv

Whole numbers must be equal, others within 1e-5 (relative), distinct values beyond 25 within 25 %,
and up to a quarter of the window older.
"""
import csv
import json
import math
import re
import sys
from collections import Counter, OrderedDict, deque
from fractions import Fraction

FIELDS = {"user": "user_token", "card": "card_token", "account": "account_token",
          "merchant": "merchant_id", "terminal": "terminal_id", "device": "device_id", "ip": "ip",
          "payee": "creditor_token"}
SCORED = ("card_auth", "transfer", "login", "account_change")
EXACT = {"count", "streak", "is_new", "label_count", "met", "times", "chain"}
TILED = {"count", "sum", "mean", "deviation", "ratio", "label_count", "label_rate", "zscore", "min",
         "max", "portion", "burst"}
HABITS = {"share", "since_same", "since_first", "times", "surprise", "met"}
UNITS = {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
DAY = 86400000


def duration(text):
    return int(text[:-1]) * UNITS[text[-1]] if text != "0" else 0


def parse_conf(path):
    text = open(path, encoding="utf-8").read()
    tokens = [t for t in re.findall(r'"(?:\\.|[^"\\])*"|#[^\n]*|[{}=,]|[^\s{}=,"#]+', text)
              if not t.startswith("#")]
    conf = {"currency": "EUR", "allowed_lateness_ms": "300000", "dedup_window_s": "3600"}
    rates, filters, features = {}, {}, []
    i = 0

    def value():
        nonlocal i
        if tokens[i] != "{":
            i += 1
            return tokens[i - 1].strip('"')
        out = []
        i += 1
        while tokens[i] != "}":
            if tokens[i] != ",":
                out.append(tokens[i].strip('"'))
            i += 1
        i += 1
        return out

    while i < len(tokens):
        word = tokens[i]
        if word not in ("rate", "filter", "feature"):
            i += 2
            conf[word] = value()
            continue
        section = {"name": tokens[i + 1]}
        i += 3
        while tokens[i] != "}":
            key = tokens[i]
            i += 2
            section[key] = value()
        i += 1
        if word == "rate":
            rates[section["name"]] = section["per_unit"]
        elif word == "filter":
            filters[section["name"]] = section
        else:
            features.append(section)
    return conf, rates, filters, features


def flatten(event):
    out = {}
    for key, value in event.items():
        if isinstance(value, dict):
            for inner, deep in value.items():
                out[f"{key}.{inner}"] = deep
        else:
            out[key] = value
    return out


def width_of(window):
    for limit, width in ((300000, 30000), (3600000, 300000), (DAY, 3600000), (7 * DAY, 21600000)):
        if window <= limit:
            return width
    return DAY


class Record:
    def __init__(self):
        self.first = self.newest = 0
        self.tiles = {}  # (width, filter, field): {tile: sums}
        self.lists = {}  # by feature's key
        self.ids = deque(maxlen=32)
        self.verdicts = OrderedDict()


class Oracle:
    def __init__(self, path):
        conf, self.rates, self.filters, self.features = parse_conf(path)
        self.currency = conf["currency"]
        self.late = int(conf["allowed_lateness_ms"])
        self.dedup = int(conf["dedup_window_s"])
        self.records = {}
        self.rings = {}
        for f in self.features:
            f["window_ms"] = duration(f.get("window", "0"))
            f["delay_ms"] = duration(f.get("delay", "0"))
            f["window2_ms"] = duration(f.get("window2", "0"))
            f["missing_number"] = float(f.get("missing", "nan"))
        self.kinds = {}
        for kind in FIELDS:
            own = [f for f in self.features if f.get("entity") == kind]
            if own or kind == "user":
                self.kinds[kind] = self.plan(kind, own)
        self.reach = max([w * n for (_, w, f), n in self.rings.items() if f is None] or [0])

    def plan(self, kind, own):
        tiles, lists = set(), {}
        for f in own:
            filters = (f.get("filter"), f.get("filter2"))
            windows = [w for w in (f["window_ms"], f["window2_ms"]) if w]
            if f["aggregate"] in TILED:
                for w in windows:
                    self.widen((kind, width_of(w), None), w, f["delay_ms"])
                    for name in filters:
                        tiles.add((width_of(w), name, f.get("field")))
            elif f["aggregate"] == "distinct":
                key = ("distinct", width_of(f["window_ms"]), f.get("filter"), f["field"])
                self.widen((kind, key[1], key), f["window_ms"], 0)
                lists[key] = f
            elif f["aggregate"] not in ("value", "category"):
                lists[self.list_key(f)] = f
        labels = any(f["aggregate"].startswith("label_") for f in own)
        return {"tiles": tiles, "lists": lists, "labels": labels}

    def widen(self, key, window, delay):
        width = width_of(window)
        late = max(1, -(-self.late // width))
        ring = window // width + delay // width + (delay > 0) + late
        self.rings[key] = max(self.rings.get(key, 0), ring)

    @staticmethod
    def list_key(f):
        aggregate = f["aggregate"]
        family = ("habit" if aggregate in HABITS else "place" if aggregate in ("distance", "speed")
                  else "hours" if aggregate.endswith("_surprise") else
                  "fade" if aggregate.startswith("decayed") else aggregate)
        span = f["window_ms"] if family in ("fade", "chain") else 0
        return (family, f.get("filter"), f.get("filter2"), f.get("field"), span)

    # An event's own numbers.

    def amount(self, e):
        minor = e.get("amount_minor")
        if minor is None:
            return None
        code = e.get("currency", self.currency)
        if code == self.currency:
            return minor
        if code not in self.rates:
            return None
        return round(Fraction(self.rates[code]) * minor * (100 if code == "JPY" else 1))

    def stored(self, e, field):
        """The integer that is summed, and its scale."""
        if field == "amount_minor":
            return self.amount(e), 100
        number = e.get(field)
        if field in ("bot_score", "geo.lat", "geo.lon"):
            return None if number is None else round(number * 10000), 10000
        return None if number is None else int(number), 1

    def holds(self, e, predicate):
        field, op, *values = predicate.split()
        if e.get(field) is None:
            return False
        if op == "present":
            return True
        own = self.amount(e) if field == "amount_minor" else e[field]
        if own is None:
            return False
        if isinstance(own, str):
            return (own in values) != (op == "!=")
        limit = int(values[0])
        return {"==": own == limit, "!=": own != limit, "<": own < limit, ">=": own >= limit}[op]

    def passes(self, e, name):
        if name is None:
            return True
        kind = e["event_type"] if e["event_type"] in SCORED else e.get("target_event_type") or (
            "card_auth" if "card_token" in e else "transfer" if "creditor_token" in e else "")
        conditions = self.filters[name]
        return kind in conditions.get("events", SCORED) and all(
            self.holds(e, p) for p in conditions.get("where", []))

    def key(self, e, field):
        """What a habit remembers of an event."""
        if field == "hour":
            return e["event_time_ms"] // 3600000 % 24
        if field == "place":
            if "geo.lat" not in e or "geo.lon" not in e:
                return None
            return round(e["geo.lat"] * 4), round(e["geo.lon"] * 4)
        if field == "ip_net":
            parts = re.split("[.:]", e.get("ip", ""))
            return tuple(parts[:2]) if len(parts) > 2 else None
        if field == "amount_band":
            minor = self.amount(e)
            if minor is None:
                return None
            return ((minor + 1) ** 2).bit_length() - 1
        return e.get(field)

    # What becomes of an event.

    def entities(self, e):
        for kind, plan in self.kinds.items():
            token = e.get(FIELDS[kind])
            labels = plan["labels"] or kind == "user"
            if token is not None and (e["event_type"] != "label" or labels):
                yield kind, plan, token

    def judge(self, e):
        user = self.records.get(("user", e["user_token"]))
        now = e["event_time_ms"]
        if user is not None:
            if any(i == e["event_id"] and abs(s - now // 1000) <= self.dedup for i, s in user.ids):
                return "duplicate"
            if e["event_type"] in SCORED and now < user.newest - self.late:
                return "too_late"
        if e["event_type"] not in SCORED:
            target = e["target_event_time_ms"]
            known = [self.records.get((k, t)) for k, _, t in self.entities(e)]
            if not any(r and target <= r.newest and r.newest - target < self.reach for r in known):
                return "unlinked"
        return "applied"

    def apply(self, e):
        scored = e["event_type"] in SCORED
        at = e["event_time_ms"] if scored else e["target_event_time_ms"]
        fraud = 0
        user = self.records.setdefault(("user", e["user_token"]), Record())
        if e["event_type"] == "label":
            target = e["target_event_id"]
            before = e.get("previous_label", user.verdicts.get(target)) == "fraud"
            fraud = (e["label"] == "fraud") - before
            if target not in user.verdicts and len(user.verdicts) == 16:
                user.verdicts.popitem(last=False)
            user.verdicts[target] = e["label"]
        for kind, plan, token in self.entities(e):
            record = self.records.get((kind, token))
            if record is None or not record.newest:
                if not scored:
                    continue
                record = self.records.setdefault((kind, token), Record())
            if scored:
                record.first = min(record.first or at, at)
                record.newest = max(record.newest, at)
                for key, f in plan["lists"].items():
                    self.remember(record, kind, key, f, e, at)
            for key in plan["tiles"]:
                self.add(record, kind, key, e, at, fraud)
        user.ids.append((e["event_id"], e["event_time_ms"] // 1000))

    def add(self, record, kind, key, e, at, fraud):
        width, name, field = key
        head, tile = record.newest // width, at // width
        ring = self.rings[kind, width, None]
        if tile > head or tile + ring <= head or not self.passes(e, name):
            return
        s = record.tiles.setdefault(key, {}).setdefault(tile, [0, 0, 0, 0, 0, None, None])
        if e["event_type"] == "label":
            s[4] += fraud
            return
        sign = -1 if e["event_type"] == "reversal" else 1
        whole = sign if e.get("full", True) else 0
        s[0] += whole
        value = self.stored(e, field)[0] if field else None
        if value is not None:
            s[1] += whole
            s[2] += sign * value
            s[3] += whole * value * value
            if sign > 0:
                s[5] = value if s[5] is None else min(s[5], value)
                s[6] = value if s[6] is None else max(s[6], value)

    def remember(self, record, kind, key, f, e, at):
        family = key[0]
        if family == "streak":
            if self.passes(e, f["filter2"]):
                record.lists[key] = 0
            elif self.passes(e, f["filter"]):
                record.lists[key] = record.lists.get(key, 0) + 1
            return
        if family == "chain":
            self.step(record, key, f, e, at)
            return
        if not self.passes(e, f.get("filter")):
            return
        if family in ("age", "since", "gap"):
            first, last, n = record.lists.get(key, (at, at, 0))
            record.lists[key] = (min(first, at), max(last, at), n + 1)
        elif family == "hours":
            record.lists.setdefault(key, Counter())[(at // 3600000 + 72) % 168] += 1
        elif family == "place" and "geo.lat" in e and "geo.lon" in e:
            if at >= record.lists.get(key, (0, 0, 0))[2]:
                record.lists[key] = (round(e["geo.lat"], 7), round(e["geo.lon"], 7), at)
        elif family == "is_new" and e.get(f["field"]) is not None:
            seen = record.lists.setdefault(key, OrderedDict())
            seen[e[f["field"]]] = True
            seen.move_to_end(e[f["field"]])
            if len(seen) > 32:
                seen.popitem(last=False)
        elif family == "distinct" and e.get(f["field"]) is not None:
            width, ring = key[1], self.rings[kind, key[1], key]
            head, tile = record.newest // width, at // width
            values = record.lists.setdefault(key, {"": 0})
            if tile + ring > head:
                values[e[f["field"]]] = max(tile, values.get(e[f["field"]], tile))
            live = sum(bool(v) and t + ring > head for v, t in values.items())
            values[""] |= live > 25  # the engine has begun to estimate
        elif family == "fade":
            value = self.stored(e, f["field"])[0] if "field" in f else 0
            if value is not None:
                record.lists.setdefault(key, []).append((at, value))
        elif family == "habit" and self.key(e, f["field"]) is not None:
            self.learn(record.lists.setdefault(key, OrderedDict()), self.key(e, f["field"]),
                       at // 1000)

    def step(self, record, key, f, e, at):
        seen, first, second = record.lists.setdefault(key, [OrderedDict(), 0, 0])
        value = e.get(f.get("field", ""))
        if self.passes(e, f["filter2"]) and first and 0 <= at - first <= key[4] and at > second:
            second = at
        if self.passes(e, f["filter"]):
            if at > first and ("field" not in f or (value is not None and seen and
                                                    value not in seen)):
                first = at
            if value is not None:
                seen[value] = True
                seen.move_to_end(value)
                if len(seen) > 32:
                    seen.popitem(last=False)
        record.lists[key][1:] = first, second

    @staticmethod
    def learn(habits, key, second):
        if key not in habits and len(habits) == 32:
            del habits[min(habits, key=lambda k: habits[k][0])]
        n, first, last = habits.pop(key, (0, second, second))
        habits[key] = (n + 1, min(first, second), max(last, second))
        if sum(h[0] for h in habits.values()) >= 256:
            for k, (n, first, last) in habits.items():
                habits[k] = ((n + 1) // 2, first, last)

    # What is told.

    def window(self, record, f, name, now, window=None):
        width = width_of(window or f["window_ms"])
        tiles = (window or f["window_ms"]) // width
        delay = f["delay_ms"] // width
        last = now // width - (delay + 1 if delay else 0)
        kept = record.tiles.get((width, name, f.get("field")), {}) if record else {}
        total = [0, 0, 0, 0, 0, None, None]
        if record:  # the ring has left older ones behind
            oldest = record.newest // width - self.rings[f["entity"], width, None] + 1
            kept = {t: s for t, s in kept.items() if t >= oldest}
        for tile in range(last - tiles + 1, last + 1):
            for i, value in enumerate(kept.get(tile, ())):
                if value is not None:
                    total[i] = (value if total[i] is None else min(total[i], value) if i == 5
                                else max(total[i], value) if i == 6 else total[i] + value)
        return [max(0, v) if i < 5 else v for i, v in enumerate(total)]

    def tiled(self, f, e, record, now):
        n, known, total, squares, fraud, least, most = self.window(record, f, f.get("filter"), now)
        aggregate = f["aggregate"]
        weight, prior = float(f.get("prior_weight", 0)), float(f.get("prior", 0))
        scale = self.stored({}, f["field"])[1] if "field" in f else 1
        if aggregate in ("count", "label_count"):
            return n if aggregate == "count" else fraud
        if aggregate == "sum":
            return total / scale
        if aggregate == "mean":
            return total / known / scale if known else None
        if aggregate in ("min", "max"):
            extreme = least if aggregate == "min" else most
            return None if extreme is None else extreme / scale
        if aggregate in ("deviation", "zscore"):
            if known < 2:
                return None
            spread = math.sqrt(max(0, known * squares - total * total)) / known
            value = self.stored(e, f["field"])[0]
            if aggregate == "deviation":
                return spread / scale
            return (value - total / known) / spread if spread > 0 and value is not None else None
        if aggregate == "burst":
            longer = self.window(record, f, f.get("filter"), now, f["window2_ms"])[0]
            return n / f["window_ms"] / (longer / f["window2_ms"]) if longer else None
        part = fraud if aggregate == "label_rate" else self.window(record, f, f["filter2"], now)[0]
        if aggregate == "portion":
            return part / (n + part) if n + part else None
        return (part + weight * prior) / (n + weight) if n + weight else None

    def habit(self, f, e, record, now):
        habits = record.lists.get(self.list_key(f), {})
        total = sum(h[0] for h in habits.values())
        second = now // 1000
        if f["aggregate"] == "met":
            return sum(second - f["window_ms"] // 1000 < h[1] <= second for h in habits.values())
        key = self.key(e, f["field"])
        if not habits or key is None or not self.passes(e, f.get("filter")):
            return None
        n, first, last = habits.get(key, (0, None, None))
        if f["aggregate"] == "share":
            return n / total
        if f["aggregate"] == "times":
            return n
        if f["aggregate"] == "surprise":
            return -math.log((n + 1 / (len(habits) + 1)) / (total + 1))
        then = first if f["aggregate"] == "since_first" else last
        return None if then is None else self.capped(f, max(0, second - then))

    @staticmethod
    def capped(f, seconds):
        return min(seconds, f["window_ms"] / 1000) if f["window_ms"] else seconds

    def travelled(self, f, e, record, now):
        place = record.lists.get(self.list_key(f))
        if place is None or "geo.lat" not in e or "geo.lon" not in e:
            return None
        a, b, c, d = map(math.radians, (place[0], place[1], e["geo.lat"], e["geo.lon"]))
        h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
        km = 2 * 6371.0088 * math.asin(math.sqrt(min(1, h)))
        hours = max(abs(now - place[2]), 60000) / 3600000
        return km if f["aggregate"] == "distance" else km / hours

    def rhythm(self, f, record, now):
        aggregate, kept = f["aggregate"], record.lists.get(self.list_key(f))
        if aggregate == "decayed_count" or aggregate == "decayed_mean":
            if not kept:
                return 0 if aggregate == "decayed_count" else None
            newest = max(max(at for at, _ in kept), now)
            if aggregate == "decayed_mean":
                newest = max(at for at, _ in kept)
            weights = [2 ** (-(newest - at) / f["window_ms"]) for at, _ in kept]
            if aggregate == "decayed_count":
                return sum(weights)
            scale = self.stored({}, f["field"])[1]
            return sum(w * v for w, (_, v) in zip(weights, kept)) / sum(weights) / scale
        if aggregate == "gap":
            return None if kept is None or kept[2] < 2 else (
                (kept[1] - kept[0]) / 1000 / (kept[2] - 1))
        if not kept:
            return None
        cycle = 168 if aggregate == "week_surprise" else 24
        hour = (now // 3600000 + 72) % 168
        near = sum(n * {0: 0.5, 1: 0.25, cycle - 1: 0.25}.get((hour - h) % cycle, 0)
                   for h, n in kept.items())
        return -math.log((near + 1 / cycle) / (sum(kept.values()) + 1))

    def different(self, f, record, now, more):
        """Values of the window, begun so many tiles earlier."""
        width = width_of(f["window_ms"])
        key = ("distinct", width, f.get("filter"), f["field"])
        oldest = record.newest // width - self.rings[f["entity"], width, key] + 1
        since = max(now // width - f["window_ms"] // width + 1, 0 if more else oldest) - more
        return sum(bool(v) and t >= since for v, t in record.lists.get(key, {}).items())

    def of_entity(self, f, e, record, now):
        """The number, or None when there is nothing to tell."""
        aggregate = f["aggregate"]
        if aggregate in TILED:
            return self.tiled(f, e, record, now)
        record = record or Record()
        if aggregate in HABITS:
            return self.habit(f, e, record, now)
        if aggregate in ("distance", "speed"):
            return self.travelled(f, e, record, now)
        kept = record.lists.get(self.list_key(f))
        if aggregate in ("age", "since"):
            first, last, _ = kept if "filter" in f and kept else (0, 0, 0)
            if "filter" not in f:
                first, last = record.first, record.newest
            then = first if aggregate == "age" else last
            return self.capped(f, max(0, now - then) / 1000) if then else None
        if aggregate == "is_new":
            return None if e.get(f["field"]) is None else e[f["field"]] not in (kept or ())
        if aggregate == "streak":
            return kept or 0
        if aggregate == "chain":
            _, first, second = kept or (None, 0, 0)
            if second and 0 <= now - second <= f["window_ms"]:
                return 2 + self.passes(e, f["filter3"])
            return bool(first) and 0 <= now - first <= f["window_ms"]
        if aggregate == "distinct":
            return self.different(f, record, now, 0)
        return self.rhythm(f, record, now)

    def of_event(self, f, e):
        hour = e["event_time_ms"] // 3600000
        field = f.get("field")
        country = e.get("merchant_country", e.get("creditor_country"))
        if field == "abroad":
            return None if None in (country, e.get("geo.country")) else country != e["geo.country"]
        if field == "payee_age_s":
            added = e.get("payee_added_ms")
            return None if added is None else max(0, e["event_time_ms"] - added) / 1000
        if field in ("hour", "night", "weekend"):
            return {"hour": hour % 24, "night": hour % 24 <= 6,
                    "weekend": (hour // 24 + 3) % 7 >= 5}[field]
        if field is None:
            return self.passes(e, f["filter"])
        if not self.passes(e, f.get("filter")) or e.get(field) is None:
            return None
        minor = self.amount(e)
        if field == "amount_minor":
            return None if minor is None else minor / 100
        return e[field]

    def estimates(self, f, record):
        if f["aggregate"] != "distinct" or record is None:
            return False
        key = ("distinct", width_of(f["window_ms"]), f.get("filter"), f["field"])
        return bool(record.lists.get(key, {"": 0})[""])

    def compare(self, e, row, worst):
        now = e["event_time_ms"]
        for f in self.features:
            if f["aggregate"] == "category":
                continue
            record = None
            if f["aggregate"] == "value":
                want = self.of_event(f, e)
            elif e.get(FIELDS[f["entity"]]) is None:
                want = None
            else:
                record = self.records.get((f["entity"], e[FIELDS[f["entity"]]]))
                want = self.of_entity(f, e, record, now)
            want = f["missing_number"] if want is None else float(want)
            text = row[f["name"]]
            got = float(text) if text else math.nan
            limit = 0.0 if f["aggregate"] in EXACT else 1e-5
            if self.estimates(f, record):
                # Sketches are a quarter of the widest window each and are read whole.
                width = width_of(f["window_ms"])
                key = ("distinct", width, f.get("filter"), f["field"])
                ring = self.rings[f["entity"], width, key]
                most = self.different(f, record, now, -(-ring // 4))
                worst["estimates"] += 1
                worst["numbers"] += 1
                if want * 0.75 - 1 <= got <= most * 1.25 + 1:
                    continue
            if math.isnan(want) and math.isnan(got):
                continue
            apart = abs(want - got) / max(1.0, abs(want))
            if f["aggregate"] == "distance" or f["aggregate"] == "speed":
                apart = 0 if abs(want - got) < 1e-2 else apart  # places are kept to a centimetre
            if not apart <= limit:
                worst["wrong"] += 1
                worst[f["name"]] += 1
                if worst["wrong"] <= 20:
                    print(f'{e["event_id"]}: {f["name"]} is {got}, should be {want}')
            worst["numbers"] += 1


def main():
    oracle = Oracle(sys.argv[1])
    told = Counter()
    judged = Counter()
    with open(sys.argv[2], encoding="utf-8") as events, open(sys.argv[3], newline="") as rows:
        reader = csv.DictReader(rows)
        for line in events:
            e = flatten(json.loads(line))
            verdict = oracle.judge(e)
            judged[verdict, e["event_type"] if e["event_type"] not in SCORED else "event"] += 1
            if e["event_type"] in SCORED and verdict != "duplicate":
                row = next(reader, None)
                if row is None or row["event_id"] != e["event_id"]:
                    sys.exit(f'{e["event_id"]}: the next row is {row and row["event_id"]}')
                oracle.compare(e, row, told)
            if verdict == "applied":
                oracle.apply(e)
        if next(reader, None) is not None:
            sys.exit("there are more rows than events")
    wrong = {k: v for k, v in told.items() if k not in ("wrong", "numbers", "estimates")}
    print("events:", ", ".join(f"{n} {what} {kind}" for (kind, what), n in sorted(judged.items())))
    print(f'{len(oracle.features)} features, {told["numbers"]} numbers compared, '
          f'{told["estimates"]} of them estimates, {told["wrong"]} wrong {wrong or ""}')
    sys.exit(told["wrong"] > 0)


main()
