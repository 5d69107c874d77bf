"""Declarations of lloyd.h."""

from libc.stdint cimport int32_t, int64_t, uint8_t


cdef extern from "lloyd.h" nogil:
    int FML_BLOCK_ROWS, FML_CHUNK_ROWS, FML_TILE_BYTES

    ctypedef struct fml_sums:
        const void *X
        const void *weights
        const int32_t *labels
        const unsigned char *touched
        const void *centers
        void *sums
        void *totals
        void *values
        Py_ssize_t n, d, k, chunk_rows, k_parts, f_parts
        int is_f32

    ctypedef struct fml_assign:
        const void *X
        const void *centers
        const void *c_norms
        Py_ssize_t n, d, k, chunk_rows, small_from
        const uint8_t *kinds
        const uint8_t *side_chains
        const int32_t *chain_ends
        int n_chains
        int32_t *labels
        float *upper
        float *lower
        float *block_norms
        const float *moved
        const float *others_moved
        const float *nearest_other
        const void *mover_centers
        const void *mover_norms
        const int32_t *movers
        const int32_t *mover_at
        Py_ssize_t n_movers
        const double *origin
        const float *narrow_centers
        const float *narrow_norms
        const float *narrow_movers
        const float *narrow_mover_norms
        double origin_norm, narrow_norm_max
        float quiet_moved
        unsigned char *touched
        const fml_sums *sums
        unsigned char *done
        Py_ssize_t n_chunks, next
        int adding
        void *scratch
        Py_ssize_t scratch_size
        double c_norm_max
        int64_t n_changed, n_evaluated
        const void *halves
        unsigned char *unsure
        int is_f32, elkan, known
    double fml_narrow_centers(
        const double *centers, Py_ssize_t k, Py_ssize_t d, int choose, double *origin, float *narrow, float *norms)
    int fml_few(const fml_assign *task)
    void fml_assign_chunk(void *task, Py_ssize_t i, int worker)

    void fml_sums_part(void *task, Py_ssize_t i)
    void fml_distances_chunk(void *task, Py_ssize_t i)

    ctypedef struct fml_gaps:
        const void *centers
        const void *c_norms
        Py_ssize_t d, k
        float *nearest_other
        void *scratch
        Py_ssize_t scratch_size
        double c_norm_max
        int is_f32
    void fml_gaps_block(void *task, Py_ssize_t i, int worker)
    Py_ssize_t fml_gaps_blocks(const fml_gaps *task)
