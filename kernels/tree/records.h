/* What is kept of nodes that were grown ahead, until their turn comes. */
#ifndef FML_TREE_RECORDS_H
#define FML_TREE_RECORDS_H
#include "node.h"

/* FML_LEAF: by its size, depth or impurity. FML_BARREN: searched, which takes draws, but not split. FML_SPLIT, FML_MIRRORED:
 * split; mirrored: its tied candidates part it alike, but not all send the same side left. FML_PAIR: two samples, which any
 * feature parts. FML_OPEN: not split yet. FML_TASK: what is below it has records of its own. */
enum { FML_LEAF, FML_BARREN, FML_SPLIT, FML_MIRRORED, FML_PAIR, FML_OPEN, FML_TASK };

/* A node, in 40 bytes: one final node takes 64, and there may be twice as many of them as samples. */
typedef struct {
    double threshold, impurity, weight;
    uint32_t n_samples, n_found;        /* n_found: constants that were found here */
    uint32_t feature;                   /* FML_TASK: which one */
    uint16_t n_tied;                    /* candidates that tie, 0: there is one */
    uint8_t kind, missing_left;
} fml_record;

/* Nodes below a root, the left child next. The notes of a node are:  constants found | candidates that tie, each
 * feature << 2 | mirrored << 1 | missing_left, threshold | of both children the impurity if they change sides | where records
 * and notes of the right child begin. The last two only where the children may change sides; a pair has its impurities alone. */
typedef struct {
    fml_record *items;
    double *values;                     /* (n, stride) */
    uint32_t *notes;
    ptrdiff_t n, capacity, n_notes, notes_capacity;
    fml_waiting root;
    ptrdiff_t *constants;               /* (root.n_constants,)  or NULL */
    int is_part;                        /* items and values are part of a plan's, with room for all that can be */
    double work;                        /* entries looked at */
} fml_records;

#define FML_NOTES_OF_TIE 3
#define FML_MOST_TIES UINT16_MAX

static void fml_free_records(fml_records *r) {
    if (!r->is_part) {
        free(r->items);
        free(r->values);
    }
    free(r->notes);
    free(r->constants);
    *r = (fml_records){.n = 0};
}

/* Append a record of so many samples; NULL without memory. */
static fml_record *fml_add_record(fml_tree *t, fml_records *r, int kind, ptrdiff_t n_samples) {
    ptrdiff_t capacity = r->capacity; /* of items: r->capacity follows when the values have as much */
    fml_record *const items = fml_make_room(t, r->items, &capacity, r->n + 1, sizeof *items);
    if (!items) return NULL;
    r->items = items;
    double *const values = fml_make_room(t, r->values, &r->capacity, r->n + 1, t->g->stride * sizeof *values);
    if (!values) return NULL;
    r->values = values;
    fml_record *const record = items + r->n++;
    *record = (fml_record){.n_samples = (uint32_t)n_samples, .kind = (uint8_t)kind};
    return record;
}

/* Room for some notes more; NULL without memory. */
static uint32_t *fml_add_notes(fml_tree *t, fml_records *r, ptrdiff_t n) {
    uint32_t *const notes = fml_make_room(t, r->notes, &r->notes_capacity, r->n_notes + n, sizeof *notes);
    if (!notes) return NULL;
    r->notes = notes;
    r->n_notes += n;
    return notes + r->n_notes - n;
}
#endif
