/* Lines: every byte of every file once, whatever the block boundaries, the packing and the ends. */
#include "file/lines.h"

#include <zstd.h>

#include "scratch.h"

TestSuite(lines, .init = scratch_make, .fini = scratch_remove);

#define BOUND 65536

static struct hec_lines *open_lines(const char *const *paths, size_t count, size_t bound)
{
    struct hec_lines *lines = NULL;
    struct hec_error error = { 0 };
    cr_assert_eq(hec_lines_open(&lines, paths, count, bound, &error), HEC_OK, "%s", error.text);
    return lines;
}

static void expect(struct hec_lines *lines, const char *text, uint64_t number, int64_t offset)
{
    struct hec_line line;
    size_t count = 0;
    struct hec_error error = { 0 };
    cr_assert_eq(hec_lines_read(lines, &line, 1, &count, &error), HEC_OK, "%s", error.text);
    cr_assert_eq(count, 1);
    cr_expect_eq(line.length, strlen(text));
    cr_expect_eq(memcmp(line.bytes, text, strlen(text)), 0, "%s", text);
    cr_expect_eq(line.number, number, "%s", text);
    cr_expect_eq(line.offset, offset, "%s", text);
}

static void expect_end(struct hec_lines *lines)
{
    struct hec_line line;
    size_t count;
    cr_expect_eq(hec_lines_read(lines, &line, 1, &count, NULL), HEC_END);
    cr_expect_eq(hec_lines_read(lines, &line, 1, &count, NULL), HEC_END);
    hec_lines_free(lines);
}

Test(lines, reads_files_in_order_and_numbers_them_from_each_ones_start)
{
    const char *paths[] = { scratch_text("a", "one\ntwo\n"), scratch_text("empty", ""),
                            scratch_text("b", "three\n") };
    struct hec_lines *lines = open_lines(paths, 3, BOUND);
    expect(lines, "one", 1, 0);
    expect(lines, "two", 2, 1);
    expect(lines, "three", 1, 2);
    expect_end(lines);
}

Test(lines, needs_no_newline_at_the_end_and_drops_carriage_returns)
{
    const char *paths[] = { scratch_text("a", "one\r\n\r\n\ntw\ro"), scratch_text("b", "x") };
    struct hec_lines *lines = open_lines(paths, 2, BOUND);
    expect(lines, "one", 1, 0);
    expect(lines, "tw\ro", 4, 3);
    expect(lines, "x", 1, 4);
    expect_end(lines);
}

Test(lines, cuts_an_overlong_line_to_one_byte_too_many_and_goes_on)
{
    enum { LONG = 5000000 };
    char *text = malloc(LONG + 8);
    memset(text, 'a', LONG);
    memcpy(text + LONG, "\nnext\n", 7);
    const char *paths[] = { scratch_text("a", text), scratch_text("b", "12345678\n1234567890\n") };
    free(text);
    struct hec_lines *lines = open_lines(paths, 2, 8);
    expect(lines, "aaaaaaaaa", 1, 0);
    expect(lines, "next", 2, 1);
    expect(lines, "12345678", 1, 2); /* just fits */
    expect(lines, "123456789", 2, 3);
    expect_end(lines);
}

/* The oracle is the text itself. Lines are of every length around the block's size. */
static void agrees_with_the_text(const char *path, const char *text, size_t length)
{
    struct hec_lines *lines = open_lines(&path, 1, BOUND);
    struct hec_line batch[50];
    size_t count = 0, at = 0;
    uint64_t number = 0;
    while (hec_lines_read(lines, batch, 50, &count, NULL) == HEC_OK) {
        cr_assert(count >= 1 && count <= 50);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(batch[i].number, ++number);
            cr_assert_eq(memcmp(batch[i].bytes, text + at, batch[i].length), 0);
            cr_assert_eq(text[at + batch[i].length], '\n');
            at += batch[i].length + 1;
        }
    }
    cr_expect_eq(at, length);
    cr_expect_float_eq(hec_lines_progress(lines), 1.0, 1e-9);
    hec_lines_free(lines);
}

static char *random_text(size_t length)
{
    char *text = malloc(length + 1);
    uint64_t seed = 7;
    bool fresh = true;
    for (size_t i = 0; i < length; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bool end = !fresh && seed >> 57 == 0 && (seed >> 40) % 11 == 0;
        text[i] = end || i + 1 == length ? '\n' : (char)('a' + (seed >> 33) % 26);
        fresh = text[i] == '\n';
    }
    text[length] = '\0';
    return text;
}

Test(lines, gives_every_byte_of_a_plain_file_once)
{
    size_t length = 5 * 1000 * 1000 + 3;
    char *text = random_text(length);
    agrees_with_the_text(scratch_write("a", text, length), text, length);
    free(text);
}

Test(lines, gives_every_byte_of_a_file_of_several_zstd_frames_once)
{
    size_t length = 5 * 1000 * 1000 + 3, half = 1234567;
    char *text = random_text(length);
    size_t room = 2 * ZSTD_compressBound(length);
    char *packed = malloc(room);
    size_t first = ZSTD_compress(packed, room, text, half, 1);
    size_t second = ZSTD_compress(packed + first, room - first, text + half, length - half, 1);
    agrees_with_the_text(scratch_write("a.zst", packed, first + second), text, length);
    free(packed);
    free(text);
}

static enum hec_status drained(const char *path, struct hec_error *error)
{
    struct hec_lines *lines = open_lines(&path, 1, BOUND);
    struct hec_line line[64];
    size_t count;
    enum hec_status status = HEC_OK;
    while (status == HEC_OK) {
        status = hec_lines_read(lines, line, 64, &count, error);
    }
    hec_lines_free(lines);
    return status;
}

Test(lines, tells_a_zstd_stream_that_is_cut_off_or_damaged_or_none)
{
    size_t length = 300000;
    char *text = random_text(length);
    char *packed = malloc(ZSTD_compressBound(length));
    size_t packed_length = ZSTD_compress(packed, ZSTD_compressBound(length), text, length, 1);
    struct hec_error error = { 0 };

    cr_expect_eq(drained(scratch_write("whole.zst", packed, packed_length), &error), HEC_END);
    cr_expect_eq(drained(scratch_write("cut.zst", packed, packed_length - 1), &error), HEC_CORRUPT);
    cr_expect_not_null(strstr(error.text, "cut off"), "%s", error.text);
    packed[4] |= 8; /* the reserved bit of the frame header */
    cr_expect_eq(drained(scratch_write("bad.zst", packed, packed_length), &error), HEC_CORRUPT);
    cr_expect_eq(drained(scratch_text("plain.zst", "{}\n"), &error), HEC_CORRUPT);
    cr_expect_not_null(strstr(error.text, "not zstd"), "%s", error.text);
    cr_expect_eq(drained(scratch_text("empty.zst", ""), &error), HEC_END);
    free(packed);
    free(text);
}

Test(lines, tells_a_missing_file_before_the_first_is_read)
{
    const char *paths[] = { scratch_text("a", "one\n"), scratch_path("none") };
    struct hec_lines *lines = NULL;
    struct hec_error error = { 0 };
    cr_expect_eq(hec_lines_open(&lines, paths, 2, BOUND, &error), HEC_NOT_FOUND);
    cr_expect_not_null(strstr(error.text, "none"), "%s", error.text);
    cr_expect_null(lines);
}

Test(lines, tells_a_directory)
{
    struct hec_error error = { 0 };
    cr_expect_eq(drained(scratch, &error), HEC_UNAVAILABLE);
}
