"""Applies a trained model to your files, without an export or a server.

    python -m export.apply --run_dir=RUN --input=FOLDER --labels=FILE.csv --set=Smiling=1 --out=DIR
    python -m export.apply --run_dir=RUN --input=FILE.csv --set=sick=0 --out=DIR
    python -m export.apply --run_dir=RUN --mode=sample --set=Smiling=1 --count=16 --out=DIR

Images come back as PNG files with the same names, rows as a CSV file with the table's own columns,
latent codes as JSON lines. If the model needs the labels of its input, they come from --labels,
from the table, or from a judge (--judge=RUN).
"""

import dataclasses
import os
import sys

from export.configs import RunConfig, SteeringConfig
from flags import command, parse
from tf_csvae import files
from tf_csvae.errors import InputError
from tf_csvae.options import option
from tf_csvae.runs import Run


@dataclasses.dataclass(frozen=True)
class ApplyConfig(SteeringConfig, RunConfig):
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


def apply(config: ApplyConfig) -> None:
    """Applies the model of a run to files, in batches, and writes the results to ``config.out``.

    Raises:
        InputError: a mistake in the options or the files, or a mode that the model does not have.
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

        from export import examples, signatures, steering
        from export.inputs import sentence_in

    served = signatures.Served.of_run(Run(config.run_dir), config.judge)
    labels, info = served.labels, served.info
    if config.mode not in served.signatures:
        known = [name for name in served.signatures if not name.endswith("_bytes")]
        raise InputError(
            f"{config.run_dir} holds a {type(served.model).__name__}, which cannot "
            f"{config.mode}: it can {', '.join(known)}."
        )
    if config.mode == "transfer" and not config.set:
        example = f"--set={labels[0].name}={labels[0].text(1.0)}"
        raise InputError(f"Give --set, as in {example}. Without it there is nothing to change.")
    if config.mode == "sample":
        given = examples.to_sample(config.count, labels)
    else:
        given = examples.find(config.input, config.labels, served)
    default = 0.0 if config.mode == "sample" else np.nan
    requested = np.float32(steering.label_values(config.set, labels, default))
    function, made = served.signatures[config.mode], []
    starts = range(0, len(given.names), config.batch)
    for start in tqdm(starts, unit="batch", disable=len(starts) == 1):
        rows = slice(start, start + config.batch)
        inputs = steering.request(config, config.mode, labels, given.labels[rows], start)
        if config.mode != "sample":
            inputs["x"] = given.read(rows)
        ordered = [tf.constant(inputs[spec.name]) for spec in function.input_signature]
        try:
            outputs = {name: value.numpy() for name, value in function(*ordered).items()}
        except tf.errors.InvalidArgumentError as error:
            raise InputError(sentence_in(error.message)) from error
        if "x" in outputs and info.is_image:
            pixels = np.round(255 * np.clip(outputs["x"], 0, 1)).astype(np.uint8)
            images = [tf.io.encode_png(image).numpy() for image in pixels]
            steering.write_images(config.out, given.names[rows], images)
        else:
            made.append(outputs)
    if made:
        outputs = {name: np.concatenate([part[name] for part in made]) for name in made[0]}
        if "x" in outputs:
            y = given.labels
            if config.mode in ("transfer", "sample"):
                y = np.where(np.isnan(requested), y, requested)
            text, ending = examples.as_table(served, outputs["x"], y).to_csv(index=False), "csv"
        else:
            text = "\n".join(steering.json_lines(given.names, outputs)) + "\n"
            ending = "jsonl"
        files.write_text(os.path.join(config.out, f"{config.mode}.{ending}"), text)
    print(f"{config.mode}: {len(given.names)} of {config.run_dir}, written to {config.out}")


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (ApplyConfig,), __doc__).config(ApplyConfig)
    command.run(lambda: apply(config), "The results so far are written.")


if __name__ == "__main__":
    main()
