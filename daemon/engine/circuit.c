/* Counts in slices of ten seconds; a slice that is older than a minute is another one's. */
#include "engine/circuit.h"

#include <string.h>

void hec_circuit_sum(const struct hec_circuit *circuit, int64_t now_ms, int64_t *records,
                     int64_t *letters)
{
    int64_t oldest = now_ms / HEC_CIRCUIT_SLICE_MS - HEC_CIRCUIT_SLICES + 1;
    *records = 0;
    *letters = 0;
    for (int i = 0; i < HEC_CIRCUIT_SLICES; i++) {
        if (circuit->slice[i] >= oldest) {
            *records += circuit->records[i];
            *letters += circuit->letters[i];
        }
    }
}

bool hec_circuit_count(struct hec_circuit *circuit, int64_t records, int64_t letters,
                       int64_t now_ms)
{
    int64_t slice = now_ms / HEC_CIRCUIT_SLICE_MS;
    int at = (int)(slice % HEC_CIRCUIT_SLICES);
    if (circuit->slice[at] != slice) {
        circuit->slice[at] = slice;
        circuit->records[at] = 0;
        circuit->letters[at] = 0;
    }
    circuit->records[at] += records;
    circuit->letters[at] += letters;
    if (circuit->is_open || circuit->ratio_max <= 0 || letters == 0) {
        return false;
    }
    int64_t all, bad;
    hec_circuit_sum(circuit, now_ms, &all, &bad);
    circuit->is_open =
        all >= circuit->records_min && (double)bad > circuit->ratio_max * (double)all;
    return circuit->is_open;
}

void hec_circuit_close(struct hec_circuit *circuit)
{
    circuit->is_open = false;
    memset(circuit->slice, 0, sizeof(circuit->slice));
    memset(circuit->records, 0, sizeof(circuit->records));
    memset(circuit->letters, 0, sizeof(circuit->letters));
}
