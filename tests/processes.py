"""Runs modules as processes, as ``python -m`` does, without the seconds of TensorFlow's import.

Each is a fork of one process that has imported it and done nothing else. Tests of what a module
imports, and of a fresh interpreter, start a real one.
"""

import contextlib
import json
import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import time

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tf_csvae.evaluation", "tf_csvae.models", "tf_csvae.training.session"])


class Started:
    """A module that runs as a process. It is killed at the end of a ``with``, if it still runs.

    Args:
        module: name, as ``python -m`` takes it.
        *arguments: of the command line; ``str`` is called on each.
        cwd: the working directory; None: that of this process.
        **environment: variables beside those of this process.
    """

    def __init__(self, module, *arguments, cwd=None, **environment):
        self.args = [module, *map(str, arguments)]
        self._folder = tempfile.TemporaryDirectory()
        self._paths = [os.path.join(self._folder.name, name) for name in ("stdout", "stderr")]
        for path in self._paths:
            open(path, "x").close()
        given = (self.args, cwd or os.getcwd(), os.environ | environment, self._paths)
        self._process = _FORKS.Process(target=_as_main, args=given)
        self._process.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.join()
        self._folder.cleanup()

    def send_signal(self, signum):
        """Sends a signal to the process."""
        os.kill(self._process.pid, signum)

    def until(self, condition, timeout=240):
        """Waits until ``condition()``, which must come before the process ends."""
        end = time.monotonic() + timeout
        while not condition() and self._process.is_alive() and time.monotonic() < end:
            time.sleep(0.05)
        assert condition(), self.output()

    def says(self, text):
        """Returns whether the process has written a text to its standard output."""
        return text in self.output()[0]

    def output(self):
        """Returns what the process has written so far to its standard output, and to its errors."""
        texts = []
        for path in self._paths:
            with open(path) as file:
                texts.append(file.read())
        return texts

    def done(self, timeout=300):
        """Waits for the end of the process.

        Returns:
            ``subprocess.CompletedProcess`` with the output as text.

        Raises:
            subprocess.TimeoutExpired: it took longer.
        """
        self._process.join(timeout)
        if self._process.is_alive():
            raise subprocess.TimeoutExpired(self.args, timeout, *self.output())
        return subprocess.CompletedProcess(self.args, self._process.exitcode, *self.output())


def run(module, *arguments, cwd=None, timeout=300):
    """Runs a module to its end. Arguments: see ``Started``; result and errors: see ``done``."""
    with Started(module, *arguments, cwd=cwd) as process:
        return process.done(timeout)


def tf_configs(count):
    """Returns the TF_CONFIGs of so many workers on this machine, on ports that were free."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        hosts = [f"127.0.0.1:{port.getsockname()[1]}" for port in ports]
    return [
        json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}})
        for index in range(count)
    ]


def quick_graphs():
    """Turns off TensorFlow's graph optimizer, which takes longer than it saves in small graphs."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def _as_main(arguments, cwd, environment, paths):
    for number, path in enumerate(paths, start=1):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = arguments
    if not any("deterministic" in each for each in arguments):  # its bits are those of a real process
        quick_graphs()
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
