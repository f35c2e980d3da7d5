#!/usr/bin/env python3
"""Boosted trees on the rows that Hecate's model learns from, so that a table can say which is better.

usage: trees.py bank     FEATURES.csv EVENTS.ndjson TRUTH.csv [SCORES.csv ...]
       trees.py handbook FEATURES.csv EVENTS.ndjson [valid]
       trees.py sparkov  FEATURES.csv EVENTS.ndjson [SCORES.csv ...]
       trees.py census   TRAIN.csv TEST.csv [SCORES.csv ...]

FEATURES.csv is what `hecate features` wrote. LightGBM and XGBoost get the same rows, the same
windows and the same labels as `hecate train`: a label counts when it had arrived by the moment up
to which labels are known, and an event when it was old enough by then. GRID below is all that is
tried; a configuration and its number of rounds are chosen by average precision on validation time
alone (on the handbook: on its four validation folds), the test time is looked at once. "held out"
is trained without the validation rows, "refit" once more with them and as many rounds.
A category is an integer code in order of its frequency in training, unseen ones share a code:
LightGBM splits it as a category, XGBoost as a number.
"""
import json
import sys

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.metrics import average_precision_score, roc_auc_score

from judge import card_precision

SEED = 1
DAY_MS = 86_400_000
MAX_ROUNDS, PATIENCE, THREADS = 500, 40, 2
NEGATIVES_MAX = 40_000  # of training; a random choice beyond, weighed up again: for time
# Rate, leaves (2^depth - 1 for XGBoost), least rows (or weight) of a leaf, share of columns a tree.
GRID = [(.05, 15, 50, .5), (.05, 31, 50, .3), (.05, 63, 100, .5), (.1, 7, 20, .5)]
HANDBOOK_GRID = [(.3, 7, 50, 1.), (.1, 7, 50, 1.), (.1, 15, 50, .8), (.05, 7, 50, .8), (.05, 15, 20, .8),
                 (.05, 31, 100, .6)]
HANDBOOK_ROUNDS = (50, 100, 150, 200, 300, 400)
CATEGORIES = {"event_type", "channel", "mcc", "entry_mode", "merchant_country", "auth_method", "change_type",
              "threeds_status", "cvc_result", "avs_result", "response_code", "wallet"}
KEYS = ["event_id", "type", "event_time_ms", "user_token"]


def day(text):
    return int(pd.Timestamp(text, tz="UTC").timestamp() * 1000)


class Rows:
    """features: DataFrame of floats and categories; the rest are arrays beside it."""

    def __init__(self, features_file, events_file, keep_from):
        header = pd.read_csv(features_file, nrows=0).columns
        kinds = {c: "float32" for c in header[4:]}
        kinds.update({c: "float64" for c in header[4:] if c in CATEGORIES})
        kinds.update({"event_id": str, "type": "category", "user_token": "category"})
        parts = []
        for part in pd.read_csv(features_file, dtype=kinds, chunksize=200_000):
            parts.append(part[part["event_time_ms"] >= keep_from])
        for column in ("type", "user_token"):
            union = pd.api.types.union_categoricals([p[column] for p in parts])
            for p in parts:
                p[column] = pd.Categorical(p[column], categories=union.categories)
        table = pd.concat(parts, ignore_index=True)
        self.id = table["event_id"].to_numpy()
        self.type = table["type"].astype(str).to_numpy()
        self.ms = table["event_time_ms"].to_numpy()
        self.user = table["user_token"].astype(str).to_numpy()
        self.features = table[[c for c in table.columns if c not in KEYS]]
        self.row_of = {e: i for i, e in enumerate(self.id)}
        self.labels = []  # arrived, row, says, fraud type: in the order of the log
        for line in open(events_file):
            if '"event_type":"label"' in line:
                label = json.loads(line)
                row = self.row_of.get(label["target_event_id"])
                if row is not None:
                    self.labels.append((label["event_time_ms"], row, label["label"], label.get("fraud_type", "")))

    def targets(self, known_at, is_mine, applies, delay_days=7):
        """1, 0, or -1 for what is unknown or does not apply: the rule of `hecate train`."""
        target = np.where(applies, 0, -1).astype(np.int8)
        for arrived, row, says, kind in self.labels:
            if arrived <= known_at and applies[row]:
                mine = says == "fraud" and is_mine(self.type[row], kind)
                target[row] = 1 if mine else 0 if says == "genuine" else -1
        target[self.ms > known_at - delay_days * DAY_MS] = -1
        return target


def coded(features, train):
    """Categories become codes of their order in training; what training had not is one more."""
    out = features.copy()
    for column in out.columns:
        if column in CATEGORIES or out[column].dtype == object:
            order = out.loc[train, column].value_counts().index[:250]
            codes = pd.Series(np.arange(len(order), dtype="float32"), index=order)
            out[column] = out[column].map(codes).fillna(len(order)).astype("float32")
    return out


def categories_of(features):
    return [c for c in features.columns if c in CATEGORIES]


def average_precision(truth, score):
    return average_precision_score(truth, score) if truth.any() else float("nan")


def bins_of(x):
    """Coarse bins cut thresholds away that few rows are beyond: 63 cost .07 AP on the handbook's rows."""
    return 1023 if x.shape[1] <= 40 else 255


def lightgbm_fit(x, y, weight, setting, rounds, valid=None):
    rate, leaves, least, columns = setting
    data = lightgbm.Dataset(x, y, weight=weight, categorical_feature=categories_of(x), free_raw_data=False)
    options = {"objective": "binary", "metric": "None", "learning_rate": rate, "num_leaves": leaves,
               "min_data_in_leaf": least, "feature_fraction": columns, "bagging_fraction": .8, "bagging_freq": 1,
               "lambda_l2": 5, "verbose": -1, "seed": SEED, "num_threads": THREADS, "deterministic": True,
               "force_col_wise": True,
               "max_bin": bins_of(x), "min_data_in_bin": 1}
    if valid is None:
        return lightgbm.train(options, data, rounds)
    return lightgbm.train(options, data, rounds, valid_sets=[data.create_valid(*valid)],
                          feval=lambda score, d: ("ap", average_precision(d.get_label(), score), True),
                          callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)])


def xgboost_fit(x, y, weight, setting, rounds, valid=None):
    rate, leaves, least, columns = setting
    options = {"objective": "binary:logistic", "eta": rate, "max_depth": int(np.log2(leaves + 1)), "lambda": 5,
               "min_child_weight": least / 50, "colsample_bytree": columns, "subsample": .8, "seed": SEED,
               "nthread": THREADS, "tree_method": "hist", "max_bin": bins_of(x), "eval_metric": "aucpr",
               "disable_default_eval_metric": 1}
    data = xgboost.DMatrix(x, y, weight=weight)
    if valid is None:
        return xgboost.train(options, data, rounds)
    return xgboost.train(options, data, rounds, evals=[(xgboost.DMatrix(*valid), "valid")],
                         custom_metric=lambda score, d: ("ap", average_precision(d.get_label(), score)),
                         maximize=True, early_stopping_rounds=PATIENCE, verbose_eval=False)


def best_of(model):
    return model.best_iteration + (0 if isinstance(model, lightgbm.Booster) else 1)


def scores_of(model, x, rounds=None):
    if isinstance(model, lightgbm.Booster):
        return model.predict(x, num_iteration=rounds or best_of(model), num_threads=THREADS)
    return model.predict(xgboost.DMatrix(x), iteration_range=(0, rounds or best_of(model)))


LIBRARIES = (("LightGBM", lightgbm_fit), ("XGBoost", xgboost_fit))


def thinned(mask, target):
    """Indices of the training rows and their weights: every fraud, and a share of the others."""
    chosen = np.flatnonzero(mask)
    others = chosen[target[chosen] == 0]
    if len(others) <= NEGATIVES_MAX:
        return chosen, np.ones(len(chosen), "float32")
    kept = np.random.default_rng(SEED).choice(others, NEGATIVES_MAX, replace=False)
    chosen = np.sort(np.concatenate([chosen[target[chosen] == 1], kept]))
    return chosen, np.where(target[chosen] == 1, 1, len(others) / NEGATIVES_MAX).astype("float32")


def choose(name, fit, x, y, weight, valid_x, valid_y):
    best = None
    for setting in GRID:
        model = fit(x, y, weight, setting, MAX_ROUNDS, (valid_x, valid_y))
        rounds = best_of(model)
        ap = average_precision(valid_y, scores_of(model, valid_x))
        print(f"  {name}: rate {setting[0]}, {setting[1]} leaves of {setting[2]}, {setting[3]} of the columns: "
              f"{rounds} rounds, validation AP {ap:.4f}", flush=True)
        if best is None or ap > best[0]:
            best = (ap, setting, rounds, model)
    return best


def tell(name, truth, score, days=None):
    line = f"{name:<34}{len(truth):>8}{int(truth.sum()):>7}{roc_auc_score(truth, score):>8.4f}"
    line += f"{average_precision_score(truth, score):>8.4f}"
    print(line + (f"{card_precision(days(score)):>8.3f}" if days else ""), flush=True)


def head_by_time(rows, name, target, train, valid, test, truth, ours, days=None):
    """One head: train, choose on valid, judge on test. Masks are over all rows."""
    train, valid = train & (target >= 0), valid & (target >= 0)
    x = coded(rows.features, train)
    print(f"{name}: {train.sum()} training rows, {target[train].sum()} frauds; {valid.sum()} validation rows, "
          f"{target[valid].sum()} frauds")
    results = []
    some, weight = thinned(train, target)
    both, both_weight = thinned(train | valid, target)
    for library, fit in LIBRARIES:
        _, setting, rounds, model = choose(library, fit, x.iloc[some], target[some], weight, x[valid],
                                            target[valid])
        results.append((f"{library}, held out", scores_of(model, x[test])))
        model = fit(x.iloc[both], target[both], both_weight, setting, rounds)
        results.append((f"{library}, refit", scores_of(model, x[test], rounds)))
        if library == "LightGBM":
            gain = pd.Series(model.feature_importance("gain"), x.columns).sort_values(ascending=False)
            print("  most gain:", ", ".join(f"{c} {v / gain.sum():.3f}" for c, v in gain[:25].items()))
    print(f"{name + ' head, test':<34}{'rows':>8}{'frauds':>7}{'AUC':>8}{'AP':>8}" + ("  CP@100" if days else ""))
    for label, score in results + ours:
        tell(label, truth[test], score, days)


def our_scores(files, column, ids):
    """[(name, scores in the order of ids)] of score files, and their mean when they are several."""
    all_of = []
    for file in files:
        table = pd.read_csv(file, usecols=["event_id", column], dtype={"event_id": str}).set_index("event_id")
        all_of.append(table[column].reindex(ids).to_numpy())
    named = [(f"hecate, seed {i + 1}", s) for i, s in enumerate(all_of)]
    return named + ([("hecate, mean of seeds", np.mean(all_of, axis=0))] if len(named) > 1 else [])


def bank(features_file, events_file, truth_file, *score_files):
    rows = Rows(features_file, events_file, day("2025-01-20"))
    truth_table = pd.read_csv(truth_file, dtype=str, keep_default_na=False).set_index("event_id")
    told = truth_table.reindex(rows.id)
    known_at = day("2025-03-07")
    mature = known_at - 7 * DAY_MS
    valid_from = mature - 7 * DAY_MS
    heads = (("card_fraud", "card", ("card_auth", "transfer"), ("card_auth",),
              lambda event, kind: kind not in (("05", "55", "56", "57") if event == "transfer" else ("05", "55"))),
             ("ato", "ato", None, None, lambda event, kind: kind in ("05", "55")))
    for name, of_truth, trained_on, judged_on, is_mine in heads:
        applies = np.isin(rows.type, trained_on) if trained_on else np.ones(len(rows.id), bool)
        target = rows.targets(known_at, is_mine, applies)
        crime = (told["is_fraud"] == "1").to_numpy()
        mine = crime & (told["head"] == of_truth).to_numpy()
        test = (rows.ms >= day("2025-03-10")) & (rows.ms < day("2025-04-05"))
        test &= ~(told["pattern"] == "stuffing_attempt").to_numpy() & ~(crime & ~mine)
        if judged_on:
            test &= np.isin(rows.type, judged_on)
        head_by_time(rows, name, target, rows.ms < valid_from, (rows.ms >= valid_from) & (rows.ms <= mature),
                     test, mine, our_scores(score_files, name, rows.id[test]))


def handbook(features_file, events_file, only=""):
    """Settings by the mean AP of the four validation folds; the test folds are judged with them once."""
    rows = Rows(features_file, events_file, day("2018-06-20"))
    applies = np.ones(len(rows.id), bool)
    fraud = rows.targets(np.iinfo(np.int64).max, lambda event, kind: True, applies) == 1
    day_of = rows.ms // DAY_MS * DAY_MS
    reported = pd.DataFrame([(rows.user[row], rows.ms[row], arrived) for arrived, row, says, _ in rows.labels
                             if says == "fraud"], columns=["user", "ms", "arrived"])

    def fold(text):
        start = day(text)
        train = (rows.ms >= start) & (rows.ms < start + 7 * DAY_MS)
        test = (rows.ms >= start + 14 * DAY_MS) & (rows.ms < start + 21 * DAY_MS)
        first = reported[reported["ms"] >= start].groupby("user")["arrived"].min()
        known_from = pd.Series(rows.user).map(first).fillna(np.inf).to_numpy()
        return train, test & (known_from >= day_of)

    def judge(truth, score, test):
        table = pd.DataFrame({"day": day_of[test], "card": rows.user[test], "score": score, "fraud": truth})
        days = [list(g[["card", "score", "fraud"]].itertuples(index=False, name=None))
                for _, g in table.groupby("day")]
        return roc_auc_score(truth, score), average_precision_score(truth, score), card_precision(days)

    def run(fit, setting, rounds, starts, each_round=()):
        """Figures of each fold, or AP of each number of rounds."""
        told = []
        for text in starts:
            train, test = fold(text)
            model = fit(rows.features[train], fraud[train].astype("float32"), np.ones(train.sum()), setting, rounds)
            x, y = rows.features[test], fraud[test]
            told.append([average_precision_score(y, scores_of(model, x, n)) for n in each_round] if each_round
                        else judge(y, scores_of(model, x, rounds), test))
        return np.array(told)

    valid = ("2018-07-11", "2018-07-04", "2018-06-27", "2018-06-20")
    tests = ("2018-08-15", "2018-08-08", "2018-08-01", "2018-07-25")
    chosen = []
    for library, fit in LIBRARIES:
        best = None
        for setting in HANDBOOK_GRID:
            aps = run(fit, setting, HANDBOOK_ROUNDS[-1], valid, HANDBOOK_ROUNDS).mean(axis=0)
            n = int(aps.argmax())
            print(f"  {library}: rate {setting[0]}, {setting[1]} leaves of {setting[2]}, {setting[3]} of the columns: "
                  f"{HANDBOOK_ROUNDS[n]} rounds, validation folds AP {aps[n]:.4f}", flush=True)
            if best is None or aps[n] > best[0]:
                best = (aps[n], setting, HANDBOOK_ROUNDS[n])
        chosen.append((library, fit, best))
    print(f"{'test folds' if only != 'valid' else 'validation folds':<34}{'AUC':>15}{'AP':>15}{'CP@100':>15}")
    for library, fit, (_, setting, rounds) in chosen:
        figures = run(fit, setting, rounds, valid if only == "valid" else tests)
        print(f"{library:<34}" + "".join(f"{m:>8.3f} +-{d:.3f}"
                                         for m, d in zip(figures.mean(axis=0), figures.std(axis=0))), flush=True)


def sparkov(features_file, events_file, *score_files):
    """Nine months, 7 days for the labels, the last two months; validation is the last of the nine.

    In the published file some 150 of 693 merchants have honest customers in a month, but frauds fall
    on the others too: that nobody else pays there gives a fraud away, which no real stream would.
    Hence the second table, without what the merchant's traffic tells.
    """
    rows = Rows(features_file, events_file, day("2020-01-01"))
    applies = np.ones(len(rows.id), bool)
    target = rows.targets(day("2020-10-08"), lambda event, kind: True, applies)
    truth = rows.targets(np.iinfo(np.int64).max, lambda event, kind: True, applies, 0) == 1
    test = (rows.ms >= day("2020-11-01")) & (rows.ms < day("2021-01-01"))
    ours = our_scores(score_files, "card_fraud", rows.id[test])
    train, valid = rows.ms < day("2020-09-01"), (rows.ms >= day("2020-09-01")) & (rows.ms < day("2020-10-01"))
    head_by_time(rows, "card_fraud", target, train, valid, test, truth, ours)
    kept = [c for c in rows.features if not c.startswith("merchant_")]
    print(f"\nwithout the {rows.features.shape[1] - len(kept)} features of the merchant")
    rows.features = rows.features[kept]
    head_by_time(rows, "card_fraud", target, train, valid, test, truth, [])


def census(train_file, test_file, *score_files):
    """Two labels of one table; validation is a random 15 % of training, as for `hecate table`."""
    labels = {"income": ("income_50k", "1"), "never_married": ("never_married", "1")}
    numeric = {"age", "wage_per_hour", "capital_gains", "capital_losses", "stock_dividends", "num_emp", "weeks_worked"}
    tables = [pd.read_csv(f, dtype=str, keep_default_na=False) for f in (train_file, test_file)]
    table = pd.concat(tables, ignore_index=True)
    dropped = ["instance_weight", "marital_stat"] + [column for column, _ in labels.values()]
    features = table.drop(columns=[c for c in dropped if c in table])
    for column in numeric & set(features):
        features[column] = features[column].astype("float32")
    CATEGORIES.update(c for c in features if c not in numeric)
    at = np.arange(len(table))
    test = at >= len(tables[0])
    valid = ~test & (np.random.default_rng(SEED).random(len(table)) < .15)
    rows = type("Table", (), {"features": features})
    for name, (column, value) in labels.items():
        truth = (table[column] == value).to_numpy()
        ours = [(f"hecate, {f.rsplit('/', 1)[-1]}", pd.read_csv(f)[name].to_numpy()) for f in score_files]
        head_by_time(rows, name, truth.astype(np.int8), ~test & ~valid, valid, test, truth, ours)


if __name__ == "__main__":
    tasks = {"bank": bank, "handbook": handbook, "sparkov": sparkov, "census": census}
    if len(sys.argv) < 4 or sys.argv[1] not in tasks:
        sys.exit(__doc__)
    tasks[sys.argv[1]](*sys.argv[2:])
