/* DBSCAN on a grid, for up to three features. A cell is a little longer than eps, so that neighbours lie at most one cell away in each
 * direction: in runs of three cells, one for each combination of the other directions. (Cells of side eps / sqrt(d), whose points are all
 * neighbours, would be five in a run, and the runs 5 or 25: 1.3 times as slow in two dimensions, 2.5 times in three.)
 *
 * Cells are numbered row by row, with an empty one at either end of each, so that no run reaches into another row.
 */
#ifndef FML_DBSCAN_GRID_H
#define FML_DBSCAN_GRID_H
#include "dbscan_runs.h"

#define FML_GRID_FEATURES 3
#define FML_ROWS 9
#define FML_CELLS 128               /* of a chunk */
#define FML_DIGIT 11                /* bits of a pass of the sort */

typedef struct { uint64_t key; int64_t sample; } fml_celled;

typedef struct {
    fml_dbscan work;
    uint64_t *keys;                 /* (n_cells,)     out */
    int32_t *starts;                /* (n_cells + 1,) out    places */
    int32_t *common;                /* (n_cells,)     out    see dbscan_runs.h */
    ptrdiff_t n_cells, largest;     /* out    largest: points of one cell */
    double crowd;                   /* out    points in the cell of a point, on average */
    int64_t rows[FML_ROWS];         /* differences of keys, the nearest rows first */
    int n_rows;
} fml_grid;

/* Sorts by keys below 2 ** bits, there or to the other array; returns where. Stable: equal keys stay in the order of the samples. */
static fml_celled *fml_sort_cells(fml_celled *a, fml_celled *other, ptrdiff_t n, int bits) {
    for (int shift = 0; shift < bits; shift += FML_DIGIT) {
        uint32_t starts[1 << FML_DIGIT] = {0}, sum = 0;
        const uint64_t mask = (1 << FML_DIGIT) - 1;
        for (ptrdiff_t i = 0; i < n; i++) starts[a[i].key >> shift & mask]++;
        for (int k = 0; k < 1 << FML_DIGIT; k++) {
            const uint32_t count = starts[k];
            starts[k] = sum, sum += count;
        }
        for (ptrdiff_t i = 0; i < n; i++) other[starts[a[i].key >> shift & mask]++] = a[i];
        fml_celled *const swapped = a;
        a = other, other = swapped;
    }
    return a;
}

/* Least and largest values of each feature (d,). NumPy's take 20 times as long where there are few features. */
static void fml_extent(const double *X, ptrdiff_t n, ptrdiff_t d, double *low, double *high) {
    for (ptrdiff_t f = 0; f < d; f++) low[f] = INFINITY, high[f] = -INFINITY;
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t f = 0; f < d; f++) {
            const double x = X[i * d + f];
            low[f] = x < low[f] ? x : low[f], high[f] = x > high[f] ? x : high[f];
        }
}

/* Puts points in the order of their cells.  low (d,): least values; per_unit: cells a unit; sizes (d,): cells in each direction, the
 * margins included; room: 2 n entries of scratch. */
static void fml_fill_grid(fml_grid *g, const double *X, const double *low, double per_unit, const int64_t *sizes, int bits, fml_celled *room) {
    const fml_points *const p = &g->work.points;
    const ptrdiff_t n = p->n, d = p->d;
    for (ptrdiff_t i = 0; i < n; i++) {
        uint64_t key = 0;
        for (ptrdiff_t f = 0; f < d; f++) key = key * (uint64_t)sizes[f] + (uint64_t)((X[i * d + f] - low[f]) * per_unit) + 1;
        room[i] = (fml_celled){key, i};
    }
    const fml_celled *const sorted = fml_sort_cells(room, room + n, n, bits);
    g->n_cells = g->largest = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        p->order[i] = (int32_t)sorted[i].sample;
        for (ptrdiff_t f = 0; f < d; f++) p->values[f * p->stride + i] = X[sorted[i].sample * d + f];
        if (i && sorted[i].key == sorted[i - 1].key) continue;
        g->keys[g->n_cells] = sorted[i].key, g->starts[g->n_cells++] = (int32_t)i;
    }
    g->starts[g->n_cells] = (int32_t)n;
    g->crowd = 0;
    for (ptrdiff_t c = 0; c < g->n_cells; c++) {
        const ptrdiff_t size = g->starts[c + 1] - g->starts[c];
        g->largest = size > g->largest ? size : g->largest;
        g->crowd += (double)size * (double)size / (double)n;
    }
    static const int8_t away[3] = {0, -1, 1};
    const int64_t row = d > 1 ? sizes[d - 1] : 0, plane = d > 2 ? row * sizes[d - 2] : 0;
    g->n_rows = 0;
    for (int i = 0; i < (d > 2 ? 3 : 1); i++)
        for (int j = 0; j < (d > 1 ? 3 : 1); j++) g->rows[g->n_rows++] = away[i] * plane + away[j] * row;
}

/* For cells in order: of each row the first one that is not before the reach of the cell. */
typedef struct { ptrdiff_t next[FML_ROWS]; } fml_reach;

static fml_reach fml_reach_from(const fml_grid *g, ptrdiff_t cell) {
    fml_reach reach;
    for (int r = 0; r < g->n_rows; r++) {
        const int64_t wanted = (int64_t)g->keys[cell] + g->rows[r] - 1;
        ptrdiff_t first = 0, end = g->n_cells;
        while (first < end) {
            const ptrdiff_t middle = (first + end) / 2;
            if ((int64_t)g->keys[middle] < wanted) first = middle + 1;
            else end = middle;
        }
        reach.next[r] = first;
    }
    return reach;
}
/* The cells of a row within reach. */
static inline fml_run fml_in_reach(const fml_grid *g, fml_reach *reach, ptrdiff_t cell, int r) {
    const int64_t from = (int64_t)g->keys[cell] + g->rows[r] - 1;
    ptrdiff_t first = reach->next[r];
    while (first < g->n_cells && (int64_t)g->keys[first] < from) first++;
    reach->next[r] = first;
    ptrdiff_t end = first;
    while (end < g->n_cells && (int64_t)g->keys[end] <= from + 2) end++;
    return (fml_run){(int32_t)first, (int32_t)end};
}
/* The runs of places within reach; returns their number. */
static inline int fml_runs(const fml_grid *g, fml_reach *reach, ptrdiff_t cell, fml_run *runs) {
    int n = 0;
    for (int r = 0; r < g->n_rows; r++) {
        const fml_run cells = fml_in_reach(g, reach, cell, r);
        if (cells.first < cells.end) runs[n++] = (fml_run){g->starts[cells.first], g->starts[cells.end]};
    }
    return n;
}
static inline ptrdiff_t fml_cells_end(const fml_grid *g, ptrdiff_t chunk) {
    return (chunk + 1) * FML_CELLS < g->n_cells ? (chunk + 1) * FML_CELLS : g->n_cells;
}

static void fml_count_point(fml_dbscan *t, ptrdiff_t place, const fml_run *runs, int n_runs) {
    if (!t->weights) {
        fml_count found = {0, 0};
        for (int r = 0; r < n_runs; r++) fml_count_run(t, place, runs[r].first, runs[r].end, &found);
        t->core[place] = (double)found.surely >= t->min_samples;
        if (t->core[place] || (double)found.perhaps < t->min_samples) return;
    }
    fml_weight found = {0, 0, 0, 0};
    for (int r = 0; r < n_runs; r++) fml_weigh_run(t, place, runs[r].first, runs[r].end, &found);
    fml_decide(t, place, &found);
}

static inline void fml_count_cells(void *task, ptrdiff_t chunk) {
    fml_grid *const g = task;
    fml_run runs[FML_ROWS];
    fml_reach reach = fml_reach_from(g, chunk * FML_CELLS);
    for (ptrdiff_t c = chunk * FML_CELLS; c < fml_cells_end(g, chunk); c++) {
        const int n_runs = fml_runs(g, &reach, c, runs);
        for (ptrdiff_t place = g->starts[c]; place < g->starts[c + 1]; place++) fml_count_point(&g->work, place, runs, n_runs);
    }
}

static inline fml_run fml_places(const fml_grid *g, ptrdiff_t cell) { return (fml_run){g->starts[cell], g->starts[cell + 1]}; }

static inline void fml_join_within_cells(void *task, ptrdiff_t chunk) {
    fml_grid *const g = task;
    for (ptrdiff_t c = chunk * FML_CELLS; c < fml_cells_end(g, chunk); c++) fml_join_within(&g->work, fml_places(g, c), g->common + c);
}
/* Joins the core points of a cell with those of the cells behind it: a pair of cells is met once. */
static inline void fml_join_cells(void *task, ptrdiff_t chunk) {
    fml_grid *const g = task;
    fml_reach reach = fml_reach_from(g, chunk * FML_CELLS);
    for (ptrdiff_t c = chunk * FML_CELLS; c < fml_cells_end(g, chunk); c++)
        for (int r = 0; r < g->n_rows; r++) {
            if (g->rows[r] < 0) continue;
            const fml_run cells = fml_in_reach(g, &reach, c, r);
            for (ptrdiff_t other = cells.first > c ? cells.first : c + 1; other < cells.end; other++)
                fml_join_runs(&g->work, fml_places(g, c), fml_places(g, other), g->common + c, g->common + other);
        }
}

static inline void fml_label_cells(void *task, ptrdiff_t chunk) {
    fml_grid *const g = task;
    fml_dbscan *const t = &g->work;
    fml_run runs[FML_ROWS];
    fml_reach reach = fml_reach_from(g, chunk * FML_CELLS);
    for (ptrdiff_t c = chunk * FML_CELLS; c < fml_cells_end(g, chunk); c++) {
        int n_runs = -1;
        for (ptrdiff_t place = g->starts[c]; place < g->starts[c + 1]; place++) {
            if (t->core[place]) continue;
            if (n_runs < 0) n_runs = fml_runs(g, &reach, c, runs);
            fml_border found = {INT32_MAX, INT32_MAX};
            for (int r = 0; r < n_runs; r++) fml_border_run(t, place, runs[r].first, runs[r].end, &found);
            fml_label(t, place, &found);
        }
    }
}
#endif
