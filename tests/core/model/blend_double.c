/* Blends once more in double, for checking gradients. */
#define HEC_REAL_DOUBLE
#include "model/blend.c"
