/* Losses of one sample and their derivatives with respect to the prediction p. Twin: loss_jit.py.
 *
 * The operations are scikit-learn's, one by one. `bound` is a hinge's threshold, or epsilon. */
#ifndef FML_LOSS_H
#define FML_LOSS_H
#include <math.h>

enum { FML_HINGE, FML_SQUARED_HINGE, FML_MODIFIED_HUBER, FML_LOG, FML_SQUARED, FML_HUBER, FML_EPSILON, FML_SQUARED_EPSILON };

static inline double fml_log1pexp(double x) {
    if (x <= -37) return exp(x);
    if (x <= -2) return log1p(exp(x));
    if (x <= 18) return log(1. + exp(x));
    return x <= 33.3 ? x + exp(-x) : x;
}

static inline double fml_loss(int kind, double bound, double y, double p) {
    double z;
    switch (kind) {
    case FML_HINGE:
        z = p * y;
        return z <= bound ? bound - z : 0.0;
    case FML_SQUARED_HINGE:
        z = bound - p * y;
        return z > 0 ? z * z : 0.0;
    case FML_MODIFIED_HUBER:
        z = p * y;
        return z >= 1.0 ? 0.0 : z >= -1.0 ? (1.0 - z) * (1.0 - z) : -4.0 * z;
    case FML_LOG:
        return fml_log1pexp(p) - y * p;
    case FML_SQUARED:
        return 0.5 * (p - y) * (p - y);
    case FML_HUBER:
        z = fabs(y - p);
        return z <= bound ? 0.5 * (z * z) : bound * (z - 0.5 * bound);
    case FML_EPSILON:
        z = fabs(y - p) - bound;
        return z > 0 ? z : 0.0;
    default:
        z = fabs(y - p) - bound;
        return z > 0 ? z * z : 0.0;
    }
}

static inline double fml_gradient(int kind, double bound, double y, double p) {
    double z;
    switch (kind) {
    case FML_HINGE:
        return p * y <= bound ? -y : 0.0;
    case FML_SQUARED_HINGE:
        z = bound - p * y;
        return z > 0 ? -2 * y * z : 0.0;
    case FML_MODIFIED_HUBER:
        z = p * y;
        return z >= 1.0 ? 0.0 : z >= -1.0 ? 2.0 * (1.0 - z) * -y : -4.0 * y;
    case FML_LOG:
        if (p <= -37) return exp(p) - y;
        z = exp(-p);
        return ((1 - y) - y * z) / (1 + z);
    case FML_SQUARED:
        return p - y;
    case FML_HUBER:
        z = p - y;
        return fabs(z) <= bound ? z : z >= 0 ? bound : -bound;
    case FML_EPSILON:
        return y - p > bound ? -1 : p - y > bound ? 1 : 0;
    default:
        z = y - p;
        return z > bound ? -2 * (z - bound) : z < -bound ? 2 * (-z - bound) : 0;
    }
}

/* How far p is from where the derivative jumps; INFINITY where it does not. */
static inline double fml_from_jump(int kind, double bound, double y, double p) {
    if (kind == FML_HINGE) return fabs(p * y - bound);
    return kind == FML_EPSILON ? fabs(fabs(y - p) - bound) : INFINITY;
}
#endif
