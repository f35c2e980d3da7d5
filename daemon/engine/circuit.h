/*
 * The circuit: too large a share of dead letters means that somebody changed what he sends, and not
 * that many records are bad. Then nothing more is taken, instead of emptying a topic into another
 * one, until somebody has looked.
 */
#ifndef HECATE_ENGINE_CIRCUIT_H
#define HECATE_ENGINE_CIRCUIT_H

#include <stdbool.h>
#include <stdint.h>

#define HEC_CIRCUIT_SLICES 6
#define HEC_CIRCUIT_SLICE_MS 10000 /* six of them: a minute */

/* All zero is a closed one that never opens. Nothing to free. */
struct hec_circuit {
    double ratio_max;    /* opens above this share of dead letters; 0: never */
    int64_t records_min; /* fewer records say nothing */
    bool is_open;
    int64_t slice[HEC_CIRCUIT_SLICES]; /* which stretch of time the counts are of */
    int64_t records[HEC_CIRCUIT_SLICES], letters[HEC_CIRCUIT_SLICES];
};

/** Counts records, letters of which were set aside. @return true when this opened it */
bool hec_circuit_count(struct hec_circuit *circuit, int64_t records, int64_t letters,
                       int64_t now_ms);

/** The last minute's records and how many of them were set aside. */
void hec_circuit_sum(const struct hec_circuit *circuit, int64_t now_ms, int64_t *records,
                     int64_t *letters);

/** Closes it and forgets what it counted. */
void hec_circuit_close(struct hec_circuit *circuit);

#endif
