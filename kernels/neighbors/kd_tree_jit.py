"""Twin of kd_tree.pyx: growing a k-d tree, the nearest samples of queries, the samples within a radius. One thread."""

import math
from itertools import pairwise

import numpy as np

from fastml._kernels._jit import kernel
from fastml._kernels.neighbors.trees import (
    ABSENT,
    CHEBYSHEV,
    EUCLIDEAN,
    HAVERSINE,
    LEAF,
    OF_UNIT_VECTORS,
    WIDTH,
    count_nodes,
)
from fastml._kernels.neighbors.votes_jit import count
from fastml._kernels.runtime.interrupt_jit import slices

# Children that wait on a walk; see kd_tree.h.
STACK = 128
# See haversine.h.
TURN, REACH, SPECK = 7.0, 1e-6, 1e-20


def directions(X, out):
    return fill_directions(X, out)


def arcs(values):
    fill_arcs(values)


def build(X, tree, n_threads):
    order = np.arange(len(X))
    grow(X, order, tree, 0, 0, len(tree.points))
    tree.order[:] = -1
    tree.points[:] = np.inf
    for leaf in range(len(tree.points)):
        rows = order[leaf * LEAF : (leaf + 1) * LEAF]
        tree.order[leaf * LEAF : leaf * LEAF + len(rows)] = rows
        tree.points[leaf, :, : len(rows)] = X[rows].T


def grow(X, order, tree, node, first, end):
    """Fill a node that holds the leaves first to end - 1, and all below it."""
    tree.boxes[node], tree.children[node], tree.starts[node] = np.nan, ABSENT, end
    child = node + 1
    for c, begin, stop in part(X[:, : tree.boxes.shape[1]], order, 0, WIDTH, first, end):
        rows = order[begin * LEAF : stop * LEAF]
        box = X[rows, : tree.boxes.shape[1]]
        tree.boxes[node, :, 0, c], tree.boxes[node, :, 1, c] = box.min(axis=0), box.max(axis=0)
        tree.starts[node, c], tree.starts[node, c + 1 :] = begin, stop
        tree.children[node, c] = ~begin
        if stop - begin > 1:
            tree.children[node, c] = child
            grow(X, order, tree, child, begin, stop)
            child += count_nodes(stop - begin)


def part(X, order, c, width, first, end):
    """Halve the leaves until they are shared out among the children c to c + width - 1; yields child and leaves."""
    if width == 1 or end - first == 1:
        yield c, first, end
        return
    middle = first + (end - first) // 2
    rows, n_lower = order[first * LEAF : end * LEAF], (middle - first) * LEAF
    points = X[rows]
    x = points[:, np.argmax(points.max(axis=0) - points.min(axis=0))]
    median = np.partition(x, n_lower)[n_lower]
    lower = x < median
    lower[np.flatnonzero(x == median)[: n_lower - np.count_nonzero(lower)]] = True  # equal ones by their index
    rows[:] = np.concatenate([rows[lower], rows[~lower]])  # which leaves both halves sorted
    yield from part(X, order, c, width // 2, first, middle)
    yield from part(X, order, c + width // 2, width // 2, middle, end)


def arrange(tree, X, metric, sequence, n_threads):
    homes = np.empty(len(X), np.int64)
    for begin, end in slices(len(X)):
        find_homes(tree.boxes, tree.children, X, metric, homes, begin, end)
    sequence[:] = np.argsort(homes, kind="stable")


def nearest(tree, queries, distances, indices, n_threads):
    if distances is None:
        distances = np.empty(indices.shape)
    for begin, end in slices(len(indices)):
        find_nearest(tree, queries.X, queries.selves, queries.metric, distances, indices, begin, end)


def count_within(tree, queries, radii, counts, n_threads):
    rows = None, np.empty(0, np.int64), np.empty(0)
    for begin, end in slices(len(radii)):
        find_within(tree, queries.X, queries.selves, queries.metric, radii, counts, *rows, begin, end)


def fill_within(tree, queries, radii, rows, sort, n_threads):
    distances = np.empty(len(rows.indices)) if rows.distances is None else rows.distances
    rows, counts = (rows.indptr, rows.indices, distances), np.empty(len(radii), np.int64)
    for begin, end in slices(len(radii)):
        find_within(tree, queries.X, queries.selves, queries.metric, radii, counts, *rows, begin, end)
        if sort:
            sort_rows(*rows, begin, end)


def split(values, indptr):
    ends = indptr.tolist()
    return np.fromiter((values[begin:end] for begin, end in pairwise(ends)), object, len(ends) - 1)


@kernel
def haversine(a, b):
    """Return the reduced distance of two points on the sphere: latitude, longitude, cosine of the latitude."""
    north, east = math.sin(0.5 * (a[0] - b[0])), math.sin(0.5 * (a[1] - b[1]))
    return north * north + a[2] * b[2] * east * east


@kernel
def fill_directions(X, out):
    known = True
    for i in range(len(X)):
        north, east = X[i]
        across = math.cos(north)
        out[i] = across * math.cos(east), across * math.sin(east), math.sin(north), north, east, across
        known = known and abs(north) <= math.pi / 2 and abs(east) <= TURN
    return known


@kernel
def fill_arcs(values):
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            values[i, j] = restored(HAVERSINE, values[i, j])


@kernel
def half_power(x, halves):
    """Raise a number that is not negative to half of a whole power, by products and a root."""
    made = math.sqrt(x) if halves & 1 else 1.0
    n = halves >> 1
    while n:
        if n & 1:
            made *= x
        x *= x
        n >>= 1
    return made


@kernel
def farther(metric, total, t):
    """Add one more feature, in which something is `t` away, to a reduced distance."""
    if metric <= EUCLIDEAN:
        return total + t * t
    if metric > CHEBYSHEV:
        return total + half_power(abs(t), metric - CHEBYSHEV)
    return max(total, abs(t)) if metric == CHEBYSHEV else total + abs(t)


@kernel
def restored(metric, reduced):
    if metric > CHEBYSHEV:
        return reduced ** (2.0 / (metric - CHEBYSHEV))
    if metric == HAVERSINE:
        return 2 * math.asin(math.sqrt(reduced))
    return math.sqrt(reduced) if metric == EUCLIDEAN else reduced


@kernel
def reduced_of(metric, distance):
    if metric > CHEBYSHEV:
        return distance ** (0.5 * (metric - CHEBYSHEV))
    if metric == HAVERSINE:
        return math.sin(0.5 * distance) * math.sin(0.5 * distance)
    return distance * distance if metric == EUCLIDEAN else distance


@kernel
def sample_distance(tree, metric, slot, x):
    point = tree.points[slot // LEAF, :, slot % LEAF]
    if metric == HAVERSINE:
        return haversine(x[OF_UNIT_VECTORS:], point[OF_UNIT_VECTORS:])
    total = 0.0
    for f in range(len(x)):
        total = farther(metric, total, x[f] - point[f])
    return total


@kernel
def box_distance(boxes, metric, node, c, x):
    """Return the reduced distance to the nearest point of a child's box; on the sphere what it is at least."""
    total = 0.0
    for f in range(boxes.shape[1]):
        total = farther(metric, total, max(boxes[node, f, 0, c] - x[f], x[f] - boxes[node, f, 1, c], 0.0))
    return max(0.0, total / (4 + REACH) - SPECK) if metric == HAVERSINE else total


@kernel
def find_homes(boxes, children, X, metric, homes, begin, end):
    for i in range(begin, end):
        node = 0
        while node >= 0:
            best, nearest_child = np.inf, 0
            for c in range(WIDTH):
                if children[node, c] != ABSENT:
                    distance = box_distance(boxes, metric, node, c, X[i])
                    if distance < best:
                        best, nearest_child = distance, c
            node = children[node, nearest_child]
        homes[i] = ~node


@kernel
def find_nearest(tree, X, selves, metric, distances, indices, begin, end):
    k = indices.shape[1] + selves
    found, at = np.empty(k), np.empty(k, np.int64)
    waiting, bounds = np.empty(STACK, np.int64), np.empty(STACK)
    for i in range(begin, end):
        found[:], at[:] = np.inf, np.iinfo(np.int64).max
        waiting[0], bounds[0], n_waiting = 0, 0.0, 1
        while n_waiting:
            n_waiting -= 1
            child, bound = waiting[n_waiting], bounds[n_waiting]
            if bound > found[k - 1]:
                continue
            if child < 0:
                scan_leaf(tree, metric, ~child, X[i], found, at)
            else:
                n_waiting = pile_up(tree, metric, child, X[i], found[k - 1], waiting, bounds, n_waiting)
        for j in range(k):
            found[j] = found[j] if metric == HAVERSINE else restored(metric, found[j])
        write_found(found, at, i if selves else -1, distances[i], indices[i])


@kernel
def write_found(found, at, self, distances, indices):
    """Write down the nearest of a query; of sample `self` (else -1) all but itself, or but the first."""
    left_out = -1 if self < 0 else 0
    for j in range(len(at)):
        if at[j] == self:
            left_out = j
    place = 0
    for j in range(len(at)):
        if j != left_out:
            distances[place] = found[j]
            indices[place] = 0 if at[j] == np.iinfo(np.int64).max else at[j]
            place += 1


@kernel
def pile_up(tree, metric, node, x, most, waiting, bounds, n_waiting):
    """Put the children that are near enough on the pile, the nearest on top; returns the new height."""
    first = n_waiting
    for c in range(WIDTH):
        if tree.children[node, c] == ABSENT:
            continue
        bound = box_distance(tree.boxes, metric, node, c, x)
        if bound <= most:
            place = n_waiting
            while place > first and bounds[place - 1] < bound:
                waiting[place], bounds[place] = waiting[place - 1], bounds[place - 1]
                place -= 1
            waiting[place], bounds[place] = tree.children[node, c], bound
            n_waiting += 1
    return n_waiting


@kernel
def scan_leaf(tree, metric, leaf, x, found, at):
    """Take a leaf's samples among the nearest so far, which are sorted by distance and index."""
    for slot in range(leaf * LEAF, (leaf + 1) * LEAF):
        index = tree.order[slot]
        if index >= 0:
            take(found, at, sample_distance(tree, metric, slot, x), index)


@kernel
def take(found, at, distance, index):
    """Take a sample among the nearest so far, unless it comes after all of them."""
    k = place = len(found)
    while place and (distance < found[place - 1] or (distance == found[place - 1] and index < at[place - 1])):
        place -= 1
        if place + 1 < k:
            found[place + 1], at[place + 1] = found[place], at[place]
    if place < k:
        found[place], at[place] = distance, index


@kernel
def find_within(tree, X, selves, metric, radii, counts, indptr, indices, distances, begin, end):
    waiting = np.empty(STACK, np.int64)
    for i in range(begin, end):
        most = reduced_of(metric, radii[i])
        if radii[i] < 0:
            most = -1.0
        waiting[0], n_waiting, counts[i] = 0, 1, 0
        while n_waiting:
            n_waiting -= 1
            child = waiting[n_waiting]
            if child >= 0:
                for c in range(WIDTH - 1, -1, -1):
                    inner = tree.children[child, c]
                    if inner != ABSENT and box_distance(tree.boxes, metric, child, c, X[i]) <= most:
                        waiting[n_waiting] = inner
                        n_waiting += 1
                continue
            for slot in range(~child * LEAF, (~child + 1) * LEAF):
                index = tree.order[slot]
                distance = sample_distance(tree, metric, slot, X[i])
                if index < 0 or (selves and index == i) or not distance <= most:
                    continue
                if indptr is not None:
                    place = indptr[i] + counts[i]
                    indices[place], distances[place] = index, restored(metric, distance)
                counts[i] += 1


@kernel
def sort_rows(indptr, indices, distances, begin, end):
    """Sort each row by distance and index."""
    for i in range(begin, end):
        row = slice(indptr[i], indptr[i + 1])
        order = np.argsort(indices[row])
        indices[row], distances[row] = indices[row][order], distances[row][order]
        order = np.argsort(distances[row], kind="mergesort")
        indices[row], distances[row] = indices[row][order], distances[row][order]


def vote(tree, queries, ballot, n_threads):
    indices = np.empty((len(queries.X), ballot.k), np.int64)
    distances = np.empty(indices.shape)
    nearest(tree, queries, distances, indices, n_threads)
    count(ballot, distances, indices)
