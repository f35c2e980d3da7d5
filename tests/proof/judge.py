#!/usr/bin/env python3
"""Judges a score file against truth: ROC AUC, average precision and, for cards, precision at 100.

usage: judge.py handbook SCORES.csv TRANSACTIONS.csv    one split of the Fraud Detection Handbook
       judge.py bank     SCORES.csv TRUTH.csv           both heads of the bank stream

Plain Python: the definitions are scikit-learn's (ties share a rank) and the handbook's chapter 4
(card precision top-k: a card scores its highest payment of the day; the compromised ones among the
100 top cards, divided by 100; cards found are left out of later days).
"""
import csv
import sys
from collections import defaultdict

DAY_MS = 86_400_000
HANDBOOK_START_MS = 1_522_540_800_000  # 2018-04-01


def roc_auc_and_ap(scores, labels):
    order = sorted(zip(scores, labels), key=lambda pair: -pair[0])
    positives = sum(labels)
    negatives = len(labels) - positives
    area = precision_sum = 0.0
    true = false = i = 0
    while i < len(order):
        j, tie_true, tie_false = i, 0, 0
        while j < len(order) and order[j][0] == order[i][0]:
            tie_true += order[j][1]
            tie_false += 1 - order[j][1]
            j += 1
        area += tie_false * (true + tie_true / 2)
        true += tie_true
        false += tie_false
        precision_sum += tie_true * true / (true + false)
        i = j
    return area / (positives * negatives), precision_sum / positives


def card_precision(days, k=100):
    """days: one list per day of (card, score, fraud)."""
    found, total = set(), 0.0
    for rows in days:
        best = {}
        for card, score, fraud in rows:
            if card in found:
                continue
            old = best.get(card, (-1.0, 0))
            best[card] = (max(score, old[0]), max(fraud, old[1]))
        top = sorted(best.items(), key=lambda item: -item[1][0])[:k]
        hits = [card for card, (_, fraud) in top if fraud]
        found.update(hits)
        total += len(hits) / k
    return total / len(days)


def handbook(scores_file, transactions_file, train_start="2018-07-25", train_days=7, delay=7, test_days=7):
    import datetime
    start = datetime.date.fromisoformat(train_start) - datetime.date(2018, 4, 1)
    train_day = start.days
    test_day = train_day + train_days + delay
    fraud_cards_of_day = defaultdict(set)
    truth = []
    for row in csv.DictReader(open(transactions_file)):
        day = int(row["TX_TIME_SECONDS"]) // 86_400
        fraud = int(row["TX_FRAUD_SCENARIO"]) > 0
        truth.append(fraud)
        if fraud:
            fraud_cards_of_day[day].add(row["CUSTOMER_ID"])
    # Known: defrauded in the training week, plus those whose fraud is a delay old on the test day.
    known_on = {}
    known = set().union(*(fraud_cards_of_day[d] for d in range(train_day, train_day + train_days)))
    for day in range(test_day, test_day + test_days):
        known = known | fraud_cards_of_day[day - delay - 1]
        known_on[day] = known
    days, scores, labels = defaultdict(list), [], []
    transaction = -1
    for row in csv.DictReader(open(scores_file)):
        if row["event_type"] != "card_auth":
            continue
        transaction += 1
        day = (int(row["event_time_ms"]) - HANDBOOK_START_MS) // DAY_MS
        card = row["user_token"].lstrip("cu")
        if day not in known_on or card in known_on[day]:
            continue
        score, fraud = float(row["card_fraud"]), int(truth[transaction])
        scores.append(score)
        labels.append(fraud)
        days[day].append((card, score, fraud))
    auc, ap = roc_auc_and_ap(scores, labels)
    cp = card_precision([days[d] for d in sorted(days)])
    return len(labels), sum(labels), auc, ap, cp


def print_handbook(rows, positives, auc, ap, cp):
    print(f"test week 2018-08-08 to 14: {rows} rows, {positives} frauds")
    print(f"{'model':<34}{'AUC':>7}{'AP':>7}{'CP@100':>8}")
    for name, *figures in (("logistic regression (published)", .871, .606, .291),
                           ("random forest (published)", .867, .658, .287),
                           ("XGBoost (published)", .862, .639, .273),
                           ("hecate, card_fraud head", auc, ap, cp)):
        print(f"{name:<34}{figures[0]:>7.3f}{figures[1]:>7.3f}{figures[2]:>8.3f}")


def bank(scores_file, truth_file, test_from="2025-03-10", test_to="2025-04-05"):
    import datetime
    utc = datetime.timezone.utc
    from_ms, to_ms = (int(datetime.datetime.fromisoformat(d).replace(tzinfo=utc).timestamp() * 1000)
                      for d in (test_from, test_to))
    truth = {}
    for row in csv.DictReader(open(truth_file)):
        truth[row["event_id"]] = (row["head"], row["pattern"], row["is_fraud"] == "1")
    columns = {"card_fraud": ("card", {"card_auth"}), "ato": ("ato", None)}
    print(f"{'head':<12}{'rows':>8}{'frauds':>8}{'AUC':>7}{'AP':>7}")
    for column, (head, types) in columns.items():
        scores, labels = [], []
        for row in csv.DictReader(open(scores_file)):
            if not from_ms <= int(row["event_time_ms"]) < to_ms or (types and row["event_type"] not in types):
                continue
            of_head, pattern, fraud = truth.get(row["event_id"], ("", "", False))
            if pattern == "stuffing_attempt" or (fraud and of_head != head):
                continue
            scores.append(float(row[column]))
            labels.append(int(fraud and of_head == head))
        auc, ap = roc_auc_and_ap(scores, labels)
        print(f"{column:<12}{len(labels):>8}{sum(labels):>8}{auc:>7.3f}{ap:>7.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("handbook", "bank"):
        sys.exit(__doc__)
    if sys.argv[1] == "handbook":
        print_handbook(*handbook(*sys.argv[2:]))
    else:
        bank(*sys.argv[2:])
