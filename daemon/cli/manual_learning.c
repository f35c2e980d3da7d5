/* hecate-learning(7): a model's life after its first training, for a data scientist. Every command
 * that stands here is run by tests/integration/learning.sh, in this order. */
#include "cli/manual_inside.h"

/* Not yet a later life, but what a first training may be asked for beyond its defaults. */
static void labels(FILE *out)
{
    hec_manual_section(out, "LABELS THAT COME LATE");
    hec_manual_paragraph(
        out, "By default a head learns from events that are older than its label_delay, of both "
             "classes: frauds that were reported early beside events that nobody had time to "
             "report would make fraud look more common than it is. --delay-model learns from the "
             "young ones too. How late labels are is counted, head by head, from the matured "
             "frauds of the window (20 at least). A young event that was reported counts as any "
             "fraud; one that was not counts as a negative F (1 - p) / (1 - F p), where F is the "
             "share of labels that have come at its age and p the fraud probability that the model "
             "gives it: nothing while no label can have come, all when every label has. This is "
             "the likelihood of Chapelle (KDD 2014) with F counted first. It needs probabilities: "
             "no head may have the focal loss.");
    hec_manual_example(
        out, "hecate train --data events.ndjson --heads payments.conf --delay-model --epochs 5 "
             "\\\n    --out young.model --train-from 2025-01-13 --train-to 2025-02-20");
    hec_manual_paragraph(
        out, "It is off by default because it assumes that all frauds of a head are reported at "
             "one pace. On simulated events with exponential delays, three quarters of them young, "
             "the prior is found within 4 % where counting labels finds less than 80 % of it: a "
             "test of core/learn/delay.");
    hec_manual_paragraph(
        out, "Measured with make proof-delay, two seeds: the simulated bank stream, seven weeks as "
             "known at their end, labels given four weeks, judged on the 26 days after: average "
             "precision and calibration error. Silence as proof is label_delay = 0d.");
    hec_manual_example(out, "                      card_fraud            ato\n"
                            "mature events alone   0.498   0.0009        0.564   0.0008\n"
                            "--delay-model         0.661   0.0011        0.730   0.0010\n"
                            "silence as proof      0.666   0.0014        0.701   0.0011");
    hec_manual_paragraph(
        out,
        "Four weeks of maturity leave the three oldest of the seven to learn from: there the "
        "young events are worth much. Against taking silence for proof the ranking gains "
        "nothing beyond noise (the seeds of a row are .03 to .08 apart), and the probabilities "
        "little. Novelty loses by them: 0.201 against 0.247 of mature events alone.");
}

static void losses(FILE *out)
{
    hec_manual_section(out, "A LOSS FOR EACH HEAD");
    hec_manual_paragraph(
        out, "--loss says what binary heads learn by; loss = bce, focal or weighted in a head of "
             "--heads says it for that head. The logit of a weighted head is put right by "
             "--positive-weight exactly, and that head's alone; a focal head ranks but its scores "
             "are no probabilities until they are calibrated.");
}

static void large_logs(FILE *out)
{
    hec_manual_section(out, "LOGS LARGER THAN MEMORY");
    hec_manual_paragraph(
        out, "train holds rows in memory up to --memory and lays all else in files that have no "
             "name, in $TMPDIR: features are read batch by batch, labels and what finds their "
             "event are mapped, so that the system keeps of them what it has memory for. At ten "
             "times the rows the memory of the process itself stays the same and the model is the "
             "same to the byte: tests/integration/memory.sh holds it to that by ulimit -d. The "
             "report of --run-dir looks at rows in memory, and so do the studies of folds.");
}

static void seeds(FILE *out)
{
    hec_manual_section(out, "THE SAME SEED");
    hec_manual_paragraph(
        out, "The same log, flags and seed give the same bytes on one machine, whatever --workers "
             "says: eval, compare and sweep tell the digests of every model and of its test scores "
             "with --json, and tests/integration/workers.sh holds folds, seeds and arms with one "
             "worker and with two to one digest each.");
}

static void transfer(FILE *out)
{
    hec_manual_section(out, "WARM START");
    hec_manual_paragraph(
        out, "A model that was trained goes on: on a later window, in another country, with more "
             "features. The examples of this page run one after the other in an empty folder. They "
             "begin with a bank made up, and a model of its card fraud and its novelties, which "
             "payments.conf describes:");
    hec_manual_example(out,
                       "head card_fraud {\n"
                       "    events = {card_auth, transfer}\n"
                       "    positive_except = {\"transfer 05 55 56 57\", \"card_auth 05 55\"}\n"
                       "}\n"
                       "head anomaly {\n"
                       "    kind = novelty\n"
                       "}");
    hec_manual_paragraph(out,
                         "heads.conf is the same and, behind it, a head whose fraud that model "
                         "is never shown:");
    hec_manual_example(out, "head takeover {\n"
                            "    positive = {\"* 05 55\"}\n"
                            "}");
    hec_manual_example(
        out, "hecate gen --users 400 --days 60 --seed 3 --out events.ndjson\n"
             "hecate train --data events.ndjson --heads payments.conf --out base.model \\\n"
             "    --train-from 2025-01-13 --train-to 2025-02-10 --known-at 2025-02-17");
    hec_manual_example(
        out, "hecate train --data events.ndjson --warm-start base.model --out later.model "
             "\\\n    --train-from 2025-01-20 --train-to 2025-02-20 --known-at 2025-02-27 "
             "\\\n    --epochs 10 --learning-rate 0.0003");
    hec_manual_paragraph(
        out, "Heads and features are matched by name. The features are the model's own, unless "
             "--features says others: one that it did not have begins with zero weights and says "
             "nothing until it has learned to, one that is gone takes its weights with it. "
             "Features that are matched keep the model's scaling, since its weights mean that; a "
             "feature that never varied before stays silent. The network is the model's: --arch, "
             "--fusion, --num-embed, --trunk-0, --trunk-1, --tower, --experts and --one-gate are "
             "refused beside --warm-start. "
             "Calibration is right from the start: what the earlier sampling did to the logits is "
             "taken back before the new one.");
    hec_manual_item(out, "--trunk-rate X",
                    "The rate of what the heads share, as a share of --learning-rate; 0.1 unless "
                    "said. Towers, gates, masks and the decoder of novelty move at the full rate.");
    hec_manual_item(out, "--freeze-trunk",
                    "What the heads share stays as it is to the bit: scores of heads that are not "
                    "trained cannot move. Not for single, cgc and cross-stitch models, where a "
                    "head has a trunk of its own.");
}

static void few_shot(FILE *out)
{
    hec_manual_section(out, "FEW SHOTS");
    hec_manual_paragraph(out,
                         "A new kind of fraud comes with a handful of examples. --new-head teaches "
                         "a head of --heads beside those the model has. With --freeze-trunk these "
                         "keep weights, thresholds and scores; without it, all learn together.");
    hec_manual_example(
        out, "hecate train --data events.ndjson --warm-start base.model --heads heads.conf \\\n"
             "    --new-head takeover --shots 20 --freeze-trunk --out takeover.model \\\n"
             "    --train-from 2025-01-13 --train-to 2025-02-20 --known-at 2025-02-27");
    hec_manual_paragraph(
        out, "--shots is for trying it: the head learns from so many frauds, drawn by the seed, "
             "and nothing else that is known of its kind may help, so that there is no validation "
             "and all epochs are run. Where the window has fewer, it learns from those and says "
             "so. Its probabilities are those of a world where fraud is as rare as that: put them "
             "right by hecate adapt when more is known.");
}

static void study_shots(FILE *out)
{
    hec_manual_paragraph(
        out, "How many frauds it takes, and what to start from, is asked of the data. Each arm is "
             "a name and flags of train; all arms of one seed learn from the same frauds and are "
             "judged on the same later rows, and the table has the interval of the paired "
             "difference from the first arm.");
    hec_manual_example(
        out, "hecate fewshot --data events.ndjson --heads heads.conf --new-head takeover \\\n"
             "    --arm 'scratch: --epochs 4' 'frozen: --epochs 4 --warm-start base.model "
             "--freeze-trunk' \\\n"
             "    'tuned: --epochs 4 --warm-start base.model' --shots 5 10 --seeds 2 \\\n"
             "    --train-from 2025-01-13 --train-to 2025-02-05 --known-at 2025-02-12 \\\n"
             "    --test-from 2025-02-12 --test-to 2025-02-28 --out shots.csv --rows-out rows");
}

/* What was measured. Each table's command is the study of tests/proof/fewshot.sh. */
static void measured(FILE *out)
{
    hec_manual_paragraph(
        out,
        "Measured with make proof-fewshot ARGS=leaked and fewer seeds and shots than it takes "
        "by itself: the handbook's payments, its scenario 3 held out of everything but the new "
        "head, 3 seeds, average precision on the week from 2018-08-08. Two weeks of shots; the "
        "start is of the two weeks before. In brackets the 95 % interval of the paired "
        "difference from scratch.");
    hec_manual_example(out, "shots                      5                     20\n"
                            "scratch                    0.093                 0.457\n"
                            "warm, --trunk-rate 1       0.277 (+.157 +.198)   0.439 (-.146 +.115)\n"
                            "masked, --trunk-rate 1     0.082 (-.060 +.021)   0.440 (-.077 +.086)\n"
                            "reptile, --trunk-rate 1    0.108 (+.001 +.036)   0.519 (-.023 +.119)");
    hec_manual_paragraph(
        out, "And with one week of shots and a start of the two weeks from 2018-07-11:");
    hec_manual_example(out,
                       "shots             5                    20                   100\n"
                       "scratch           0.072                0.399                0.644\n"
                       "frozen            0.392 (+.255 +.363)  0.393 (-.104 +.112)  0.395 (-.280 "
                       "-.200)\n"
                       "--trunk-rate .1   0.378 (+.260 +.363)  0.397 (-.099 +.117)  0.405 (-.272 "
                       "-.188)");
    hec_manual_paragraph(
        out,
        "So: a model of the other crimes is worth much at five examples, nothing beyond noise "
        "at twenty, and is in the way at a hundred where its trunk cannot move, because what "
        "the new kind shows in was not worth knowing before. Masked pretraining gained nothing "
        "here; Reptile a little at five. Where kinds have nothing in common Reptile harms: a "
        "start that knows what frauds are like has to unlearn it.");
}

static void pretraining(FILE *out)
{
    hec_manual_section(out, "PRETRAINING");
    hec_manual_paragraph(
        out, "Most events never get a label. pretrain hides numbers of a row and learns to tell "
             "them from the others; what it makes of rows on the way is a trunk to start from. It "
             "says how well it does: 1 is what a guess at the mean would cost. --mask-share is the "
             "share that it hides, 0.3 unless said.");
    hec_manual_example(
        out, "hecate pretrain --data events.ndjson --out masked.model --epochs 3 --rows-epoch 8192 "
             "\\\n    --train-from 2025-01-13 --train-to 2025-02-10\n"
             "hecate train --data events.ndjson --warm-start masked.model --heads payments.conf "
             "\\\n    --trunk-rate 1 --epochs 6 --out from-masked.model \\\n"
             "    --train-from 2025-01-13 --train-to 2025-02-10 --known-at 2025-02-17");
    hec_manual_paragraph(
        out, "--reptile looks for a start in another way: one kind of fraud after the other is "
             "learned from a few examples, and the start moves a little towards what came out. "
             "--without keeps a kind from it. A head that the start does not have begins from its "
             "head \"pretext\".");
    hec_manual_example(out,
                       "hecate pretrain --reptile --rounds 10 --shots 10 --data events.ndjson \\\n"
                       "    --out reptile.model --train-from 2025-01-13 --train-to 2025-02-10 \\\n"
                       "    --known-at 2025-02-17");
}

static void adapting(FILE *out)
{
    hec_manual_section(out, "ANOTHER TIME, ANOTHER COUNTRY");
    hec_manual_example(
        out, "hecate adapt --model base.model --data events.ndjson --out adapted.model \\\n"
             "    --source-from 2025-01-13 --source-to 2025-02-10 --target-from 2025-02-10");
    hec_manual_paragraph(
        out,
        "Where 30 frauds of the new time are labelled, slope and offset of each head's logit "
        "are fitted to the labels, genuine ones among them. With fewer, fraud is taken to look as "
        "it did and to be as "
        "common as the scores say (expectation and maximisation, Saerens 2002): right when "
        "only the share of fraud moved, wrong when fraud itself changed. --by labels or --by "
        "scores says which; a head whose labels are all of one kind is then left as it is. "
        "The report names the features that moved most; a daemon tells the same of its last day, "
        "against the reference that the model file holds, as hecate_feature_drift_psi and "
        "hecate_score_drift_psi: one event in eight by its offset, 24 hours of event time, from "
        "500 counted rows on, anew after a restart. Thresholds keep the rows they had, and "
        "the ranking stays: for another one, train --warm-start.");
    hec_manual_paragraph(
        out, "On simulated classes priors from 1 % to 30 % are found from any other within a "
             "tenth, and a planted change of slope and offset is put right to less than half the "
             "calibration error: both are tests of core/learn/adapt.");
}

/* The last of these commands is run by tests/integration/economy.sh, on a topic with a control
 * group. */
static void deciding(FILE *out)
{
    hec_manual_section(out, "DECISIONS THAT LEARN");
    hec_manual_paragraph(
        out,
        "What would other thresholds have earned? The truth of what was let through, asked "
        "about or looked at comes to light; that of what was blocked only in the control group "
        "(alerts.control_ratio), with the propensity that stands in its alerts. So the log "
        "that was made by some thresholds can judge others:");
    hec_manual_example(
        out, "hecate replay --model base.model --data events.ndjson --alerts alerts.ndjson\n"
             "hecate policy evaluate --alerts alerts.ndjson --data events.ndjson --head card_fraud "
             "\\\n    --alert-score 950 --review-cost 500");
    hec_manual_paragraph(
        out,
        "Minor units a decision, with 95 % intervals: what a stopped fraud saves, less what "
        "reviews, step-ups and blocks cost. ips weighs what was seen by 1 / propensity "
        "(Horvitz, Thompson 1952), snips divides by what the weights add up to (Swaminathan, "
        "Joachims 2015), dr starts from what the scores say and puts that right (Dudik, "
        "Langford, Li 2011): the narrowest where probabilities are calibrated, and right where "
        "they are not. Intervals are normal, by the empirical variance, for snips by the "
        "delta method; below an effective sample of 30 they are said to be worth little. "
        "Without blocks every truth is seen, and the three are one.");
    hec_manual_paragraph(
        out,
        "Where a policy acts and nobody was let through there is no support: that is told, "
        "with the scores, and is exit status 1. The same below the least score that the log "
        "has. What rules and lists decided is left out, and what a budget kept back is not in "
        "the log. Taken for granted is that thresholds change neither whom fraudsters try nor how "
        "many decisions there are, and that decisions are independent: many of one card make "
        "intervals too narrow.");
    hec_manual_example(
        out,
        "kcat -C -q -e -b BROKER -t payments.fraud-alerts.v1 -X isolation.level=read_committed "
        "-u |\n    hecate policy propose --alerts - --data events.ndjson --head card_fraud");
    hec_manual_paragraph(
        out,
        "propose looks for thresholds: a contextual bandit whose arms are whole policies plays "
        "the first 60 % of the log by Thompson sampling, learning by dr from each decision what "
        "every arm would have got. What it found is judged on the rest, which it has not seen. "
        "If it is better there beyond its interval, a piece of settings is printed with the "
        "figures; a person puts it into place and says hecate reload. Nothing is ever applied "
        "by itself.");
    hec_manual_paragraph(
        out,
        "On 500 simulated logs of 1500 decisions, a fifth of the would-be blocks let through "
        "and scores that call too much fraud, the intervals held the true value in 95.2 (ips), "
        "95.2 (snips) and 95.0 % (dr) of the logs against letting everything through, and in "
        "94.2, 94.0 and 95.0 % against the thresholds in use; those of dr were 28 and 6 % "
        "narrower than those of ips. With a propensity wrong by half, ips held it in less than "
        "half of them. Tests of core/decide/offpolicy; core/decide/bandit finds the best of 112 "
        "policies in 20000 such decisions to within 1 % of what it earns, and loses at most 3 % "
        "on the way.");
}

static void exporting(FILE *out)
{
    hec_manual_section(out, "ONNX");
    hec_manual_example(out, "hecate model export base.model --onnx base.onnx");
    hec_manual_paragraph(
        out, "The whole way from raw features to scores in standard operators, for every "
             "architecture: NaN is a missing number, a category is the hash that hecate features "
             "writes, 0 an absent one. make proof-onnx has onnx check eight kinds of model and "
             "onnxruntime run them: the largest difference from hecate score was 7.2e-6 over 29406 "
             "scores each. Models are not read from ONNX.");
}

static void explaining(FILE *out)
{
    hec_manual_section(out, "WHY, OFFLINE");
    hec_manual_example(out,
                       "hecate explain --model base.model --data events.ndjson --alerts "
                       "--counterfactual \\\n    --out why.ndjson\n"
                       "hecate explain --model base.model --data events.ndjson --head card_fraud "
                       "\\\n    --method integrated-gradients --format csv --limit 100 --out "
                       "why.csv");
    hec_manual_paragraph(
        out, "Every row's contributions, feature by feature, that add up to the difference of its "
             "logit from the median row's. deeplift is what alerts carry; integrated-gradients is "
             "the referee: slower, and exact only as far as its steps reach.");
    hec_manual_paragraph(
        out, "--counterfactual tells the fewest features whose change would have kept an alert "
             "below its threshold, each to a value between the 1 % and the 99 % quantile of the "
             "rows read, or a common category, and no further than it takes. One feature is the "
             "best of all that were tried; several are found one after the other. Features are "
             "changed alone: a count of an hour may fall while the sum of that hour stays. Read it "
             "as what the model looked at, not as advice.");
}

void hec_manual_learning(FILE *out)
{
    hec_manual_section(out, "DESCRIPTION");
    hec_manual_paragraph(
        out, "What can be done with a model after its first training, what each option does, and "
             "on which data it helped. hecate(1) lists the flags.");
    transfer(out);
    labels(out);
    losses(out);
    large_logs(out);
    seeds(out);
    few_shot(out);
    study_shots(out);
    measured(out);
    pretraining(out);
    explaining(out);
    adapting(out);
    deciding(out);
    exporting(out);
}
