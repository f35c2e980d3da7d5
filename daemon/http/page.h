/*
 * The page: one HTML file, linked into the program, with what goes with it in headers.
 */
#ifndef HECATE_HTTP_PAGE_H
#define HECATE_HTTP_PAGE_H

#include <stddef.h>

struct hec_page {
    const char *bytes;
    size_t length;
    const char *etag;   /* quoted */
    const char *policy; /* Content-Security-Policy: names its one style and one script by digest */
};

/** The page; the same static views at every call. */
struct hec_page hec_page(void);

#endif
