/*
 * Logarithm and exponential in float without libm, so that loops over them vectorise and every
 * machine gets the same bits. Polynomials of Cephes (Moshier); both within 2 ulp in their range.
 */
#ifndef HEC_MODEL_ELEMENTARY_H
#define HEC_MODEL_ELEMENTARY_H

#include <stdint.h>
#include <string.h>

#define HEC_LN2_HIGH 0.693359375f
#define HEC_LN2_LOW (-2.12194440e-4f)

/* sign(x) log(1 + |x|). Above 1e30 counts as 1e30. NaN gives some finite number: select before. */
static inline float hec_signed_log1p(float x)
{
    float a = x < 0 ? -x : x;
    a = a < 1e30f ? a : 1e30f;
    float u = 1 + a;
    float lost = (a - (u - 1)) / u; /* what the addition rounded away */

    int32_t bits;
    memcpy(&bits, &u, sizeof(bits));
    bits += 0x3f800000 - 0x3f3504f3; /* so that the mantissa runs from sqrt(1/2) to sqrt(2) */
    float exponent = (float)((bits >> 23) - 127);
    bits = (bits & 0x7fffff) + 0x3f3504f3;
    float f;
    memcpy(&f, &bits, sizeof(f));
    f -= 1;

    float z = f * f;
    float y = 7.0376836292e-2f;
    y = y * f - 1.1514610310e-1f;
    y = y * f + 1.1676998740e-1f;
    y = y * f - 1.2420140846e-1f;
    y = y * f + 1.4249322787e-1f;
    y = y * f - 1.6668057665e-1f;
    y = y * f + 2.0000714765e-1f;
    y = y * f - 2.4999993993e-1f;
    y = y * f + 3.3333331174e-1f;
    y = y * f * z + HEC_LN2_LOW * exponent - 0.5f * z;
    float log = f + y + HEC_LN2_HIGH * exponent + lost;
    return x < 0 ? -log : log;
}

/* e^x, 0 below -87, e^88 above 88. */
static inline float hec_exp(float x)
{
    x = x < 88 ? x : 88;
    x = x > -87 ? x : -87;
    float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = x - n * HEC_LN2_HIGH - n * HEC_LN2_LOW;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = 1 + r + r * r * y;

    int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof(power));
    return y * power;
}

static inline float hec_sigmoid(float z)
{
    float tail = hec_exp(z < 0 ? z : -z);
    return (z < 0 ? tail : 1.0f) / (1 + tail);
}

#endif
