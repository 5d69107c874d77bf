"""Which of OpenBLAS's ways of adding up a dot product scikit-learn's assignment meets.

Its packed kernels add along the features in one chain of fused operations (runtime/tile_impl.h), which is cut where the
features are more than fit their blocks. On CPUs with AVX-512 there are others for small matrices of many features, with
a chain a lane: read in OpenBLAS 0.3.30
(``kernel/x86_64/*gemm_small_kernel_permit_skylakex.c``) and equal bit for bit on 4,320 shapes of float32 and float64.

On CPUs with AVX2 alone the packed kernels keep two or four chains, over whole eights of the features, for some samples
and centres. float64: four where the last of an odd number of samples meets centres in whole fours (found by comparing
bits of 0.3.30 for 13 numbers of features from 8 to 31). float32: two by their places in the blocks of twelve samples
and eight centres (read in OpenBLAS 0.3.30, ``kernel/x86_64/sgemm_kernel_8x4_haswell_2.c``, and equal bit for bit on
7,900 shapes).
"""

from functools import lru_cache

import numpy as np

# by bytes of a number: features of a block, and what half a block is rounded up to. Found by comparing bits of SGEMM
# and DGEMM of OpenBLAS 0.3.30 and 0.3.31 for 13 numbers of features between 300 and 4,096.
BLOCKS_AVX512 = {4: (448, 16), 8: (384, 16)}
BLOCKS = {4: (320, 8), 8: (256, 4)}
BLOCK_CLUSTERS = 320  # centres of a pass of SGEMM on CPUs with AVX2 alone
CHUNK_ROWS = 256  # samples of one call of GEMM in scikit-learn


def reaches(level, feature):
    """Tell whether this CPU reaches a level of x86-64, which has the feature; OpenBLAS chooses its kernels so."""
    try:
        from fastml._kernels._cpu import levels

        return level in levels()
    except ImportError:  # a pure installation
        from llvmlite.binding import get_host_cpu_features

        return bool(get_host_cpu_features().get(feature))


HAS_SMALL_KERNELS = reaches("v4", "avx512vl")
HAS_SIDE_CHAINS = reaches("v3", "avx2") and not HAS_SMALL_KERNELS


def chain_ends(n_features, itemsize):
    """Return where the chains of the packed kernels end: one, at n_features, or several added up in turn."""
    return block_ends(n_features, *(BLOCKS_AVX512 if HAS_SMALL_KERNELS else BLOCKS)[itemsize])


def block_ends(n, block, unit):
    """Return where OpenBLAS cuts n features or rows: into blocks, and two halves of what is less than two of them."""
    ends = [0]
    while (left := n - ends[-1]) > block:
        half = -(-(left // 2) // unit) * unit
        ends.append(ends[-1] + (block if left >= 2 * block else half))
    return [*ends[1:], n]


def is_small(n_rows, n_features, n_clusters):
    """Tell whether a chunk of so many samples meets the kernels for small matrices."""
    return n_features >= 32 and n_rows * n_clusters <= 1200 and n_rows * n_clusters * n_features <= 1e6


def side_chains(n_samples, n_features, n_clusters, itemsize):
    """Return which samples meet centres in several chains side by side; None: none does.

    kinds   (2, CHUNK_ROWS) uint8         of the samples of whole chunks, and of those of the last one; 0: one chain
    chains  (n_kinds, n_clusters) uint8   how many chains a sample of a kind meets a centre in
    """
    if not HAS_SIDE_CHAINS or n_features < 8 or n_clusters < itemsize // 2:
        return None
    return tables(n_samples >= CHUNK_ROWS, n_samples % CHUNK_ROWS, n_clusters, itemsize)


@lru_cache(64)  # an iteration on a few hundred samples takes no longer than a miss
def tables(whole_chunks, rest, n_clusters, itemsize):
    """Return what side_chains returns, which asks for it again in every iteration."""
    of_chunk, chains = (in_twos, two_chains(n_clusters)) if itemsize == 4 else (in_fours, four_chains(n_clusters))
    kinds = np.array([of_chunk(CHUNK_ROWS if whole_chunks else 0), of_chunk(rest)])
    kinds[~(chains > 1).any(axis=1)[kinds]] = 0
    return (kinds, chains) if kinds.any() else None


def in_fours(n_samples):
    """Kinds of the samples of a chunk in float64: 1, the last of an odd number."""
    kinds = np.zeros(CHUNK_ROWS, np.uint8)
    if n_samples % 2:
        kinds[n_samples - 1] = 1
    return kinds


def four_chains(n_clusters):
    """Chains by kind: four for the last sample and centres in whole fours."""
    chains = np.ones((2, n_clusters), np.uint8)
    chains[1, : n_clusters // 4 * 4] = 4
    return chains


def in_twos(n_samples):
    """Kinds of the samples of a chunk in float32: 1 and 2, halves of twelve; 3, eight more; 4, four more."""
    kinds = np.zeros(CHUNK_ROWS, np.uint8)
    twelves = n_samples - n_samples % 12
    kinds[:twelves] = np.arange(twelves) // 6 % 2 + 1
    end = twelves
    for kind, size in ((3, 8), (4, 4)):
        if n_samples - end >= size:
            kinds[end : end + size] = kind
            end += size
    return kinds


def two_chains(n_clusters):
    """Chains by kind. Blocks of eight centres are met two at a time, the two halves of twelve samples by turns.

    So the first block and the last one have no partner in one of the halves; they meet it alone, in two chains.
    """
    chains, start = np.ones((5, n_clusters), np.uint8), 0
    for end in block_ends(n_clusters, BLOCK_CLUSTERS, 8):
        blocks = (end - start) // 8
        last = start + 8 * blocks
        if blocks >= 2:
            chains[1, start : start + 8] = 2
            chains[1 if blocks % 2 == 0 else 2, last - 8 : last] = 2
        if start == 0:
            chains[3, :last] = 2
        chains[4, start:last] = 2
        start = end
    return chains


def small_from(n_samples, n_features, n_clusters):
    """Return the number of the first sample whose chunk meets them: 0, that of the last chunk, or n_samples."""
    last = n_samples % CHUNK_ROWS
    if not HAS_SMALL_KERNELS:
        return n_samples
    if n_samples >= CHUNK_ROWS and is_small(CHUNK_ROWS, n_features, n_clusters):
        return 0
    return n_samples - last if last and is_small(last, n_features, n_clusters) else n_samples
