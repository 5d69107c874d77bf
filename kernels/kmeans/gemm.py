"""Which of OpenBLAS's ways of adding up a dot product scikit-learn's assignment meets.

Its packed kernels add along the features in one chain of fused operations (runtime/tile_impl.h), which is cut where the
features are more than fit their blocks. On CPUs with AVX-512 there are others for small matrices of many features, with
a chain a lane: read in OpenBLAS 0.3.30
(``kernel/x86_64/*gemm_small_kernel_permit_skylakex.c``) and equal bit for bit on 4,320 shapes of float32 and float64.

On CPUs with AVX2 alone the last of an odd number of samples meets the first centres, as many as are whole fours, in
four chains (float64; found by comparing bits of 0.3.30 for 13 numbers of features from 8 to 31).
"""

# by bytes of a number: features of a block, and what half a block is rounded up to. Found by comparing bits of SGEMM
# and DGEMM of OpenBLAS 0.3.30 and 0.3.31 for 13 numbers of features between 300 and 4,096.
BLOCKS_AVX512 = {4: (448, 16), 8: (384, 16)}
BLOCKS = {4: (320, 8), 8: (256, 4)}
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
HAS_FOUR_CHAINS = reaches("v3", "avx2") and not HAS_SMALL_KERNELS


def chain_ends(n_features, itemsize):
    """Return where the chains of the packed kernels end: one, at n_features, or several added up in turn."""
    block, unit = (BLOCKS_AVX512 if HAS_SMALL_KERNELS else BLOCKS)[itemsize]
    ends = [0]
    while (left := n_features - ends[-1]) > block:
        half = -(-(left // 2) // unit) * unit
        ends.append(ends[-1] + (block if left >= 2 * block else half))
    return [*ends[1:], n_features]


def is_small(n_rows, n_features, n_clusters):
    """Tell whether a chunk of so many samples meets the kernels for small matrices."""
    return n_features >= 32 and n_rows * n_clusters <= 1200 and n_rows * n_clusters * n_features <= 1e6


def four_chains_from(n_samples, n_features, n_clusters, itemsize):
    """Return the number of the first sample that meets centres in four chains: the last one's, or n_samples."""
    meets = HAS_FOUR_CHAINS and itemsize == 8 and n_samples % 2 and n_features >= 8 and n_clusters >= 4
    return n_samples - 1 if meets else n_samples


def small_from(n_samples, n_features, n_clusters):
    """Return the number of the first sample whose chunk meets them: 0, that of the last chunk, or n_samples."""
    last = n_samples % CHUNK_ROWS
    if not HAS_SMALL_KERNELS:
        return n_samples
    if n_samples >= CHUNK_ROWS and is_small(CHUNK_ROWS, n_features, n_clusters):
        return 0
    return n_samples - last if last and is_small(last, n_features, n_clusters) else n_samples
