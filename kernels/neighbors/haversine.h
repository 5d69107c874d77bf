/* Points on the sphere: latitude, longitude and the cosine of the latitude, in radians.
 *
 * The reduced distance is scikit-learn's formula, operation for operation, with the C library's sines: the same bits.  It is the square of half
 * the chord between the points' unit vectors: as computed, the two squares (the chord's is four times as large) agree to FML_REACH of the larger
 * one and FML_SPECK where latitudes lie between the poles and no longitude is beyond FML_TURN.  For a chord c is off by less than 6e-15 in
 * all (coordinates err by 4e-16, a difference of longitudes by 9e-16), so its square by 1.2e-14 c, at most 1.5e-7 c^2 + 3e-22.
 */
#ifndef FML_HAVERSINE_H
#define FML_HAVERSINE_H
#include <math.h>
#include "lanes.h"

#define FML_TURN 7.0
#define FML_REACH 1e-6
#define FML_SPECK 1e-20

/* Of two points (3,). */
FML_INLINE double fml_haversine(const double *a, const double *b) {
    const double north = sin(0.5 * (a[0] - b[0])), east = sin(0.5 * (a[1] - b[1]));
    return north * north + a[2] * b[2] * east * east;
}

/* The angle of a reduced distance, and the other way round. */
FML_INLINE double fml_arc(double reduced) { return 2 * asin(sqrt(reduced)); }
FML_INLINE double fml_half_chord(double arc) {
    const double sine = sin(0.5 * arc);
    return sine * sine;
}

/* out (6,): the unit vector of a latitude and a longitude, and the point. */
FML_INLINE void fml_direction(const double *x, double *out) {
    const double across = cos(x[0]);
    out[0] = across * cos(x[1]), out[1] = across * sin(x[1]), out[2] = sin(x[0]);
    out[3] = x[0], out[4] = x[1], out[5] = across;
}
#endif
