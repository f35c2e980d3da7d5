/*
 * What is done to people. An incident is planned whole when it begins: its steps go on the schedule
 * as drafts that are ready, and if it will be reported, each step knows when.
 *
 * The kinds: card testing at an online shop, runs of purchases with a stolen number, skimmed cards
 * abroad, lost and stolen cards, a shop that bills its customers without asking; accounts taken
 * over after credential stuffing, phishing or a SIM swap, and customers talked into a transfer.
 * Late in the stream something that nobody ever labels: bursts of small instant transfers at night.
 */
#include <math.h>
#include <stdlib.h>

#include "cli/gen.h"
#include "file/when.h"

#define STEPS_MAX 96

struct step {
    struct hec_gen_draft draft;
    struct hec_gen_truth truth;
    int64_t report_at_ms; /* 0: never */
    const char *fraud_type, *source;
};

/* An incident while it is planned. */
struct plan {
    struct hec_gen *gen;
    struct hec_random *random;
    enum hec_gen_pattern pattern;
    const char *fraud_type;
    int64_t now_ms; /* of the next step */
    struct step steps[STEPS_MAX];
    int count;
};

static uint32_t somebody(struct plan *plan)
{
    return (uint32_t)hec_random_below(plan->random, plan->gen->options.users);
}

static void later(struct plan *plan, double low_s, double high_s)
{
    plan->now_ms += hec_gen_span_ms(plan->random, low_s, high_s);
}

static struct step *add_step(struct plan *plan, const struct hec_gen_draft *draft)
{
    if (plan->count == STEPS_MAX) {
        return &plan->steps[STEPS_MAX - 1];
    }
    struct step *step = &plan->steps[plan->count++];
    *step = (struct step){ .draft = *draft,
                           .truth = { plan->pattern, true },
                           .fraud_type = plan->fraud_type,
                           .source = "customer" };
    return step;
}

/* How late the bank hears of it: at once, within days, or with the statement. Negative: never. */
static int64_t report_delay_ms(struct hec_random *random, enum hec_gen_pattern pattern)
{
    double unseen = pattern == HEC_GEN_AUTHORISED_SCAM ? 0.3 : 0.13;
    if (pattern == HEC_GEN_MULE_BURST || hec_gen_chance(random, unseen)) {
        return -1;
    }
    double at = hec_random_uniform(random);
    return at < 0.25   ? hec_gen_span_ms(random, 300, 2 * 3600.0)
           : at < 0.70 ? hec_gen_span_ms(random, 6 * 3600.0, 4 * 86400.0)
                       : hec_gen_span_ms(random, 4 * 86400.0, 30 * 86400.0);
}

/* Puts the plan on the schedule. Steps of several victims are reported victim by victim. */
static void commit(struct plan *plan)
{
    struct hec_gen *gen = plan->gen;
    for (int i = 0; i < plan->count; i++) {
        struct step *step = &plan->steps[i];
        bool first = true;
        for (int j = 0; j < i; j++) {
            first = first && plan->steps[j].draft.user != step->draft.user;
        }
        if (!first) {
            continue;
        }
        int64_t delay_ms = report_delay_ms(plan->random, plan->pattern);
        int64_t last_ms = 0;
        for (int j = i; j < plan->count; j++) {
            bool same = plan->steps[j].draft.user == step->draft.user;
            last_ms =
                same && plan->steps[j].draft.at_ms > last_ms ? plan->steps[j].draft.at_ms : last_ms;
        }
        for (int j = i; delay_ms >= 0 && j < plan->count; j++) {
            if (plan->steps[j].draft.user == step->draft.user && plan->steps[j].truth.is_fraud) {
                plan->steps[j].report_at_ms = last_ms + delay_ms + 1000 * (j - i);
            }
        }
        if (delay_ms >= 0 && step->truth.is_fraud) {
            /* He gets a new card, or a new password. */
            bool card = step->draft.type == HEC_CARD_AUTH;
            hec_gen_add(gen, last_ms + delay_ms + HEC_HOUR_MS,
                        card ? HEC_GEN_ERRAND : HEC_GEN_LOGIN, step->draft.user,
                        card ? HEC_GEN_REISSUE : HEC_GEN_CHANGE_PASSWORD);
        }
    }
    for (int i = 0; i < plan->count; i++) {
        struct step *step = malloc(sizeof(*step));
        if (step == NULL) {
            gen->failed = true;
            return;
        }
        *step = plan->steps[i];
        hec_gen_add(gen, step->draft.at_ms, HEC_GEN_STEP, step->draft.user, (uintptr_t)step);
    }
}

void hec_gen_do_step(struct hec_gen *gen, const struct hec_due *due)
{
    struct step *step = (struct step *)(uintptr_t)due->what;
    hec_gen_write(gen, &step->draft, &step->truth);
    if (step->report_at_ms > 0) {
        hec_gen_report(gen, &step->draft, step->report_at_ms - step->draft.at_ms, "fraud",
                       step->fraud_type, step->source);
    }
    free(step);
}

/* A payment with somebody's card number by somebody else. */
static struct hec_gen_draft stolen_online(struct plan *plan, uint32_t victim, double amount,
                                          uint32_t device, uint32_t ip)
{
    struct hec_gen *gen = plan->gen;
    struct hec_gen_draft draft = hec_gen_draft_of(gen, victim, HEC_CARD_AUTH, plan->now_ms);
    const struct hec_gen_merchant *merchant = hec_gen_merchant_online(gen, plan->random, true);
    const struct hec_gen_place *place =
        &hec_gen_places[hec_random_below(plan->random, (uint64_t)hec_gen_places_count)];
    hec_gen_draft_payment(gen, &draft, merchant, amount);
    draft.card = gen->users[victim].cards[0];
    draft.device = device;
    draft.agent = 1 + (uint32_t)hec_random_below(plan->random, 60);
    draft.ip = ip;
    draft.country = place->country;
    draft.lat = place->lat;
    draft.lon = place->lon;
    if (hec_gen_chance(plan->random, 0.3)) {
        /* A thief who took care to look near. */
        draft.country = "NL";
        draft.lat = gen->users[victim].lat + 0.2;
        draft.lon = gen->users[victim].lon + 0.2;
    }
    draft.cvc = hec_gen_chance(plan->random, 0.75) ? "M" : "N";
    draft.avs = hec_gen_chance(plan->random, 0.55) ? "Y" : "N";
    draft.threeds = hec_gen_chance(plan->random, 0.12) ? "A" : NULL;
    draft.response = draft.cvc[0] == 'N' ? "N7" : hec_gen_chance(plan->random, 0.75) ? "00" : "05";
    return draft;
}

static void card_testing(struct plan *plan)
{
    struct hec_gen *gen = plan->gen;
    const struct hec_gen_merchant *shop = hec_gen_merchant_online(gen, plan->random, true);
    uint32_t device = hec_gen_new_thing(gen), ip = hec_random_bits(plan->random);
    int victims = 2 + (int)hec_random_below(plan->random, 4);
    plan->fraud_type = "06";
    for (int i = 0; i < victims; i++) {
        uint32_t victim = somebody(plan);
        int tries = 1 + (int)hec_random_below(plan->random, 3);
        for (int j = 0; j < tries; j++) {
            struct hec_gen_draft draft =
                stolen_online(plan, victim, hec_gen_between(plan->random, 0.3, 3), device, ip);
            draft.merchant = shop;
            add_step(plan, &draft);
            later(plan, 4, 60);
        }
        if (hec_gen_chance(plan->random, 0.6)) {
            int64_t back_ms = plan->now_ms;
            later(plan, 1800, 8 * 3600.0);
            struct hec_gen_draft draft =
                stolen_online(plan, victim, hec_gen_between(plan->random, 80, 900), device, ip);
            add_step(plan, &draft);
            plan->now_ms = back_ms;
        }
    }
}

static void cnp_run(struct plan *plan)
{
    uint32_t victim = somebody(plan), device = hec_gen_new_thing(plan->gen);
    uint32_t ip = hec_random_bits(plan->random);
    int count = 3 + (int)hec_random_below(plan->random, 6);
    plan->fraud_type = "06";
    for (int i = 0; i < count; i++) {
        struct hec_gen_draft draft =
            stolen_online(plan, victim, hec_gen_log_normal(plan->random, 160, 0.7), device, ip);
        add_step(plan, &draft);
        later(plan, 60, 1500);
    }
}

/* Cards copied at one shop are used in one town abroad, by the magnetic stripe. */
static void skimming(struct plan *plan)
{
    struct hec_gen *gen = plan->gen;
    int place =
        HEC_GEN_HOME_PLACES +
        (int)hec_random_below(plan->random, (uint64_t)(hec_gen_places_count - HEC_GEN_HOME_PLACES));
    int victims = 2 + (int)hec_random_below(plan->random, 4);
    plan->fraud_type = "04";
    for (int i = 0; i < victims; i++) {
        uint32_t victim = somebody(plan);
        int count = 2 + (int)hec_random_below(plan->random, 4);
        for (int j = 0; j < count; j++) {
            struct hec_gen_draft draft = hec_gen_draft_of(gen, victim, HEC_CARD_AUTH, plan->now_ms);
            hec_gen_draft_payment(gen, &draft, hec_gen_merchant_in(gen, plan->random, place),
                                  hec_gen_log_normal(plan->random, 150, 0.6));
            draft.card = gen->users[victim].cards[0];
            draft.entry_mode = "magstripe";
            draft.wallet = NULL;
            draft.response = hec_gen_chance(plan->random, 0.8) ? "00" : "05";
            add_step(plan, &draft);
            later(plan, 120, 2400);
        }
        later(plan, 600, 8 * 3600.0);
    }
}

static void lost_stolen(struct plan *plan)
{
    struct hec_gen *gen = plan->gen;
    uint32_t victim = somebody(plan);
    int count = 5 + (int)hec_random_below(plan->random, 6);
    plan->fraud_type = "01";
    for (int i = 0; i < count; i++) {
        bool large = i + 2 >= count;
        struct hec_gen_draft draft = hec_gen_draft_of(gen, victim, HEC_CARD_AUTH, plan->now_ms);
        hec_gen_draft_payment(gen, &draft,
                              hec_gen_merchant_in(gen, plan->random, gen->users[victim].place),
                              large ? hec_gen_log_normal(plan->random, 180, 0.5)
                                    : hec_gen_between(plan->random, 18, 49));
        draft.card = gen->users[victim].cards[0];
        draft.wallet = NULL;
        draft.entry_mode = large ? "chip" : "contactless";
        draft.response = large && hec_gen_chance(plan->random, 0.6) ? "55" : "00";
        add_step(plan, &draft);
        later(plan, 90, 1200);
    }
}

/* A shop that nobody knew bills cards which it once saw, and no one asked for it. */
static void rogue_merchant(struct plan *plan)
{
    struct hec_gen *gen = plan->gen;
    const struct hec_gen_merchant *shop =
        &gen->merchants[gen->merchants_count - 1 - hec_random_below(plan->random, 30)];
    int victims = 6 + (int)hec_random_below(plan->random, 10);
    plan->fraud_type = "06";
    for (int i = 0; i < victims; i++) {
        struct hec_gen_draft draft =
            hec_gen_draft_of(gen, somebody(plan), HEC_CARD_AUTH, plan->now_ms);
        hec_gen_draft_payment(gen, &draft, shop, hec_gen_chance(plan->random, 0.5) ? 29.4 : 59.4);
        draft.card = gen->users[draft.user].cards[0];
        draft.device = draft.agent = draft.ip = 0;
        draft.country = NULL;
        draft.recurring = true;
        draft.channel = "moto";
        draft.entry_mode = "stored";
        draft.cvc = draft.avs = draft.threeds = draft.wallet = NULL;
        draft.card_present = false;
        draft.response = hec_gen_chance(plan->random, 0.85) ? "00" : "51";
        add_step(plan, &draft);
        later(plan, 20, 3600);
    }
}

/* Somebody else's session: where it comes from and with what. */
struct intruder {
    uint32_t device, agent, ip;
    int place;
    const char *channel;
};

static struct intruder an_intruder(struct plan *plan)
{
    struct hec_random *random = plan->random;
    /* Half of them come from a machine in the country, so that the place alone tells little. */
    int place = hec_gen_chance(random, 0.5)
                    ? (int)hec_random_below(random, HEC_GEN_HOME_PLACES)
                    : (int)hec_random_below(random, (uint64_t)hec_gen_places_count);
    return (struct intruder){ .device = hec_gen_new_thing(plan->gen),
                              .agent = 1 + (uint32_t)hec_random_below(random, 60),
                              .ip = hec_random_bits(random),
                              .place = place,
                              .channel = hec_gen_chance(random, 0.6) ? "web" : "app" };
}

static struct hec_gen_draft intruder_draft(struct plan *plan, const struct intruder *intruder,
                                           uint32_t victim, enum hec_event_type type,
                                           uint32_t session)
{
    struct hec_gen_draft draft = hec_gen_draft_of(plan->gen, victim, type, plan->now_ms);
    draft.session = session;
    draft.device = intruder->device;
    draft.agent = intruder->agent;
    draft.ip = intruder->ip;
    draft.channel = intruder->channel;
    draft.country = hec_gen_places[intruder->place].country;
    draft.lat = hec_gen_places[intruder->place].lat;
    draft.lon = hec_gen_places[intruder->place].lon;
    return draft;
}

static void change(struct plan *plan, const struct intruder *intruder, uint32_t victim,
                   uint32_t session, const char *what)
{
    struct hec_gen_draft draft =
        intruder_draft(plan, intruder, victim, HEC_ACCOUNT_CHANGE, session);
    draft.change = what;
    draft.actor = "customer";
    add_step(plan, &draft);
    later(plan, 20, 240);
}

/* The mule becomes a payee; returns how many transfers will follow. */
static int add_mule(struct plan *plan, struct hec_gen_draft *draft, uint32_t mule)
{
    draft->change = "payee_add";
    draft->actor = "customer";
    draft->payee = mule;
    add_step(plan, draft);
    return 1 + (int)hec_random_below(plan->random, 3);
}

static void send_money(struct plan *plan, struct hec_gen_draft *draft, uint32_t mule,
                       int64_t added_ms, double amount)
{
    draft->type = HEC_TRANSFER;
    draft->payee = mule;
    draft->payee_added_ms = added_ms;
    draft->creditor_country = hec_gen_chance(plan->random, 0.6) ? "NL" : "RO";
    draft->scheme = hec_gen_chance(plan->random, 0.75) ? "instant" : "sepa";
    draft->amount_minor = (int64_t)(amount * 100);
    draft->change = draft->actor = NULL;
    add_step(plan, draft);
}

/* Inside: lock the owner out, add a mule, empty the account. */
static void take_over(struct plan *plan, const struct intruder *intruder, uint32_t victim,
                      const char *mfa, uint32_t mule)
{
    struct hec_gen_draft login =
        intruder_draft(plan, intruder, victim, HEC_LOGIN, hec_gen_new_thing(plan->gen));
    login.result = "success";
    login.auth_method = "password";
    login.mfa_type = mfa;
    login.mfa_result = mfa == NULL ? NULL : "pass";
    login.bot_score = hec_gen_between(plan->random, 0.02, 0.5);
    add_step(plan, &login);
    later(plan, 30, 400);
    static const char *const LOCKS[] = { "email", "password", "device_enrol", "limit" };
    static const double OFTEN[] = { 0.4, 0.45, 0.35, 0.3 };
    for (int i = 0; i < 4; i++) {
        if (hec_gen_chance(plan->random, OFTEN[i])) {
            change(plan, intruder, victim, login.session, LOCKS[i]);
        }
    }
    struct hec_gen_draft payee =
        intruder_draft(plan, intruder, victim, HEC_ACCOUNT_CHANGE, login.session);
    int transfers = add_mule(plan, &payee, mule);
    for (int i = 0; i < transfers; i++) {
        later(plan, 25, 600);
        struct hec_gen_draft draft =
            intruder_draft(plan, intruder, victim, HEC_TRANSFER, login.session);
        send_money(plan, &draft, mule, payee.at_ms, hec_gen_log_normal(plan->random, 900, 0.8));
    }
}

static void credential_stuffing(struct plan *plan)
{
    struct intruder bot = an_intruder(plan);
    uint32_t mule = hec_gen_new_thing(plan->gen);
    plan->fraud_type = "05";
    bot.channel = "web";
    int tries = 12 + (int)hec_random_below(plan->random, 14);
    for (int i = 0; i < tries; i++) {
        struct hec_gen_draft draft =
            intruder_draft(plan, &bot, somebody(plan), HEC_LOGIN, hec_gen_new_thing(plan->gen));
        draft.result = "fail";
        draft.auth_method = "password";
        draft.fail_reason = "bad_password";
        draft.bot_score = hec_gen_between(plan->random, 0.5, 0.99);
        struct step *step = add_step(plan, &draft);
        step->truth = (struct hec_gen_truth){ HEC_GEN_STUFFING_ATTEMPT, false };
        later(plan, 1, 15);
    }
    later(plan, 600, 6 * 3600.0);
    take_over(plan, &bot, somebody(plan), NULL, mule);
}

static void phishing(struct plan *plan)
{
    struct intruder intruder = an_intruder(plan);
    plan->fraud_type = "05";
    take_over(plan, &intruder, somebody(plan), "sms", hec_gen_new_thing(plan->gen));
}

static void sim_swap(struct plan *plan)
{
    struct intruder intruder = an_intruder(plan);
    uint32_t victim = somebody(plan);
    plan->fraud_type = "05";
    struct hec_gen_draft phone =
        hec_gen_draft_of(plan->gen, victim, HEC_ACCOUNT_CHANGE, plan->now_ms);
    phone.change = "phone";
    phone.actor = "agent";
    phone.channel = "callcentre";
    phone.device = phone.agent = phone.ip = 0;
    add_step(plan, &phone);
    later(plan, 900, 5 * 3600.0);
    take_over(plan, &intruder, victim, "sms", hec_gen_new_thing(plan->gen));
}

/* The customer does it himself, talked into it: his device, his place, a new payee, a large sum. */
static void authorised_scam(struct plan *plan)
{
    uint32_t victim = somebody(plan), mule = hec_gen_new_thing(plan->gen);
    uint32_t session = hec_gen_new_thing(plan->gen);
    plan->fraud_type = "55";
    struct hec_gen_draft payee =
        hec_gen_draft_of(plan->gen, victim, HEC_ACCOUNT_CHANGE, plan->now_ms);
    payee.session = session;
    int transfers = add_mule(plan, &payee, mule);
    for (int i = 0; i < transfers; i++) {
        later(plan, 60, 1800);
        struct hec_gen_draft draft =
            hec_gen_draft_of(plan->gen, victim, HEC_TRANSFER, plan->now_ms);
        draft.session = session;
        send_money(plan, &draft, mule, payee.at_ms, hec_gen_log_normal(plan->random, 2200, 0.6));
    }
}

/* New in the stream: an account rented out passes money on, in many small instant transfers by the
 * programming interface, in the small hours, each through another machine somewhere in the world.
 * Nobody reports it. */
static void mule_burst(struct plan *plan)
{
    uint32_t victim = somebody(plan);
    struct intruder intruder = an_intruder(plan);
    intruder.channel = "api";
    plan->now_ms -= plan->now_ms % HEC_DAY_MS;
    plan->now_ms += HEC_DAY_MS + hec_gen_span_ms(plan->random, 1.5 * 3600, 4 * 3600.0);
    uint32_t session = hec_gen_new_thing(plan->gen);
    struct hec_gen_draft login = intruder_draft(plan, &intruder, victim, HEC_LOGIN, session);
    login.result = "success";
    login.auth_method = "oauth";
    login.bot_score = 0.97;
    add_step(plan, &login);
    int count = 35 + (int)hec_random_below(plan->random, 50);
    for (int i = 0; i < count; i++) {
        later(plan, 3, 25);
        intruder.ip = hec_random_bits(plan->random);
        intruder.device = hec_gen_new_thing(plan->gen);
        intruder.place = (int)hec_random_below(plan->random, (uint64_t)hec_gen_places_count);
        struct hec_gen_draft draft = intruder_draft(plan, &intruder, victim, HEC_TRANSFER, session);
        send_money(plan, &draft, hec_gen_new_thing(plan->gen), plan->now_ms - 2000,
                   hec_gen_between(plan->random, 88, 99));
        plan->steps[plan->count - 1].draft.scheme = "instant";
    }
}

/* Every kind comes once a round, in an order of chance, so that a short stream has them all. */
static enum hec_gen_pattern next_pattern(struct hec_gen *gen)
{
    if (gen->deck_left == 0) {
        for (int i = 0; i < HEC_GEN_USUAL_PATTERNS; i++) {
            gen->deck[i] = (uint8_t)i;
        }
        gen->deck_left = HEC_GEN_USUAL_PATTERNS;
    }
    uint64_t at = hec_random_below(&gen->random, (uint64_t)gen->deck_left);
    uint8_t pattern = gen->deck[at];
    gen->deck[at] = gen->deck[--gen->deck_left];
    return (enum hec_gen_pattern)pattern;
}

void hec_gen_do_incident(struct hec_gen *gen, const struct hec_due *due)
{
    static void (*const PLANS[])(struct plan *) = {
        [HEC_GEN_CARD_TESTING] = card_testing,
        [HEC_GEN_CNP_RUN] = cnp_run,
        [HEC_GEN_SKIMMING] = skimming,
        [HEC_GEN_LOST_STOLEN] = lost_stolen,
        [HEC_GEN_ROGUE_MERCHANT] = rogue_merchant,
        [HEC_GEN_CREDENTIAL_STUFFING] = credential_stuffing,
        [HEC_GEN_PHISHING] = phishing,
        [HEC_GEN_SIM_SWAP] = sim_swap,
        [HEC_GEN_AUTHORISED_SCAM] = authorised_scam,
        [HEC_GEN_MULE_BURST] = mule_burst,
    };
    bool novelty = due->who == 1;
    struct plan plan = { .gen = gen,
                         .random = &gen->random,
                         .now_ms = due->at_ms,
                         .pattern = novelty ? HEC_GEN_MULE_BURST : next_pattern(gen) };
    PLANS[plan.pattern](&plan);
    commit(&plan);
    gen->incidents++;
}
