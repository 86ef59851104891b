"""Checks an exported model: does it give, with nothing of ours beside it, what the Keras model gave?

    python -m export.check --model_dir=models/NAME/VERSION

Loads the SavedModel in a process that cannot import this project, runs each signature on the model's
own warm-up request, and compares with what the Keras model answered when it was exported.
"""

import json
import os
import subprocess
import sys

import flags
import flags.check
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.check,)


def check():
    """Checks the model in --model_dir; exits with 1 where a difference is too large."""
    from tf_csvae import InputError, report

    folder = FLAGS.model_dir
    if not folder or not os.path.exists(os.path.join(folder, "saved_model.pb")):
        raise InputError(
            f"--model_dir={folder} holds no SavedModel. Give the folder of a version, as in models/NAME/1."
        )
    standalone = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standalone.py")
    command = [sys.executable, standalone, os.path.abspath(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise InputError(f"{folder} could not be run: {reason[0]}")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    rows, wrong = [["signature", "largest difference", "ms", ""]], []
    for result in results:
        fine = result["difference"] <= FLAGS.tolerance
        if not fine:
            wrong.append(result["signature"])
        rows.append(
            [
                result["signature"],
                f"{result['difference']:.2g}",
                f"{result['ms']:.1f}",
                "ok" if fine else "WRONG",
            ]
        )
    print(report.as_text(report.Table("", rows)))
    if wrong:
        raise InputError(f"{folder} differs from the Keras model in {', '.join(wrong)}. Export it again.")


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(check, "Nothing is changed by a check.")
