"""What is known about distances from one iteration of k-means to the next."""

from typing import NamedTuple

import numpy as np

BLOCK_ROWS = 256  # as FML_BLOCK_ROWS in lloyd.h


class Bounds(NamedTuple):
    """Bounds of Euclidean distances, rounded outwards to float32 (8 bytes a sample; Hamerly 2010, SDM).

    upper          (n_samples,)   distance to the own centre, at most
    lower          (n_samples,)   distance to any other centre, at least
    block_norms    (n_blocks,)    largest norm of each 256 samples
    moved          (n_clusters,)  how far the centre moved since, at most
    others_moved   (n_clusters,)  how far any other centre moved, at most
    nearest_other  (n_clusters,)  distance to the nearest other centre, at least; zeros where not worth measuring
    movers         (n_movers,)    int32, ascending: the centres that moved most
    quiet_moved    how far any centre beside the movers moved, at most
    known          False: nothing yet, the next assignment writes all

    One centre that moves far spoils the lower bounds of all samples. Where only the movers are in question, only they
    are looked at.
    """

    upper: np.ndarray
    lower: np.ndarray
    block_norms: np.ndarray
    moved: np.ndarray
    others_moved: np.ndarray
    nearest_other: np.ndarray
    movers: np.ndarray
    quiet_moved: float
    known: bool


def new_bounds(n_samples, n_clusters):
    """Room for bounds, with nothing known."""
    blocks = -(-n_samples // BLOCK_ROWS)
    sizes = (n_samples, n_samples, blocks, n_clusters, n_clusters, n_clusters)
    arrays = (np.zeros(size, np.float32) for size in sizes)
    return Bounds(*arrays, movers=np.empty(0, np.int32), quiet_moved=np.inf, known=False)
