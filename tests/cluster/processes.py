"""Running a piece of Python in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(program, *arguments, **environment):
    """Start ``python -c program arguments...`` with unbuffered text pipes."""
    command = [sys.executable, "-u", "-c", textwrap.dedent(program), *map(str, arguments)]
    env = os.environ | environment
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def run(program, *arguments, timeout=120, **environment):
    """Run ``python -c program arguments...`` and return what it prints."""
    with start(program, *arguments, **environment) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, f"exit status {process.returncode}\n{output}\n{errors}"
    return output
