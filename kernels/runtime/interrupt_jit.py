"""Twin of interrupt.pxd: a loop that Ctrl-C stops.

Machine code looks for no signals; the interpreter does, between the slices that it hands to a Numba kernel.
"""

from time import perf_counter

# Seconds of work of one slice; an interrupt waits for its end.
SLICE = 0.1
# How much longer the next slice may be: of a first one that waited for the compiler, nothing can be learnt.
GROWTH = 16


def slices(n):
    """Yield where slices of range(n) begin and end: a single element first, then by what the last slice took."""
    begin, length = 0, 1
    while begin < n:
        end, start = min(begin + length, n), perf_counter()
        yield begin, end
        possible = SLICE / max(perf_counter() - start, 1e-9) * (end - begin)
        begin, length = end, max(1, int(min(possible, GROWTH * length)))
