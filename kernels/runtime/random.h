/* The random streams of scikit-learn's compiled code and of numpy.random.RandomState, for loops without the GIL.
 *
 * Twin: random_jit.py. The states are plain arrays of uint32 that the caller owns: one word for the xorshift; the 624
 * words of MT19937 and the position in them for the Mersenne Twister (see mt19937.py).
 */
#ifndef FASTML_RANDOM_H
#define FASTML_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Marsaglia, Xorshift RNGs (2003), the triple 13, 17, 5: 0..2^31-1. A seed of zero, its fixed point, counts as 1. */
static inline uint32_t xorshift(uint32_t *seed) {
    uint32_t s = *seed ? *seed : 1;
    s ^= s << 13;
    s ^= s >> 17;
    s ^= s << 5;
    *seed = s;
    return s & 0x7fffffffu;
}

#define MT_WORDS 624
#define MT_SHIFT 397

static inline uint32_t mt_twist(uint32_t high, uint32_t low, uint32_t far) {
    uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
    return far ^ (y >> 1) ^ (-(low & 1u) & 0x9908b0dfu);
}

/* Matsumoto and Nishimura (1998): the next 624 words. */
static inline void mt_refill(uint32_t *mt) {
    int k = 0;
    for (; k < MT_WORDS - MT_SHIFT; k++) mt[k] = mt_twist(mt[k], mt[k + 1], mt[k + MT_SHIFT]);
    for (; k < MT_WORDS - 1; k++) mt[k] = mt_twist(mt[k], mt[k + 1], mt[k + MT_SHIFT - MT_WORDS]);
    mt[k] = mt_twist(mt[k], mt[0], mt[MT_SHIFT - 1]);
    mt[MT_WORDS] = 0;
}

/* RandomState(seed): Knuth's multiplier; the first draw refills. */
static inline void mt_seed(uint32_t *mt, uint32_t seed) {
    mt[0] = seed;
    for (uint32_t k = 1; k < MT_WORDS; k++) mt[k] = UINT32_C(1812433253) * (mt[k - 1] ^ (mt[k - 1] >> 30)) + k;
    mt[MT_WORDS] = MT_WORDS;
}

static inline uint32_t mt_next(uint32_t *mt) {
    if (mt[MT_WORDS] >= MT_WORDS) mt_refill(mt);
    uint32_t y = mt[mt[MT_WORDS]++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

/* RandomState.random_sample: [0, 1) with 53 bits. `uniform(low, high)` is low + (high - low) * that. */
static inline double mt_double(uint32_t *mt) {
    uint32_t a = mt_next(mt) >> 5, b = mt_next(mt) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

/* All bits up to the highest of last > 0. */
static inline uint64_t mt_mask(uint64_t last) { return UINT64_MAX >> __builtin_clzll(last); }

/* 0..last by masked rejection, as RandomState.randint (64-bit, its default) and shuffle draw. No draw for last = 0. */
static inline uint64_t mt_bounded(uint32_t *mt, uint64_t last) {
    if (!last) return 0;
    const uint64_t mask = mt_mask(last);
    uint64_t value;
    do {
        value = mt_next(mt);
        if (last > 0xffffffffu) value = value << 32 | mt_next(mt);
        value &= mask;
    } while (value > last);
    return value;
}

/* order (n,)  out: what RandomState.permutation(n) returns; n <= 2^32. Twin: permutation.
 *
 * Two of seven words are rejected at an average bound, which no branch predictor foresees: here a rejected word
 * swaps a place with itself. And the mask is computed once per power of 2. */
static void mt_permutation(uint32_t *mt, ptrdiff_t n, uint32_t *order) {
    for (ptrdiff_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    if (n < 2) return;
    uint64_t last = (uint64_t)n - 1;
    for (uint64_t mask = mt_mask(last); mask; mask >>= 1)
        while (last > mask >> 1) {
            const uint64_t value = mt_next(mt) & mask, place = value <= last ? value : last;
            const uint32_t moved = order[last];
            order[last] = order[place], order[place] = moved;
            last -= value <= last;
        }
}

/* How often each place is drawn by n_draws of RandomState.randint(0, n), n <= 2^32. Twin: count_draws.
 *
 * counts (n,)  in, out.  Returns whether one went beyond 255. Here, too, a rejected word is no branch. */
static int mt_count_draws(uint32_t *mt, ptrdiff_t n_draws, ptrdiff_t n, uint8_t *counts) {
    const uint64_t last = (uint64_t)n - 1;
    int beyond = 0;
    if (!last) {
        counts[0] = (uint8_t)n_draws;
        return n_draws > UINT8_MAX;
    }
    const uint64_t mask = mt_mask(last);
    while (n_draws) {
        const uint64_t value = mt_next(mt) & mask;
        const int is_drawn = value <= last;
        uint8_t *const count = counts + (is_drawn ? value : 0);
        *count = (uint8_t)(*count + is_drawn);
        beyond |= is_drawn & !*count;
        n_draws -= is_drawn;
    }
    return beyond;
}

#endif
