"""From samples to a verdict: ratios with their spread, agreement with scikit-learn, and what counts as too slow."""

from statistics import median

import numpy as np

REFERENCE, OURS = "sklearn", "fastml"
TOLERATED = 0.97  # a cell is below a ratio where it stays under 97 % of it in two runs: timer noise alone makes 3 %


def ratio(reference, samples, clock="wall"):
    """Median of the reference over the contender's median, with the extremes over single rounds.

    Returns ``None`` where either side has no samples.
    """
    theirs, mine = getattr(reference, clock), getattr(samples, clock)
    if not theirs or not mine or reference.error or samples.error:
        return None
    rounds = [
        a / b if b else float("inf") for a, b in zip(theirs, mine, strict=False)
    ]  # a third may have died in between
    middle = median(mine)
    return {"ratio": median(theirs) / middle if middle else float("inf"), "low": min(rounds), "high": max(rounds)}


def agreement(reference, outcome):
    """Compare two outcomes key by key.

    Returns a dict: for arrays of integers how many entries differ, for other arrays the largest difference over
    the largest magnitude, for integers both values, for other numbers the relative difference.
    """
    compared = {}
    for key, theirs in reference.items():
        mine = outcome.get(key)
        if key == "note" or mine is None:
            continue
        if isinstance(theirs, np.ndarray):
            if theirs.shape != mine.shape:
                compared[key] = f"shape {mine.shape} against {theirs.shape}"
            elif theirs.dtype.kind in "iu":
                compared[key] = {"different": int(np.sum(theirs != mine)), "of": theirs.size}
            else:
                scale = float(np.max(np.abs(theirs), initial=0.0)) or 1.0
                compared[key] = {"difference": float(np.max(np.abs(mine - theirs), initial=0.0)) / scale}
        elif isinstance(theirs, int):
            compared[key] = {"value": int(mine), "reference": theirs}
        else:
            compared[key] = {"difference": abs(float(mine) - theirs) / (abs(theirs) or 1.0), "value": float(mine)}
    return compared


def in_words(compared):
    """An agreement as the last column of the table has it."""
    said = []
    for key, value in compared.items():
        if isinstance(value, str):
            said.append(f"{key}: {value}")
        elif "different" in value:
            count = value["different"]
            said.append(f"{count} of {value['of']} {key} differ" if count else f"{key} equal")
        elif "reference" in value:
            same = value["value"] == value["reference"]
            said.append(f"{key} {value['value']}" if same else f"{key} {value['value']}, not {value['reference']}")
        else:
            said.append(f"{key} {value['difference']:.0e}")
    return ", ".join(said)


def below(measured, least):
    """Whether a `ratio` is too low to be noise around ``least``; no ratio at all is too low."""
    return measured is None or measured["ratio"] < TOLERATED * least
