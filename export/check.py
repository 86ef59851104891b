"""Checks that an exported model gives the outputs of the Keras model it was made from.

    python -m export.check --model_dir=models/NAME/VERSION

The SavedModel is loaded in a process that cannot import this project. It answers its own warm-up
requests, and its answers are compared with those that the Keras model gave at the export.
"""

import dataclasses
import json
import os
import subprocess
import sys

from flags import command, parse
from tf_csvae.errors import InputError
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class CheckConfig(Config):
    """Check: the exported model, and the tolerance."""

    model_dir: str | None = option(None, "Folder of the version, as in models/NAME/1.")
    tolerance: float = option(
        1e-4, "Largest absolute difference that is allowed, in standardised units.", low=0
    )


def check(model_dir: str | None, tolerance: float = CheckConfig.tolerance) -> None:
    """Checks an exported model and prints the differences.

    Raises:
        InputError: no model, one that cannot be run, or a difference above the tolerance.
    """
    if not model_dir or not os.path.exists(os.path.join(model_dir, "saved_model.pb")):
        raise InputError(
            f"--model_dir={model_dir} holds no SavedModel. Give the folder of a version, as in models/NAME/1."
        )
    import pandas as pd

    standalone = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standalone.py")
    call = [sys.executable, standalone, os.path.abspath(model_dir)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise InputError(f"{model_dir} cannot be run: {reason[0]}")
    found = pd.DataFrame(map(json.loads, done.stdout.splitlines())).set_index("signature")
    right = found["difference"] <= tolerance
    found[""] = right.map({True: "ok", False: "WRONG"})
    forms = {"difference": "{:.2g}".format, "ms": "{:.1f}".format}
    print(found.to_string(formatters=forms, index_names=False))
    if not right.all():
        wrong = ", ".join(found.index[~right])
        raise InputError(f"{model_dir} differs from the Keras model in {wrong}. Export it again.")


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (CheckConfig,), __doc__).config(CheckConfig)
    command.run(lambda: check(**config.to_dict()), "A check changes nothing.")


if __name__ == "__main__":
    main()
