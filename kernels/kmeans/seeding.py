"""What k-means++ knows of every sample."""

from typing import NamedTuple

import numpy as np

SUM_ROWS = 256  # as FML_SUM_ROWS in plusplus.h


class Seeding(NamedTuple):
    """State of k-means++ on float64 distances: 14 bytes a sample.

    closest     (n_samples,)  float64  squared distance to the nearest chosen centre
    owner       (n_samples,)  int32    which one that is
    nearer      (n_samples,)  uint16   bit c: candidate c is nearer still
    block_sums  (n_blocks,)   float64  sums of weight x closest over 256 samples each
    """

    closest: np.ndarray
    owner: np.ndarray
    nearer: np.ndarray
    block_sums: np.ndarray


def new_seeding(n_samples):
    """Room for the state of so many samples."""
    blocks = -(-n_samples // SUM_ROWS)
    return Seeding(np.empty(n_samples), np.empty(n_samples, np.int32), np.zeros(n_samples, np.uint16), np.empty(blocks))
