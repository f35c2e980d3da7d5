/*
 * Writes a real, very small model file as an input of the model fuzzer.
 *
 *   fuzz-model-seeds FILE
 */
#include <stdio.h>
#include <stdlib.h>

#include "schema.h"
#include "tiny_model.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    struct hec_plan *plan = plan_of(TINY_SCHEMA);
    size_t size;
    void *bytes = small_model(&TINY_MODEL, plan, &size);
    FILE *file = fopen(argv[1], "wb");
    if (file == NULL) {
        perror(argv[1]);
        return 1;
    }
    fwrite(bytes, 1, size, file);
    fclose(file);
    free(bytes);
    hec_plan_free(plan);
    return 0;
}
