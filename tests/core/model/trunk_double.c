/* The trunks once more in double, for checking gradients. */
#define HEC_REAL_DOUBLE
#include "model/trunk.c"
