"""Writes a trained model as a SavedModel that TensorFlow Serving loads.

    python -m export.saved_model --run_dir=RUN --export_dir=models

The folder models/NAME/VERSION appears whole or not at all. It also holds warm-up requests, the
labels, and a model card. models/models.config lists all models. With --judge a client may leave
labels out (give -1); the judge predicts them from the example.
"""

import dataclasses
import json
import os
import re
import sys

from export.configs import RunConfig
from flags import command, parse
from tf_csvae import files
from tf_csvae.errors import InputError
from tf_csvae.options import option
from tf_csvae.runs import Run


@dataclasses.dataclass(frozen=True)
class ExportConfig(RunConfig):
    """Export: the run, and where its SavedModel is written."""

    export_dir: str = option("models", "The server's folder; EXPORT_DIR/MODEL_NAME/VERSION is written.")
    model_name: str | None = option(
        None, "Name of the model on the server. Default: that of the run's directory."
    )
    version: int | None = option(
        None, "Version; one that exists is never written over. Default: the next.", low=1
    )


def export(
    run_dir: str | None,
    export_dir: str = ExportConfig.export_dir,
    model_name: str | None = None,
    version: int | None = None,
    judge: str | None = None,
) -> str:
    """Exports the model of a finished run; arguments as in ``ExportConfig``.

    Returns:
        the version's folder.

    Raises:
        InputError: no finished run, a name that cannot be served, or a version that exists.
    """
    if not run_dir:
        raise InputError("Give --run_dir, the run to export.")
    run = Run(run_dir)
    run.metrics()  # raises for an unfinished run, before the slow import of TensorFlow
    name = model_name or os.path.basename(os.path.abspath(run_dir))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(f"--model_name={name!r}: expected letters, digits, '.', '_' and '-'.")
    files.check_folder(export_dir, "--export_dir")
    with command.quietly():
        from export import card, signatures, versions, warmup

    version = version or 1 + max(versions.versions_of(os.path.join(export_dir, name)), default=0)
    served = signatures.Served.of_run(run, judge)
    beside = {
        **warmup.files(served, name),
        "labels.json": (json.dumps(served.description.to_dict(), indent=2) + "\n").encode(),
        "README.md": card.card(name, version, run, served).encode(),
    }
    config = os.path.join(export_dir, versions.CONFIG)
    # Before anything is written: this raises for a file that cannot be read.
    listed = versions.models_config(config, name, version)
    path = versions.write(served, name, export_dir, version, beside)
    files.write_text(config, listed)
    print(f"{path}: {', '.join(served.signatures)}\nThe server's list of models: {config}")
    return path


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (ExportConfig,), __doc__).config(ExportConfig)
    command.run(lambda: export(**config.to_dict()), "Nothing was written. The same command starts again.")


if __name__ == "__main__":
    main()
