/* hecate: the command line. */
#include "cli/command.h"

int main(int count, char **texts)
{
    return hec_cli_main(count, texts);
}
