/* A node's samples in scikit-learn's arrangement, for rounded sums with its bits: the variance of one target.
 *
 * Its sums run over the samples as its sort has left them, and that is not stable: every feature that is drawn sorts
 * what the one before it has left, and the split parts it by swaps. Here this is done over again, with the same outcome:
 * sklearn/utils/_sorting.pyx and sklearn/tree/_partitioner.pyx. Where the values of the node are all different there is
 * nothing to do: the outcome is the sorted list, whatever was before.
 *
 * Musser, Introspective sorting and selection algorithms, Software: Practice and Experience 27 (1997).
 */
#ifndef FML_TREE_ARRANGED_H
#define FML_TREE_ARRANGED_H
#include "part.h"
#include "scan.h"

#define FML_INSERTED 15 /* entries that scikit-learn sorts by insertion */
#define FML_FEW_EQUAL 8

/* A part of the node that is sorted. An entry is  value | sample,  32 bits each; the value in sortable form. */
typedef struct {
    uint64_t *entries, *room;           /* (n + 1,) */
    const uint64_t *list;               /* (n,)  the outcome but for the order of equal values */
    const uint32_t *n_ties;             /* (n,)  how many entries of the node's list up to this one equal the one before */
    ptrdiff_t n;
} fml_part;

static inline uint32_t fml_key(uint64_t entry) { return (uint32_t)(entry >> 32); }

static inline void fml_swap(uint64_t *a, ptrdiff_t i, ptrdiff_t j) {
    const uint64_t swap = a[i];
    a[i] = a[j];
    a[j] = swap;
}

static inline void fml_sift_down(uint64_t *a, ptrdiff_t root, ptrdiff_t n) {
    for (;;) {
        const ptrdiff_t child = 2 * root + 1;
        ptrdiff_t top = root;
        if (child < n && fml_key(a[top]) < fml_key(a[child])) top = child;
        if (child + 1 < n && fml_key(a[top]) < fml_key(a[child + 1])) top = child + 1;
        if (top == root) return;
        fml_swap(a, root, top);
        root = top;
    }
}

static void fml_heapsort(uint64_t *a, ptrdiff_t n) {
    for (ptrdiff_t start = (n - 2) / 2; start >= 0; start--) fml_sift_down(a, start, n);
    for (ptrdiff_t end = n - 1; end > 0; end--) {
        fml_swap(a, 0, end);
        fml_sift_down(a, 0, end);
    }
}

static inline uint32_t fml_median_of_3(uint32_t a, uint32_t b, uint32_t c) {
    const uint32_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Move what is larger than the pivot to the end; returns how many are not.
 *
 * scikit-learn goes through the entries from the front. A larger one changes places with the last that was not moved,
 * which is looked at next. So a larger one of the front gives way to the next from the back that is not larger, and
 * each larger one of the back moves down by one; the first of them takes the last place that becomes free. */
static ptrdiff_t fml_move_larger(uint64_t *a, ptrdiff_t n, uint32_t pivot, uint64_t *room) {
    ptrdiff_t high = 0, k = 0, found = 0;
    for (ptrdiff_t p = 0; p < n; p++) high += fml_key(a[p]) <= pivot;
    for (ptrdiff_t p = 0; p < high; p++) {
        room[k] = a[p];
        k += fml_key(a[p]) > pivot;
    }
    if (high == n) return high;
    room[k] = a[high];
    uint64_t *const from_back = room + k + 1, entry = a[n - 1];
    a[n - 1] = room[0];
    for (ptrdiff_t q = n - 1; q > high; q--) {
        const ptrdiff_t is_larger = fml_key(entry) > pivot;
        const uint64_t next = a[q - 1];
        from_back[found] = entry;
        found += 1 - is_larger;
        a[q - 1] = is_larger ? entry : room[found];
        entry = next;
    }
    if (found < k) from_back[found] = entry;
    found = 0;
    for (ptrdiff_t p = 0; p < high; p++) {
        const ptrdiff_t is_larger = fml_key(a[p]) > pivot;
        a[p] = is_larger ? from_back[found] : a[p];
        found += is_larger;
    }
    return high;
}

/* Move what is less than the pivot to the front; returns how many are.
 *
 * Each of these changes places with the first of the equal ones, so that these go round. */
static ptrdiff_t fml_move_less(uint64_t *restrict a, ptrdiff_t n, uint32_t pivot, uint64_t *restrict room) {
    ptrdiff_t low = 0, n_equal = 0;
    for (ptrdiff_t p = 0; p < n; p++) n_equal += fml_key(a[p]) == pivot;
    if (n_equal == n) return 0;
    if (n_equal > FML_FEW_EQUAL || n < 64) {
        for (ptrdiff_t p = 0; p < n; p++) {
            const uint64_t entry = a[p], first = a[low];
            const int is_less = fml_key(entry) < pivot;
            a[p] = is_less ? first : entry;
            a[low] = is_less ? entry : first;
            low += is_less;
        }
        return low;
    }
    ptrdiff_t before[FML_FEW_EQUAL + 2];
    n_equal = 0;
    for (ptrdiff_t p = 0; p < n; p++) {
        const uint64_t entry = a[p];
        const int is_less = fml_key(entry) < pivot;
        a[low] = entry;
        low += is_less;
        room[n_equal] = entry;
        before[n_equal] = low;
        n_equal += !is_less;
    }
    before[n_equal] = low;
    for (ptrdiff_t m = 1; m <= n_equal; m++) /* of m equal ones as many turns as come before the next */
        for (ptrdiff_t turns = (before[m] - before[m - 1]) % m; turns > 0; turns--) {
            const uint64_t first = room[0];
            memmove(room, room + 1, (m - 1) * sizeof *room);
            room[m - 1] = first;
        }
    memcpy(a + low, room, n_equal * sizeof *a);
    return low;
}

static void fml_introsort(fml_part s, int depth) {
    while (s.n > FML_INSERTED) {
        uint64_t *const a = s.entries;
        if (s.n_ties[s.n - 1] == s.n_ties[0]) {
            for (ptrdiff_t p = 0; p < s.n; p++) a[p] = fml_sample(s.list[p]);
            return;
        }
        if (depth-- <= 0) {
            fml_heapsort(a, s.n);
            return;
        }
        if (s.n_ties[s.n - 1] - s.n_ties[0] == s.n - 1) return; /* all are equal: none is moved */
        const uint32_t pivot = fml_median_of_3(fml_key(a[0]), fml_key(a[s.n / 2]), fml_key(a[s.n - 1]));
        const ptrdiff_t high = fml_move_larger(a, s.n, pivot, s.room), low = fml_move_less(a, high, pivot, s.room);
        fml_introsort((fml_part){a, s.room, s.list, s.n_ties, low}, depth);
        s = (fml_part){a + high, s.room, s.list + high, s.n_ties + high, s.n - high};
    }
    for (ptrdiff_t i = 1; i < s.n; i++) {
        const uint64_t entry = s.entries[i];
        ptrdiff_t j = i;
        for (; j > 0 && fml_key(s.entries[j - 1]) > fml_key(entry); j--) s.entries[j] = s.entries[j - 1];
        s.entries[j] = entry;
    }
}

/* The same where there are only two values. */
static void fml_sort_two(fml_part s) {
    const uint64_t *const a = s.entries;
    const uint32_t pivot = fml_median_of_3(fml_key(a[0]), fml_key(a[s.n / 2]), fml_key(a[s.n - 1]));
    if (fml_move_larger(s.entries, s.n, pivot, s.room) == s.n) fml_move_less(s.entries, s.n, pivot, s.room);
}

/* How many entries of a sorted list have the first one's value. */
static ptrdiff_t fml_count_first(const uint64_t *list, ptrdiff_t n) {
    ptrdiff_t low = 1, high = n;
    while (low < high) {
        const ptrdiff_t middle = (low + high) / 2;
        if (fml_rank(list[middle]) == fml_rank(list[0])) low = middle + 1;
        else high = middle;
    }
    return low;
}

static inline const uint64_t *fml_list(const fml_tree *t, ptrdiff_t f) { return t->lists + f * t->n_used + t->start; }

static int fml_has_ties(const fml_tree *t, ptrdiff_t f) {
    const uint64_t *const list = fml_list(t, f);
    const ptrdiff_t n = t->end - t->start;
    if (t->g->n_distinct[f] == t->g->n) return 0;
    for (ptrdiff_t p = 1; p < n; p++)
        if (fml_rank(list[p]) == fml_rank(list[p - 1])) return 1;
    return 0;
}

/* Sort the node's samples by feature f. */
static void fml_arrange(fml_tree *t, ptrdiff_t f) {
    const ptrdiff_t n = t->end - t->start;
    uint32_t *const samples = t->arrangement + t->start, *const n_ties = t->n_ties;
    fml_part s = {t->scratch->entries, t->scratch->sorted, fml_list(t, f), n_ties, n};
    const float *const x = t->g->columns + f * t->g->n;
    const ptrdiff_t n_first = fml_count_first(s.list, n);
    if (n_first == n) return; /* all are equal: none is moved */
    for (ptrdiff_t p = 0; p < n; p++) s.entries[p] = (uint64_t)fml_ordered(x[samples[p]]) << 32 | samples[p];
    if (n > FML_INSERTED && fml_rank(s.list[n_first]) == fml_rank(s.list[n - 1])) fml_sort_two(s);
    else {
        int floor_log2 = 0;
        while (n >> (floor_log2 + 1)) floor_log2++;
        n_ties[0] = 0;
        for (ptrdiff_t p = 1; p < n; p++) n_ties[p] = n_ties[p - 1] + (fml_rank(s.list[p]) == fml_rank(s.list[p - 1]));
        fml_introsort(s, 2 * floor_log2);
    }
    for (ptrdiff_t p = 0; p < n; p++) samples[p] = (uint32_t)s.entries[p];
}

/* Arrange the samples as the k-th feature that was drawn leaves them; *at: which one did so last, -1: none in this node. */
static void fml_arrange_up_to(fml_tree *t, ptrdiff_t k, ptrdiff_t *at) {
    ptrdiff_t j = k;
    while (j > *at && fml_has_ties(t, t->order[j])) j--;
    if (j > *at) {
        const uint64_t *const list = fml_list(t, t->order[j]);
        for (ptrdiff_t p = t->start; p < t->end; p++) t->arrangement[p] = fml_sample(list[p - t->start]);
    }
    while (j < k) fml_arrange(t, t->order[++j]);
    *at = k;
}

/* The best split of feature f, by which the samples are arranged. Sums follow the candidates from the left, or come from
 * the right end where that is nearer. */
static void fml_scan_arranged(const fml_tree *t, ptrdiff_t f, fml_split *best) {
    const fml_growth *g = t->g;
    const ptrdiff_t n = t->end - t->start, least = g->min_leaf;
    const uint64_t *const list = fml_list(t, f);
    const uint32_t *const samples = t->arrangement + t->start;
    const fml_search s = {.entries = list, .values = g->values + f * g->n, .tight = fml_tight(g, f)};
    fml_block block;
    double weight = 0, sum = 0;
    ptrdiff_t done = 0;
    for (ptrdiff_t p = least > 1 ? least : 1; p < n && n - p >= least; p++) {
        if (!fml_is_gap(&s, p - 1)) continue;
        if (p - done <= n - p)
            for (; done < p; done++) {
                const double w = fml_weight(t, samples[done]);
                sum += w * g->y[samples[done]];
                weight += w;
            }
        else {
            sum = t->total.sums[0];
            weight = t->total.weight;
            for (ptrdiff_t q = n; q-- > p;) {
                const double w = fml_weight(t, samples[q]);
                sum -= w * g->y[samples[q]];
                weight -= w;
            }
            done = p;
        }
        block.weight[0] = weight;
        block.a[0] = sum;
        fml_proxies_mse(t, &block, 1);
        if (!(block.proxy[0] > best->proxy)) continue;
        best->proxy = block.proxy[0];
        fml_note_place(best, p, fml_rank(list[p - 1]), fml_rank(list[p]), 0, 0);
    }
}

/* Find the winner among the features that were drawn, if their best splits are too close to call, and arrange the samples
 * as the last one leaves them. found: their splits; best: of these the best. */
static ptrdiff_t fml_settle(fml_tree *t, ptrdiff_t winner, double second, fml_split *best) {
    const double lowest = best->proxy - fml_doubt_of_proxy(t, best);
    ptrdiff_t at = -1;
    if (second >= lowest) {
        best->proxy = -INFINITY;
        for (ptrdiff_t k = 0; k < t->n_drawn; k++) {
            const ptrdiff_t f = t->order[k];
            fml_split split = {.proxy = -INFINITY};
            if (t->found[f].constant || t->found[f].proxy < lowest) continue;
            fml_arrange_up_to(t, k, &at);
            fml_scan_arranged(t, f, &split);
            if (!(split.proxy > best->proxy)) continue;
            *best = split;
            winner = f;
        }
    }
    fml_arrange_up_to(t, t->n_drawn - 1, &at);
    return winner;
}

/* Part the node's samples by swaps, after their sides were marked. */
static void fml_part_arrangement(fml_tree *t) {
    uint32_t *const samples = t->arrangement;
    ptrdiff_t p = t->start, end = t->end;
    while (p < end) {
        const uint32_t i = samples[p];
        const ptrdiff_t is_right = !fml_is_left(t, i);
        end -= is_right;
        const ptrdiff_t to = is_right ? end : p;
        const uint32_t other = samples[to];
        samples[to] = i;
        samples[p] = other;
        p += 1 - is_right;
    }
}

/* Let sums run over the samples as they are arranged, and back. */
static inline void fml_swap_samples(fml_tree *t) {
    uint32_t *const samples = t->samples;
    if (!t->g->arranged) return;
    t->samples = t->arrangement;
    t->arrangement = samples;
}
#endif
