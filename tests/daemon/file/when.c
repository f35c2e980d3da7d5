/* Times: what people write, and nothing else; held against the C library's calendar. */
#include "file/when.h"

#include <criterion/criterion.h>
#include <time.h>

static int64_t parsed(const char *text)
{
    int64_t ms = -7;
    cr_assert(hec_when_parse(text, &ms), "%s", text);
    return ms;
}

Test(when, understands_dates_times_zones_and_milliseconds)
{
    cr_expect_eq(parsed("1970-01-01"), 0);
    cr_expect_eq(parsed("2018-07-25"), 1532476800000);
    cr_expect_eq(parsed("2018-07-25T06:00:00Z"), 1532498400000);
    cr_expect_eq(parsed("2018-07-25 06:00:00.25z"), 1532498400250);
    cr_expect_eq(parsed("2018-07-25t06:00:00.1239Z"), 1532498400123);
    cr_expect_eq(parsed("2018-07-25T08:30:00+02:30"), 1532498400000);
    cr_expect_eq(parsed("2018-07-24T23:00:00-07:00"), 1532498400000);
    cr_expect_eq(parsed("1532498400000"), 1532498400000);
    cr_expect_eq(parsed("0"), 0);
    cr_expect_eq(parsed("2024-02-29"), 1709164800000);
    cr_expect_eq(parsed("1969-12-31T23:59:59Z"), -1000);
}

Test(when, refuses_what_is_no_time)
{
    static const char *const BAD[] = { "",
                                       "yesterday",
                                       "2018",
                                       "2018-7-25x",
                                       "2018-13-01",
                                       "2018-00-10",
                                       "2018-04-31",
                                       "2023-02-29",
                                       "1900-02-29",
                                       "2018-07-25T",
                                       "2018-07-25T06:00",
                                       "2018-07-25T06:00:00",
                                       "2018-07-25T24:00:00Z",
                                       "2018-07-25T06:60:00Z",
                                       "2018-07-25T06:00:60Z",
                                       "2018-07-25T06:00:00.Z",
                                       "2018-07-25T06:00:00Zx",
                                       "2018-07-25T06:00:00+24:00",
                                       "-5",
                                       "1532498400000x",
                                       "1234567890123456" };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        int64_t ms = -7;
        /* Four digits are milliseconds: the year 2018 alone is a moment in 1970. */
        bool expected = strcmp(BAD[i], "2018") == 0;
        cr_expect_eq(hec_when_parse(BAD[i], &ms), expected, "%s", BAD[i]);
        cr_expect(expected || ms == -7, "%s", BAD[i]);
    }
}

Test(when, agrees_with_the_calendar_of_the_c_library)
{
    for (int64_t day = -40000; day < 60000; day += 13) {
        int64_t ms = day * HEC_DAY_MS + 12345678;
        time_t seconds = (time_t)(day * 86400 + 12345);
        struct tm parts;
        char expected[64], text[HEC_WHEN_BYTES];
        gmtime_r(&seconds, &parts);
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.678Z", &parts);
        hec_when_print(text, ms);
        cr_assert_str_eq(text, expected);
        cr_assert_eq(parsed(text), ms);
    }
}
