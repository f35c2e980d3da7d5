/*
 * A bank made up: its people, their habits, and what is done to them.
 *
 *   gen_people.c   the world: places, merchants, people with homes, cards, devices, payees
 *   gen_habits.c   an ordinary day, and what looks like a crime and is none
 *   gen_crimes.c   incidents: each a chain of steps, each step an event
 *   gen_write.c    a draft to an event, its labels, and the truth
 *
 * Everything is something due on one schedule; what is taken from it writes at most one event and
 * puts its consequences on the schedule, later. So the stream comes out in time order, whatever its
 * length, in the memory of the people. All randomness is Philox by seed: same seed, same bytes.
 */
#ifndef HECATE_CLI_GEN_H
#define HECATE_CLI_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "file/output.h"
#include "file/schedule.h"
#include "hecate/event.h"
#include "hecate/random.h"

#define HEC_GEN_FAVOURITES 12
#define HEC_GEN_PAYEES 6

/* A town: where people live, shops stand and travellers go. Home towns come first. */
struct hec_gen_place {
    const char *country;
    double lat, lon;
};
extern const struct hec_gen_place hec_gen_places[];
extern const int hec_gen_places_count;
#define HEC_GEN_HOME_PLACES 8

/* A kind of shop. */
struct hec_gen_trade {
    const char *mcc;
    double amount, spread; /* median in currency units, and log deviation */
    double weight;         /* how often people pay there */
    bool online, risky;    /* risky: what thieves like to buy */
};
extern const struct hec_gen_trade hec_gen_trades[];
extern const int hec_gen_trades_count;

/* Numbers name things; gen_write.c makes tokens of them. 0 is none. */
struct hec_gen_merchant {
    uint32_t id;
    uint8_t trade, place, terminals;
    double lat, lon, price; /* price: factor on the trade's amounts */
};

struct hec_gen_user {
    struct hec_random random;
    double lat, lon;
    double wealth, shift_h; /* factor on amounts; early or late riser */
    double payments_day, logins_day, transfers_day;
    uint32_t device, old_device, agent, ip_home, ip_mobile;
    uint32_t cards[2];
    uint32_t favourites[HEC_GEN_FAVOURITES]; /* merchants */
    uint32_t payees[HEC_GEN_PAYEES];
    int64_t payee_added_ms[HEC_GEN_PAYEES];
    uint32_t subscription; /* an online merchant that takes a fee each month; 0 none */
    int64_t away_until_ms; /* travelling */
    uint8_t place, away_place, cards_count, payees_count;
    bool web, wallet, careful; /* careful: has a second factor */
};

/* What an event will say. Zero and NULL are left out. */
struct hec_gen_draft {
    enum hec_event_type type;
    int64_t at_ms;
    uint64_t id; /* given when it is written */
    uint32_t user, card, device, agent, ip, session, payee;
    const struct hec_gen_merchant *merchant;
    int terminal;
    int64_t amount_minor, payee_added_ms;
    double lat, lon, bot_score; /* bot_score negative: none */
    const char *country, *channel, *entry_mode, *response, *cvc, *avs, *threeds, *wallet;
    const char *result, *auth_method, *fail_reason, *mfa_type, *mfa_result;
    const char *change, *actor, *scheme, *creditor_country;
    bool card_present, recurring;
};

/* What is due. Habits and crimes have their own ranges. */
enum hec_gen_due {
    HEC_GEN_DAY,      /* who: user; plans a day */
    HEC_GEN_PAY,      /* who: user, what: 0, or 1 for something large */
    HEC_GEN_LOGIN,    /* who: user, what: enum hec_gen_errand */
    HEC_GEN_ERRAND,   /* who: user, what: errand and session */
    HEC_GEN_FEE,      /* who: user: the subscription */
    HEC_GEN_INCIDENT, /* the next crime begins; who: 1 for the novelty */
    HEC_GEN_STEP,     /* what: pointer to struct hec_gen_step */
    HEC_GEN_LABEL,    /* what: pointer to struct hec_gen_verdict */
};

/* What somebody wants when he logs in. */
enum hec_gen_errand {
    HEC_GEN_LOOK,
    HEC_GEN_TRANSFER,
    HEC_GEN_NEW_PAYEE,
    HEC_GEN_CHANGE_PASSWORD,
    HEC_GEN_CHANGE_PHONE,
    HEC_GEN_CHANGE_EMAIL,
    HEC_GEN_CHANGE_ADDRESS,
    HEC_GEN_ENROL_DEVICE,
    HEC_GEN_RAISE_LIMIT,
    HEC_GEN_FORGOTTEN, /* fails first, then a new password */
    HEC_GEN_REISSUE,   /* the bank replaces the card; no log-in */
};

/* X(enumerator, name in the truth, head) */
#define HEC_GEN_PATTERN_TABLE(X)                                                                   \
    X(CARD_TESTING, "card_testing", "card_fraud")                                                  \
    X(CNP_RUN, "cnp_run", "card_fraud")                                                            \
    X(SKIMMING, "skimming", "card_fraud")                                                          \
    X(LOST_STOLEN, "lost_stolen", "card_fraud")                                                    \
    X(ROGUE_MERCHANT, "rogue_merchant", "card_fraud")                                              \
    X(CREDENTIAL_STUFFING, "credential_stuffing", "ato")                                           \
    X(PHISHING, "phishing", "ato")                                                                 \
    X(SIM_SWAP, "sim_swap", "ato")                                                                 \
    X(AUTHORISED_SCAM, "authorised_scam", "ato")                                                   \
    X(MULE_BURST, "mule_burst", "anomaly")                                                         \
    X(STUFFING_ATTEMPT, "stuffing_attempt", "ato")                                                 \
    X(WRONG_LABEL, "wrong_label", "card_fraud")

enum hec_gen_pattern {
#define HEC_GEN_PATTERN_ENUM(enumerator, name, head) HEC_GEN_##enumerator,
    HEC_GEN_PATTERN_TABLE(HEC_GEN_PATTERN_ENUM)
#undef HEC_GEN_PATTERN_ENUM
        HEC_GEN_PATTERNS
};
/* Those above that are crimes of their own, before the novelty. */
#define HEC_GEN_USUAL_PATTERNS 9

struct hec_gen_truth {
    enum hec_gen_pattern pattern;
    bool is_fraud;
};

/* What is reported later of an event. */
struct hec_gen_verdict {
    struct hec_gen_draft target;
    const char *label, *fraud_type, *source;
};

struct hec_gen_options {
    uint32_t users, days;
    uint64_t seed;
    int64_t start_ms;
};

struct hec_gen {
    struct hec_gen_options options;
    int64_t end_ms;
    struct hec_random random; /* of what belongs to nobody */
    struct hec_gen_user *users;
    struct hec_gen_merchant *merchants;
    uint32_t merchants_count;
    uint32_t place_first[32];   /* merchants of place p: [place_first[p], place_first[p+1]) */
    uint32_t online_first;      /* online ones: [online_first, merchants_count) */
    double trade_shares[2][32]; /* cumulative, on the spot and online */
    uint32_t next_thing;        /* numbers of devices, sessions, payees that come into being */
    struct hec_schedule due;
    uint32_t incidents;
    uint8_t deck[HEC_GEN_USUAL_PATTERNS]; /* patterns still to come this round */
    int deck_left;
    struct hec_output *out, *truth; /* truth may be NULL */
    uint64_t events, labels, frauds;
    bool failed; /* memory is exhausted */
};

/* ---- gen_people.c */
bool hec_gen_people(struct hec_gen *gen);
/** A merchant in town, or online. */
const struct hec_gen_merchant *hec_gen_merchant_in(struct hec_gen *gen, struct hec_random *random,
                                                   int place);
const struct hec_gen_merchant *hec_gen_merchant_online(struct hec_gen *gen,
                                                       struct hec_random *random, bool risky);
uint32_t hec_gen_new_thing(struct hec_gen *gen);

/* ---- Chance (gen_people.c) */
bool hec_gen_chance(struct hec_random *random, double probability);
double hec_gen_between(struct hec_random *random, double low, double high);
int64_t hec_gen_span_ms(struct hec_random *random, double low_s, double high_s);
double hec_gen_log_normal(struct hec_random *random, double median, double spread);
int hec_gen_poisson(struct hec_random *random, double mean);

/* ---- gen_habits.c */
void hec_gen_do_habit(struct hec_gen *gen, const struct hec_due *due);
/** The draft of somebody's own log-in, payment or errand at that time, at his own place. */
struct hec_gen_draft hec_gen_draft_of(struct hec_gen *gen, uint32_t user, enum hec_event_type type,
                                      int64_t at_ms);
/** Fills merchant, amount and how it is paid. */
void hec_gen_draft_payment(struct hec_gen *gen, struct hec_gen_draft *draft,
                           const struct hec_gen_merchant *merchant, double amount);

/* ---- gen_crimes.c */
void hec_gen_do_incident(struct hec_gen *gen, const struct hec_due *due);
void hec_gen_do_step(struct hec_gen *gen, const struct hec_due *due);

/* ---- gen_write.c */
void hec_gen_add(struct hec_gen *gen, int64_t at_ms, enum hec_gen_due kind, uint32_t who,
                 uint64_t what);
/** Writes the event now; truth may be NULL. */
void hec_gen_write(struct hec_gen *gen, struct hec_gen_draft *draft,
                   const struct hec_gen_truth *truth);
/** Lets a verdict on a written event come that much later. */
void hec_gen_report(struct hec_gen *gen, const struct hec_gen_draft *target, int64_t delay_ms,
                    const char *label, const char *fraud_type, const char *source);
void hec_gen_do_label(struct hec_gen *gen, const struct hec_due *due);

/* ---- gen.c */
enum hec_status hec_gen_run(struct hec_gen *gen,
                            void (*tell)(void *user, uint64_t events, double part), void *user);
void hec_gen_free(struct hec_gen *gen);

#endif
