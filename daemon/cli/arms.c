#include "cli/arms.h"

#include <stdlib.h>
#include <string.h>

#define TOKENS_MAX 128

static int no_run(const struct hec_arguments *arguments)
{
    (void)arguments;
    return HEC_EXIT_USAGE;
}

/* Never run: the table that an arm's text is understood by. */
static const struct hec_command ARM = {
    .name = "compare --arm",
    .line = "an arm of a comparison",
    .run = no_run,
    .flags = {
        { "only", "HEAD", "heads that are learned; the labels of others are hidden", HEC_FLAG_TEXT,
          .many = true },
        { "head-weight", "HEAD=X", "weight of a head's loss", HEC_FLAG_TEXT, .many = true },
        HEC_FLAGS_TRAINING,
    },
};

/* The arm's own words first, then what the command line gives to all. */
static int collect(char **tokens, char *words, const struct hec_arguments *arguments)
{
    int count = 0, own;
    for (char *word = strtok(words, " \t\n"); word != NULL && count < TOKENS_MAX / 2;
         word = strtok(NULL, " \t\n")) {
        tokens[count++] = word;
    }
    own = count;
    for (const struct hec_flag *flag = ARM.flags; flag->name != NULL; flag++) {
        bool shared = false, said = false;
        for (const struct hec_flag *theirs = arguments->command->flags; theirs->name != NULL;
             theirs++) {
            shared = shared || strcmp(theirs->name, flag->name) == 0;
        }
        for (int i = 0; i < own; i++) {
            size_t length = strlen(flag->name);
            said = said || (strncmp(tokens[i], "--", 2) == 0 &&
                            strncmp(tokens[i] + 2, flag->name, length) == 0 &&
                            (tokens[i][2 + length] == '\0' || tokens[i][2 + length] == '='));
        }
        if (shared && !said && hec_given(arguments, flag->name) && count + 2 <= TOKENS_MAX) {
            static char names[HEC_FLAGS_MAX][64];
            char *name = names[flag - ARM.flags];
            snprintf(name, sizeof(names[0]), "--%s", flag->name);
            tokens[count++] = name;
            if (flag->type != HEC_FLAG_SWITCH) {
                /* The parser only reads; its texts are char * for the sake of main's argv. */
                const char *value = hec_text_or(arguments, flag->name, "");
                memcpy(&tokens[count++], &value, sizeof(value));
            }
        }
    }
    return count;
}

static int choose_heads(struct hec_arm *arm, const struct hec_trials *trials,
                        const struct hec_arguments *own, const struct hec_arguments *arguments)
{
    size_t count = 0;
    const char *const *only = hec_texts_of(own, "only", &count);
    arm->learned = count > 0 ? 0 : ~UINT32_C(0);
    for (size_t i = 0; i < count; i++) {
        int k = hec_head_named(trials->heads, trials->heads_count, only[i], strlen(only[i]));
        if (k < 0) {
            return hec_cli_misused(arguments, "--only: there is no head \"%.48s\"", only[i]);
        }
        arm->learned |= UINT32_C(1) << k;
    }
    const char *const *weights = hec_texts_of(own, "head-weight", &count);
    for (size_t i = 0; i < count; i++) {
        size_t name = strcspn(weights[i], "=");
        int k = hec_head_named(trials->heads, trials->heads_count, weights[i], name);
        char *end = NULL;
        double weight = weights[i][name] == '=' ? strtod(weights[i] + name + 1, &end) : -1;
        if (k < 0 || end == NULL || end == weights[i] + name + 1 || *end != '\0' ||
            !(weight >= 0 && weight <= 1e6)) {
            return hec_cli_misused(arguments, "--head-weight must be HEAD=X, not \"%.60s\"",
                                   weights[i]);
        }
        arm->heads[k].loss_weight = (float)weight;
        arm->options.weighting = HEC_WEIGHTING_FIXED;
    }
    return HEC_EXIT_OK;
}

int hec_arm_parse(struct hec_arm *arm, const struct hec_trials *trials, const char *text,
                  const struct hec_arguments *arguments)
{
    char *tokens[TOKENS_MAX], name[80];
    struct hec_arguments own;
    const char *colon = strchr(text, ':');
    bool named = colon != NULL && memchr(text, ' ', (size_t)(colon - text)) == NULL;
    char *words = strdup(named ? colon + 1 : text);
    if (words == NULL) {
        return HEC_EXIT_FAILURE;
    }
    snprintf(name, sizeof(name), "%.*s", named ? (int)(colon - text) : (int)strlen(text), text);
    int count = collect(tokens, words, arguments);
    int status = HEC_EXIT_USAGE;
    if (hec_arguments_parse(&own, &ARM, count, tokens, stderr) == HEC_OK) {
        hec_arm_of(arm, trials, name[0] == '\0' ? "default" : name, &own);
        status = choose_heads(arm, trials, &own, arguments);
        if (status == HEC_EXIT_OK &&
            (strstr(text, "--seed") != NULL || strstr(text, "--valid-days") != NULL)) {
            status =
                hec_cli_misused(arguments, "--seed and --valid-days are the same for all arms: "
                                           "give them outside of --arm");
        }
        hec_arguments_free(&own);
    }
    free(words);
    return status;
}

int hec_arms_room(struct hec_trials *trials, int count, const struct hec_arguments *arguments)
{
    struct hec_error error;
    trials->arms = calloc((size_t)count, sizeof(*trials->arms));
    if (trials->arms == NULL) {
        hec_fail(&error, HEC_NO_MEMORY, "memory is exhausted");
        return hec_cli_fail(arguments, &error);
    }
    trials->arms_count = count;
    return HEC_EXIT_OK;
}
