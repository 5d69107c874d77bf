"""Whether an action ends alike with two libraries: what it raises, gives, warns of and leaves in the estimators.

An action is a function of a library, a module with scikit-learn's names, and of a dict for the estimators it makes.
"""

import re
import warnings

import numpy as np

ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def outcome(library, action):
    """Return what ``action`` raises and gives, its warnings, and what it leaves in the estimator."""
    raised, result, left = None, None, {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = action(library, left)
        except Exception as error:
            raised = type(error), ADDRESS.sub("0x", str(error))
    said = [(w.category, ADDRESS.sub("0x", str(w.message)), _blamed(w)) for w in caught]
    return raised, result, said, {name: vars(est).copy() for name, est in left.items()}


def _blamed(warning):
    """Return the file of scikit-learn that a warning is attributed to, if any; NumPy's of divisions are ours."""
    of_numpy = issubclass(warning.category, RuntimeWarning) and "divide" in str(warning.message)
    return warning.filename if "sklearn" in warning.filename and not of_numpy else None


def assert_same_outcome(action, library, reference):
    """Assert that the action ends alike with both libraries."""
    raised, ours, said, left = outcome(library, action)
    they_raised, theirs, they_said, they_left = outcome(reference, action)
    assert raised == they_raised
    assert_same_results(ours, theirs)
    assert said == they_said
    for name in they_left:
        assert sorted(left[name]) == sorted(they_left[name])
        for attribute, value in they_left[name].items():
            if isinstance(value, np.ndarray | float | int):
                assert_same_results(left[name][attribute], value, attribute)


def assert_same_results(ours, theirs, name=""):
    if theirs is None:
        assert ours is None
    elif isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same_results(one, other, name)
    elif isinstance(theirs, np.ndarray | np.generic | float | int):
        if not name.startswith("_"):
            assert type(ours) is type(theirs)
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        if name != "_n_threads":
            assert np.shape(ours) == np.shape(theirs)
            if any(hasattr(part, "get_params") for part in np.ravel(theirs)):  # estimators in an array
                assert [type(part).__name__ for part in np.ravel(ours)] == [
                    type(part).__name__ for part in np.ravel(theirs)
                ]
                return
            if np.asarray(theirs).dtype.kind not in "fiu":
                np.testing.assert_array_equal(ours, theirs, err_msg=name)
                return
            values = np.abs(np.asarray(theirs, dtype=float))
            scale = values[np.isfinite(values)].max(initial=0.0)
            rtol = 1e-5 if np.asarray(theirs).dtype == np.float32 else 1e-9
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * scale, err_msg=name)


def plain_names(report):
    """Return the kernels of an explanation, by the names of the compiled ones: their twins may have run."""
    return tuple(name.removesuffix("_jit") for name in report.kernels)
