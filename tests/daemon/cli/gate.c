/* Gates: how a condition is written, and that an undefined figure meets none. */
#include "cli/gate.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>
#include <string.h>

static int no_run(const struct hec_arguments *arguments)
{
    (void)arguments;
    return 0;
}

static const struct hec_command command = {
    .name = "eval",
    .line = "judges",
    .run = no_run,
    .flags = { { "gate", "G", "a gate", HEC_FLAG_TEXT, .many = true } },
};

static int held(const char *text, const struct hec_figures *figures)
{
    struct hec_gate gates[HEC_GATES_MAX];
    struct hec_arguments arguments;
    int count;
    char flag[] = "--gate", value[120];
    char *texts[] = { flag, value };
    snprintf(value, sizeof(value), "%s", text);
    cr_assert_eq(hec_arguments_parse(&arguments, &command, 2, texts, stderr), HEC_OK);
    int status = hec_gates_parse(gates, &count, &arguments);
    if (status == HEC_EXIT_OK) {
        status = hec_gates_hold(gates, count, figures, &arguments);
    }
    hec_arguments_free(&arguments);
    return status;
}

Test(gate, holds_a_figure_of_a_head_or_of_the_means_against_a_bound)
{
    static const struct hec_head heads[] = { { .name = "card_fraud" }, { .name = "ato" } };
    struct hec_figures figures = { .heads_count = 2, .heads = heads };
    cr_redirect_stderr();
    figures.value[0][HEC_METRIC_AP] = 0.5;
    figures.value[1][HEC_METRIC_AP] = 0.9;
    figures.macro[HEC_METRIC_AP] = 0.7;
    figures.weighted[HEC_METRIC_AP] = 0.6;
    figures.macro[HEC_METRIC_ECE] = NAN;
    figures.value[0][HEC_METRIC_RECALL_001] = 0.25;

    cr_expect_eq(held("card_fraud.average_precision>=0.5", &figures), HEC_EXIT_OK);
    cr_expect_eq(held("card_fraud.average_precision>0.5", &figures), HEC_EXIT_GATE);
    cr_expect_eq(held("card_fraud.average_precision<=0.5", &figures), HEC_EXIT_OK);
    cr_expect_eq(held("card_fraud.average_precision<0.5", &figures), HEC_EXIT_GATE);
    cr_expect_eq(held("ato.average_precision>=0.9", &figures), HEC_EXIT_OK);
    cr_expect_eq(held("average_precision>=0.7", &figures), HEC_EXIT_OK);
    cr_expect_eq(held("macro.average_precision>0.7", &figures), HEC_EXIT_GATE);
    cr_expect_eq(held("weighted.average_precision>=0.61", &figures), HEC_EXIT_GATE);
    cr_expect_eq(held("card_fraud.recall_at_fpr_0.001>=0.25", &figures), HEC_EXIT_OK);
    cr_expect_eq(held("expected_calibration_error<1", &figures), HEC_EXIT_GATE, "undefined");
    cr_expect_eq(held("expected_calibration_error>-1", &figures), HEC_EXIT_GATE, "undefined");
}

Test(gate, tells_mistakes)
{
    static const struct hec_head heads[] = { { .name = "card_fraud" } };
    struct hec_figures figures = { .heads_count = 1, .heads = heads };
    static const char *const wrong[] = {
        "average_precision",
        "average_precision>=",
        "average_precision=0.5",
        "average_precision==0.5",
        "average_precision>=0.5x",
        "average_precision>=nan",
        ">=0.5",
        "accuracy>=0.5",
        "card_fraud.accuracy>=0.5",
        "cards.average_precision>0",
        "average_precision=>1",
        "average_precision>>1",
    };
    cr_redirect_stderr();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(held(wrong[i], &figures), HEC_EXIT_USAGE, "%s", wrong[i]);
    }
}
