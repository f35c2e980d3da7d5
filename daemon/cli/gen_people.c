/* The world before its first day: places, shops, people. */
#include <math.h>
#include <stdlib.h>

#include "cli/gen.h"

const struct hec_gen_place hec_gen_places[] = {
    { "NL", 52.37, 4.90 },    { "NL", 51.92, 4.48 },   { "NL", 52.08, 4.31 },
    { "NL", 52.09, 5.12 },    { "NL", 51.44, 5.47 },   { "NL", 53.22, 6.57 },
    { "NL", 50.85, 5.69 },    { "NL", 52.51, 6.09 }, /* home; from here on abroad */
    { "BE", 50.85, 4.35 },    { "DE", 50.94, 6.96 },   { "DE", 52.52, 13.40 },
    { "FR", 48.86, 2.35 },    { "GB", 51.51, -0.13 },  { "ES", 41.39, 2.17 },
    { "IT", 41.90, 12.50 },   { "PT", 38.72, -9.14 },  { "GR", 37.98, 23.73 },
    { "TR", 41.01, 28.98 },   { "US", 40.71, -74.01 }, { "TH", 13.76, 100.50 },
    { "BR", -23.55, -46.63 }, { "RO", 44.43, 26.10 },
};
const int hec_gen_places_count = sizeof(hec_gen_places) / sizeof(hec_gen_places[0]);

const struct hec_gen_trade hec_gen_trades[] = {
    { "5411", 24, 0.7, 30, false, false },  /* groceries */
    { "5812", 28, 0.6, 12, false, false },  /* restaurants */
    { "5814", 9, 0.5, 14, false, false },   /* fast food */
    { "5541", 52, 0.4, 6, false, false },   /* fuel */
    { "5912", 14, 0.6, 6, false, false },   /* pharmacies */
    { "4111", 6, 0.6, 8, false, false },    /* local transport */
    { "5651", 48, 0.7, 5, false, false },   /* clothes */
    { "5732", 120, 0.9, 2, false, true },   /* electronics */
    { "5944", 140, 0.9, 0.5, false, true }, /* jewellery */
    { "6011", 80, 0.6, 3, false, true },    /* cash */
    { "7011", 130, 0.6, 1, false, false },  /* hotels */
    { "5999", 32, 0.8, 10, true, false },   /* all sorts */
    { "5942", 18, 0.6, 4, true, false },    /* books */
    { "5816", 11, 0.7, 5, true, true },     /* digital games */
    { "5815", 9, 0.3, 3, true, false },     /* digital media */
    { "5734", 90, 0.9, 2, true, true },     /* software and electronics */
    { "4511", 180, 0.7, 1, true, true },    /* airlines */
    { "5977", 45, 0.6, 2, true, true },     /* cosmetics, gift cards */
    { "4814", 20, 0.4, 2, true, true },     /* telephone credit */
};
const int hec_gen_trades_count = sizeof(hec_gen_trades) / sizeof(hec_gen_trades[0]);

bool hec_gen_chance(struct hec_random *random, double probability)
{
    return hec_random_uniform(random) < probability;
}

double hec_gen_between(struct hec_random *random, double low, double high)
{
    return low + (high - low) * hec_random_uniform(random);
}

int64_t hec_gen_span_ms(struct hec_random *random, double low_s, double high_s)
{
    return (int64_t)(hec_gen_between(random, low_s, high_s) * 1000);
}

double hec_gen_log_normal(struct hec_random *random, double median, double spread)
{
    return median * exp(spread * hec_random_normal(random));
}

int hec_gen_poisson(struct hec_random *random, double mean)
{
    double left = exp(-mean);
    int count = 0;
    for (double product = hec_random_uniform(random); product > left && count < 1000; count++) {
        product *= hec_random_uniform(random);
    }
    return count;
}

uint32_t hec_gen_new_thing(struct hec_gen *gen)
{
    return gen->next_thing++;
}

static int pick_trade(struct hec_gen *gen, struct hec_random *random, bool online)
{
    const double *shares = gen->trade_shares[online];
    double at = hec_random_uniform(random) * shares[hec_gen_trades_count - 1];
    int trade = 0;
    while (trade < hec_gen_trades_count - 1 && shares[trade] <= at) {
        trade++;
    }
    return trade;
}

static void share_trades(struct hec_gen *gen)
{
    for (int online = 0; online < 2; online++) {
        double sum = 0;
        for (int i = 0; i < hec_gen_trades_count; i++) {
            sum += hec_gen_trades[i].online == (online == 1) ? hec_gen_trades[i].weight : 0;
            gen->trade_shares[online][i] = sum;
        }
    }
}

static void make_merchant(struct hec_gen *gen, uint32_t index, int place, bool online)
{
    struct hec_gen_merchant *merchant = &gen->merchants[index];
    struct hec_random *random = &gen->random;
    *merchant = (struct hec_gen_merchant){
        .id = index + 1,
        .trade = (uint8_t)pick_trade(gen, random, online),
        .place = (uint8_t)place,
        .terminals = online ? 1 : (uint8_t)(1 + hec_random_below(random, 4)),
        .lat = hec_gen_places[place].lat + hec_gen_between(random, -0.08, 0.08),
        .lon = hec_gen_places[place].lon + hec_gen_between(random, -0.12, 0.12),
        .price = hec_gen_log_normal(random, 1, 0.3),
    };
}

static bool make_merchants(struct hec_gen *gen)
{
    uint32_t at_home = 40 + gen->options.users / 20, abroad = 25, online = 150;
    online += gen->options.users / 20;
    gen->merchants_count = HEC_GEN_HOME_PLACES * at_home +
                           (uint32_t)(hec_gen_places_count - HEC_GEN_HOME_PLACES) * abroad + online;
    gen->merchants = calloc(gen->merchants_count, sizeof(*gen->merchants));
    if (gen->merchants == NULL) {
        return false;
    }
    uint32_t index = 0;
    for (int place = 0; place < hec_gen_places_count; place++) {
        gen->place_first[place] = index;
        uint32_t count = place < HEC_GEN_HOME_PLACES ? at_home : abroad;
        for (uint32_t i = 0; i < count; i++) {
            make_merchant(gen, index++, place, false);
        }
    }
    gen->place_first[hec_gen_places_count] = index;
    gen->online_first = index;
    while (index < gen->merchants_count) {
        int place = (int)hec_random_below(&gen->random, (uint64_t)hec_gen_places_count);
        make_merchant(gen, index++, place, true);
    }
    return true;
}

/* Some shops are known to everybody: the square of a uniform number favours the first ones. */
static uint32_t popular(struct hec_random *random, uint32_t first, uint32_t end)
{
    double at = hec_random_uniform(random);
    return first + (uint32_t)(at * at * (double)(end - first));
}

const struct hec_gen_merchant *hec_gen_merchant_in(struct hec_gen *gen, struct hec_random *random,
                                                   int place)
{
    return &gen->merchants[popular(random, gen->place_first[place], gen->place_first[place + 1])];
}

const struct hec_gen_merchant *hec_gen_merchant_online(struct hec_gen *gen,
                                                       struct hec_random *random, bool risky)
{
    for (;;) {
        const struct hec_gen_merchant *merchant =
            &gen->merchants[popular(random, gen->online_first, gen->merchants_count)];
        if (!risky || hec_gen_trades[merchant->trade].risky) {
            return merchant;
        }
    }
}

static void make_user(struct hec_gen *gen, uint32_t index)
{
    struct hec_gen_user *user = &gen->users[index];
    *user = (struct hec_gen_user){ .random = hec_random_at(gen->options.seed, 1000 + index) };
    struct hec_random *random = &user->random;
    user->place = (uint8_t)hec_random_below(random, HEC_GEN_HOME_PLACES);
    user->lat = hec_gen_places[user->place].lat + hec_gen_between(random, -0.08, 0.08);
    user->lon = hec_gen_places[user->place].lon + hec_gen_between(random, -0.12, 0.12);
    user->wealth = hec_gen_log_normal(random, 1, 0.4);
    user->shift_h = 1.5 * hec_random_normal(random);
    user->payments_day = hec_gen_log_normal(random, 0.8, 0.6);
    user->logins_day = hec_gen_log_normal(random, 0.45, 0.6);
    user->transfers_day = hec_gen_log_normal(random, 0.12, 0.7);
    user->device = hec_gen_new_thing(gen);
    user->agent = 1 + (uint32_t)hec_random_below(random, 60);
    user->ip_home = hec_random_bits(random);
    user->ip_mobile = (uint32_t)hec_random_below(random, 64);
    user->cards_count = hec_gen_chance(random, 0.3) ? 2 : 1;
    user->cards[0] = hec_gen_new_thing(gen);
    user->cards[1] = hec_gen_new_thing(gen);
    user->web = hec_gen_chance(random, 0.3);
    user->wallet = hec_gen_chance(random, 0.3);
    user->careful = hec_gen_chance(random, 0.5);
    for (int i = 0; i < HEC_GEN_FAVOURITES; i++) {
        const struct hec_gen_merchant *merchant =
            i < 9 ? hec_gen_merchant_in(gen, random, user->place)
                  : hec_gen_merchant_online(gen, random, false);
        user->favourites[i] = merchant->id - 1;
    }
    user->payees_count = (uint8_t)(2 + hec_random_below(random, 4));
    for (int i = 0; i < HEC_GEN_PAYEES; i++) {
        /* A third are firms that many people pay. */
        user->payees[i] = hec_gen_chance(random, 0.35) ? 1 + (uint32_t)hec_random_below(random, 40)
                                                       : hec_gen_new_thing(gen);
        user->payee_added_ms[i] =
            gen->options.start_ms - hec_gen_span_ms(random, 30 * 86400.0, 1500 * 86400.0);
    }
    if (hec_gen_chance(random, 0.4)) {
        user->subscription = hec_gen_merchant_online(gen, random, false)->id;
    }
    /* Two of a hundred share a device: a couple, a parent. */
    if (index > 0 && hec_gen_chance(random, 0.02)) {
        user->device = gen->users[index - 1].device;
        user->ip_home = gen->users[index - 1].ip_home;
    }
}

bool hec_gen_people(struct hec_gen *gen)
{
    gen->random = hec_random_at(gen->options.seed, 1);
    gen->next_thing = 1000;
    share_trades(gen);
    gen->users = calloc(gen->options.users, sizeof(*gen->users));
    if (gen->users == NULL || !make_merchants(gen)) {
        return false;
    }
    for (uint32_t i = 0; i < gen->options.users; i++) {
        make_user(gen, i);
    }
    return true;
}
