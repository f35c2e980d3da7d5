/* Output: the whole file in its place or nothing, plain and compressed alike. */
#include "file/output.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "file/input.h"
#include "scratch.h"

TestSuite(output, .init = scratch_make, .fini = scratch_remove);

static struct hec_output *open_output(const char *path)
{
    struct hec_output *output = NULL;
    struct hec_error error = { 0 };
    cr_assert_eq(hec_output_open(&output, path, &error), HEC_OK, "%s", error.text);
    return output;
}

static void write_and_read_back(const char *path)
{
    enum { LENGTH = 3000001 };
    char *text = malloc(LENGTH), *back = malloc(LENGTH + 1);
    for (size_t i = 0; i < LENGTH; i++) {
        text[i] = (char)('a' + i * i % 23);
    }
    struct hec_output *output = open_output(path);
    size_t at = 0;
    for (size_t part = 1; at < LENGTH; part = part * 3 % 200003) {
        part = part < LENGTH - at ? part : LENGTH - at;
        hec_output_write(output, text + at, part);
        at += part;
    }
    cr_expect_neq(access(path, F_OK), 0, "not there before it is whole");
    cr_assert_eq(hec_output_close(output, NULL), HEC_OK);

    struct hec_input *input = NULL;
    cr_assert_eq(hec_input_open(&input, path, NULL), HEC_OK);
    size_t have = 0, got = 0;
    while (have <= LENGTH &&
           hec_input_read(input, back + have, LENGTH + 1 - have, &got, NULL) == HEC_OK) {
        have += got;
    }
    hec_input_free(input);
    cr_expect_eq(have, LENGTH);
    cr_expect_eq(memcmp(text, back, LENGTH), 0);
    free(text);
    free(back);
}

Test(output, writes_what_input_reads)
{
    write_and_read_back(scratch_path("plain"));
}

Test(output, compresses_by_name)
{
    write_and_read_back(scratch_path("packed.zst"));
    struct stat facts;
    cr_assert_eq(stat(scratch_path("packed.zst"), &facts), 0);
    cr_expect_lt(facts.st_size, 100000);
}

Test(output, leaves_the_old_file_when_it_is_given_up)
{
    const char *path = scratch_text("a", "old");
    struct hec_output *output = open_output(path);
    hec_output_write(output, "new", 3);
    hec_output_discard(output);
    char *text = scratch_read(path, NULL);
    cr_expect_str_eq(text, "old");
    free(text);
    cr_expect_eq(rmdir(scratch), -1);
    unlink(path);
    cr_expect_eq(rmdir(scratch), 0, "nothing is left beside it");
}

Test(output, replaces_the_old_file_when_it_is_closed)
{
    const char *path = scratch_text("a", "old");
    struct hec_output *output = open_output(path);
    hec_output_print(output, "%s-%d", "new", 7);
    hec_output_flush(output);
    cr_assert_eq(hec_output_close(output, NULL), HEC_OK);
    char *text = scratch_read(path, NULL);
    cr_expect_str_eq(text, "new-7");
    free(text);
}

Test(output, remembers_a_failed_write_until_it_is_closed)
{
    struct hec_output *output = open_output("/dev/full");
    struct hec_error error = { 0 };
    hec_output_write(output, "x", 1);
    hec_output_flush(output);
    cr_expect(hec_output_failed(output));
    cr_expect_eq(hec_output_close(output, &error), HEC_UNAVAILABLE);
    cr_expect_not_null(strstr(error.text, "/dev/full"), "%s", error.text);
}

Test(output, leaves_the_old_file_when_a_write_failed)
{
    const char *path = scratch_text("a", "old");
    struct hec_output *output = open_output(path);
    struct rlimit limit = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 100; i++) {
        hec_output_write(output, "0123456789", 10);
    }
    cr_expect_eq(hec_output_close(output, NULL), HEC_UNAVAILABLE);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    char *text = scratch_read(path, NULL);
    cr_expect_str_eq(text, "old");
    free(text);
    unlink(path);
    cr_expect_eq(rmdir(scratch), 0, "nothing is left beside it");
}

Test(output, tells_a_directory_that_is_not_there)
{
    struct hec_output *output = NULL;
    cr_expect_eq(hec_output_open(&output, scratch_path("no/such"), NULL), HEC_NOT_FOUND);
    cr_expect_eq(hec_output_close(NULL, NULL), HEC_OK);
    hec_output_discard(NULL);
}

Test(output, ends_with_nothing_in_its_place_after_a_failure)
{
    const char *path = scratch_text("a", "old");
    for (int failed = 1; failed >= 0; failed--) {
        struct hec_output *output = open_output(path);
        struct hec_error error = { 0 };
        hec_fail(&error, HEC_NO_MEMORY, "told before");
        hec_output_print(output, "new");
        cr_expect_eq(hec_output_end(output, failed ? HEC_NO_MEMORY : HEC_OK, &error),
                     failed ? HEC_NO_MEMORY : HEC_OK);
        cr_expect_str_eq(error.text, "told before");
        char *text = scratch_read(path, NULL);
        cr_expect_str_eq(text, failed ? "old" : "new");
        free(text);
    }
    cr_expect_eq(hec_output_end(NULL, HEC_OK, NULL), HEC_OK);
    cr_expect_eq(hec_output_end(NULL, HEC_INVALID, NULL), HEC_INVALID);
    unlink(path);
    cr_expect_eq(rmdir(scratch), 0, "nothing is left beside it");
}
