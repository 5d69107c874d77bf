"""A parallel loop that Ctrl-C stops.

The signal is looked for about ten times a second, between slices of the chunks.
"""

from cpython.exc cimport PyErr_CheckSignals

from fastml._kernels.runtime.pool cimport body_t, parallel_for

cdef extern from *:
    """
    #include <time.h>
    #define FML_SLICE_NS 1e8          /* work of one slice; an interrupt waits for its end */
    #define FML_WORTHWHILE_NS 1e5     /* less work runs on the caller alone: waking a worker costs about 30 us */
    static inline double fml_now_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1e9 + t.tv_nsec;
    }
    """
    const double FML_SLICE_NS, FML_WORTHWHILE_NS
    double fml_now_ns() noexcept nogil


ctypedef struct Slice:
    body_t body
    void *task
    Py_ssize_t first


cdef inline void run_slice(void *task, Py_ssize_t i) noexcept nogil:
    cdef Slice *part = <Slice *> task
    part.body(part.task, part.first + i)


cdef inline int run_chunks(body_t body, void *task, Py_ssize_t n_chunks, double chunk_ns, int n_threads) \
        except -1 nogil:
    """body(task, i) for each i < n_chunks, each about chunk_ns of work at first: what a slice took sets the next.

    Raises what a signal handler raises, such as KeyboardInterrupt; the rest is then left undone.
    """
    cdef Slice part
    cdef Py_ssize_t length
    cdef double begin, slice_ns = FML_SLICE_NS / 4
    if chunk_ns * n_chunks < FML_WORTHWHILE_NS:
        n_threads = 1
    part.body, part.task, part.first = body, task, 0
    while part.first < n_chunks:
        length = min(<Py_ssize_t> (slice_ns / (chunk_ns + 1) + 1) * n_threads, n_chunks - part.first)
        begin = fml_now_ns()
        parallel_for(run_slice, &part, length, n_threads)
        part.first += length
        if part.first < n_chunks:
            chunk_ns, slice_ns = (fml_now_ns() - begin) * n_threads / length, FML_SLICE_NS
            with gil:
                PyErr_CheckSignals()
    return 0
