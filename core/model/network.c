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

enum hec_status hec_network_check(const struct hec_network *network, struct hec_error *error)
{
    bool mixes = network->arch == HEC_ARCH_MMOE || network->arch == HEC_ARCH_CGC;
    if ((network->experts > 0 && !mixes) || network->experts > HEC_EXPERTS_MAX ||
        (network->one_gate && network->arch != HEC_ARCH_MMOE)) {
        return hec_fail(error, HEC_INVALID,
                        "train: experts (up to %d) are for --arch mmoe and cgc, one gate for mmoe",
                        HEC_EXPERTS_MAX);
    }
    if (network->one_layer && network->fusion != HEC_FUSION_NONE) {
        return hec_fail(error, HEC_INVALID,
                        "train: --fusion %s needs trunks of two layers, not one",
                        hec_fusion_names[network->fusion]);
    }
    return HEC_OK;
}
