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

/** The class that holds so many bytes; at most 1 MiB. */
unsigned hec_slab_class(size_t bytes);
/** Bytes of an object of the class. */
size_t hec_slab_bytes(unsigned class);

/** An object of the class, not cleared; NULL when memory is exhausted. */
void *hec_slab_take(struct hec_slab *slab, unsigned class);
void hec_slab_give(struct hec_slab *slab, unsigned class, void *object);

/** Frees every page, and with them every object. */
void hec_slab_free(struct hec_slab *slab);

#endif
