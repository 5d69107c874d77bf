"""Which of OpenBLAS's two ways of adding up a dot product scikit-learn's assignment meets.

Its packed kernels add along the features in one chain of fused operations (runtime/tile_impl.h). On CPUs with AVX-512
there are others for small matrices of many features, with a chain a lane: read in OpenBLAS 0.3.30
(``kernel/x86_64/*gemm_small_kernel_permit_skylakex.c``) and equal bit for bit on 4,320 shapes of float32 and float64.
"""

CHUNK_ROWS = 256  # samples of one call of GEMM in scikit-learn


def has_small_kernels():
    """Tell whether OpenBLAS takes its AVX-512 kernels on this CPU."""
    try:
        from fastml._kernels._cpu import levels

        return "v4" in levels()
    except ImportError:  # a pure installation
        from llvmlite.binding import get_host_cpu_features

        return bool(get_host_cpu_features().get("avx512vl"))


def is_small(n_rows, n_features, n_clusters):
    """Tell whether a chunk of so many samples meets the kernels for small matrices."""
    return n_features >= 32 and n_rows * n_clusters <= 1200 and n_rows * n_clusters * n_features <= 1e6


def small_from(n_samples, n_features, n_clusters):
    """Return the number of the first sample whose chunk meets them: 0, that of the last chunk, or n_samples."""
    last = n_samples % CHUNK_ROWS
    if n_samples >= CHUNK_ROWS and is_small(CHUNK_ROWS, n_features, n_clusters):
        return 0
    return n_samples - last if last and is_small(last, n_features, n_clusters) else n_samples
