/*
 * The canary: does this text hold what may be a raw card number?
 *
 * A run is digits with single spaces or hyphens between them. Of each run these are tried: the
 * whole of it, each unbroken group, and neighbouring groups in the ways cards are printed
 * (4-4-4-4, 4-4-4-4-3, 4-6-5, 4-6-4), so that a date in front does not hide a number.
 *
 * Random hexadecimal has long runs of digits too: one digest of 64 digits in 600 would pass for a
 * card number. A word that is a digest (hexadecimal with two letters or more, 16 digits or a longer
 * multiple of 8) or a UUID is therefore let pass.
 */
#include "event/text.h"

#define DIGITS_MIN 13
#define DIGITS_MAX 19
#define GROUPS_MAX 32 /* of one run; what is longer is looked at 32 groups at a time, */
#define GROUPS_KEPT 4 /* and the last of them again with those that follow */

/* One run, cut into its groups. */
struct run {
    const char *group[GROUPS_MAX];
    int digits[GROUPS_MAX];
    int groups;
};

struct text {
    const char *bytes, *end;
    bool is_source;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex_letter(char c)
{
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool in_run(char c)
{
    return is_digit(c) || c == ' ' || c == '-';
}

/* ISO/IEC 7812-1 annex B over the digits of groups first .. first+count-1. */
static bool luhn(const struct run *run, int first, int count)
{
    int sum = 0;
    bool doubled = false;
    for (int g = first + count - 1; g >= first; g--) {
        for (int i = run->digits[g] - 1; i >= 0; i--) {
            int digit = run->group[g][i] - '0';
            if (doubled) {
                digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
            }
            sum += digit;
            doubled = !doubled;
        }
    }
    return sum % 10 == 0;
}

/* The word of letters and digits around these bytes is a digest. */
static bool in_digest(const struct text *text, const char *from, const char *to)
{
    int letters = 0;
    while (from > text->bytes && (is_digit(from[-1]) || is_hex_letter(from[-1]))) {
        from--;
        letters += is_hex_letter(*from);
    }
    while (to < text->end && (is_digit(*to) || is_hex_letter(*to))) {
        letters += is_hex_letter(*to);
        to++;
    }
    bool alone =
        (from == text->bytes || !is_letter(from[-1])) && (to == text->end || !is_letter(*to));
    return alone && letters >= 2 && to - from >= 16 && (to - from) % 8 == 0;
}

/* The bytes are part of a UUID as RFC 9562 prints it, with a letter in it. */
static bool in_uuid(const struct text *text, const char *from, const char *to)
{
    while (from > text->bytes &&
           (is_digit(from[-1]) || is_hex_letter(from[-1]) || from[-1] == '-')) {
        from--;
    }
    while (to < text->end && (is_digit(*to) || is_hex_letter(*to) || *to == '-')) {
        to++;
    }
    if (to - from != 36) {
        return false;
    }
    int letters = 0;
    for (int i = 0; i < 36; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if ((from[i] == '-') != hyphen) {
            return false;
        }
        letters += is_hex_letter(from[i]);
    }
    return letters > 0;
}

static bool reads_as_time(const char *digits, int count)
{
    return (count == 13 && digits[0] >= '1' && digits[0] <= '3') ||
           ((count == 16 || count == 19) && digits[0] == '1');
}

/* Whether these groups together may be a card number. */
static bool suspect(const struct text *text, const struct run *run, int first, int count)
{
    int digits = 0;
    for (int g = first; g < first + count; g++) {
        digits += run->digits[g];
    }
    if (digits < DIGITS_MIN || digits > DIGITS_MAX || !luhn(run, first, count)) {
        return false;
    }
    const char *from = run->group[first];
    const char *to = run->group[first + count - 1] + run->digits[first + count - 1];
    if (text->is_source && count == 1) {
        bool fraction = from - text->bytes >= 2 && from[-1] == '.' && is_digit(from[-2]);
        if (fraction || reads_as_time(from, digits)) {
            return false;
        }
    }
    return !in_digest(text, from, to) && !in_uuid(text, from, to);
}

static bool suspect_run(const struct text *text, const struct run *run)
{
    static const struct {
        int groups, digits[5];
    } PRINTED[] = {
        { 4, { 4, 4, 4, 4 } }, { 5, { 4, 4, 4, 4, 3 } }, { 3, { 4, 6, 5 } }, { 3, { 4, 6, 4 } }
    };

    if (suspect(text, run, 0, run->groups)) {
        return true;
    }
    for (int first = 0; run->groups > 1 && first < run->groups; first++) {
        if (suspect(text, run, first, 1)) {
            return true;
        }
        for (size_t p = 0; p < sizeof(PRINTED) / sizeof(PRINTED[0]); p++) {
            int matched = 0;
            while (matched < PRINTED[p].groups && first + matched < run->groups &&
                   run->digits[first + matched] == PRINTED[p].digits[matched]) {
                matched++;
            }
            if (matched == PRINTED[p].groups && suspect(text, run, first, matched)) {
                return true;
            }
        }
    }
    return false;
}

/* Moves the last groups to the front and tells how many. */
static int keep_last(struct run *run)
{
    for (int i = 0; i < GROUPS_KEPT; i++) {
        run->group[i] = run->group[GROUPS_MAX - GROUPS_KEPT + i];
        run->digits[i] = run->digits[GROUPS_MAX - GROUPS_KEPT + i];
    }
    return GROUPS_KEPT;
}

/* Cuts [from, to), all digits, spaces and hyphens, into runs and looks at each. */
static bool suspect_segment(const struct text *text, const char *from, const char *to)
{
    struct run run = { .groups = 0 };
    while (from < to) {
        const char *start = from;
        while (from < to && is_digit(*from)) {
            from++;
        }
        if (from > start) {
            run.group[run.groups] = start;
            run.digits[run.groups] = (int)(from - start);
            run.groups++;
        }
        const char *gap = from;
        while (from < to && !is_digit(*from)) {
            from++;
        }
        bool ends = from - gap > 1 || from == to;
        if (!ends && run.groups < GROUPS_MAX) {
            continue;
        }
        if (run.groups > 0 && suspect_run(text, &run)) {
            return true;
        }
        run.groups = ends ? 0 : keep_last(&run);
    }
    return false;
}

/* A run is at least 13 bytes long, so it covers every 13th byte: the bytes between are not looked
 * at unless that one is a digit or a separator. */
static bool look(const struct text *text)
{
    const char *at = text->bytes;
    while (text->end - at >= DIGITS_MIN) {
        const char *probe = at + DIGITS_MIN - 1;
        if (!in_run(*probe)) {
            at = probe + 1;
            continue;
        }
        const char *from = probe, *to = probe + 1;
        while (from > at && in_run(from[-1])) {
            from--;
        }
        while (to < text->end && in_run(*to)) {
            to++;
        }
        if (to - from >= DIGITS_MIN && suspect_segment(text, from, to)) {
            return true;
        }
        at = to;
    }
    return false;
}

bool hec_looks_like_card_number(const char *bytes, size_t length)
{
    struct text text = { .bytes = bytes, .end = bytes + length, .is_source = false };
    return length >= DIGITS_MIN && look(&text);
}

bool hec_source_has_card_number(const char *bytes, size_t length)
{
    struct text text = { .bytes = bytes, .end = bytes + length, .is_source = true };
    return length >= DIGITS_MIN && look(&text);
}
