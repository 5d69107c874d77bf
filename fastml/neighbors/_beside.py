"""What is kept beside an estimator and not in it: its attributes and pickles stay scikit-learn's."""

import weakref


class Beside:
    """A table from objects, by identity, to what is kept for them as long as they live."""

    def __init__(self):
        self._entries = {}  # id: (weak reference, value)

    def get(self, obj):
        """Return what is kept for an object, or None."""
        reference, value = self._entries.get(id(obj), (None, None))
        return value if reference is not None and reference() is obj else None

    def put(self, obj, value):
        """Keep a value for an object, in the place of any other; None: nothing."""
        key = id(obj)
        if value is None:
            self._entries.pop(key, None)
            return

        def forget(dead):
            if self._entries.get(key, (None,))[0] is dead:
                del self._entries[key]

        self._entries[key] = weakref.ref(obj, forget), value
