/* A directory of one test's own, made at first use and removed at the end. */
#ifndef HECATE_TESTS_SCRATCH_H
#define HECATE_TESTS_SCRATCH_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch[PATH_MAX / 2];

static void scratch_make(void)
{
    snprintf(scratch, sizeof(scratch), "/tmp/hecate-test-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch));
}

/* It is flat: files only. */
static void scratch_remove(void)
{
    DIR *directory = opendir(scratch);
    while (directory != NULL) {
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            break;
        }
        if (entry->d_name[0] != '.') {
            unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    rmdir(scratch);
}

/* The path of a name in it; eight of them live at a time. */
static inline const char *scratch_path(const char *name)
{
    static char paths[8][PATH_MAX];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", scratch, name);
    return path;
}

static inline const char *scratch_write(const char *name, const void *bytes, size_t length)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, length, file), length);
    cr_assert_eq(fclose(file), 0);
    return path;
}

static inline const char *scratch_text(const char *name, const char *text)
{
    return scratch_write(name, text, strlen(text));
}

/* The whole of a file, terminated; the caller frees. */
static inline char *scratch_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    size_t room = 1 << 16;
    size_t have = 0;
    char *bytes = malloc(room);
    for (size_t got = 1; got > 0; have += got) {
        if (room - have < 2) {
            room *= 2;
            bytes = realloc(bytes, room);
        }
        got = fread(bytes + have, 1, room - have - 1, file);
    }
    fclose(file);
    bytes[have] = '\0';
    if (length != NULL) {
        *length = have;
    }
    return bytes;
}

#endif
