/* hecate-learning(7): a model's life after its first training, for a data scientist. Every command
 * that stands here is run by tests/integration/learning.sh, in this order. */
#include "cli/manual_inside.h"

static void transfer(FILE *out)
{
    hec_manual_section(out, "WARM START");
    hec_manual_paragraph(
        out, "A model that was trained goes on: on a later window, in another country, with more "
             "features. The examples of this page begin with a bank made up, and a model of its "
             "card fraud and its novelties; heads.conf holds both and a head takeover, whose fraud "
             "that model was never shown.");
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
             "feature that never varied before stays silent. The architecture is the model's. "
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
             "and all epochs are run. Its probabilities are those of a world where fraud is as "
             "rare as that: calibrate when more is known.");
}

void hec_manual_learning(FILE *out)
{
    hec_manual_section(out, "DESCRIPTION");
    hec_manual_paragraph(
        out, "What can be done with a model after its first training, what each option does, and "
             "on which data it helped. hecate(1) lists the flags.");
    transfer(out);
    few_shot(out);
}
