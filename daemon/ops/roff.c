/* A backslash, a hyphen, quotes, and a dot or quote at a line's start mean something in roff. */
#include "ops/roff.h"

#include <stdbool.h>

void hec_roff_text(FILE *out, const char *text)
{
    bool first = true; /* of its line */
    for (; *text != '\0'; text++) {
        if (first && (*text == '.' || *text == '\'')) {
            fputs("\\&", out);
        }
        first = *text == '\n';
        switch (*text) {
        case '\\': fputs("\\e", out); break;
        case '-': fputs("\\-", out); break;
        case '"': fputs("\\(dq", out); break;
        case '^': fputs("\\(ha", out); break;
        case '~': fputs("\\(ti", out); break;
        case '\'': fputs("\\(aq", out); break;
        case '`': fputs("\\(ga", out); break;
        default: fputc(*text, out);
        }
    }
}
