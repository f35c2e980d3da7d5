/* An ordinary day: paying, looking at the account, sending money; and now and then what looks like
 * a crime and is none: a new phone, a journey, a forgotten password, something large. */
#include <math.h>

#include "cli/gen.h"
#include "file/when.h"

/* Times of day as a mixture: share, hour, deviation. The rest is any time. */
struct peak {
    double share, hour, deviation;
};
static const struct peak IN_TOWN[3] = { { 0.2, 8.5, 1.2 },
                                        { 0.3, 12.3, 1.4 },
                                        { 0.49, 17.8, 2.2 } };
static const struct peak AT_HOME[3] = { { 0.15, 8, 1 }, { 0.25, 13, 2.5 }, { 0.55, 20.5, 2.0 } };

static int64_t time_of_day(struct hec_gen_user *user, int64_t midnight_ms,
                           const struct peak peaks[3])
{
    struct hec_random *random = &user->random;
    double at = hec_random_uniform(random);
    double hour = hec_gen_between(random, 0, 24);
    for (int i = 0; i < 3; i++) {
        if (at < peaks[i].share) {
            hour = peaks[i].hour + user->shift_h + peaks[i].deviation * hec_random_normal(random);
            break;
        }
        at -= peaks[i].share;
    }
    hour = fmod(hour + 48, 24);
    return midnight_ms + (int64_t)(hour * (double)HEC_HOUR_MS);
}

static bool is_away(const struct hec_gen_user *user, int64_t at_ms)
{
    return at_ms < user->away_until_ms;
}

struct hec_gen_draft hec_gen_draft_of(struct hec_gen *gen, uint32_t index, enum hec_event_type type,
                                      int64_t at_ms)
{
    struct hec_gen_user *user = &gen->users[index];
    struct hec_random *random = &user->random;
    bool away = is_away(user, at_ms);
    const struct hec_gen_place *place = &hec_gen_places[away ? user->away_place : user->place];
    struct hec_gen_draft draft = { .type = type,
                                   .at_ms = at_ms,
                                   .user = index,
                                   .device = user->device,
                                   .agent = user->agent,
                                   .country = place->country,
                                   .lat = away ? place->lat : user->lat,
                                   .lon = away ? place->lon : user->lon,
                                   .channel = user->web ? "web" : "app",
                                   .bot_score = -1 };
    if (away) {
        /* A hotel's network: the same for all its guests. */
        draft.ip = (200u << 16) + user->away_place * 64u + (uint32_t)hec_random_below(random, 8);
    } else {
        draft.ip = hec_gen_chance(random, 0.6) ? user->ip_home : (100u << 16) + user->ip_mobile;
    }
    return draft;
}

static void pay_in_town(struct hec_gen_draft *draft, struct hec_random *random, bool wallet)
{
    const struct hec_gen_merchant *merchant = draft->merchant;
    draft->device = 0;
    draft->agent = 0;
    draft->ip = 0;
    draft->lat = merchant->lat;
    draft->lon = merchant->lon;
    draft->country = hec_gen_places[merchant->place].country;
    draft->card_present = true;
    draft->terminal = (int)hec_random_below(random, merchant->terminals);
    draft->channel = hec_gen_trades[merchant->trade].mcc[0] == '6' ? "atm" : "pos";
    draft->wallet = wallet ? "apple_pay" : NULL;
    bool small = draft->amount_minor < 5000;
    draft->entry_mode = wallet || (small && hec_gen_chance(random, 0.8)) ? "contactless"
                        : hec_gen_chance(random, 0.02)                   ? "magstripe"
                                                                         : "chip";
}

static void pay_online(struct hec_gen *gen, struct hec_gen_draft *draft, bool careful)
{
    struct hec_random *random = &gen->users[draft->user].random;
    if (hec_gen_chance(random, 0.08)) {
        /* On the sofa with somebody's tablet. */
        draft->device = hec_gen_new_thing(gen);
        draft->agent = 1 + (uint32_t)hec_random_below(random, 60);
        if (hec_gen_chance(random, 0.4)) {
            draft->ip = hec_random_bits(random);
        }
    }
    draft->channel = "ecom";
    draft->entry_mode = "ecom";
    draft->card_present = false;
    draft->cvc = hec_gen_chance(random, 0.985) ? "M" : "N";
    draft->avs = hec_gen_chance(random, 0.93) ? "Y" : "N";
    if (hec_gen_chance(random, careful ? 0.75 : 0.35)) {
        draft->threeds = hec_gen_chance(random, 0.9) ? "Y" : "A";
    }
}

void hec_gen_draft_payment(struct hec_gen *gen, struct hec_gen_draft *draft,
                           const struct hec_gen_merchant *merchant, double amount)
{
    struct hec_gen_user *user = &gen->users[draft->user];
    struct hec_random *random = &user->random;
    draft->merchant = merchant;
    draft->card = user->cards[user->cards_count > 1 && hec_gen_chance(random, 0.3)];
    draft->amount_minor = (int64_t)(amount * 100) + 50;
    if (hec_gen_trades[merchant->trade].online) {
        pay_online(gen, draft, user->careful);
    } else {
        pay_in_town(draft, random, user->wallet && hec_gen_chance(random, 0.6));
    }
    draft->response = draft->cvc != NULL && draft->cvc[0] == 'N' ? "N7"
                      : hec_gen_chance(random, 0.98)             ? "00"
                                                                 : "51";
}

static double usual_amount(struct hec_gen_user *user, const struct hec_gen_merchant *merchant)
{
    const struct hec_gen_trade *trade = &hec_gen_trades[merchant->trade];
    return hec_gen_log_normal(&user->random, trade->amount * merchant->price * user->wealth,
                              trade->spread);
}

static void pay(struct hec_gen *gen, const struct hec_due *due)
{
    struct hec_gen_user *user = &gen->users[due->who];
    struct hec_random *random = &user->random;
    bool large = due->what == 1;
    const struct hec_gen_merchant *merchant;
    if (is_away(user, due->at_ms) && hec_gen_chance(random, 0.75)) {
        merchant = hec_gen_merchant_in(gen, random, user->away_place);
    } else if (large || hec_gen_chance(random, 0.3)) {
        merchant = hec_gen_chance(random, 0.4) ? hec_gen_merchant_online(gen, random, large)
                                               : hec_gen_merchant_in(gen, random, user->place);
    } else {
        merchant = &gen->merchants[user->favourites[hec_random_below(random, HEC_GEN_FAVOURITES)]];
    }
    struct hec_gen_draft draft = hec_gen_draft_of(gen, due->who, HEC_CARD_AUTH, due->at_ms);
    double amount = usual_amount(user, merchant) * (large ? hec_gen_between(random, 4, 15) : 1);
    hec_gen_draft_payment(gen, &draft, merchant, fmin(amount, 9000));

    bool disputed = !draft.card_present && hec_gen_chance(random, 0.0006);
    struct hec_gen_truth truth = { HEC_GEN_WRONG_LABEL, false };
    hec_gen_write(gen, &draft, disputed ? &truth : NULL);
    if (disputed) {
        int64_t delay_ms = hec_gen_span_ms(random, 5 * 86400.0, 40 * 86400.0);
        hec_gen_report(gen, &draft, delay_ms, "fraud", "06", "customer");
    } else if (large && hec_gen_chance(random, 0.3)) {
        int64_t delay_ms = hec_gen_span_ms(random, 600, 6 * 3600.0);
        hec_gen_report(gen, &draft, delay_ms, "genuine", NULL, "analyst");
    }
    if (draft.response[0] != '0' && hec_gen_chance(random, 0.7)) {
        hec_gen_add(gen, due->at_ms + hec_gen_span_ms(random, 20, 240), HEC_GEN_PAY, due->who, 0);
    }
}

static void fee(struct hec_gen *gen, const struct hec_due *due)
{
    struct hec_gen_user *user = &gen->users[due->who];
    const struct hec_gen_merchant *merchant = &gen->merchants[user->subscription - 1];
    struct hec_gen_draft draft = hec_gen_draft_of(gen, due->who, HEC_CARD_AUTH, due->at_ms);
    hec_gen_draft_payment(gen, &draft, merchant, 9.49);
    draft.card = user->cards[0];
    draft.device = draft.agent = draft.ip = 0;
    draft.country = NULL;
    draft.recurring = true;
    draft.channel = "moto";
    draft.entry_mode = "stored";
    draft.cvc = draft.avs = draft.threeds = NULL;
    draft.response = hec_gen_chance(&user->random, 0.97) ? "00" : "51";
    hec_gen_write(gen, &draft, NULL);
    hec_gen_add(gen, due->at_ms + 30 * HEC_DAY_MS, HEC_GEN_FEE, due->who, 0);
}

static void log_in(struct hec_gen *gen, const struct hec_due *due)
{
    struct hec_gen_user *user = &gen->users[due->who];
    struct hec_random *random = &user->random;
    enum hec_gen_errand errand = (enum hec_gen_errand)(due->what & 255);
    uint64_t tries = due->what >> 8;
    if (errand == HEC_GEN_ENROL_DEVICE && tries == 0) {
        user->old_device = user->device;
        user->device = hec_gen_new_thing(gen);
        user->agent = 1 + (uint32_t)hec_random_below(random, 60);
    }
    struct hec_gen_draft draft = hec_gen_draft_of(gen, due->who, HEC_LOGIN, due->at_ms);
    draft.session = hec_gen_new_thing(gen);
    /* A machine at work, a browser that keeps nothing. */
    bool elsewhere = hec_gen_chance(random, 0.03);
    if (elsewhere) {
        draft.device = hec_gen_new_thing(gen);
        draft.agent = 1 + (uint32_t)hec_random_below(random, 60);
        draft.ip = hec_random_bits(random);
        draft.channel = "web";
    }
    draft.auth_method = user->web                     ? "password"
                        : hec_gen_chance(random, 0.7) ? "biometric"
                                                      : "password";
    draft.bot_score = hec_gen_between(random, 0, 0.25);
    bool strange = elsewhere || errand == HEC_GEN_ENROL_DEVICE || is_away(user, due->at_ms);
    double failing = errand == HEC_GEN_FORGOTTEN ? (tries < 3 ? 0.9 : 0.1) : strange ? 0.12 : 0.03;
    bool fails = hec_gen_chance(random, failing);
    draft.result = fails ? "fail" : "success";
    draft.fail_reason = fails ? "bad_password" : NULL;
    if (!fails && (user->careful || strange) && hec_gen_chance(random, 0.8)) {
        draft.mfa_type = user->careful ? "totp" : "sms";
        draft.mfa_result = "pass";
    }
    hec_gen_write(gen, &draft, NULL);
    if (fails) {
        if (tries < 6) {
            hec_gen_add(gen, due->at_ms + hec_gen_span_ms(random, 8, 60), HEC_GEN_LOGIN, due->who,
                        (uint64_t)errand | ((tries + 1) << 8));
        }
    } else if (errand != HEC_GEN_LOOK) {
        hec_gen_add(gen, due->at_ms + hec_gen_span_ms(random, 15, 200), HEC_GEN_ERRAND, due->who,
                    (uint64_t)errand | ((uint64_t)draft.session << 8));
    }
}

static void transfer(struct hec_gen *gen, struct hec_gen_draft *draft, bool to_new)
{
    struct hec_gen_user *user = &gen->users[draft->user];
    struct hec_random *random = &user->random;
    int payee = (int)hec_random_below(random, user->payees_count);
    if (to_new) {
        payee = (int)hec_random_below(random, HEC_GEN_PAYEES);
        user->payees[payee] = draft->payee;
        user->payee_added_ms[payee] = draft->at_ms;
        draft->at_ms += hec_gen_span_ms(random, 20, 500);
    }
    draft->type = HEC_TRANSFER;
    draft->payee = user->payees[payee];
    draft->payee_added_ms = user->payee_added_ms[payee];
    draft->creditor_country = hec_gen_chance(random, 0.93) ? "NL" : "DE";
    draft->scheme = hec_gen_chance(random, 0.4) ? "instant" : "sepa";
    draft->change = NULL;
    draft->actor = NULL;
    double amount = hec_gen_log_normal(random, (to_new ? 220 : 75) * user->wealth, 1.1);
    draft->amount_minor = (int64_t)(fmin(amount, 20000) * 100) + 100;
}

/* What he came for. A new payee is paid at once more often than not: the transfer is a second
 * errand, of a draft that waits as a plain transfer to the newest payee. */
static void do_errand(struct hec_gen *gen, const struct hec_due *due)
{
    static const char *const CHANGES[] = {
        [HEC_GEN_NEW_PAYEE] = "payee_add",       [HEC_GEN_CHANGE_PASSWORD] = "password",
        [HEC_GEN_FORGOTTEN] = "password",        [HEC_GEN_CHANGE_PHONE] = "phone",
        [HEC_GEN_CHANGE_EMAIL] = "email",        [HEC_GEN_CHANGE_ADDRESS] = "address",
        [HEC_GEN_ENROL_DEVICE] = "device_enrol", [HEC_GEN_RAISE_LIMIT] = "limit",
        [HEC_GEN_REISSUE] = "card_reissue"
    };
    struct hec_gen_user *user = &gen->users[due->who];
    struct hec_random *random = &user->random;
    enum hec_gen_errand errand = (enum hec_gen_errand)(due->what & 255);
    struct hec_gen_draft draft = hec_gen_draft_of(gen, due->who, HEC_ACCOUNT_CHANGE, due->at_ms);
    draft.session = (uint32_t)(due->what >> 8);
    if (errand == HEC_GEN_TRANSFER) {
        transfer(gen, &draft, false);
        hec_gen_write(gen, &draft, NULL);
        return;
    }
    draft.change = CHANGES[errand];
    draft.actor = "customer";
    if (errand == HEC_GEN_REISSUE) {
        user->cards[0] = hec_gen_new_thing(gen);
        user->cards[1] = hec_gen_new_thing(gen);
        draft.device = draft.agent = draft.ip = 0;
        draft.channel = "branch";
        draft.actor = "agent";
    }
    if (errand == HEC_GEN_NEW_PAYEE) {
        draft.payee = hec_gen_chance(random, 0.4) ? 1 + (uint32_t)hec_random_below(random, 40)
                                                  : hec_gen_new_thing(gen);
    }
    hec_gen_write(gen, &draft, NULL);
    if (errand == HEC_GEN_NEW_PAYEE) {
        struct hec_gen_draft money = draft;
        int slot = (int)hec_random_below(random, user->payees_count);
        user->payees[slot] = draft.payee;
        user->payee_added_ms[slot] = draft.at_ms;
        transfer(gen, &money, true);
        money.payee = draft.payee;
        money.payee_added_ms = draft.at_ms;
        if (hec_gen_chance(random, 0.7)) {
            hec_gen_add(gen, money.at_ms, HEC_GEN_ERRAND, due->who,
                        HEC_GEN_TRANSFER | ((uint64_t)draft.session << 8));
        }
    }
}

static void plan_errands(struct hec_gen *gen, uint32_t who, int64_t midnight_ms)
{
    static const struct {
        enum hec_gen_errand errand;
        double day; /* chance a day */
    } RARE[] = {
        { HEC_GEN_NEW_PAYEE, 0.010 },       { HEC_GEN_FORGOTTEN, 0.005 },
        { HEC_GEN_CHANGE_PASSWORD, 0.003 }, { HEC_GEN_ENROL_DEVICE, 0.0025 },
        { HEC_GEN_CHANGE_EMAIL, 0.0008 },   { HEC_GEN_CHANGE_PHONE, 0.0008 },
        { HEC_GEN_RAISE_LIMIT, 0.001 },     { HEC_GEN_CHANGE_ADDRESS, 0.0006 },
    };
    struct hec_gen_user *user = &gen->users[who];
    struct hec_random *random = &user->random;
    int logins = hec_gen_poisson(random, user->logins_day);
    for (int i = 0; i < logins; i++) {
        hec_gen_add(gen, time_of_day(user, midnight_ms, AT_HOME), HEC_GEN_LOGIN, who, HEC_GEN_LOOK);
    }
    int transfers = hec_gen_poisson(random, user->transfers_day);
    for (int i = 0; i < transfers; i++) {
        hec_gen_add(gen, time_of_day(user, midnight_ms, AT_HOME), HEC_GEN_LOGIN, who,
                    HEC_GEN_TRANSFER);
    }
    for (size_t i = 0; i < sizeof(RARE) / sizeof(RARE[0]); i++) {
        if (hec_gen_chance(random, RARE[i].day)) {
            hec_gen_add(gen, time_of_day(user, midnight_ms, AT_HOME), HEC_GEN_LOGIN, who,
                        RARE[i].errand);
        }
    }
}

static void plan_day(struct hec_gen *gen, const struct hec_due *due)
{
    struct hec_gen_user *user = &gen->users[due->who];
    struct hec_random *random = &user->random;
    int64_t weekday = (due->at_ms / HEC_DAY_MS + 4) % 7; /* 0 is Sunday */
    bool weekend = weekday == 0 || weekday == 6;
    int payments = hec_gen_poisson(random, user->payments_day * (weekend ? 1.25 : 0.9));
    for (int i = 0; i < payments; i++) {
        hec_gen_add(gen, time_of_day(user, due->at_ms, IN_TOWN), HEC_GEN_PAY, due->who, 0);
    }
    if (hec_gen_chance(random, 0.005)) {
        hec_gen_add(gen, time_of_day(user, due->at_ms, IN_TOWN), HEC_GEN_PAY, due->who, 1);
    }
    if (!is_away(user, due->at_ms) && hec_gen_chance(random, 0.004)) {
        user->away_place = (uint8_t)(HEC_GEN_HOME_PLACES +
                                     hec_random_below(random, (uint64_t)(hec_gen_places_count -
                                                                         HEC_GEN_HOME_PLACES)));
        user->away_until_ms = due->at_ms + hec_gen_span_ms(random, 2 * 86400.0, 10 * 86400.0);
    }
    plan_errands(gen, due->who, due->at_ms);
    if (due->at_ms + HEC_DAY_MS < gen->end_ms) {
        hec_gen_add(gen, due->at_ms + HEC_DAY_MS, HEC_GEN_DAY, due->who, 0);
    }
}

void hec_gen_do_habit(struct hec_gen *gen, const struct hec_due *due)
{
    switch ((enum hec_gen_due)due->kind) {
    case HEC_GEN_DAY: plan_day(gen, due); break;
    case HEC_GEN_PAY: pay(gen, due); break;
    case HEC_GEN_LOGIN: log_in(gen, due); break;
    case HEC_GEN_ERRAND: do_errand(gen, due); break;
    default: fee(gen, due); break;
    }
}
