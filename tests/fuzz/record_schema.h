/*
 * The features whose records the fuzzer takes apart: every part that a record can have, owned and
 * shared. Apart from conf/features.conf, so that the corpus outlives changes of that.
 */
#ifndef HECATE_FUZZ_RECORD_SCHEMA_H
#define HECATE_FUZZ_RECORD_SCHEMA_H

#define RECORD_SCHEMA                                                                              \
    "rate USD { per_unit = 0.92 }\n"                                                               \
    "filter pay { events = {card_auth, transfer} }\n"                                              \
    "filter declined { events = {card_auth} where = {\"response_code != 00\"} }\n"                 \
    "filter login { events = {login} }\n"                                                          \
    "filter failed { events = {login} where = {\"result != success\"} }\n"                         \
    "filter change { events = {account_change} }\n"                                                \
    "feature a { aggregate = count entity = user filter = pay window = 5m }\n"                     \
    "feature b { aggregate = deviation entity = user filter = pay field = amount_minor "           \
    "window = 30d }\n"                                                                             \
    "feature c { aggregate = max entity = user filter = pay field = amount_minor window = 24h }\n" \
    "feature d { aggregate = label_rate entity = user window = 30d delay = 7d }\n"                 \
    "feature e { aggregate = distinct entity = user field = merchant_id window = 24h }\n"          \
    "feature f { aggregate = is_new entity = user field = device_id }\n"                           \
    "feature g { aggregate = share entity = user field = mcc }\n"                                  \
    "feature h { aggregate = week_surprise entity = user filter = login }\n"                       \
    "feature i { aggregate = speed entity = user }\n"                                              \
    "feature j { aggregate = streak entity = user filter = failed filter2 = login }\n"             \
    "feature k { aggregate = decayed_mean entity = user filter = pay field = amount_minor "        \
    "window = 1h }\n"                                                                              \
    "feature l { aggregate = chain entity = user field = device_id filter = login "                \
    "filter2 = change filter3 = pay window = 24h }\n"                                              \
    "feature m { aggregate = gap entity = user filter = pay }\n"                                   \
    "feature n { aggregate = age entity = user filter = login }\n"                                 \
    "feature o { aggregate = met entity = user field = place window = 1d }\n"                      \
    "feature p { aggregate = burst entity = merchant filter = pay window = 1h window2 = 7d }\n"    \
    "feature q { aggregate = min entity = merchant field = amount_minor window = 7d }\n"           \
    "feature r { aggregate = distinct entity = merchant field = card_token window = 7d }\n"        \
    "feature s { aggregate = label_count entity = merchant window = 30d delay = 1d }\n"            \
    "feature t { aggregate = since entity = merchant filter = declined }\n"                        \
    "feature u { aggregate = age entity = merchant }\n"                                            \
    "feature v { aggregate = distinct entity = card field = merchant_country window = 5m }\n"      \
    "feature w { aggregate = count entity = card window = 1h }\n"

#endif
