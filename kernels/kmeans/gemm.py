"""Which of OpenBLAS's two ways of adding up a dot product scikit-learn's assignment meets.

Its packed kernels add along the features in one chain of fused operations (runtime/tile_impl.h), which is cut where the
features are more than fit their blocks. On CPUs with AVX-512 there are others for small matrices of many features, with
a chain a lane: read in OpenBLAS 0.3.30
(``kernel/x86_64/*gemm_small_kernel_permit_skylakex.c``) and equal bit for bit on 4,320 shapes of float32 and float64.
"""

# by bytes of a number: features of a block, and what half a block is rounded up to. Found by comparing bits of SGEMM
# and DGEMM of OpenBLAS 0.3.30 and 0.3.31 for 13 numbers of features between 300 and 4,096.
BLOCKS_AVX512 = {4: (448, 16), 8: (384, 16)}
BLOCKS = {4: (320, 8), 8: (256, 4)}
CHUNK_ROWS = 256  # samples of one call of GEMM in scikit-learn


def has_small_kernels():
    """Tell whether OpenBLAS takes its AVX-512 kernels on this CPU."""
    try:
        from fastml._kernels._cpu import levels

        return "v4" in levels()
    except ImportError:  # a pure installation
        from llvmlite.binding import get_host_cpu_features

        return bool(get_host_cpu_features().get("avx512vl"))


HAS_SMALL_KERNELS = has_small_kernels()


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


def small_from(n_samples, n_features, n_clusters):
    """Return the number of the first sample whose chunk meets them: 0, that of the last chunk, or n_samples."""
    last = n_samples % CHUNK_ROWS
    if not HAS_SMALL_KERNELS:
        return n_samples
    if n_samples >= CHUNK_ROWS and is_small(CHUNK_ROWS, n_features, n_clusters):
        return 0
    return n_samples - last if last and is_small(last, n_features, n_clusters) else n_samples
