/* The best split of a feature of which nothing was prepared: its values are sorted in the node, and ranked among these.
 *
 * That costs more in every node and nothing before: it pays where a few trees draw few of many features.
 */
#ifndef FML_TREE_UNRANKED_H
#define FML_TREE_UNRANKED_H
#include "scan.h"
#include "threshold.h"

/* So many samples are sorted by counting how many come before each; 32 to 256 made a tree's time differ by 5 %. */
#define FML_COUNTED 64

static inline int fml_is_unranked(const fml_growth *g) { return !g->values && !g->random; }

static inline float fml_given(const fml_growth *g, uint32_t i, ptrdiff_t f) {
    return g->rows ? g->rows[i * g->d + f] : g->columns[f * g->n + i];
}

/* Sort few keys by counting. */
static void fml_count_keys(uint64_t *restrict keys, uint64_t *restrict room, ptrdiff_t n) {
    int32_t values[FML_COUNTED + 16] = {0};
    for (ptrdiff_t p = 0; p < n; p++) values[p] = (int32_t)((uint32_t)(keys[p] >> 32) ^ 0x80000000u);
    memcpy(room, keys, n * sizeof *keys);
    for (ptrdiff_t first = 0; first < n; first += 16) {
        const ptrdiff_t next = first + 16 < n ? first + 16 : n;
        const int32_t *const own = values + first;
        int32_t before[16] = {0};
        for (ptrdiff_t q = 0; q < first; q++)
            for (int l = 0; l < 16; l++) before[l] += values[q] <= own[l];
        for (int q = 0; q < next - first; q++)
            for (int l = 0; l < 16; l++) before[l] += (own[q] < own[l]) | ((own[q] == own[l]) & (q < l));
        for (ptrdiff_t q = next; q < n; q++)
            for (int l = 0; l < 16; l++) before[l] += values[q] < own[l];
        for (ptrdiff_t p = first; p < next; p++) keys[before[p - first]] = room[p];
    }
}

/* A value that many have: three of eight; NaN: there is none. */
static float fml_frequent(const float *x, ptrdiff_t n) {
    int most = 2;
    float value = NAN;
    for (int j = 0; j < 6 && n >= 32; j++) {
        int alike = 0;
        for (int k = 0; k < 8; k++) alike += x[k * n / 8] == x[j * n / 8];
        value = alike > most ? x[j * n / 8] : value;
        most = alike > most ? alike : most;
    }
    return value;
}

/* Sort keys, which are  value << 32 | place,  by their values: equal ones keep their order. room: for n. */
static void fml_sort_keys(uint64_t *keys, uint64_t *room, ptrdiff_t n) {
    ptrdiff_t i = 1;
    while (i < n && keys[i] >> 32 >= keys[i - 1] >> 32) i++; /* all the same, beside a frequent one */
    if (i >= n) return;
    if (n < 4 || n > FML_COUNTED) fml_sort(keys, room, n, 32, 64);
    else fml_count_keys(keys, room, n);
}

/* The node's values by rank, and their entries as in ranks.h. */
typedef struct {
    uint64_t *entries;
    float *values;
    uint64_t *tight;
    uint64_t *room;                     /* (n,) */
    ptrdiff_t n_distinct;
    int close;                          /* whether any value is too close to the next one */
} fml_ranking;

static void fml_add_value(fml_ranking *r, float value) {
    const ptrdiff_t rank = r->n_distinct++;
    r->values[rank] = value;
    if (rank == 0 || value > r->values[rank - 1] + fml_too_close) return;
    r->tight[(rank - 1) >> 6] |= 1ull << ((rank - 1) & 63);
    r->close = 1;
}

/* Rank m sorted keys, all of them above those before; their entries are entries[at:]. */
static void fml_rank_keys(const fml_tree *t, const uint64_t *keys, ptrdiff_t m, ptrdiff_t at, fml_ranking *r) {
    const uint32_t *const samples = t->samples + t->start;
    const uint8_t *const codes = t->node_code + t->start;
    for (ptrdiff_t i = 0; i < m; i++) {
        const uint32_t place = (uint32_t)keys[i];
        if (i == 0 || keys[i] >> 32 != keys[i - 1] >> 32) fml_add_value(r, fml_value((uint32_t)(keys[i] >> 32)));
        r->entries[at + i] = (uint64_t)(r->n_distinct - 1) << FML_RANK_SHIFT | (uint64_t)samples[place] << FML_SAMPLE_SHIFT | codes[place];
    }
}

static inline uint64_t fml_key_of(float value, ptrdiff_t place) { return (uint64_t)fml_ordered_known(value) << 32 | (uint64_t)place; }
static inline uint64_t fml_entry_at(const fml_tree *t, ptrdiff_t p) {
    return (uint64_t)t->samples[t->start + p] << FML_SAMPLE_SHIFT | t->node_code[t->start + p];
}

/* Rank the node's n values x, of which those with a frequent one need no sorting: where 2 % are not zero a tree takes
 * less than half the time. What is missing comes last. room: for n + 1 keys. Returns where the frequent ones are, and how many. */
static ptrdiff_t fml_rank_apart(const fml_tree *t, const float *restrict x, ptrdiff_t n, float frequent, uint64_t *restrict room, fml_ranking *r, ptrdiff_t *n_frequent) {
    uint64_t *restrict entries = r->entries;
    ptrdiff_t less = 0, equal = 0, others = 0, stop;
    for (ptrdiff_t p = 0; p < n; p++) less += x[p] < frequent;
    for (ptrdiff_t p = 0, at = less; p < n; p = stop) {
        int differ = 0;
        stop = p + 16 < n ? p + 16 : n;
        if (stop == p + 16)
            for (int l = 0; l < 16; l++) differ |= x[p + l] != frequent;
        if (stop == p + 16 && !differ) {
            for (int l = 0; l < 16; l++) entries[at + equal + l] = fml_entry_at(t, p + l);
            equal += 16;
            continue;
        }
        for (; p < stop; p++) {
            entries[at + equal] = fml_entry_at(t, p);
            room[others] = fml_key_of(x[p], p);
            equal += x[p] == frequent;
            others += (x[p] < frequent) | (x[p] > frequent);
        }
    }
    fml_sort_keys(room, r->room, others);
    for (ptrdiff_t p = n, at = equal + others; at < n && p-- > 0;) /* in the order of fml_sort_by_rank */
        if (isnan(x[p])) entries[at++] = fml_entry_at(t, p);
    fml_rank_keys(t, room, less, 0, r);
    for (ptrdiff_t i = 0; i < equal && r->n_distinct; i++) entries[less + i] |= (uint64_t)r->n_distinct << FML_RANK_SHIFT;
    if (equal) fml_add_value(r, frequent + 0.0f);
    fml_rank_keys(t, room + less, others - less, less + equal, r);
    *n_frequent = equal;
    return less;
}

static void fml_scan_unranked(const fml_tree *t, ptrdiff_t f, fml_scratch *room, fml_split *best) {
    const ptrdiff_t n = t->end - t->start;
    float *const x = room->column, low, high;
    const ptrdiff_t n_missing = fml_gather(t, f, x, &low, &high), m = n - n_missing;
    *best = (fml_split){.proxy = -INFINITY, .n_missing = n_missing};
    best->constant = m == 0 || (!n_missing && high <= low + fml_too_close);
    if (best->constant) return;
    fml_ranking r = {room->entries, room->ranked, room->bits, room->spare, 0, 0};
    fml_ranked ranked = {.values = r.values, .low = 0, .high = m};
    const float frequent = fml_frequent(x, n);
    memset(r.tight, 0, (n / 64 + 1) * sizeof *r.tight);
    if (isnan(frequent) && !n_missing) {
        for (ptrdiff_t p = 0; p < n; p++) room->sorted[p] = fml_key_of(x[p], p);
        fml_sort_keys(room->sorted, room->spare, n);
        fml_rank_keys(t, room->sorted, n, 0, &r);
    } else {
        ptrdiff_t n_frequent, first = fml_rank_apart(t, x, n, isnan(frequent) ? low : frequent, room->sorted, &r, &n_frequent);
        if (first == 0) ranked.low = n_frequent - 1;
        if (first + n_frequent == m) ranked.high = first;
    }
    ranked.tight = r.close ? r.tight : NULL;
    ranked.apart = 16 * (r.n_distinct + n_missing) > 15 * n;
    fml_scan_list(t, f, &ranked, r.entries, m, n_missing, room, best);
    if (best->proxy == -INFINITY) return;
    best->threshold = best->only_missing_right ? INFINITY : r.values[best->rank_left] / 2.0 + r.values[best->rank_right] / 2.0;
}

/* Whether two samples are equal in a feature. */
static int fml_is_constant_given(const fml_tree *t, ptrdiff_t f) {
    const uint32_t *const samples = t->samples + t->start;
    const float a = fml_given(t->g, samples[0], f), b = fml_given(t->g, samples[1], f);
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    return (a > b ? a : b) <= (a > b ? b : a) + fml_too_close;
}
#endif
