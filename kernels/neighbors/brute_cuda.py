"""GPU twin of brute.pyx: the nearest samples by Euclidean distance; no table of distances is written.

A block compares SIDE queries with SIDE samples after the other by a tile of float32 products, as in brute.h. What the
tile and its bound let through waits in a list, and is settled now and then, all of it side by side: computed by
differences in float64, which alone decide, so that the answer has the bits of the other twins. In which order samples
get into the lists is left to chance, and changes nothing: of pairs of a distance and an index the first k are wanted.
"""

import numpy as np
from numba import cuda

from fastml._kernels._cuda import SIMULATED, THREADS, blocks, fma, kernel, mul, sqrt, to_device, to_host
from fastml._kernels._cuda import device as device_function
from fastml._kernels.neighbors import brute_jit
from fastml._kernels.neighbors.brute_jit import count_within, fill_within  # noqa: F401  (on the host)
from fastml._kernels.neighbors.measures_jit import tell
from fastml._kernels.neighbors.rows import MANHATTAN
from fastml._kernels.neighbors.votes_jit import count

# The tile: a thread has ROWS queries x COLUMNS samples of dot products in registers, and the threads lie DOWN x ACROSS.
# Where an index is masked, the compiler sees that it is not negative: half of the registers, and of the operations.
SIDE, ACROSS, FEATURES = (8, 4, 2) if SIMULATED else (128, 16, 8)
DOWN = THREADS // ACROSS
ROWS, COLUMNS = SIDE // DOWN, SIDE // ACROSS
BLOCK, AREA, STRIDE = SIDE, FEATURES * SIDE, SIDE + 1  # the features of a sample are written to different banks
LANES = 4 if SIMULATED else 32  # of threads that settle a query
WAITING = 2 * SIDE  # samples that may wait, a query
NOBODY = np.iinfo(np.int32).max

# Blocks of a launch: twice as many as the largest GPUs run at once. Where there are too few queries for them, the
# samples are shared out; each share finds k of its own, so there are not many.
LAUNCHED, SHARES = (2, 2) if SIMULATED else (512, 32)
MEMORY = 1 << 28  # bytes, about, that a launch may take for what waits and what is found


def narrow(rows, n_threads):
    """Leave the arrays of the host alone: `nearest` fills its own on the device."""


def nearest(rows, Q, selves, distances, indices, n_threads):
    if rows.measure >= MANHATTAN:  # on the host
        brute_jit.nearest(rows, Q, selves, distances, indices, n_threads)
        return
    n_queries, k = len(Q), indices.shape[1] + selves
    X, origin = to_device(rows.X), to_device(rows.origin)
    samples = narrowed(X, origin)
    n_tiles, n_blocks = blocks(n_queries, SIDE), blocks(len(X), SIDE)
    launched = max(1, min(LAUNCHED, MEMORY // (12 * SIDE * (WAITING + k))))
    n_tiles = blocks(n_tiles, blocks(n_tiles, launched))  # of a launch
    share = blocks(n_blocks, max(1, min(launched // n_tiles, SHARES)))
    room = blocks(n_blocks, share), n_tiles * SIDE
    waiting, squares = cuda.device_array((*room, WAITING), np.int32), cuda.device_array((*room, WAITING))
    found, at = cuda.device_array((room[0], k, room[1])), cuda.device_array((room[0], k, room[1]), np.int32)
    for first in range(0, n_queries, room[1]):
        asked = to_device(Q[first : first + room[1]])
        n_asked = len(asked)
        search[(blocks(n_asked, SIDE), room[0]), THREADS](
            X, asked, *samples, *narrowed(asked, origin), share, waiting, squares, found, at
        )
        chosen = cuda.device_array((n_asked, indices.shape[1]), np.int64)
        near = cuda.device_array(chosen.shape if distances is not None else (0, 0))
        choose[blocks(n_asked, THREADS), THREADS](found, at, first if selves else -1, near, chosen)
        indices[first : first + n_asked] = to_host(chosen)
        if distances is not None:
            distances[first : first + n_asked] = to_host(near)
    if distances is not None:
        tell(rows, distances)


def vote(rows, Q, selves, ballot, n_threads):
    """Let the nearest samples vote, on the host."""
    indices = np.empty((len(Q), ballot.k), np.int64)
    distances = np.empty(indices.shape)
    nearest(rows, Q, selves, distances, indices, n_threads)
    count(ballot, distances, indices)


def narrowed(X, origin):
    """Return samples in float32, counted from the origin, on the device.

    columns  (n_blocks, n_features * SIDE)  float32  feature by feature, one sample a column
    squares  (n_blocks, SIDE)               float64  their squared norms
    reach    (n_blocks,)                    float32  a block's largest norm, rounded up
    """
    n_blocks = blocks(len(X), SIDE)
    columns = cuda.device_array((n_blocks, X.shape[1] * SIDE), np.float32)
    squares, reach = cuda.device_array((n_blocks, SIDE)), cuda.device_array(n_blocks, np.float32)
    narrow_block[n_blocks, THREADS](X, origin, columns, squares, reach)
    return columns, squares, reach


@device_function
def rounded_up(square):
    """Return the root in float32, no smaller."""
    return mul(np.float32(sqrt(square)), np.float32(1 + 2**-22))


@kernel
def narrow_block(X, origin, columns, squares, reach):
    """Write down SIDE samples; beside the last one come copies of it."""
    tile = cuda.shared.array((FEATURES, STRIDE), np.float32)
    norms = cuda.shared.array(SIDE, np.float64)
    n_samples, n_features = X.shape
    b, t = cuda.blockIdx.x, cuda.threadIdx.x
    f_loaded, square = t % FEATURES, 0.0
    for f in range(0, n_features, FEATURES):
        width = min(FEATURES, n_features - f)
        if f_loaded < width:
            for s in range(t // FEATURES, SIDE, THREADS // FEATURES):
                i = min(b * SIDE + s, n_samples - 1)
                tile[f_loaded, s] = np.float32(np.float64(X[i, f + f_loaded]) - origin[f + f_loaded])
        cuda.syncthreads()
        for place in range(t, width * SIDE, THREADS):
            columns[b, f * SIDE + place] = tile[place // SIDE, place % SIDE]
        if t < SIDE:
            for g in range(width):
                x = np.float64(tile[g, t])
                square += mul(x, x)
        cuda.syncthreads()
    if t < SIDE:
        norms[t] = squares[b, t] = square
    cuda.syncthreads()
    if t == 0:
        largest = 0.0
        for s in range(SIDE):
            if norms[s] > largest:
                largest = norms[s]
        reach[b] = rounded_up(largest)


@kernel
def search(X, Q, columns, squares, reach, q_columns, q_squares, q_reach, n_blocks, waiting, keys, found, at):
    """Find the nearest of SIDE queries among a share of the samples.

    waiting  (n_shares, n_queries, WAITING)  samples to be computed; keys: their squared distances
    found    (n_shares, k, n_queries)        squared distances of the nearest, a heap a query; at: their indices
    """
    x_tile = cuda.shared.array(AREA, np.float32)
    q_tile = cuda.shared.array(AREA, np.float32)
    norms = cuda.shared.array(SIDE, np.float32)
    most = cuda.shared.array(SIDE, np.float32)
    n_waiting = cuda.shared.array(SIDE, np.int32)
    dots = cuda.local.array((ROWS, COLUMNS), np.float32)
    t = cuda.threadIdx.x & (THREADS - 1)
    across, down = t & (ACROSS - 1), (t // ACROSS) & (DOWN - 1)
    tile, share, first = cuda.blockIdx.x, cuda.blockIdx.y, cuda.blockIdx.x * SIDE
    n_samples, n_features = X.shape
    asks = t < SIDE and first + t < Q.shape[0]  # one thread a query
    waiting, keys, found, at = waiting[share], keys[share], found[share], at[share]
    if t < SIDE:
        n_waiting[t], most[t] = 0, -np.inf  # beside the last query nothing passes
        for j in range(found.shape[0]):
            found[j, first + t] = np.inf
            at[j, first + t] = NOBODY
    used = np.float32(0)
    begin, end = share * n_blocks, min((share + 1) * n_blocks, columns.shape[0])
    for b in range(begin, end):
        if b == begin or reach[b] > used or reach[b] < mul(np.float32(0.7), used):
            used = mul(np.float32(1.1), reach[b])
            if asks:
                most[t] = limit(found[0, first + t], q_squares[tile, t], used, n_features)
        if t < SIDE:
            norms[t] = squares[b, t]
        for r in range(ROWS):
            for c in range(COLUMNS):
                dots[r, c] = 0
        for f in range(0, n_features, FEATURES):
            for part in range(AREA // THREADS):
                place = t + part * THREADS
                inside = f * SIDE + place < columns.shape[1]
                x_tile[place] = columns[b, f * SIDE + place] if inside else np.float32(0)
                q_tile[place] = q_columns[tile, f * SIDE + place] if inside else np.float32(0)
            cuda.syncthreads()
            for feature in range(FEATURES):
                g = (feature & (FEATURES - 1)) * SIDE
                for r in range(ROWS):
                    q = q_tile[g + down + r * DOWN]
                    for c in range(COLUMNS):
                        dots[r, c] = fma(q, x_tile[g + across + c * ACROSS], dots[r, c])
            cuda.syncthreads()
        passed = np.int64(0)
        for r in range(ROWS):
            for c in range(COLUMNS):
                value = norms[across + c * ACROSS] - (dots[r, c] + dots[r, c])
                if not value > most[down + r * DOWN]:  # NaN passes, where floats overflow
                    passed |= np.int64(1) << np.int64(r * COLUMNS + c)
        full = 0
        while passed:
            bit = cuda.ffs(passed) - 1
            passed &= passed - 1
            q = down + bit // COLUMNS * DOWN
            i = b * SIDE + across + bit % COLUMNS * ACROSS
            if i < n_samples and first + q < Q.shape[0]:
                slot = cuda.atomic.add(n_waiting, q, 1)
                waiting[first + q, slot] = i
                full |= slot >= WAITING - SIDE
        n_seen = b + 1 - begin
        due = n_seen & (n_seen - 1) == 0 or b + 1 == end  # each time twice as many: about k pass in between
        if cuda.syncthreads_or(full) or due:
            measure(X, Q, first, n_waiting, waiting, keys)
            cuda.syncthreads()
            if asks:
                for slot in range(n_waiting[t]):
                    take(found, at, first + t, keys[first + t, slot], waiting[first + t, slot])
                n_waiting[t] = 0
                most[t] = limit(found[0, first + t], q_squares[tile, t], used, n_features)


@device_function
def limit(key, square, reach, n_features):
    """Return what the tile has at most for a sample nearer than the k-th so far; see fml_narrow_doubt in narrow.h."""
    both = np.float64(rounded_up(square) + reach)
    doubt = mul(mul((n_features + 8.0), 2.0**-22), mul(both, both)) + mul(np.float64(n_features), 2.0**-120)
    value = key - square + doubt
    return np.float32(value + mul(abs(value), 2.0**-23)) if value < 2.0**100 else np.float32(np.inf)


@device_function
def measure(X, Q, first, n_waiting, waiting, keys):
    """Compute the squared distances of all that wait, LANES threads a query."""
    t = cuda.threadIdx.x
    for q in range(t // LANES, SIDE, THREADS // LANES):
        for slot in range(t % LANES, n_waiting[q], LANES):
            i = waiting[first + q, slot]
            total = 0.0
            for f in range(X.shape[1]):
                step = Q[first + q, f] - np.float64(X[i, f])
                total += mul(step, step)
            keys[first + q, slot] = total


@device_function
def comes_before(key, index, other_key, other_index):
    return key < other_key or (key == other_key and index < other_index)


@device_function
def take(found, at, q, key, index):
    """Take a sample among the nearest of a query, unless it comes after all of them."""
    if comes_before(key, index, found[0, q], at[0, q]):
        sink(found, at, q, found.shape[0], key, index)


@device_function
def sink(found, at, q, n, key, index):
    """Put a pair in the place of the first in a heap of n, with the last of them on top."""
    place = 0
    while 2 * place + 1 < n:
        child = 2 * place + 1
        if child + 1 < n and comes_before(found[child, q], at[child, q], found[child + 1, q], at[child + 1, q]):
            child += 1
        if not comes_before(key, index, found[child, q], at[child, q]):
            break
        found[place, q], at[place, q] = found[child, q], at[child, q]
        place = child
    found[place, q], at[place, q] = key, index


@kernel
def choose(found, at, first_self, squares, indices):
    """Choose the nearest of all shares, a thread a query, and write them down in order.

    first_self : the sample that is query 0, which is left out of its neighbours as in write_found; or -1.
    """
    q = cuda.grid(1)
    if q >= indices.shape[0]:
        return
    k = found.shape[1]
    for part in range(1, found.shape[0]):
        for j in range(k):
            take(found[0], at[0], q, found[part, j, q], at[part, j, q])
    for n in range(k - 1, 0, -1):
        last, index = found[0, 0, q], at[0, 0, q]
        sink(found[0], at[0], q, n, found[0, n, q], at[0, n, q])
        found[0, n, q], at[0, n, q] = last, index
    left_out = -1 if first_self < 0 else 0
    for j in range(k):
        if first_self >= 0 and at[0, j, q] == first_self + q:
            left_out = j
    place = 0
    for j in range(k):
        if j != left_out:
            indices[q, place] = 0 if at[0, j, q] == NOBODY else at[0, j, q]
            if squares.shape[0]:
                squares[q, place] = found[0, j, q]
            place += 1
