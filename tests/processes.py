"""Running a piece of Python in a process of its own."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


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


LONG_CALL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)    # a shell's background job inherits none
signal.alarm(100)                                           # a call that cannot be stopped ends here
{setting}
before = {answer}
print("ready")
sys.stdin.readline()
print("go")
try:
    {call}
except KeyboardInterrupt:
    print("stopped")
assert {answer} == before
print("works")
"""


def assert_stops_within_a_second(setting, call, answer):
    """Assert that Ctrl-C stops a long call, and that fastml works afterwards.

    setting : statements that come first
    call : the expression
    answer : an expression whose value is the same before and afterwards
    """
    with start(LONG_CALL.format(setting=textwrap.dedent(setting), call=call, answer=answer)) as process:
        try:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "go\n"
            time.sleep(1)
            assert process.poll() is None, "the call was meant to take long"
            sent = time.perf_counter()
            process.send_signal(signal.SIGINT)
            answer = process.stdout.readline()
            waited = time.perf_counter() - sent
            assert answer == "stopped\n", process.stderr.read()
            assert process.stdout.readline() == "works\n", process.stderr.read()
        finally:
            process.kill()
    assert waited < 1
