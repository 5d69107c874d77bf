"""``python -m fastml script.py args...``: runs an unchanged program on fastml.

The program sees what it would see under ``python script.py args...`` or ``python -m module args...``: ``sys.argv``,
``sys.path[0]``, a ``__main__`` of its own, the same exit status and, for an error, a traceback that begins in it.
"""

import builtins
import io
import os
import pkgutil
import runpy
import sys
import types
from importlib.machinery import SourceFileLoader, SourcelessFileLoader

USAGE = """usage: python -m fastml SCRIPT [ARG ...]
       python -m fastml -m MODULE [ARG ...]

Run a program with scikit-learn's accelerated names replaced by fastml's."""


def main():
    """Patch scikit-learn and run the program that the command line names."""
    arguments = sys.argv[1:]
    is_module = arguments[:1] == ["-m"]
    program = arguments[is_module:]
    if not program or (program[0].startswith("-") and not is_module):
        wants_help = program[:1] in (["-h"], ["--help"])
        print(USAGE, file=sys.stdout if wants_help else sys.stderr)
        sys.exit(0 if wants_help else 2)

    if not is_module:
        path = os.path.join(os.getcwd(), program[0])
        script = opened(path)
        look_first_beside(path, script is not None)  # before scikit-learn looks for modules
    from fastml import patch_sklearn

    patch_sklearn()
    sys.argv[:] = program
    main_module = sys.modules["__main__"] = types.ModuleType("__main__")
    if "__mp_main__" in sys.modules:  # multiprocessing was imported, and took it for the program's
        sys.modules["__mp_main__"] = main_module
    main_module.__dict__.update(__builtins__=builtins, __annotations__={})
    try:
        if is_module:
            runpy._run_module_as_main(program[0])  # what `python -m` itself calls: no public twin reuses `__main__`
        elif script is not None:
            run_script(script, path, main_module)
        else:
            runpy._run_module_as_main("__main__", alter_argv=False)
    except BaseException:
        sys.excepthook = without_our_frames(sys.excepthook)
        raise


def look_first_beside(path, is_script):
    """Let modules be looked for where Python would: not in the working folder, which -P leaves out."""
    if not is_script:
        sys.path[: not sys.flags.safe_path] = [path]
    elif not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))


def run_script(script, path, main_module):
    """Run an open script, or what was compiled of one, as ``__main__``."""
    with script:
        is_compiled = path.endswith(".pyc")
        code = pkgutil.read_code(script) if is_compiled else compile(script.read(), path, "exec", dont_inherit=True)
    if code is None:
        raise RuntimeError("Bad magic number in .pyc file")
    loader = (SourcelessFileLoader if is_compiled else SourceFileLoader)("__main__", path)
    main_module.__dict__.update(__file__=path, __cached__=None, __loader__=loader)
    exec(code, main_module.__dict__)


def opened(path):
    """Open a script, which may be a pipe; None: a folder or an archive.

    Exit as Python does where there is none of them.
    """
    if os.path.isdir(path):
        return None
    try:
        script = io.open_code(path)
    except OSError as error:
        problem = f"[Errno {error.errno}] {error.strerror}"
        print(f"{sys.orig_argv[0]}: can't open file {path!r}: {problem}", file=sys.stderr)
        sys.exit(2)
    if script.peek(4)[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        script.close()
        return None
    return script


def without_our_frames(hook):
    """Wrap an exception hook: it gets the traceback that begins after the last frame of this file."""

    def trimmed(kind, error, traceback):
        first = step = traceback
        while step is not None:
            if step.tb_frame.f_code.co_filename == __file__:
                first = step.tb_next
            step = step.tb_next
        hook(kind, error.with_traceback(first), first)

    return trimmed


if __name__ == "__main__":
    main()
