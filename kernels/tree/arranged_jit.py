"""Twin of arranged.h: scikit-learn's sort and its partition, move by move."""

import numpy as np

from fastml._kernels._jit import kernel

INSERTED = 15  # values that are sorted by insertion


@kernel
def swap(order, i, j):
    order[i], order[j] = order[j], order[i]


@kernel
def sift_down(values, order, root, n):
    while True:
        child, top = 2 * root + 1, root
        if child < n and values[order[top]] < values[order[child]]:
            top = child
        if child + 1 < n and values[order[top]] < values[order[child + 1]]:
            top = child + 1
        if top == root:
            return
        swap(order, root, top)
        root = top


@kernel
def heapsort(values, order):
    n = len(order)
    for start in range((n - 2) // 2, -1, -1):
        sift_down(values, order, start, n)
    for end in range(n - 1, 0, -1):
        swap(order, 0, end)
        sift_down(values, order, 0, end)


@kernel
def insertion_sort(values, order):
    for i in range(1, len(order)):
        moved, j = order[i], i
        while j > 0 and values[order[j - 1]] > values[moved]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = moved


@kernel
def part_by_pivot(values, order):
    """Part into what is less than the median of three, equal to it and larger; return where the last two begin."""
    n = len(order)
    pivot = np.sort(np.array([values[order[0]], values[order[n // 2]], values[order[n - 1]]]))[1]
    i, low, high = 0, 0, n
    while i < high:
        if values[order[i]] < pivot:
            swap(order, i, low)
            low += 1
            i += 1
        elif values[order[i]] > pivot:
            high -= 1
            swap(order, i, high)
        else:
            i += 1
    return low, high


@kernel
def introsort(values, order):
    """Sort by values[order], in place; equal values end as scikit-learn's sort leaves them."""
    depth = 0
    while len(order) >> (depth + 1):
        depth += 1
    parts = [(0, len(order), 2 * depth)]
    while parts:
        start, end, depth = parts.pop()
        some = order[start:end]
        if len(some) <= INSERTED:
            insertion_sort(values, some)
        elif depth <= 0:
            heapsort(values, some)
        else:
            low, high = part_by_pivot(values, some)
            parts.append((start, start + low, depth - 1))
            parts.append((start + high, end, depth - 1))


@kernel
def part(is_left, order):
    """Part what goes left from what does not by swaps, in place; return the order, and how many go left."""
    start, end = 0, len(order)
    while start < end:
        if is_left[order[start]]:
            start += 1
        else:
            end -= 1
            swap(order, start, end)
    return order, end
