#include "state/distinct.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define RANK_MAX 25 /* 24 bits of hash are left for the rank, one more for none of them set */

struct pair {
    uint32_t hash, tile;
};

static struct pair pair_at(const uint8_t *at, uint32_t i)
{
    struct pair pair;
    memcpy(&pair, at + (size_t)i * sizeof(pair), sizeof(pair));
    return pair;
}

static uint32_t sketch_tile(const uint8_t *at, uint32_t i)
{
    uint32_t tile;
    memcpy(&tile, at + (size_t)i * HEC_SKETCH_BYTES, sizeof(tile));
    return tile;
}

static void sketch_add(uint8_t *registers, uint32_t hash)
{
    uint32_t rest = hash >> 8;
    uint8_t rank = (uint8_t)(rest == 0 ? RANK_MAX : __builtin_ctz(rest) + 1);
    if (registers[hash & 255] < rank) {
        registers[hash & 255] = rank;
    }
}

static void sketch_unite(uint8_t *registers, const uint8_t *others)
{
    for (int i = 0; i < HEC_SKETCH_REGISTERS; i++) {
        registers[i] = registers[i] > others[i] ? registers[i] : others[i];
    }
}

/* Sketches at the front whose last tile the ring has left behind. */
static uint32_t dead_sketches(const struct hec_part *part, uint32_t n, const uint8_t *at,
                              uint32_t head)
{
    uint32_t dead = 0;
    while (dead < n &&
           ((uint64_t)sketch_tile(at, dead) + 1) * part->group + part->ring <= (uint64_t)head + 1) {
        dead++;
    }
    return dead;
}

static bool is_alive(const struct hec_part *part, struct pair pair, uint32_t head)
{
    return (uint64_t)pair.tile + part->ring > head;
}

/* How many different coarse tiles the live pairs of a full list and a new tile are in. */
static uint32_t coarse_tiles(const struct hec_part *part, const uint8_t *at, uint32_t tile)
{
    uint32_t seen[HEC_DISTINCT_EXACT + 1] = { tile / part->group };
    uint32_t n = 1;
    for (uint32_t i = 0; i < HEC_DISTINCT_EXACT; i++) {
        uint32_t coarse = pair_at(at, i).tile / part->group;
        uint32_t s = 0;
        while (s < n && seen[s] != coarse) {
            s++;
        }
        seen[s] = coarse;
        n += s == n;
    }
    return n;
}

static struct hec_fate fate_of_sketches(const struct hec_part *part, uint32_t n, const uint8_t *at,
                                        const struct hec_distinct_edit *edit)
{
    uint32_t dead = dead_sketches(part, n, at, edit->head);
    struct hec_fate fate = { .drop = dead * (uint32_t)HEC_SKETCH_BYTES,
                             .keep = (n - dead) * (uint32_t)HEC_SKETCH_BYTES };
    if (edit->adds && dead == n) {
        fate.room = sizeof(struct pair); /* it is exact again */
    } else if (edit->adds) {
        uint32_t i = dead;
        while (i < n && sketch_tile(at, i) != edit->tile / part->group) {
            i++;
        }
        fate.room = i == n ? HEC_SKETCH_BYTES : 0;
    }
    return fate;
}

struct hec_fate hec_distinct_fate(const struct hec_part *part, uint16_t count, const uint8_t *at,
                                  const struct hec_distinct_edit *edit)
{
    if (count & HEC_SKETCHED) {
        return fate_of_sketches(part, count & (HEC_SKETCHED - 1u), at, edit);
    }
    uint32_t alive = 0;
    bool known = false;
    for (uint32_t i = 0; i < count; i++) {
        struct pair pair = pair_at(at, i);
        bool lives = is_alive(part, pair, edit->head);
        alive += lives;
        known |= lives & (pair.hash == edit->hash);
    }
    struct hec_fate fate = { .keep = alive * (uint32_t)sizeof(struct pair) };
    if (edit->adds && !known) {
        fate.room =
            alive < HEC_DISTINCT_EXACT
                ? (uint32_t)sizeof(struct pair)
                : coarse_tiles(part, at, edit->tile) * (uint32_t)HEC_SKETCH_BYTES - fate.keep;
    }
    return fate;
}

void hec_distinct_prune(const struct hec_part *part, uint16_t *count, uint8_t *at, uint32_t head)
{
    if (*count & HEC_SKETCHED) {
        uint32_t n = *count & (HEC_SKETCHED - 1u);
        n -= dead_sketches(part, n, at, head);
        *count = (uint16_t)(n == 0 ? 0 : n | HEC_SKETCHED);
        return;
    }
    uint16_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        struct pair pair = pair_at(at, i);
        if (is_alive(part, pair, head)) {
            memcpy(at + (size_t)kept * sizeof(pair), &pair, sizeof(pair));
            kept++;
        }
    }
    *count = kept;
}

/* The registers of a coarse tile, made in the room where there are none. */
static uint8_t *sketch_place(uint16_t *count, uint8_t *at, uint32_t coarse)
{
    uint32_t n = *count & (HEC_SKETCHED - 1u);
    uint32_t i = n;
    while (i > 0 && sketch_tile(at, i - 1) > coarse) {
        i--;
    }
    if (i > 0 && sketch_tile(at, i - 1) == coarse) {
        return at + (size_t)(i - 1) * HEC_SKETCH_BYTES + 4;
    }
    uint8_t *sketch = at + (size_t)i * HEC_SKETCH_BYTES;
    memmove(sketch + HEC_SKETCH_BYTES, sketch, (size_t)(n - i) * HEC_SKETCH_BYTES);
    memset(sketch, 0, HEC_SKETCH_BYTES);
    memcpy(sketch, &coarse, sizeof(coarse));
    *count = (uint16_t)((n + 1) | HEC_SKETCHED);
    return sketch + 4;
}

static void become_sketches(const struct hec_part *part, uint16_t *count, uint8_t *at)
{
    struct pair pairs[HEC_DISTINCT_EXACT];
    assert(*count == HEC_DISTINCT_EXACT);
    memcpy(pairs, at, sizeof(pairs));
    *count = 0;
    for (int i = 0; i < HEC_DISTINCT_EXACT; i++) {
        sketch_add(sketch_place(count, at, pairs[i].tile / part->group), pairs[i].hash);
    }
}

void hec_distinct_add(const struct hec_part *part, uint16_t *count, uint8_t *at, uint32_t hash,
                      uint32_t tile)
{
    if (!(*count & HEC_SKETCHED)) {
        for (uint32_t i = 0; i < *count; i++) {
            struct pair pair = pair_at(at, i);
            if (pair.hash == hash) {
                pair.tile = pair.tile > tile ? pair.tile : tile;
                memcpy(at + (size_t)i * sizeof(pair), &pair, sizeof(pair));
                return;
            }
        }
        if (*count < HEC_DISTINCT_EXACT) {
            struct pair pair = { hash, tile };
            memcpy(at + (size_t)*count * sizeof(pair), &pair, sizeof(pair));
            (*count)++;
            return;
        }
        become_sketches(part, count, at);
    }
    sketch_add(sketch_place(count, at, tile / part->group), hash);
}

void hec_distinct_init(struct hec_distinct *all)
{
    all->hashes_count = 0;
    all->sketched = false;
}

static void unite_hash(struct hec_distinct *all, uint32_t hash)
{
    if (all->sketched) {
        sketch_add(all->registers, hash);
        return;
    }
    for (int i = 0; i < all->hashes_count; i++) {
        if (all->hashes[i] == hash) {
            return;
        }
    }
    all->hashes[all->hashes_count++] = hash;
    if (all->hashes_count > HEC_DISTINCT_EXACT) {
        memset(all->registers, 0, sizeof(all->registers));
        all->sketched = true;
        for (int i = 0; i < all->hashes_count; i++) {
            sketch_add(all->registers, all->hashes[i]);
        }
    }
}

void hec_distinct_unite(struct hec_distinct *all, const struct hec_part *part, uint16_t count,
                        const uint8_t *at, int64_t first)
{
    uint32_t n = count & (HEC_SKETCHED - 1u);
    if (!(count & HEC_SKETCHED)) {
        for (uint32_t i = 0; i < n; i++) {
            struct pair pair = pair_at(at, i);
            if (pair.tile >= first) {
                unite_hash(all, pair.hash);
            }
        }
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (((int64_t)sketch_tile(at, i) + 1) * part->group <= first) {
            continue;
        }
        if (!all->sketched) {
            memset(all->registers, 0, sizeof(all->registers));
            all->sketched = true;
            for (int h = 0; h < all->hashes_count; h++) {
                sketch_add(all->registers, all->hashes[h]);
            }
        }
        sketch_unite(all->registers, at + (size_t)i * HEC_SKETCH_BYTES + 4);
    }
}

/* The two series of Ertl's estimator; both end when adding changes nothing any more. */
static double sigma(double x)
{
    double y = 1;
    double z = x;
    double before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (before != z);
    return z;
}

static double tau(double x)
{
    if (x == 0 || x == 1) {
        return 0;
    }
    double y = 1;
    double z = 1 - x;
    double before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (before != z);
    return z / 3;
}

/* How many registers have each rank. Ranks are low, so counting one rank after the other, sixteen
 * registers at once, is done long before the highest. */
static void count_ranks(const uint8_t *registers, int of_rank[RANK_MAX + 1])
{
    int left = HEC_SKETCH_REGISTERS;
    memset(of_rank, 0, (RANK_MAX + 1) * sizeof(*of_rank));
    for (int rank = 0; rank < RANK_MAX && left > 0; rank++) {
        uint8_t lanes[16] = { 0 }; /* of 16 registers each: no lane overflows */
        for (int i = 0; i < HEC_SKETCH_REGISTERS; i += 16) {
            for (int lane = 0; lane < 16; lane++) {
                lanes[lane] = (uint8_t)(lanes[lane] + (registers[i + lane] == rank));
            }
        }
        for (int lane = 0; lane < 16; lane++) {
            of_rank[rank] += lanes[lane];
        }
        left -= of_rank[rank];
    }
    of_rank[RANK_MAX] += left;
}

static double estimate(const uint8_t *registers)
{
    const double m = HEC_SKETCH_REGISTERS;
    int of_rank[RANK_MAX + 1];
    count_ranks(registers, of_rank);
    if (of_rank[0] == HEC_SKETCH_REGISTERS) {
        return 0;
    }
    double z = m * tau(1 - of_rank[RANK_MAX] / m);
    for (int k = RANK_MAX - 1; k >= 1; k--) {
        z = 0.5 * (z + of_rank[k]);
    }
    z += m * sigma(of_rank[0] / m);
    return rint(0.72134752044448170368 * m * m / z); /* 1 / (2 ln 2) */
}

double hec_distinct_number(const struct hec_distinct *all)
{
    return all->sketched ? estimate(all->registers) : all->hashes_count;
}

double hec_distinct_alone(const struct hec_part *part, uint16_t count, const uint8_t *at,
                          int64_t first)
{
    uint32_t n = count & (HEC_SKETCHED - 1u);
    uint32_t values = 0;
    if (!(count & HEC_SKETCHED)) {
        for (uint32_t i = 0; i < n; i++) {
            values += pair_at(at, i).tile >= first;
        }
        return values;
    }
    uint32_t i = 0;
    while (i < n && ((int64_t)sketch_tile(at, i) + 1) * part->group <= first) {
        i++;
    }
    if (i == n) {
        return 0;
    }
    uint8_t registers[HEC_SKETCH_REGISTERS];
    memcpy(registers, at + (size_t)i * HEC_SKETCH_BYTES + 4, sizeof(registers));
    while (++i < n) {
        sketch_unite(registers, at + (size_t)i * HEC_SKETCH_BYTES + 4);
    }
    return estimate(registers);
}
