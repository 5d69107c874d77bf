"""Choice of the instruction set level, once, when the kernels are imported."""

import os


def select(path):
    """Level to use, and the search path of the package with the folder of that level in front.

    ``FASTML_ISA`` forces a level. One that was not built, or that the CPU cannot run, is an error here and not an
    illegal instruction later.
    """
    try:
        from fastml._kernels._cpu import levels
    except ImportError:  # a pure build
        levels = tuple
    runs = levels()
    built = [level for level in ("v4", "v3", "v2", "base") if os.path.isdir(os.path.join(path[0], f"isa_{level}"))]
    usable = [level for level in built if level in runs]
    asked = os.environ.get("FASTML_ISA")
    if asked and asked not in usable:
        raise ImportError(
            f"FASTML_ISA={asked!r} cannot be used: built are {', '.join(built) or 'none'}; "
            f"this CPU runs {', '.join(runs) or 'none'}."
        )
    if not usable:
        return None, path
    level = asked or usable[0]
    return level, [os.path.join(path[0], f"isa_{level}"), *path]
