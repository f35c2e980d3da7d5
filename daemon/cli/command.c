#include "cli/command.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "file/when.h"
#include "ops/problems.h"

#define COLUMN 26 /* where help texts begin */

static int flags_of(const struct hec_command *command)
{
    int count = 0;
    while (count < HEC_FLAGS_MAX && command->flags[count].name != NULL) {
        count++;
    }
    return count;
}

static int flag_named(const struct hec_command *command, const char *name, size_t length)
{
    for (int i = 0; i < flags_of(command); i++) {
        if (strlen(command->flags[i].name) == length &&
            memcmp(command->flags[i].name, name, length) == 0) {
            return i;
        }
    }
    return -1;
}

static enum hec_status mistake(const struct hec_command *command, FILE *to, const char *format, ...)
    HEC_PRINTF(3, 4);

static enum hec_status mistake(const struct hec_command *command, FILE *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(to, "hecate %s: ", command->name);
    vfprintf(to, format, arguments);
    fprintf(to, "\nSee: hecate %s --help\n", command->name);
    va_end(arguments);
    return HEC_INVALID;
}

static enum hec_status unknown_flag(const struct hec_command *command, const char *written,
                                    FILE *to)
{
    const char *names[HEC_FLAGS_MAX + 1] = { NULL };
    for (int i = 0; i < flags_of(command); i++) {
        names[i] = command->flags[i].name;
    }
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(written + 2, "="), written + 2);
    const char *nearest = hec_nearest(name, names);
    return nearest == NULL
               ? mistake(command, to, "there is no flag --%s", name)
               : mistake(command, to, "there is no flag --%s; did you mean --%s?", name, nearest);
}

/* "a, b or c" */
static void list_choices(const struct hec_flag *flag, char *to, size_t size)
{
    size_t used = 0;
    to[0] = '\0';
    for (int i = 0; flag->choices[i] != NULL && used < size; i++) {
        const char *between = i == 0 ? "" : flag->choices[i + 1] == NULL ? " or " : ", ";
        used += (size_t)snprintf(to + used, size - used, "%s%s", between, flag->choices[i]);
    }
}

static enum hec_status choose(struct hec_arguments *arguments, int index, const char *value,
                              FILE *to)
{
    const struct hec_flag *flag = &arguments->command->flags[index];
    char choices[256];
    for (int i = 0; flag->choices[i] != NULL; i++) {
        if (strcmp(flag->choices[i], value) == 0) {
            arguments->integers[index] = i;
            return HEC_OK;
        }
    }
    list_choices(flag, choices, sizeof(choices));
    const char *nearest = hec_nearest(value, flag->choices);
    return mistake(arguments->command, to, "--%s must be %s, not \"%.60s\"%s%s%s", flag->name,
                   choices, value, nearest != NULL ? "; did you mean " : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
}

static enum hec_status understand(struct hec_arguments *arguments, int index, const char *value,
                                  FILE *to)
{
    const struct hec_command *command = arguments->command;
    const struct hec_flag *flag = &command->flags[index];
    char *end = NULL;
    errno = 0;
    switch (flag->type) {
    case HEC_FLAG_INTEGER: {
        long long integer = strtoll(value, &end, 10);
        if (end == value || *end != '\0' || errno != 0 || integer < flag->minimum ||
            integer > flag->maximum) {
            return mistake(command, to, "--%s must be an integer of %lld .. %lld, not \"%.60s\"",
                           flag->name, (long long)flag->minimum, (long long)flag->maximum, value);
        }
        arguments->integers[index] = integer;
        return HEC_OK;
    }
    case HEC_FLAG_NUMBER: {
        double number = strtod(value, &end);
        if (end == value || *end != '\0' || !isfinite(number) || number < (double)flag->minimum ||
            number > (double)flag->maximum) {
            return mistake(command, to, "--%s must be a number of %lld .. %lld, not \"%.60s\"",
                           flag->name, (long long)flag->minimum, (long long)flag->maximum, value);
        }
        arguments->numbers[index] = number;
        return HEC_OK;
    }
    case HEC_FLAG_CHOICE: return choose(arguments, index, value, to);
    case HEC_FLAG_TIME:
        if (!hec_when_parse(value, &arguments->integers[index])) {
            return mistake(command, to,
                           "--%s must be a time such as 2018-07-25, 2018-07-25T06:00:00Z or "
                           "1532498400000, not \"%.60s\"",
                           flag->name, value);
        }
        return HEC_OK;
    default: return HEC_OK;
    }
}

/* A value is anything that is no flag; "-" is the standard stream and a value, and so is a negative
 * number. */
static bool is_flag(const char *text)
{
    return text[0] == '-' && text[1] != '\0' && strchr("0123456789.", text[1]) == NULL;
}

static enum hec_status take(struct hec_arguments *arguments, int index, const char *value,
                            FILE *mistakes)
{
    size_t *count = &arguments->values_count[index];
    if (*count > 0 && !arguments->command->flags[index].many) {
        return mistake(arguments->command, mistakes, "--%s is given twice",
                       arguments->command->flags[index].name);
    }
    arguments->values[index][(*count)++] = value;
    return understand(arguments, index, value, mistakes);
}

static enum hec_status take_flag(struct hec_arguments *arguments, int count, char *const *texts,
                                 int *at, FILE *mistakes)
{
    const struct hec_command *command = arguments->command;
    const char *written = texts[*at];
    if (written[1] != '-') {
        return mistake(command, mistakes, "there is no flag %.60s", written);
    }
    size_t length = strcspn(written + 2, "=");
    bool joined = written[2 + length] == '=';
    int index = flag_named(command, written + 2, length);
    if (index < 0) {
        return unknown_flag(command, written, mistakes);
    }
    const struct hec_flag *flag = &command->flags[index];
    if (flag->type == HEC_FLAG_SWITCH) {
        return joined ? mistake(command, mistakes, "--%s takes no value", flag->name)
                      : take(arguments, index, "", mistakes);
    }
    if (joined) {
        return take(arguments, index, written + 2 + length + 1, mistakes);
    }
    if (*at + 1 == count || is_flag(texts[*at + 1])) {
        return mistake(command, mistakes, "--%s needs a value: --%s %s", flag->name, flag->name,
                       flag->argument);
    }
    enum hec_status status = HEC_OK;
    do {
        status = take(arguments, index, texts[++*at], mistakes);
    } while (status == HEC_OK && flag->many && *at + 1 < count && !is_flag(texts[*at + 1]));
    return status;
}

static enum hec_status check_complete(const struct hec_arguments *arguments, FILE *mistakes)
{
    const struct hec_command *command = arguments->command;
    if (arguments->positionals_count < command->positionals_min) {
        return mistake(command, mistakes, "needs %s", command->positionals);
    }
    for (int i = 0; i < flags_of(command); i++) {
        const struct hec_flag *flag = &command->flags[i];
        if (flag->required && arguments->values_count[i] == 0) {
            return mistake(command, mistakes, "--%s %s is needed", flag->name, flag->argument);
        }
    }
    return HEC_OK;
}

enum hec_status hec_arguments_parse(struct hec_arguments *arguments,
                                    const struct hec_command *command, int count,
                                    char *const *texts, FILE *mistakes)
{
    *arguments = (struct hec_arguments){ .command = command };
    arguments->pool = calloc((size_t)(count + 1) * HEC_FLAGS_MAX, sizeof(*arguments->pool));
    if (arguments->pool == NULL) {
        return HEC_NO_MEMORY;
    }
    for (int i = 0; i < HEC_FLAGS_MAX; i++) {
        arguments->values[i] = arguments->pool + (size_t)i * (size_t)(count + 1);
    }
    enum hec_status status = HEC_OK;
    for (int at = 0; status == HEC_OK && at < count; at++) {
        if (strcmp(texts[at], "--help") == 0 || strcmp(texts[at], "-h") == 0) {
            status = HEC_END;
        } else if (is_flag(texts[at])) {
            status = take_flag(arguments, count, texts, &at, mistakes);
        } else if (arguments->positionals_count < command->positionals_max) {
            arguments->positionals[arguments->positionals_count++] = texts[at];
        } else {
            status = mistake(command, mistakes, "\"%.60s\" is one argument too many", texts[at]);
        }
    }
    if (status == HEC_OK) {
        status = check_complete(arguments, mistakes);
    }
    if (status != HEC_OK) {
        hec_arguments_free(arguments);
    }
    return status;
}

void hec_arguments_free(struct hec_arguments *arguments)
{
    free(arguments->pool);
    arguments->pool = NULL;
}

static int index_of(const struct hec_arguments *arguments, const char *flag)
{
    int index = flag_named(arguments->command, flag, strlen(flag));
    assert(index >= 0);
    return index;
}

bool hec_given(const struct hec_arguments *arguments, const char *flag)
{
    return arguments->values_count[index_of(arguments, flag)] > 0;
}

const char *hec_text_or(const struct hec_arguments *arguments, const char *flag,
                        const char *fallback)
{
    int index = index_of(arguments, flag);
    return arguments->values_count[index] > 0 ? arguments->values[index][0] : fallback;
}

int64_t hec_integer_or(const struct hec_arguments *arguments, const char *flag, int64_t fallback)
{
    int index = index_of(arguments, flag);
    return arguments->values_count[index] > 0 ? arguments->integers[index] : fallback;
}

double hec_number_or(const struct hec_arguments *arguments, const char *flag, double fallback)
{
    int index = index_of(arguments, flag);
    return arguments->values_count[index] > 0 ? arguments->numbers[index] : fallback;
}

const char *const *hec_texts_of(const struct hec_arguments *arguments, const char *flag,
                                size_t *count)
{
    int index = index_of(arguments, flag);
    *count = arguments->values_count[index];
    return arguments->values[index];
}

static void help_flag(const struct hec_flag *flag, FILE *to)
{
    char left[64];
    snprintf(left, sizeof(left), "  --%s%s%s%s", flag->name, flag->argument != NULL ? " " : "",
             flag->argument != NULL ? flag->argument : "", flag->many ? "..." : "");
    if (strlen(left) >= COLUMN) {
        fprintf(to, "%s\n%*s", left, COLUMN, "");
    } else {
        fprintf(to, "%-*s", COLUMN, left);
    }
    fprintf(to, "%s%s\n", flag->help, flag->required ? " (needed)" : "");
    if (flag->type == HEC_FLAG_CHOICE) {
        char choices[256];
        list_choices(flag, choices, sizeof(choices));
        fprintf(to, "%*s%s\n", COLUMN, "", choices);
    }
}

void hec_command_help(const struct hec_command *command, FILE *to)
{
    fprintf(to, "hecate %s: %s\n\n", command->name, command->line);
    for (int i = 0; i < 2 && command->examples[i] != NULL; i++) {
        fprintf(to, "  %s\n", command->examples[i]);
    }
    fprintf(to, "\nUsage: hecate %s%s%s%s\n", command->name,
            command->positionals != NULL ? " " : "",
            command->positionals != NULL ? command->positionals : "",
            flags_of(command) > 0 ? " [flags]" : "");
    for (int i = 0; i < flags_of(command); i++) {
        help_flag(&command->flags[i], to);
    }
    if (command->text != NULL) {
        fprintf(to, "\n%s\n", command->text);
    }
}
