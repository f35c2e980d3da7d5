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

uint32_t hec_distinct_growth(const struct hec_part *part, uint16_t count)
{
    if (count == HEC_DISTINCT_EXACT) {
        return (part->ring / part->group + 2) * HEC_SKETCH_BYTES;
    }
    return count & HEC_SKETCHED ? HEC_SKETCH_BYTES : part->element_bytes;
}

void hec_distinct_prune(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                        uint8_t *at, uint32_t head)
{
    if (*count & HEC_SKETCHED) {
        uint32_t n = *count & (HEC_SKETCHED - 1u);
        uint32_t dead = 0;
        while (dead < n && ((uint64_t)sketch_tile(at, dead) + 1) * part->group + part->ring <=
                               (uint64_t)head + 1) {
            dead++;
        }
        if (dead > 0) {
            hec_record_close(record, at, dead * HEC_SKETCH_BYTES);
            n -= dead;
            *count = (uint16_t)(n == 0 ? 0 : n | HEC_SKETCHED);
        }
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        struct pair pair = pair_at(at, i);
        if ((uint64_t)pair.tile + part->ring > head) {
            memcpy(at + (size_t)kept * sizeof(pair), &pair, sizeof(pair));
            kept++;
        }
    }
    if (kept < *count) {
        uint32_t dead = *count - kept;
        hec_record_close(record, at + (size_t)kept * sizeof(struct pair),
                         dead * (uint32_t)sizeof(struct pair));
        *count = (uint16_t)kept;
    }
}

/* The registers of a coarse tile, made where there are none. */
static uint8_t *sketch_place(struct hec_record *record, uint16_t *count, uint8_t *at,
                             uint32_t coarse)
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
    hec_record_open(record, sketch, HEC_SKETCH_BYTES);
    memcpy(sketch, &coarse, sizeof(coarse));
    *count = (uint16_t)((n + 1) | HEC_SKETCHED);
    return sketch + 4;
}

static void become_sketches(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                            uint8_t *at)
{
    struct pair pairs[HEC_DISTINCT_EXACT];
    assert(*count == HEC_DISTINCT_EXACT);
    memcpy(pairs, at, sizeof(pairs));
    hec_record_close(record, at, sizeof(pairs));
    *count = 0;
    for (int i = 0; i < HEC_DISTINCT_EXACT; i++) {
        sketch_add(sketch_place(record, count, at, pairs[i].tile / part->group), pairs[i].hash);
    }
}

void hec_distinct_add(struct hec_record *record, const struct hec_part *part, uint16_t *count,
                      uint8_t *at, uint32_t hash, uint32_t tile)
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
            uint8_t *end = at + (size_t)*count * sizeof(pair);
            hec_record_open(record, end, sizeof(pair));
            memcpy(end, &pair, sizeof(pair));
            (*count)++;
            return;
        }
        become_sketches(record, part, count, at);
    }
    sketch_add(sketch_place(record, count, at, tile / part->group), hash);
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

double hec_distinct_number(const struct hec_distinct *all)
{
    if (!all->sketched) {
        return all->hashes_count;
    }
    const double m = HEC_SKETCH_REGISTERS;
    int of_rank[RANK_MAX + 1] = { 0 };
    for (int i = 0; i < HEC_SKETCH_REGISTERS; i++) {
        of_rank[all->registers[i] > RANK_MAX ? RANK_MAX : all->registers[i]]++;
    }
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
