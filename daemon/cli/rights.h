/*
 * Whether this identity may do in Kafka what the daemon does: tried, not asked, because brokers
 * differ in what they tell of their access lists.
 */
#ifndef HECATE_CLI_RIGHTS_H
#define HECATE_CLI_RIGHTS_H

#include "hecate/status.h"
#include "ops/config.h"

#define HEC_RIGHTS_BYTES 2048

/** Reads the group and where it stands in the input. text receives what was found, or what is
 * missing. @return HEC_OK, HEC_DENIED, HEC_UNAVAILABLE, HEC_NOT_FOUND */
HEC_CHECKED enum hec_status hec_rights_group(const struct hec_config *config,
                                             char text[HEC_RIGHTS_BYTES]);

/** Writes one record to each output in a transaction that is rolled back: readers of committed
 * records never see it. @return the same */
HEC_CHECKED enum hec_status hec_rights_outputs(const struct hec_config *config,
                                               char text[HEC_RIGHTS_BYTES]);

#endif
