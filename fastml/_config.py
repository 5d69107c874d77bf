"""The options of fastml: per thread, over one default for the process, exactly as scikit-learn keeps its own.

The public functions take scikit-learn's options too and hand them on, so that a program that calls
``sklearn.set_config(transform_output="pandas")`` can change the one word.
"""

import operator
import threading
from contextlib import ExitStack, contextmanager
from typing import NamedTuple


class Options(NamedTuple):
    """The options as the rest of the package reads them (``n_threads`` None: decide)."""

    n_threads: int | None = None
    device: str = "cpu"
    backend: str = "cython"
    strict: bool = False


DEFAULT = Options()
_ALLOWED = {"device": ("cpu", "cuda", "auto"), "backend": ("cython", "numba"), "strict": (False, True)}


class _Local(threading.local):
    options = DEFAULT


_local = _Local()


def current():
    """Return the options of this thread."""
    return _local.options


def get_config():
    """Return the options of this thread, scikit-learn's and fastml's.

    Returns
    -------
    config : dict
        A new one. The keys are the parameters of :func:`set_config`.

    See Also
    --------
    config_context : Options for a block of code.
    set_config : Options for the thread.

    Examples
    --------
    >>> import fastml
    >>> fastml.get_config()["device"]
    'cpu'
    """
    import sklearn

    ours = _local.options._asdict()
    if ours["n_threads"] is None:
        ours["n_threads"] = "auto"
    return sklearn.get_config() | ours


def set_config(*, n_threads=None, device=None, backend=None, strict=None, **sklearn_options):
    """Set options for this thread. None leaves an option as it is.

    As with scikit-learn, threads started later begin with the defaults; the workers of scikit-learn's own parallel
    loops (``GridSearchCV(n_jobs=2)``) get the options of the thread that started them.

    Parameters
    ----------
    n_threads : int or "auto", default=None
        Exactly that many threads, above the number of cores too. "auto", the initial value, takes the ``n_jobs``
        of an active ``joblib.parallel_config``, and else all cores that the process may use: the least of CPU
        affinity, cgroup quota and the environment variable FASTML_NUM_THREADS or OMP_NUM_THREADS.
    device : {"cpu", "cuda", "auto"}, default=None
        Where kernels run. "auto" takes the GPU for large work, where there is one. Initially "cpu". Kernels
        without a GPU twin run on the CPU whatever the device: :func:`explain` shows which.
    backend : {"cython", "numba"}, default=None
        Which CPU kernels run: those compiled at installation, initially, or their Numba twins, which are also
        what "cython" means where fastml was installed without a compiler.
    strict : bool, default=None
        Whether a call that no kernel covers raises :class:`fastml.FallbackError` instead of running
        scikit-learn's own code. Initially False.
    **sklearn_options
        Options of :func:`sklearn.set_config`.

    Raises
    ------
    ValueError
        If `n_threads`, `device`, `backend` or `strict` is given a value that is not listed here.
    TypeError
        If an option is neither fastml's nor scikit-learn's.

    See Also
    --------
    config_context : Options for a block of code.
    get_config : The options in force.

    Notes
    -----
    After an error fastml's options are what they were. ``device="cuda"`` is not tried out here: without a GPU the
    first call that needs one raises RuntimeError.

    Examples
    --------
    >>> import fastml
    >>> fastml.set_config(n_threads=2)
    >>> fastml.get_config()["n_threads"]
    2
    >>> fastml.set_config(n_threads="auto")
    """
    options = _changed(_local.options, n_threads=n_threads, device=device, backend=backend, strict=strict)
    if sklearn_options:
        import sklearn

        sklearn.set_config(**sklearn_options)
    use(options)


@contextmanager
def config_context(**options):
    """Set options for a block of code.

    Parameters
    ----------
    **options
        The parameters of :func:`set_config`, scikit-learn's among them. None leaves an option as it is.

    Yields
    ------
    None

    Raises
    ------
    ValueError, TypeError
        As :func:`set_config`, when the block is entered.

    See Also
    --------
    get_config : The options in force.
    set_config : Options for the thread.

    Examples
    --------
    >>> import fastml
    >>> with fastml.config_context(n_threads=1, strict=True):
    ...     fastml.get_config()["strict"]
    True
    >>> fastml.get_config()["strict"]
    False
    """
    theirs = {key: options.pop(key) for key in list(options) if key not in Options._fields}
    before = _local.options
    with ExitStack() as stack:
        if theirs:
            import sklearn

            stack.enter_context(sklearn.config_context(**theirs))
        stack.callback(use, before)
        use(_changed(before, **options))
        yield


def use(options):
    """Put options in force in this thread, and make scikit-learn's parallel loops hand them on."""
    if options != DEFAULT:
        from fastml import _workers

        _workers.install()
    _local.options = options


def _changed(options, **wanted):
    """Return options with the wanted ones replaced; refuse bad values in a sentence."""
    wanted = {key: value for key, value in wanted.items() if value is not None}
    for key, allowed in _ALLOWED.items():
        if key in wanted and not any(wanted[key] is value or wanted[key] == value for value in allowed):
            raise ValueError(f"{key} must be one of {', '.join(map(repr, allowed))}; got {wanted[key]!r}.")
    if "strict" in wanted:
        wanted["strict"] = bool(wanted["strict"])
    if "n_threads" in wanted:
        wanted["n_threads"] = _thread_count(wanted["n_threads"])
    return options._replace(**wanted)


def _thread_count(value):
    """Return a number of threads, or None for "auto"."""
    if isinstance(value, str) and value == "auto":
        return None
    try:
        count = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise ValueError(f'n_threads must be "auto" or an integer of at least 1; got {value!r}.')
    return count
