/* The names of what a network is put together from. */
#include "hecate/network.h"

#include <stddef.h>
#include <string.h>

#define NAME(enumerator, name, phrase) name,
const char *const hec_arch_names[HEC_ARCHS] = { HEC_ARCH_TABLE(NAME) };
const char *const hec_fusion_names[HEC_FUSIONS] = { HEC_FUSION_TABLE(NAME) };
const char *const hec_embed_names[HEC_EMBEDS] = { HEC_EMBED_TABLE(NAME) };
#undef NAME

int hec_name_find(const char *const *names, int count, const char *name)
{
    for (int i = 0; name != NULL && i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}
