#include "state/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((size_t)64 * 1024)
#define PAGE_HEADER 16

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
    assert(class < HEC_SLAB_CLASSES);

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
