/*
 * Memory for records: size classes with free lists, so that growing a record is a move to the next
 * class and giving one back costs nothing.
 *
 * Classes are 16 bytes apart up to 256, then four to a doubling (at most a quarter is lost).
 * Pages of 64 KiB are cut into objects of one class and live until the slab is freed. Objects lie
 * at multiples of 16.
 */
#ifndef HECATE_STATE_SLAB_H
#define HECATE_STATE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define HEC_SLAB_CLASSES 72

/* All zero is an empty slab. */
struct hec_slab {
    void *free[HEC_SLAB_CLASSES];
    uint8_t *fresh[HEC_SLAB_CLASSES]; /* the rest of the newest page of a class */
    size_t fresh_bytes[HEC_SLAB_CLASSES];
    void *pages;       /* all pages, chained by their first word */
    size_t bytes_used; /* sum of the class sizes of live objects */
};

#define HEC_SLAB_STEP 16
#define HEC_SLAB_SMALL_MAX 256
#define HEC_SLAB_SMALL_CLASSES (HEC_SLAB_SMALL_MAX / HEC_SLAB_STEP)

/** The class that holds so many bytes: 1 .. 1 MiB. */
static inline unsigned hec_slab_class(size_t bytes)
{
    if (bytes <= HEC_SLAB_SMALL_MAX) {
        return (unsigned)((bytes - 1) / HEC_SLAB_STEP);
    }
    /* bytes - 1 is in [2^top, 2^(top+1)); the two bits below the top one choose the quarter. */
    unsigned top = 63u - (unsigned)__builtin_clzll(bytes - 1);
    unsigned quarter = (unsigned)((bytes - 1) >> (top - 2)) & 3;
    return HEC_SLAB_SMALL_CLASSES + (top - 8) * 4 + quarter;
}

/** Bytes of an object of the class. */
static inline size_t hec_slab_bytes(unsigned class)
{
    if (class < HEC_SLAB_SMALL_CLASSES) {
        return (class + 1) * (size_t)HEC_SLAB_STEP;
    }
    unsigned top = (class - HEC_SLAB_SMALL_CLASSES) / 4 + 8;
    unsigned quarter = (class - HEC_SLAB_SMALL_CLASSES) % 4;
    return ((size_t)5 + quarter) << (top - 2);
}

/** An object of the class, not cleared; NULL when memory is exhausted. */
void *hec_slab_take(struct hec_slab *slab, unsigned class);
void hec_slab_give(struct hec_slab *slab, unsigned class, void *object);

/** Frees every page, and with them every object. */
void hec_slab_free(struct hec_slab *slab);

#endif
