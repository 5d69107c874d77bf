"""Which kernel runs, and the record of what ran.

An estimator's method is decorated with :func:`accelerated`, its driver asks for kernels by :func:`load`, and what
happened is kept in a :class:`Report` for ``fastml.explain``. Neither scikit-learn nor a kernel is imported here.
"""

import functools
import logging
import threading
import weakref
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from fastml._config import current

logger = logging.getLogger("fastml")

# Multiply-adds from which `device="auto"` takes the GPU: below about 10 ms of one core, launches and copies cost
# more than they save.
_WORTH_A_GPU = 1e9


class NotCovered(Exception):
    """No kernel covers this call; the argument says why in a sentence.

    The body of an accelerated method raises it before it changes any state: scikit-learn's own method runs next.
    """


class FallbackError(RuntimeError):
    """Raised under ``config_context(strict=True)`` where no kernel covers a call of an accelerated name.

    Without `strict` scikit-learn's own method or function would have run in its place. Also raised where an
    accelerated name is asked for and the version of scikit-learn was not tested. A covered call that leaves one
    decision to scikit-learn's code, as k-means++ does where choices tie, does not raise: :func:`explain` shows a note.

    See Also
    --------
    explain : The reason of a fallback, without `strict`.
    set_config : The option `strict`.

    Examples
    --------
    >>> import fastml, numpy as np
    >>> from fastml.cluster import kmeans_plusplus
    >>> with fastml.config_context(strict=True):  # doctest: +ELLIPSIS
    ...     kmeans_plusplus(np.eye(3), 2, n_local_trials=17)
    Traceback (most recent call last):
        ...
    fastml._dispatch.FallbackError: kmeans_plusplus has no kernel for this call: n_local_trials=17 is more than ...
    """


class Report:
    """What one call of an accelerated method or function did.

    Attributes
    ----------
    method : str
        Name of the method.
    kernels : tuple of str
        Kernels that ran, in the order of their first use; those of nested calls too.
    backend : {"cython", "numba"} or None
        Their kind.
    isa : str or None
        Instruction set level of the compiled kernels.
    device : {"cpu", "cuda"} or None
        Where they ran: "cuda" where one of them did, and then `backend` is that one's.
    n_threads : int or None
        How many threads they were given.
    notes : tuple of str
        What else is worth knowing, such as a decision that was left to scikit-learn's own code.
    reason : str or None
        Why scikit-learn's own code ran instead; None where the kernels did it all.
    """

    # Defaults live in the class: filling seven attributes per call would cost 0.3 µs.
    kernels = notes = ()
    backend = isa = device = n_threads = reason = None

    def __init__(self, method):
        self.method = method

    def __repr__(self):
        fields = ("kernels", "backend", "isa", "device", "n_threads", "notes", "reason")
        return f"Report({self.method!r}, {', '.join(f'{f}={getattr(self, f)!r}' for f in fields)})"

    def __str__(self):
        if self.reason is not None:
            return f"scikit-learn's own code: {self.reason}"
        if not self.kernels:
            return "; ".join(["fastml, no kernel needed", *self.notes])
        threads = self.n_threads and f"{self.n_threads} thread{'s' * (self.n_threads > 1)}"
        where = filter(None, (self.backend, self.isa, self.device, threads))
        return "; ".join([f"{' + '.join(self.kernels)} ({', '.join(where)})", *self.notes])

    def absorb(self, inner):
        """Add what a nested call did."""
        self.kernels += tuple(kernel for kernel in inner.kernels if kernel not in self.kernels)
        self.notes += tuple(note for note in inner.notes if note not in self.notes)
        if inner.device is not None and self.device != "cuda":
            self.backend, self.isa, self.device = inner.backend, inner.isa, inner.device
        self.n_threads = max(self.n_threads or 0, inner.n_threads or 0) or None
        if inner.reason is not None and self.reason is None:
            self.reason = inner.reason


class _Kernel(NamedTuple):
    module: object
    name: str
    backend: str
    isa: str | None
    device: str


class _Thread(threading.local):
    report = None  # of the innermost accelerated call that runs in this thread


_thread = _Thread()
_reports = {}  # id(object): (weak reference to it, {method: Report})
_kernels = {}  # (name, device, backend): _Kernel


def accelerated(body=None, *, plain=None):
    """Decorate a method or function that runs kernels where it can, and scikit-learn's own code where it cannot.

    When the body raises :class:`NotCovered`, a method gives way to the method of the same name of the next class
    in the method resolution order, a function to ``plain``. The decorator costs about 1 µs a call.

    Parameters
    ----------
    body : function
        The method or function. It may raise `NotCovered` as long as it has changed nothing.
    plain : function
        For functions only: scikit-learn's own.

    Returns
    -------
    function

    Raises
    ------
    TypeError
        If a method is given `plain`, or a function is not.

    Examples
    --------
    >>> class KMeans(Accelerated, sklearn.cluster.KMeans):  # doctest: +SKIP
    ...     @accelerated
    ...     def predict(self, X): ...
    >>> @accelerated(plain=sklearn.cluster.kmeans_plusplus)  # doctest: +SKIP
    ... def kmeans_plusplus(X, n_clusters): ...
    """
    if body is None:
        return functools.partial(accelerated, plain=plain)
    scope = body.__qualname__.rpartition(".")[0]
    is_method = bool(scope) and not scope.endswith("<locals>")
    if is_method is (plain is not None):
        raise TypeError(f"{body.__qualname__}: a function needs plain=, scikit-learn's own; a method takes none.")
    return _method(body) if is_method else _function(body, plain)


def _method(body):
    name = body.__name__

    @functools.wraps(body)
    def wrapper(self, *args, **kwargs):
        if not getattr(self, "_is_ours", False):
            return _plain_method(self, name)(*args, **kwargs)
        outer = _thread.report
        report = _thread.report = Report(name)
        try:
            try:
                result = body(self, *args, **kwargs)
            except NotCovered as refusal:
                _fall_back(report, f"{type(self).__name__}.{name}", refusal)
            else:
                _keep(self, report, outer)
                return result
            result = _overridden(self, wrapper)(*args, **kwargs)
            _keep(self, report, outer)
            return result
        finally:
            _thread.report = outer

    return wrapper


def _plain_method(instance, name):
    """Return scikit-learn's own method of an instance that was made before its class's name was patched.

    It comes by ``sklearn.cluster.KMeans.predict(model, X)``, where the name is looked up at the call.
    """
    plain = next(base for base in type(instance).__mro__ if base.__module__.startswith("sklearn."))
    return getattr(plain, name).__get__(instance)


def _function(body, plain):
    name = body.__name__

    @functools.wraps(body)
    def wrapper(*args, **kwargs):
        outer = _thread.report
        report = _thread.report = Report(name)
        try:
            try:
                result = body(*args, **kwargs)
            except NotCovered as refusal:
                _fall_back(report, name, refusal)
            else:
                _keep(wrapper, report, outer)
                return result
            result = plain(*args, **kwargs)
            _keep(wrapper, report, outer)
            return result
        finally:
            _thread.report = outer

    wrapper._stands_for = plain
    return wrapper


def _fall_back(report, call, refusal):
    """Note the reason, or raise it under strict."""
    reason = str(refusal)
    if current().strict:
        raise FallbackError(f"{call} has no kernel for this call: {reason}") from None
    report.reason = reason
    logger.info("%s ran scikit-learn's own code: %s", call, reason)


def _overridden(instance, wrapper):
    """Return the bound method that an accelerated one overrides."""
    for owner in type(instance).__mro__:
        method = vars(owner).get(wrapper.__name__)
        while method is not None and method is not wrapper:  # set_output and validation wrap it further
            method = getattr(method, "__wrapped__", None)
        if method is wrapper:
            return getattr(super(owner, instance), wrapper.__name__)
    raise TypeError(f"{wrapper.__qualname__} is not a method of {type(instance).__qualname__}")


def _keep(obj, report, outer):
    """Store the report of a finished call under the identity of its object."""
    if outer is not None:
        outer.absorb(report)
    key = id(obj)
    entry = _reports.get(key)
    if entry is None or entry[0]() is not obj:

        def forget(dead):
            if _reports.get(key, (None,))[0] is dead:
                del _reports[key]

        _reports[key] = entry = (weakref.ref(obj, forget), {})
    entry[1][report.method] = report


def reports(obj):
    """Return the reports of an object: the last one of each method, oldest call first."""
    entry = _reports.get(id(obj))
    return {} if entry is None or entry[0]() is not obj else dict(entry[1])


def record(*, n_threads):
    """Note in the running report how many threads the driver gives its kernels."""
    report = _thread.report
    if report is not None:
        report.n_threads = max(n_threads, report.n_threads or 0)


def note(sentence):
    """Add a remark to the running report."""
    report = _thread.report
    if report is not None and sentence not in report.notes:
        report.notes += (sentence,)
    logger.info("%s", sentence)


def load(name, work=0.0):
    """Return the module of a kernel for the options in force, and note it in the running report.

    Parameters
    ----------
    name : str
        Family and kernel, as in ``"kmeans.lloyd"``. Backend "cython" gives ``fastml._kernels.kmeans.lloyd``,
        "numba" its twin ``lloyd_jit``, device "cuda" ``lloyd_cuda``.
    work : float
        Multiply-adds ahead, by which device "auto" decides.

    Returns
    -------
    module

    Raises
    ------
    RuntimeError
        If the device is "cuda", the kernel has a GPU twin, and there is no GPU.
    """
    options = current()
    device = "cpu" if options.device == "auto" and work < _WORTH_A_GPU else options.device
    kernel = _kernels.get((name, device, options.backend))
    if kernel is None:
        kernel = _kernels[name, device, options.backend] = _find(name, device, options.backend)
    report = _thread.report
    if report is not None and kernel.name not in report.kernels:
        report.kernels += (kernel.name,)
        if report.device != "cuda":
            report.backend, report.isa, report.device = kernel.backend, kernel.isa, kernel.device
    return kernel.module


def _find(name, device, backend):
    """Import a kernel. One without a GPU twin runs on the CPU, which its report shows."""
    from fastml import _kernels as package

    full = f"{package.__name__}.{name}"
    if device != "cpu" and find_spec(f"{full}_cuda") and _gpu(required=device == "cuda"):
        return _Kernel(import_module(f"{full}_cuda"), f"{name}_cuda", "numba", None, "cuda")
    if backend == "numba" or package.ISA is None:
        return _Kernel(import_module(f"{full}_jit"), f"{name}_jit", "numba", None, "cpu")
    return _Kernel(import_module(full), name, "cython", package.ISA, "cpu")


def _gpu(required):
    """Tell whether numba.cuda finds a device (the simulator counts)."""
    try:
        from numba import cuda

        available = cuda.is_available()
    except ImportError:
        available = False
    if required and not available:
        raise RuntimeError(
            "device='cuda' needs an NVIDIA GPU and the numba-cuda package (pip install 'fastml-kernels[cuda]'); "
            "numba.cuda found no device."
        )
    return available
