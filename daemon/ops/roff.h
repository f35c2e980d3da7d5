/* Text for man(7): what means something to roff is escaped. */
#ifndef HECATE_OPS_ROFF_H
#define HECATE_OPS_ROFF_H

#include <stdio.h>

/** Writes a text that may stand anywhere in a line, its start included. */
void hec_roff_text(FILE *out, const char *text);

#endif
