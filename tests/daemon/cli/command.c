/* Command lines: what a table of flags makes of words, and what it says to those it does not know.
 */
#include "cli/command.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static int do_nothing(const struct hec_arguments *arguments)
{
    (void)arguments;
    return HEC_EXIT_OK;
}

static const struct hec_command COMMAND = {
    .name = "try",
    .line = "tries",
    .positionals = "WHAT",
    .positionals_max = 1,
    .examples = { "hecate try one", "hecate try two" },
    .run = do_nothing,
    .flags = {
        { "data", "FILE", "files", HEC_FLAG_TEXT, .required = true, .many = true },
        { "out", "FILE", "a file", HEC_FLAG_TEXT },
        { "days", "N", "days", HEC_FLAG_INTEGER, .minimum = 1, .maximum = 30 },
        { "speed", "X", "speed", HEC_FLAG_NUMBER, .minimum = 0, .maximum = 10 },
        { "from", "T", "a time", HEC_FLAG_TIME },
        { "keep", NULL, "a switch", HEC_FLAG_SWITCH },
    },
};

static struct hec_arguments arguments;
static char said[2048];

/* Splits at blanks, so that a test reads as a command line. */
static enum hec_status understand(const char *line)
{
    static char words[1024];
    char *texts[32];
    int count = 0;
    snprintf(words, sizeof(words), "%s", line);
    for (char *at = strtok(words, " "); at != NULL; at = strtok(NULL, " ")) {
        texts[count++] = at;
    }
    memset(said, 0, sizeof(said));
    FILE *mistakes = fmemopen(said, sizeof(said), "w");
    enum hec_status status = hec_arguments_parse(&arguments, &COMMAND, count, texts, mistakes);
    fclose(mistakes);
    return status;
}

Test(command, takes_many_values_up_to_the_next_flag_and_again)
{
    size_t count;
    cr_assert_eq(understand("--data a b - --out c word --data=d"), HEC_OK, "%s", said);
    const char *const *data = hec_texts_of(&arguments, "data", &count);
    cr_assert_eq(count, 4);
    cr_expect_str_eq(data[1], "b");
    cr_expect_str_eq(data[2], "-");
    cr_expect_str_eq(data[3], "d");
    cr_expect_str_eq(hec_text_or(&arguments, "out", NULL), "c");
    cr_expect_eq(arguments.positionals_count, 1);
    cr_expect_str_eq(arguments.positionals[0], "word");
    hec_arguments_free(&arguments);
}

Test(command, gives_typed_values_and_fallbacks)
{
    cr_assert_eq(understand("--data a --days 30 --speed 2.5 --from 2018-07-25 --keep"), HEC_OK);
    cr_expect_eq(hec_integer_or(&arguments, "days", 7), 30);
    cr_expect_float_eq(hec_number_or(&arguments, "speed", 0), 2.5, 0);
    cr_expect_eq(hec_integer_or(&arguments, "from", 0), 1532476800000);
    cr_expect(hec_given(&arguments, "keep"));
    cr_expect_null(hec_text_or(&arguments, "out", NULL));
    hec_arguments_free(&arguments);

    cr_assert_eq(understand("--data a"), HEC_OK);
    cr_expect_eq(hec_integer_or(&arguments, "days", 7), 7);
    cr_expect(!hec_given(&arguments, "keep"));
    hec_arguments_free(&arguments);
}

static void expect_mistake(const char *line, const char *what)
{
    cr_expect_eq(understand(line), HEC_INVALID, "%s", line);
    cr_expect_not_null(strstr(said, what), "%s: %s", line, said);
    cr_expect_not_null(strstr(said, "hecate try --help"), "%s: %s", line, said);
}

Test(command, says_what_is_wrong_and_what_was_meant)
{
    expect_mistake("--dta a", "did you mean --data?");
    expect_mistake("--zzzzzzzz a", "there is no flag --zzzzzzzz\n");
    expect_mistake("--data a -x", "there is no flag -x");
    expect_mistake("--data", "needs a value: --data FILE");
    expect_mistake("--data --keep", "needs a value");
    expect_mistake("--data a --keep=yes", "takes no value");
    expect_mistake("--data a --out b --out c", "given twice");
    expect_mistake("--out b", "--data FILE is needed");
    expect_mistake("--data a --days 0", "1 .. 30");
    expect_mistake("--data a --days 31", "1 .. 30");
    expect_mistake("--data a --days 3x", "1 .. 30");
    expect_mistake("--data a --days 99999999999999999999", "1 .. 30");
    expect_mistake("--data a --speed nan", "0 .. 10");
    expect_mistake("--data a --speed 10.5", "0 .. 10");
    expect_mistake("--data a --from yesterday", "2018-07-25T06:00:00Z");
    expect_mistake("--data a --out b one two", "one argument too many");
}

Test(command, leaves_everything_for_help)
{
    cr_expect_eq(understand("--help"), HEC_END);
    cr_expect_eq(understand("--data a -h --days 99999"), HEC_END);
}

Test(command, prints_help_from_the_table_with_examples_first)
{
    char help[4096] = { 0 };
    FILE *to = fmemopen(help, sizeof(help), "w");
    hec_command_help(&COMMAND, to);
    fclose(to);
    const char *example = strstr(help, "hecate try one"), *usage = strstr(help, "Usage:");
    cr_assert(example != NULL && usage != NULL && example < usage);
    for (int i = 0; COMMAND.flags[i].name != NULL; i++) {
        char flag[32];
        snprintf(flag, sizeof(flag), "--%s", COMMAND.flags[i].name);
        cr_expect_not_null(strstr(help, flag), "%s", flag);
    }
    cr_expect_not_null(strstr(help, "files (needed)"));
}

Test(command, has_a_table_without_holes)
{
    for (const struct hec_command *const *at = HEC_COMMANDS; *at != NULL; at++) {
        const struct hec_command *command = *at;
        cr_expect(command->line != NULL && command->run != NULL, "%s", command->name);
        cr_expect(command->examples[0] != NULL && command->examples[1] != NULL, "%s",
                  command->name);
        cr_expect((command->positionals_max > 0) == (command->positionals != NULL), "%s",
                  command->name);
        for (int i = 0; i < HEC_FLAGS_MAX && command->flags[i].name != NULL; i++) {
            const struct hec_flag *flag = &command->flags[i];
            cr_expect((flag->type == HEC_FLAG_SWITCH) == (flag->argument == NULL), "%s --%s",
                      command->name, flag->name);
            bool ranged = flag->type == HEC_FLAG_INTEGER || flag->type == HEC_FLAG_NUMBER;
            cr_expect(!ranged || flag->minimum < flag->maximum, "%s --%s", command->name,
                      flag->name);
        }
    }
}
