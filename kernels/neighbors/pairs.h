/* Pairs of a number and an index, in the order of the number and, among equal numbers, of the index: no two are equal. */
#ifndef FML_PAIRS_H
#define FML_PAIRS_H
#include <stddef.h>
#include <stdint.h>
#include "lanes.h"

typedef struct {
    double key;
    int64_t index;
} fml_pair;

FML_INLINE int fml_before(fml_pair a, fml_pair b) { return a.key < b.key || (a.key == b.key && a.index < b.index); }

/* Which of the k nearest of sample i is left out: the sample itself, or where more than k others lie in its place the first of these,
 * as scikit-learn leaves it out.  index: k numbers, each `step` after the last. */
FML_INLINE ptrdiff_t fml_left_out(const int64_t *index, ptrdiff_t step, ptrdiff_t k, int64_t i) {
    for (ptrdiff_t j = 0; j < k; j++)
        if (index[j * step] == i) return j;
    return 0;
}

/* Lets pairs[at] sink to its place in a heap of n pairs with the last of them on top. */
static inline void fml_sink(fml_pair *pairs, ptrdiff_t at, ptrdiff_t n) {
    const fml_pair sinking = pairs[at];
    for (ptrdiff_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && fml_before(pairs[child], pairs[child + 1])) child++;
        if (!fml_before(sinking, pairs[child])) break;
        pairs[at] = pairs[child];
    }
    pairs[at] = sinking;
}

/* Sorts n pairs that form a heap. */
static inline void fml_sort_heap(fml_pair *pairs, ptrdiff_t n) {
    while (n-- > 1) {
        const fml_pair last = pairs[0];
        pairs[0] = pairs[n], pairs[n] = last;
        fml_sink(pairs, 0, n);
    }
}

static inline void fml_sort_pairs(fml_pair *pairs, ptrdiff_t n) {
    if (n <= 24) {                   /* insertion */
        for (ptrdiff_t i = 1; i < n; i++) {
            const fml_pair moving = pairs[i];
            ptrdiff_t at = i;
            for (; at > 0 && fml_before(moving, pairs[at - 1]); at--) pairs[at] = pairs[at - 1];
            pairs[at] = moving;
        }
        return;
    }
    for (ptrdiff_t at = n / 2; at-- > 0;) fml_sink(pairs, at, n);
    fml_sort_heap(pairs, n);
}

/* Reorders n pairs so that the first `left` come before all others.  Hoare's selection by the median of three; where
 * that goes badly, the rest is sorted.  Whatever the keys are (NaN too), no pair outside is touched: an element stops each scan. */
static inline void fml_select(fml_pair *pairs, ptrdiff_t n, ptrdiff_t left) {
    ptrdiff_t first = 0, last = n - 1;
    for (int rounds = 64; first < last; rounds--) {
        if (rounds == 0) {
            fml_sort_pairs(pairs + first, last - first + 1);
            return;
        }
        const fml_pair a = pairs[first], b = pairs[first + (last - first) / 2], c = pairs[last];
        const fml_pair low = fml_before(b, a) ? b : a, high = fml_before(b, a) ? a : b;
        const fml_pair pivot = fml_before(c, low) ? low : fml_before(c, high) ? c : high;
        ptrdiff_t i = first, j = last;
        while (i <= j) {
            while (fml_before(pairs[i], pivot)) i++;
            while (fml_before(pivot, pairs[j])) j--;
            if (i <= j) {
                const fml_pair swapped = pairs[i];
                pairs[i++] = pairs[j], pairs[j--] = swapped;
            }
        }
        if (left <= j) last = j;
        else if (left >= i) first = i;
        else return;
    }
}
#endif
