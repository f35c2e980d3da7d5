/*
 * A schema from text, without libConfuse: for tests of the core, and a second opinion on the
 * daemon's parser. Knows the grammar of features.conf and nothing else.
 */
#ifndef HECATE_SUPPORT_SCHEMA_H
#define HECATE_SUPPORT_SCHEMA_H

#include "hecate/feature.h"

/** Parses text; ends the test on a mistake. The schema is the caller's to free(). */
struct hec_schema *schema_of(const char *text);

/** The same for a file of the source tree, such as "conf/features.conf". */
struct hec_schema *schema_of_file(const char *path);

/** A plan from text or file; ends the test on a mistake. */
struct hec_plan *plan_of(const char *text);
struct hec_plan *plan_of_file(const char *path);

#endif
