/*
 * In place of a fuzzer: gives its program every file of the folders named on the command line,
 * once. A finding aborts; the last name printed is the file's. A folder without a file is a
 * mistake.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay_file(const char *path)
{
    enum { BYTES_MAX = 1 << 20 };
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    uint8_t *whole = malloc(BYTES_MAX);
    if (whole == NULL) {
        abort();
    }
    size_t size = fread(whole, 1, BYTES_MAX, file);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    /* Exactly as large as it is: a sanitizer sees a byte too far. */
    uint8_t *data = realloc(whole, size > 0 ? size : 1);
    if (data == NULL) {
        abort();
    }
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int replay_folder(const char *folder)
{
    int files = 0;
    struct dirent **names;
    int count = scandir(folder, &names, NULL, alphasort);
    if (count < 0) {
        perror(folder);
        exit(1);
    }
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            replay_file(path);
            files++;
        }
        free(names[i]);
    }
    free(names);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        files += replay_folder(argv[i]);
    }
    printf("%d inputs, no finding\n", files);
    return files > 0 ? 0 : 1;
}
