/* The circuit: opens above a share of a minute's records, and only somebody closes it. */
#include "engine/circuit.h"

#include <criterion/criterion.h>

#define T0 1000000000

static struct hec_circuit circuit_of(double ratio_max)
{
    return (struct hec_circuit){ .ratio_max = ratio_max, .records_min = 100 };
}

Test(circuit, opens_above_the_share_and_not_at_it)
{
    struct hec_circuit circuit = circuit_of(0.05);
    cr_expect_not(hec_circuit_count(&circuit, 200, 10, T0));
    cr_expect(hec_circuit_count(&circuit, 0, 1, T0 + 1), "11 of 200 are more than 5 %%");
    cr_expect(circuit.is_open);
}

Test(circuit, says_nothing_of_fewer_records_than_it_wants)
{
    struct hec_circuit circuit = circuit_of(0.05);
    cr_expect_not(hec_circuit_count(&circuit, 99, 99, T0));
    cr_expect(hec_circuit_count(&circuit, 1, 1, T0));
}

Test(circuit, forgets_what_is_older_than_a_minute)
{
    struct hec_circuit circuit = circuit_of(0.05);
    int64_t records, letters;
    cr_expect_not(hec_circuit_count(&circuit, 99, 50, T0));
    hec_circuit_sum(&circuit, T0 + 49999, &records, &letters);
    cr_expect_eq(records, 99);
    cr_expect_eq(letters, 50);
    hec_circuit_sum(&circuit, T0 + 60000, &records, &letters);
    cr_expect_eq(records, 0);
    cr_expect_eq(letters, 0);
    cr_expect_not(hec_circuit_count(&circuit, 100, 5, T0 + 60000));
}

Test(circuit, stays_open_until_it_is_closed_and_begins_anew)
{
    struct hec_circuit circuit = circuit_of(0.05);
    cr_expect(hec_circuit_count(&circuit, 100, 50, T0));
    cr_expect_not(hec_circuit_count(&circuit, 100, 100, T0), "it opens once");
    cr_expect_not(hec_circuit_count(&circuit, 1000000, 0, T0 + 600000));
    cr_expect(circuit.is_open);
    hec_circuit_close(&circuit);
    cr_expect_not(circuit.is_open);
    cr_expect_not(hec_circuit_count(&circuit, 99, 99, T0 + 600000), "what was before is forgotten");
}

Test(circuit, never_opens_at_zero)
{
    struct hec_circuit circuit = circuit_of(0);
    cr_expect_not(hec_circuit_count(&circuit, 1000, 1000, T0));
    cr_expect_not(circuit.is_open);
}
