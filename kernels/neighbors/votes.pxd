# The way of a Ballot (ballot.py) into C.
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc


cdef extern from "votes.h" nogil:
    ctypedef struct fml_votes:
        const int64_t *labels
        const double *targets
        const int64_t *firsts
        int64_t *winners
        double *out
        double *tally
        double *distances
        int64_t *indices
        Py_ssize_t n_outputs, k
        int by_distance


cdef inline int open_votes(ballot, int n_threads, fml_votes *held) except -1:
    """Take the addresses, and the scratch that close_votes gives back."""
    cdef const int64_t[:, ::1] labels
    cdef const double[:, ::1] targets
    cdef const int64_t[::1] firsts
    cdef int64_t[:, ::1] winners
    cdef double[:, ::1] votes
    cdef Py_ssize_t n_columns = 0
    held.labels = held.firsts = held.winners = NULL
    held.targets = held.out = held.tally = NULL
    held.k, held.by_distance, held.n_outputs = ballot.k, ballot.by_distance, ballot.values.shape[1]
    if ballot.firsts is None:
        targets = ballot.values
        held.targets = &targets[0, 0]
    else:
        labels, firsts = ballot.values, ballot.firsts
        held.labels, held.firsts, n_columns = &labels[0, 0], &firsts[0], firsts[held.n_outputs]
    if ballot.winners is not None:
        winners = ballot.winners
        held.winners = &winners[0, 0]
    else:
        votes = ballot.votes
        held.out = &votes[0, 0]
    held.tally = <double *> calloc(max(1, n_columns) * n_threads, sizeof(double))
    held.distances = <double *> malloc(sizeof(double) * 3 * held.k * n_threads)
    held.indices = <int64_t *> malloc(sizeof(int64_t) * held.k * n_threads)
    if held.tally == NULL or held.distances == NULL or held.indices == NULL:
        close_votes(held)
        raise MemoryError(f"no memory for the votes of {held.k} neighbours on {n_threads} threads")
    return 0


cdef inline void close_votes(fml_votes *held) noexcept:
    free(held.tally)
    free(held.distances)
    free(held.indices)
