/* Room: an array is the same wherever it lies, grows from memory into a file, and is told of when
 * the folder has no place for it. */
#include "cli/room.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int files(void)
{
    int count = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), maps) != NULL) {
        count += strstr(line, "hecate-rows-") != NULL;
    }
    fclose(maps);
    return count;
}

Test(room, keeps_what_is_in_it_on_the_way_into_a_file)
{
    enum { BEYOND = 100000 };
    uint32_t *room = NULL;
    size_t had = 0;
    for (size_t count = 1; count < 1000000; count = 3 * count + 1) {
        uint32_t *grown = hec_room_grow(room, count * sizeof(*room), BEYOND);
        cr_assert_not_null(grown);
        room = grown;
        cr_expect_eq((uintptr_t)room % 64, 0);
        cr_expect_eq(files(), count * sizeof(*room) > BEYOND, "%zu numbers", count);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(room[i], i < had ? i + 7 : 0, "number %zu of %zu", i, count);
            room[i] = (uint32_t)i + 7;
        }
        had = count;
    }
    hec_room_free(room);
    cr_expect_eq(files(), 0);
    hec_room_free(NULL);
}

Test(room, stays_in_memory_when_nothing_else_is_asked)
{
    char *room = hec_room_grow(NULL, 4 << 20, 0);
    cr_assert_not_null(room);
    cr_expect_eq(room[(4 << 20) - 1], 0);
    cr_expect_eq(files(), 0);
    hec_room_free(room);
}

Test(room, leaves_the_old_array_when_the_folder_has_no_place)
{
    char *room = hec_room_grow(NULL, 1000, 2000);
    room[999] = 5;
    setenv("TMPDIR", "/no/such/folder", 1);
    cr_expect_null(hec_room_grow(room, 3000, 2000));
    cr_expect_eq(room[999], 5);
    hec_room_free(room);
}

/* In place of the library's: a signal came before it was done, as often as is asked. */
static int interruptions;

int posix_fallocate(int file, off_t offset, off_t length)
{
    return interruptions-- > 0 ? EINTR : ftruncate(file, offset + length) == 0 ? 0 : errno;
}

/* To whoever ends a training with SIGINT it must not look like a full disk. */
Test(room, is_made_though_a_signal_comes_meanwhile)
{
    interruptions = 2;
    char *room = hec_room_grow(NULL, 3000, 2000);
    cr_assert_not_null(room);
    cr_expect_eq(files(), 1);
    cr_expect_lt(interruptions, 0);
    hec_room_free(room);
}
