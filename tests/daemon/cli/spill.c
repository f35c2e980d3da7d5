/* Spill: what was appended comes back, in any order, from the file and from what is still held. */
#include "cli/spill.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NUMBERS = 137, ROWS = 5000 }; /* 2.7 MB: two flushes, and a rest that is held */

static void make_row(uint32_t *row, size_t number)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        row[i] = (uint32_t)(number * 1000 + i);
    }
}

static struct hec_error error;

static struct hec_spill *filled(size_t rows)
{
    struct hec_spill *spill = NULL;
    uint32_t row[NUMBERS];
    cr_assert_eq(hec_spill_new(&spill, sizeof(row), &error), HEC_OK, "%s", error.text);
    for (size_t i = 0; i < rows; i++) {
        make_row(row, i);
        hec_spill_add(spill, row, 1);
    }
    return spill;
}

Test(spill, gives_every_row_back)
{
    struct hec_spill *spill = filled(ROWS);
    uint32_t row[NUMBERS], is[NUMBERS];
    for (size_t i = 0; i < ROWS; i++) {
        size_t number = i * 2003 % ROWS; /* 2003 is prime: every row, in no order */
        make_row(row, number);
        hec_spill_read(spill, number, 0, sizeof(is), is);
        cr_assert_eq(memcmp(is, row, sizeof(row)), 0, "row %zu", number);
        hec_spill_read(spill, number, 5 * sizeof(uint32_t), 2 * sizeof(uint32_t), is);
        cr_assert(is[0] == row[5] && is[1] == row[6], "part of row %zu", number);
    }
    cr_expect_eq(hec_spill_failed(spill, &error), HEC_OK);
    hec_spill_free(spill);
    hec_spill_free(NULL);
}

Test(spill, tells_a_place_where_no_file_can_be)
{
    struct hec_spill *spill = NULL;
    setenv("TMPDIR", "/no/such/place", 1);
    cr_expect_eq(hec_spill_new(&spill, 8, &error), HEC_UNAVAILABLE);
    cr_expect(strstr(error.text, "/no/such/place") != NULL && strstr(error.text, "TMPDIR") != NULL);
    cr_expect_null(spill);
}

Test(spill, tells_a_disk_that_is_full)
{
    struct rlimit limit = { 1 << 20, 1 << 20 };
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct hec_spill *spill = filled(ROWS);
    cr_expect_eq(hec_spill_failed(spill, &error), HEC_UNAVAILABLE);
    cr_expect(strstr(error.text, "more room") != NULL, "%s", error.text);
    hec_spill_free(spill);
}

/* A sanitizer ends a program that asks for so much, where malloc says no. */
#ifndef __SANITIZE_ADDRESS__
Test(spill, leaves_no_file_where_memory_is_exhausted)
{
    char folder[] = "/tmp/hecate-spill-XXXXXX";
    struct hec_spill *spill = NULL;
    cr_assert_not_null(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
    cr_expect_eq(hec_spill_new(&spill, SIZE_MAX / 4, &error), HEC_NO_MEMORY);
    cr_expect_null(spill);
    cr_expect_eq(rmdir(folder), 0, "nothing is left in it");
}
#endif
