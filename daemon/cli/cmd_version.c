/* hecate version: what this is made of. */
#include <stdio.h>
#include <yyjson.h>

#include "cli/commands.h"
#include "file/input.h"
#include "kafka/client.h"

static int run(const struct hec_arguments *arguments)
{
    (void)arguments;
    printf("hecate %s\n", HEC_VERSION);
    printf("  librdkafka %s\n  yyjson     %s\n  zstd       %s\n", hec_kafka_version(),
           YYJSON_VERSION_STRING, hec_zstd_version());
    return HEC_EXIT_OK;
}

const struct hec_command hec_cmd_version = {
    .name = "version",
    .line = "prints the version of Hecate and of the libraries it runs on",
    .examples = { "hecate version", "hecate --version" },
    .run = run,
};
