"""What k-means++ knows of every sample."""

from typing import NamedTuple

import numpy as np

SUM_ROWS = 256  # as FML_SUM_ROWS in plusplus.h


class Seeding(NamedTuple):
    """State of k-means++ on float64 distances: 10 bytes a sample.

    closest     (n_samples,)  float64  squared distance to the nearest chosen centre
    nearer      (n_samples,)  uint16   bit c: candidate c is, or may be, nearer still
    block_sums  (n_blocks,)   float64  sums of weight x closest over 256 samples each
    """

    closest: np.ndarray
    nearer: np.ndarray
    block_sums: np.ndarray


def new_seeding(n_samples):
    """Room for the state of so many samples."""
    blocks = -(-n_samples // SUM_ROWS)
    return Seeding(np.empty(n_samples), np.zeros(n_samples, np.uint16), np.empty(blocks))


class Floats(NamedTuple):
    """Samples in float32 for estimates, counted from an origin amid them.

    tiles   float32, in the order in which the kernel reads them
    norms   (n_samples,)   float32  squared norms
    origin  (n_features,)  float64
    """

    tiles: np.ndarray
    norms: np.ndarray
    origin: np.ndarray
