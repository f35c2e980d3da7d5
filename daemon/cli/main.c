/*
 * hecate: the command line.
 *
 * OpenBLAS chooses its kernels when it is loaded, by a table of the processors of its day: on a
 * newer one it falls back to those of 2004, at a fraction of the speed, and two machines train to
 * different bits. With the one kind that every processor with AVX2 has, neither happens. The choice
 * is an environment variable that must stand there before the library is loaded, so the program
 * begins again with it, once; who sets OPENBLAS_CORETYPE himself is left alone.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"

static void choose_kernels(char **texts)
{
#ifdef __x86_64__
    if (getenv("OPENBLAS_CORETYPE") == NULL && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma") && setenv("OPENBLAS_CORETYPE", "Haswell", 1) == 0) {
        char path[4096]; /* not the link itself, which would give the process its name */
        ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
        if (length > 0) {
            path[length] = '\0';
            execv(path, texts); /* returns only where it cannot: then slower, not wrong */
        }
    }
#else
    (void)texts;
#endif
}

int main(int count, char **texts)
{
    if (count > 0) {
        choose_kernels(texts);
    }
    return hec_cli_main(count, texts);
}
