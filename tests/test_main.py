"""``python -m fastml program args...`` against ``python program args...``.

The patch itself, two seconds of importing scikit-learn, is left out of the comparisons by a ``sitecustomize`` module.
"""

import os
import py_compile
import re
import subprocess
import sys
import zipfile

import pytest

PROGRAM = '''"""A program."""
import pickle
import sys

class Local:
    pass

print(__name__, sys.argv, sys.path[0], __file__, __doc__, __package__, __spec__ and __spec__.name)
print(type(__loader__).__name__, type(__builtins__).__name__, sorted(globals()))
print(type(pickle.loads(pickle.dumps(Local()))))
try:
    import beside
except ImportError as error:
    print(error)
exec(sys.argv[1])
'''

NO_PATCH = """
import sys, types
def patch_sklearn():
    import multiprocessing  # as scikit-learn does
sys.modules["fastml._patch"] = types.SimpleNamespace(patch_sklearn=patch_sklearn)
"""

PROGRAMS = {
    "script": ["script.py"],
    "script elsewhere": ["folder/script.py"],
    "script by its full name": ["{cwd}/folder/../script.py"],
    "link": ["folder/link.py"],
    "module": ["-m", "package.module"],
    "package": ["-m", "package"],
    "folder": ["package"],
    "archive": ["archive.zip"],
    "compiled": ["script.pyc"],
}

ENDINGS = {
    "end": "",
    "exit": "sys.exit(3)",
    "exit in words": "sys.exit('bye')",
    "exit with None": "sys.exit()",
    "error": "1 / 0",
    "error with a cause": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e",
    "interrupt": "raise KeyboardInterrupt",
    "hook": "sys.excepthook = lambda *a: print('hook', a[0], a[2].tb_frame.f_code.co_filename)\nraise ValueError",
    "at exit": "import atexit\natexit.register(lambda: print('last', Local, sys.modules['__main__'].Local))",
    "thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), print(sys.modules['__main__'].Local))).start()",
    "os._exit": "import os\nsys.stdout.flush()\nos._exit(4)",
    "spawn": "import multiprocessing\n"
    "if __name__ == '__main__':\n"
    "    print(multiprocessing.get_context('spawn').Pool(1).map(Local.__eq__, []))",
    "objects of a spawned process": "import multiprocessing\n"
    "if __name__ == '__main__':\n"
    "    print(type(multiprocessing.get_context('spawn').Pool(1).apply(Local)))",
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    for sub in ("folder", "package"):
        (folder / sub).mkdir()
    for name in ("script.py", "folder/script.py", "package/module.py", "package/__main__.py"):
        (folder / name).write_text(PROGRAM)
    (folder / "beside.py").write_text("print('beside the first')")
    (folder / "folder" / "beside.py").write_text("print('beside the second')")
    (folder / "folder" / "link.py").symlink_to(folder / "script.py")
    (folder / "package" / "__init__.py").write_text("")
    (folder / "no_patch").mkdir()
    (folder / "no_patch" / "sitecustomize.py").write_text(NO_PATCH)
    (folder / "bad.py").write_text("def f(:\n")
    (folder / "latin.py").write_bytes("# coding: latin-1\nprint(len('\u00e9'))".encode("latin-1"))
    (folder / "bad.pyc").write_text("no code at all")
    py_compile.compile(folder / "script.py", folder / "script.pyc")
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.write(folder / "script.py", "__main__.py")
    return folder


def run(folder, *arguments, flags=(), patch=False, standard_input=None):
    path = os.pathsep.join([os.getcwd()] + [str(folder / "no_patch")] * (not patch))
    result = subprocess.run(
        [sys.executable, *flags, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        input=standard_input,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    return result.returncode, re.sub("0x[0-9a-f]+", "0x", result.stdout), result.stderr


def both(folder, program, *arguments, flags=()):
    program = [part.format(cwd=folder) for part in program]
    python = run(folder, *program, *arguments, flags=flags)
    ours = run(folder, "-m", "fastml", *program, *arguments, flags=flags)
    assert ours == python
    return ours


@pytest.mark.parametrize("ending", ["end", "error"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_of_every_kind(programs, program, ending):
    code, out, err = both(programs, PROGRAMS[program], ENDINGS[ending])
    assert (code, "ZeroDivisionError" in err) == ((0, False) if ending == "end" else (1, True))
    assert out
    assert "fastml" not in err


@pytest.mark.parametrize("ending", ENDINGS)
def test_programs_end_as_they_do_in_python(programs, ending):
    both(programs, ["script.py"], ENDINGS[ending])


@pytest.mark.parametrize(
    "program", [["bad.py"], ["bad.pyc"], ["latin.py"], ["nothing.py"], ["-m", "nothing"], ["folder"]]
)
def test_programs_that_cannot_run(programs, program):
    both(programs, program)


def test_a_script_may_be_a_pipe(programs):
    program = "import sys; print(__name__, __file__, sys.argv)"
    python, ours = (run(programs, *way, "/dev/stdin", standard_input=program) for way in ((), ("-m", "fastml")))
    assert ours == python
    assert "__main__" in python[1]


def test_a_safe_path_is_kept_safe(programs):
    for program in ("script", "folder"):
        both(programs, PROGRAMS[program], "", flags=("-P",))


def test_the_program_runs_on_fastml(programs):
    code = "from sklearn.cluster import KMeans; print(KMeans.__module__)"
    for way in (["script.py"], ["-m", "package"]):
        *_, last = run(programs, "-m", "fastml", *way, code, patch=True)[1].splitlines()
        assert last == "fastml.cluster._kmeans"


def test_modules_of_the_working_folder_are_not_imported_by_scikit_learn(programs, tmp_path):
    (tmp_path / "html.py").write_text("raise SystemExit('of the working folder')")
    script = str(programs / "folder" / "script.py")
    code, out, err = run(tmp_path, "-m", "fastml", script, "import sklearn.cluster", patch=True)
    assert (code, err) == (0, "")
    assert "working folder" not in out


def test_usage(programs):
    for arguments, expected in [([], 2), (["-m"], 2), (["-x"], 2), (["-h"], 0), (["--help"], 0)]:
        code, out, err = run(programs, "-m", "fastml", *arguments)
        assert code == expected
        assert "python -m fastml SCRIPT" in (err if expected else out)
