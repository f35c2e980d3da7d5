/* The names of what a network is put together from. */
#include "hecate/network.h"

#include <stddef.h>
#include <string.h>

#define NAME(enumerator, name, phrase) name,
const char *const hec_arch_names[HEC_ARCHS + 1] = { HEC_ARCH_TABLE(NAME) NULL };
const char *const hec_fusion_names[HEC_FUSIONS + 1] = { HEC_FUSION_TABLE(NAME) NULL };
const char *const hec_embed_names[HEC_EMBEDS + 1] = { HEC_EMBED_TABLE(NAME) NULL };
#undef NAME

int hec_name_find(const char *const *names, const char *name)
{
    for (int i = 0; name != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}
