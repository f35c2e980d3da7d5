/* The page: one file that asks nobody but its own daemon, and headers that say so. */
#include "http/page.h"

#include <criterion/criterion.h>

#include "server.h"

static const char *page_text(void)
{
    static char text[1 << 18];
    struct hec_page page = hec_page();
    cr_assert(page.length < sizeof(text));
    memcpy(text, page.bytes, page.length);
    text[page.length] = '\0';
    return text;
}

static int count(const char *text, const char *part)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        found++;
    }
    return found;
}

Test(page, has_one_style_and_one_script_and_takes_nothing_from_elsewhere)
{
    const char *text = page_text();
    cr_expect_eq(count(text, "<style"), 1);
    cr_expect_eq(count(text, "<script"), 1);
    static const char *const NO[] = { " style=\"",      "http://",     "https://",
                                      "innerHTML",      "outerHTML =", "insertAdjacentHTML",
                                      "document.write", "eval(",       "new Function",
                                      "@import",        "url(",        " onclick=\"" };
    for (size_t i = 0; i < sizeof(NO) / sizeof(NO[0]); i++) {
        cr_expect_eq(count(text, NO[i]), 0, "%s", NO[i]);
    }
    cr_expect_lt(strlen(text), 150000u);
}

/* The expected digest is what sha256sum and base64 say of the same bytes. */
static void expect_digest(const char *policy, const char *tag)
{
    char command[512], path[] = "/tmp/hecate-page-XXXXXX", expected[80] = "";
    struct hec_page page = hec_page();
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, page.bytes, page.length), (ssize_t)page.length);
    close(fd);
    snprintf(command, sizeof(command),
             "python3 -c \"import hashlib,base64,re;t=open('%s','rb').read();"
             "print(base64.b64encode(hashlib.sha256(re.search(b'<%s>(.*)</%s>',t,re.S)[1])"
             ".digest()).decode())\"",
             path, tag, tag);
    FILE *program = popen(command, "r");
    cr_assert_not_null(program);
    cr_assert_not_null(fgets(expected, sizeof(expected), program));
    pclose(program);
    unlink(path);
    expected[strcspn(expected, "\n")] = '\0';
    cr_expect(has(policy, expected), "%s of <%s> is not in: %s", expected, tag, policy);
}

Test(page, is_served_with_a_policy_that_names_its_own_bytes)
{
    struct server server;
    start(&server, (struct hec_http_options){ 0 });
    const char *text = ask(&server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert(has(text, " 200 ") && has(text, "Content-Type: text/html; charset=utf-8\r\n"));
    const char *policy = strstr(text, "Content-Security-Policy: ");
    cr_assert_not_null(policy);
    char line[600];
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(policy, "\r"), policy);
    cr_expect(has(line, "default-src 'none'") && has(line, "frame-ancestors 'none'"), "%s", line);
    cr_expect(!has(line, "unsafe"), "%s", line);
    expect_digest(line, "style");
    expect_digest(line, "script");

    char request[256];
    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n",
             hec_page().etag);
    text = ask(&server, request);
    cr_expect(has(text, " 304 ") && !has(text, "<html"), "%s", text);
    end(&server);
}
