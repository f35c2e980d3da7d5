#include "state/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STEP 16
#define SMALL_MAX 256
#define SMALL_CLASSES (SMALL_MAX / STEP)
#define PAGE_BYTES ((size_t)64 * 1024)
#define PAGE_HEADER 16

unsigned hec_slab_class(size_t bytes)
{
    assert(bytes > 0);
    assert(bytes <= (size_t)1 << 20);

    if (bytes <= SMALL_MAX) {
        return (unsigned)((bytes - 1) / STEP);
    }
    /* bytes - 1 is in [2^top, 2^(top+1)); the two bits below the top one choose the quarter. */
    unsigned top = 63u - (unsigned)__builtin_clzll(bytes - 1);
    unsigned quarter = (unsigned)((bytes - 1) >> (top - 2)) & 3;
    return SMALL_CLASSES + (top - 8) * 4 + quarter;
}

size_t hec_slab_bytes(unsigned class)
{
    assert(class < HEC_SLAB_CLASSES);
    if (class < SMALL_CLASSES) {
        return (class + 1) * (size_t)STEP;
    }
    unsigned top = (class - SMALL_CLASSES) / 4 + 8;
    unsigned quarter = (class - SMALL_CLASSES) % 4;
    return ((size_t)5 + quarter) << (top - 2);
}

static int add_page(struct hec_slab *slab, unsigned class)
{
    size_t object = hec_slab_bytes(class);
    size_t bytes = object + PAGE_HEADER > PAGE_BYTES ? object + PAGE_HEADER : PAGE_BYTES;
    uint8_t *page = malloc(bytes);
    if (page == NULL) {
        return -1;
    }
    memcpy(page, &slab->pages, sizeof(slab->pages));
    slab->pages = page;
    slab->fresh[class] = page + PAGE_HEADER;
    slab->fresh_bytes[class] = bytes - PAGE_HEADER;
    return 0;
}

void *hec_slab_take(struct hec_slab *slab, unsigned class)
{
    size_t bytes = hec_slab_bytes(class);
    void *object = slab->free[class];
    if (object != NULL) {
        memcpy(&slab->free[class], object, sizeof(void *));
    } else {
        if (slab->fresh_bytes[class] < bytes && add_page(slab, class) != 0) {
            return NULL;
        }
        object = slab->fresh[class];
        slab->fresh[class] += bytes;
        slab->fresh_bytes[class] -= bytes;
    }
    slab->bytes_used += bytes;
    return object;
}

void hec_slab_give(struct hec_slab *slab, unsigned class, void *object)
{
    memcpy(object, &slab->free[class], sizeof(void *));
    slab->free[class] = object;
    slab->bytes_used -= hec_slab_bytes(class);
}

void hec_slab_free(struct hec_slab *slab)
{
    while (slab->pages != NULL) {
        void *page = slab->pages;
        memcpy(&slab->pages, page, sizeof(slab->pages));
        free(page);
    }
    memset(slab, 0, sizeof(*slab));
}
