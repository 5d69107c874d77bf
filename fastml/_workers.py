"""How fastml's options reach the workers of scikit-learn's parallel loops, processes and threads alike.

``sklearn.utils.parallel.Parallel.__call__`` captures scikit-learn's options in the thread that calls it, since tasks
may be sent later from another one, and has the workers restore them. There is no room for ours in what it sends:
the workers hand it to ``sklearn.config_context``, which refuses unknown names. The functions that the tasks call,
however, lie open in the wrappers made by ``sklearn.utils.parallel.delayed``, and they are what we wrap. The method
is replaced when an option is first set to something that is not its default: until then scikit-learn is untouched.
"""

import functools


class WithOptions:
    """A function that runs under given options."""

    def __init__(self, function, options):
        self.function = function
        self.options = options
        functools.update_wrapper(self, function)

    def __call__(self, *args, **kwargs):
        from fastml import _config

        with _config.config_context():
            _config.use(self.options)
            return self.function(*args, **kwargs)


def install():
    """Make scikit-learn's ``Parallel`` hand on fastml's options; do nothing if it does already."""
    from sklearn.utils.parallel import Parallel

    plain = Parallel.__call__
    if getattr(plain, "_fastml", False):
        return

    @functools.wraps(plain)
    def call(self, iterable):
        from fastml import _config

        options = _config.current()
        if options != _config.DEFAULT:
            iterable = _with_options(iterable, options)
        return plain(self, iterable)

    call._fastml = True
    Parallel.__call__ = call


def _with_options(tasks, options):
    for delayed, args, kwargs in tasks:
        if hasattr(delayed, "function"):  # joblib's own `delayed` leaves nothing to wrap; scikit-learn warns of it
            delayed.function = WithOptions(delayed.function, options)
        yield delayed, args, kwargs
