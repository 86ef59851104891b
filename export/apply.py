"""Applies a trained model to your files, without an export or a server.

    python -m export.apply --run_dir=RUN --input=FOLDER --labels=FILE.csv --set=Smiling=1 --out=DIR
    python -m export.apply --run_dir=RUN --input=FILE.csv --set=sick=0 --out=DIR
    python -m export.apply --run_dir=RUN --mode=sample --set=Smiling=1 --count=16 --out=DIR

Images come back as PNG files with the same names and of the same size, rows as a CSV file with the
table's own columns, latent codes as JSON lines. No file is written over unless --overwrite is
given. If the model needs the labels of its input, they come from --labels, from the table, or from
a judge (--judge=RUN).
"""

import dataclasses
import os
import sys

from export.configs import RunConfig, SteeringConfig
from export.outputs import check_free
from flags import command, parse
from tf_csvae import files
from tf_csvae.configs import BadExamplesConfig
from tf_csvae.errors import InputError
from tf_csvae.options import option
from tf_csvae.runs import Run


@dataclasses.dataclass(frozen=True)
class ApplyConfig(SteeringConfig, RunConfig, BadExamplesConfig):
    """Apply: the run, what to do, and with what."""

    mode: str = option(
        "transfer",
        "transfer: set the labels --set of the input; sample: make --count new examples, without "
        "an input; reconstruct; encode: write the latent codes.",
        choices=("transfer", "sample", "reconstruct", "encode"),
    )
    input: str | None = option(
        None,
        "An image, a folder of images, or a table (CSV or Parquet) like the one trained on.",
    )
    size: str = option(
        "original",
        "Of images, with transfer: original, the change is made to the pixels of the file, which "
        "keeps its size; model, the image that the model makes.",
        choices=("original", "model"),
    )
    show: str = option(
        "after",
        "Of rows: after, the changed rows; beside, each changed column with its values before and "
        "the difference beside it.",
        choices=("after", "beside"),
    )
    impute: bool = option(
        False, "Of rows, with transfer: fill missing features in, by the likeliest, before the change."
    )
    decimal: str | None = option(
        None,
        "The decimal separator of columns of numbers that can be read in two ways, as in training.",
        choices=(",", "."),
    )


def apply(config: ApplyConfig) -> None:
    """Applies the model of a run to files, in batches, and writes the results to ``config.out``.

    It prints a summary: what was written, and which files were passed over or left out.

    Raises:
        InputError: a mistake in the options or the files, a mode that the model does not have, or
            files in ``config.out`` that would be written over.
    """
    if not config.run_dir:
        raise InputError("Give --run_dir, the run of the model.")
    files.check_folder(config.out, "--out")
    if (config.mode == "sample") != (config.input is None):
        wanted = "no --input" if config.input else "an --input"
        raise InputError(f"--mode={config.mode} takes {wanted}.")
    with command.quietly():
        import numpy as np
        import tensorflow as tf
        from tqdm import tqdm

        from export import examples, full_size, signatures, steering
        from tf_csvae import frames
        from tf_csvae.data import images, names

    served = signatures.Served.of_run(Run(config.run_dir), config.judge)
    labels, info = served.labels, served.info
    if config.mode not in served.signatures:
        known = [name for name in served.signatures if not name.endswith("_bytes")]
        raise InputError(
            f"{config.run_dir} holds a {type(served.model).__name__}, which cannot "
            f"{config.mode}: it can {', '.join(known)}."
        )
    # Then nothing is to be changed, and the model is asked nothing.
    as_read = config.mode == "transfer" and not config.set
    if config.impute and (config.mode != "transfer" or not info.columns):
        raise InputError("--impute takes rows of a table, and --mode=transfer.")
    if config.mode == "sample":
        given = examples.to_sample(config.count, labels)
    else:
        given = examples.find(config, served, config.impute or not as_read)
    if config.impute:
        given = examples.imputed(served, given, config.batch)
    default = 0.0 if config.mode == "sample" else np.nan
    requested = np.array(steering.label_values(config.set, labels, default))
    made, notes, same = [], [], 0
    ending = "jsonl" if config.mode == "encode" else "png" if info.is_image else "csv"
    to_write = [f"{name}.png" for name in given.names] if ending == "png" else [f"{config.mode}.{ending}"]
    check_free(config.out, to_write, config.overwrite, given.files)
    starts = range(0, len(given.names), config.batch)
    for start in tqdm(starts, unit="batch", disable=len(starts) == 1):
        rows = slice(start, start + config.batch)
        inputs = steering.request(config, config.mode, labels, given.labels[rows], start)
        if config.mode != "sample":
            inputs["x"] = given.read(rows)
        outputs = {"x": inputs["x"]} if as_read else served.answer(config.mode, inputs)
        if "x" in outputs and info.is_image:
            before = inputs.get("x")
            if config.mode == "transfer" and not as_read:
                before = full_size.unchanged(served, before, given.labels[rows])
                moved = np.abs(outputs["x"] - before).reshape(len(before), -1).max(1)
                same += int(np.sum(moved < full_size.LEAST))
            if config.mode == "transfer" and config.size == "original":
                pairs = zip(given.paths[rows], before, outputs["x"], strict=True)
                encoded = [full_size.edited(path, info, *pair) for path, *pair in pairs]
            else:
                encoded = [images.encoded(image).numpy() for image in tf.constant(outputs["x"])]
            steering.write_images(config.out, given.names[rows], encoded)
        else:
            made.append(outputs)
    if made:
        outputs = {name: np.concatenate([part[name] for part in made]) for name in made[0]}
        if "x" in outputs:
            y, columns, moved = given.labels, {}, []
            if config.mode in ("transfer", "sample"):
                y = np.where(np.isnan(requested), y, requested)
            if config.mode == "transfer" and not as_read:
                read = np.float32(info.scaled(given.read(slice(None))))
                columns, moved = frames.changed(info, given.unchanged, read, outputs["x"])
            elif not as_read:
                columns = info.in_columns(outputs["x"])
            table = examples.as_table(served, given, columns, y, requested, config.show == "beside")
            text, notes = table.to_csv(index=False), [*moved, *examples.formulas(table)]
        else:
            if any(given.outside):
                outputs[examples.OUTSIDE] = np.array([", ".join(names) for names in given.outside])
            text = "\n".join(steering.json_lines(given.names, outputs)) + "\n"
        files.write_text(os.path.join(config.out, to_write[0]), text)
    summary = [f"{config.mode}: {len(given.names)} of {config.run_dir}, written to {config.out}"]
    if as_read:
        summary.append("Without --set there is nothing to change: all are written as they were read.")
    if same:
        wanted = ", ".join(config.set)
        summary.append(
            f"{same} of {len(given.names)} images did not change. They may have {wanted} already, "
            "as their labels are given or predicted: --labels gives them."
        )
    if far := sorted({name for outside in given.outside for name in outside}):
        count = sum(map(bool, given.outside))
        summary.append(
            f"{count} of {len(given.names)} rows are far outside the training range, in {', '.join(far)}; "
            f"{examples.OUTSIDE} names the columns of each."
        )
    for line in (*summary, *given.notes, *notes):
        print(names.shown(line))


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (ApplyConfig,), __doc__).config(ApplyConfig)
    command.run(lambda: apply(config), "The results so far are written.")


if __name__ == "__main__":
    main()
