/* Text of events on a terminal: nothing of it steers, what is cut stays UTF-8. */
#include "cli/talk.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>

Test(talk, prints_hostile_text_plainly, .init = cr_redirect_stdout)
{
    hec_print_plain("a\x1b[2Jb\n\tc\x7f", 0);          /* ESC, line feed, tab, DEL */
    hec_print_plain("|\xc2\x9b|\xc2\x80\xc2\x9f|", 0); /* CSI and other C1 in UTF-8 */
    hec_print_plain("\xc2\xa0\xc3\xa9|", 0);           /* no-break space and an accent are text */
    fflush(stdout);
    cr_assert_stdout_eq_str("a?[2Jb??c?|?|??|\xc2\xa0\xc3\xa9|");
}

Test(talk, cuts_and_fills_by_characters, .init = cr_redirect_stdout)
{
    hec_print_plain("\xc3\xa9\xc3\xa9\xc3\xa9", 2); /* cut behind a character, not within */
    hec_print_plain("|ab", 5);
    hec_print_plain("|", 0);
    hec_print_whole("abcdef", 3);
    hec_print_whole("|\x1b", 4);
    hec_print_whole("|", 0);
    fflush(stdout);
    cr_assert_stdout_eq_str("\xc3\xa9\xc3\xa9|ab  |abcdef|?  |");
}

Test(talk, understands_times)
{
    cr_expect_eq(hec_talk_duration_s("90s"), 90);
    cr_expect_eq(hec_talk_duration_s("30m"), 1800);
    cr_expect_eq(hec_talk_duration_s("2h"), 7200);
    cr_expect_eq(hec_talk_duration_s("7d"), 7 * 86400);
    cr_expect_eq(hec_talk_duration_s("0s"), 0);
    cr_expect_eq(hec_talk_duration_s("-1h"), 0);
    cr_expect_eq(hec_talk_duration_s("7"), 0);
    cr_expect_eq(hec_talk_duration_s("1000000s"), 0);
    cr_expect_eq(hec_talk_duration_s(""), 0);
}

Test(talk, takes_an_entity_apart_at_its_first_colon)
{
    static const char *const given[] = { "card:c_8f14", "payee:a:b", "card:", "card" };
    static const char *const is[] = { "{\"kind\":\"card\",\"token\":\"c_8f14\"}",
                                      "{\"kind\":\"payee\",\"token\":\"a:b\"}",
                                      "{\"kind\":\"card\",\"token\":\"\"}",
                                      "{\"kind\":\"card\",\"token\":\"\"}" };
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        yyjson_mut_doc *doc = hec_talk_entity(given[i]);
        char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
        cr_expect_str_eq(text, is[i]);
        free(text);
        yyjson_mut_doc_free(doc);
    }
}
