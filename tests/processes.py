"""Runs modules as processes, as ``python -m`` does, without the seconds of TensorFlow's import.

Each is a fork of one process that has imported it and done nothing else. Tests of signals, of what
a module imports, and of a fresh interpreter start a real one.
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

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tf_csvae.evaluation", "tf_csvae.models", "tf_csvae.training.session"])


def run(module, *arguments, cwd=None, timeout=300):
    """Runs a module to its end.

    Args:
        module: name, as ``python -m`` takes it.
        *arguments: of the command line; ``str`` is called on each.
        cwd: the working directory; None: that of this process.
        timeout: seconds after which it is killed.

    Returns:
        ``subprocess.CompletedProcess`` with the output as text.

    Raises:
        subprocess.TimeoutExpired: it took longer.
    """
    arguments = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        given = (module, arguments, cwd or os.getcwd(), dict(os.environ), paths)
        process = _FORKS.Process(target=_as_main, args=given)
        process.start()
        try:
            process.join(timeout)
            in_time = not process.is_alive()
        finally:
            process.kill()
            process.join()
        output = []
        for path in paths:
            with open(path) as file:
                output.append(file.read())
    if not in_time:
        raise subprocess.TimeoutExpired([module, *arguments], timeout, *output)
    return subprocess.CompletedProcess([module, *arguments], process.exitcode, *output)


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


def _as_main(module, arguments, cwd, environment, paths):
    for number, path in enumerate(paths, start=1):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = [module, *arguments]
    if not any("deterministic" in each for each in arguments):  # its bits are those of a real process
        quick_graphs()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
