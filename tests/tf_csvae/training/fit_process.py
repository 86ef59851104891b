"""A training from Python, whole and interrupted; ``test_fit.py`` runs it in a process of its own.

    python -m tests.tf_csvae.training.fit_process OPTIONS FOLDER

Deterministic operations count for the whole process. OPTIONS are those of ``fit`` as JSON; the
runs are FOLDER/whole and FOLDER/interrupted.
"""

import glob
import json
import os
import signal
import sys
import threading
import time

import tf_csvae


def interrupt_after(pattern):
    """Sends Ctrl-C to this process as soon as a file is there."""
    while not glob.glob(pattern):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def main(options, folder):
    """Trains whole; then the same until an interruption, and on by the same call."""
    whole = tf_csvae.fit("vae", run_dir=f"{folder}/whole", **options)
    with open(whole.run.file("metrics.json"), encoding="utf-8") as file:
        assert json.load(file) == whole.metrics

    # A checkpoint after each step, so that the training is interrupted and resumed in an epoch.
    options = {**options, "checkpoint_minutes": 1e-6, "run_dir": f"{folder}/interrupted"}
    handler = signal.getsignal(signal.SIGINT)
    pattern = f"{folder}/interrupted/backup/epoch-000002-step-*.json"
    threading.Thread(target=interrupt_after, args=[pattern], daemon=True).start()
    try:
        tf_csvae.fit("vae", **options)
    except KeyboardInterrupt as interruption:
        print(f"interrupted by {interruption}", flush=True)
    else:
        sys.exit("nothing interrupted it")
    assert signal.getsignal(signal.SIGINT) is handler
    assert not os.path.exists(f"{folder}/interrupted/metrics.json")
    tf_csvae.fit("vae", **options)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
