"""Applies a trained model to your files: no export and no server needed.

    python -m export.apply --run_dir=RUN --input=FOLDER --labels=labels.csv --set=Smiling=1 --out=DIR
    python -m export.apply --run_dir=RUN --input=FILE.csv --set=sick=0 --out=DIR
    python -m export.apply --run_dir=RUN --mode=sample --set=Smiling=1 --count=16 --out=DIR

Images come back as PNG files of the same names, rows as a CSV file in the table's own columns, latent codes as
JSON lines. A model that is told the labels of its input takes them from --labels, from the table, or from
a classifier (--classifier=RUN).
"""

import os
import sys

import flags
import flags.apply
import flags.judge
import flags.labels
import flags.run
import flags.seed
import flags.steering
from export import client
from trainers import measuring, training

FLAGS = flags.FLAGS

GROUPS = (flags.run, flags.apply, flags.steering, flags.labels, flags.judge, flags.seed)


def apply():
    """Does what the flags say; raises ``InputError``."""
    from tf_csvae import InputError, runs

    if not FLAGS.run_dir:
        raise InputError("Give --run_dir, the run of the model.")
    if (FLAGS.mode == "sample") != (FLAGS.input is None):
        raise InputError(f"--mode={FLAGS.mode} takes {'no --input' if FLAGS.input else 'an --input'}.")
    with training.quietly():
        import numpy as np
        import tensorflow as tf
        from tqdm import tqdm

        from export import saved_model, signatures

    model, info, _ = saved_model.load(runs.Run(FLAGS.run_dir))
    judge = measuring.load_judge(info)
    served = signatures.Served(model, info, judge and judge[0])
    if FLAGS.mode not in served.signatures:
        raise InputError(
            f"{FLAGS.run_dir} holds a {type(model).__name__}, which cannot {FLAGS.mode}: it can "
            f"{', '.join(name for name in served.signatures if not name.endswith('_bytes'))}."
        )
    call = served.signatures[FLAGS.mode]
    labels = info.labels if getattr(model, "label_widths", ()) else ()
    if FLAGS.mode == "transfer" and not FLAGS.set:
        raise InputError(
            f"Give --set, as in --set={labels[0].name}={labels[0].text(1.0)}: there is nothing to change."
        )
    client.label_values(FLAGS.set, labels)
    stems, read, known = _examples(info, labels, bool(judge) or getattr(model, "reads_labels", False))

    made = []
    for first in tqdm(range(0, len(stems), FLAGS.batch), unit="batch", disable=len(stems) <= FLAGS.batch):
        rows = slice(first, first + FLAGS.batch)
        inputs = client.steered(FLAGS.mode, labels, known[rows], first)
        if FLAGS.mode != "sample":
            inputs["x"] = read(rows)
        try:
            ordered = [tf.constant(inputs[spec.name]) for spec in call.input_signature]
            outputs = {name: value.numpy() for name, value in call(*ordered).items()}
        except tf.errors.InvalidArgumentError as error:
            raise InputError(client.first_line(error.message)) from error
        if "x" in outputs and info.is_image:
            pixels = np.round(255 * np.clip(outputs["x"], 0, 1)).astype(np.uint8)
            files = np.array([tf.io.encode_png(image).numpy() for image in pixels], object)
            client.write(FLAGS.mode, stems[rows], {"x_bytes": files})
        else:
            made.append(outputs)
    if made:
        outputs = {name: np.concatenate([part[name] for part in made]) for name in made[0]}
        if "x" in outputs:
            _write_rows(info, labels, outputs["x"], known)
        else:
            _write_codes(stems, outputs)
    print(f"{FLAGS.mode}: {len(stems)} of {FLAGS.run_dir}, written to {FLAGS.out}")


def _examples(info, labels, reads_labels):
    """Finds what --input holds.

    Returns:
        (names of the rows, function of a slice of them -> float32 x in the data's own units, float32
        [rows, k] labels in their own units, NaN where they are not known).
    """
    import numpy as np
    import tensorflow as tf

    from tf_csvae import InputError
    from tf_csvae.data import images, rows, table

    if FLAGS.input is None:
        stems = [f"sample_{number:05d}" for number in range(FLAGS.count)]
        return stems, None, client.label_rows([], labels, FLAGS.count)
    problems = rows.Problems()
    if info.is_image:
        files = _files(FLAGS.input)
        # From the folder on, so that equal names in two folders stay apart.
        root = FLAGS.input if os.path.isdir(FLAGS.input) else os.path.dirname(FLAGS.input)
        paths = [os.path.relpath(file, root) for file in files]
        given = _given_labels(labels, paths, problems)

        def read(chosen):
            try:
                pixels = [images.read(file, info.crop, info.shape[0]).numpy() for file in files[chosen]]
                return np.stack(pixels).astype(np.float32) / 255
            except tf.errors.OpError:
                raise InputError(images.first_unreadable(files[chosen])) from None

        stems = [os.path.splitext(path)[0] for path in paths]
    else:
        if not info.columns:
            raise InputError(f"{FLAGS.run_dir} was trained on {info.name}, whose examples are in no table.")
        here = rows.read(FLAGS.input)
        for column in info.columns:
            rows.column(here, column.name, "--input")
        x = table.encode(info.columns, here, problems)
        stems = [str(line) for line in here.lines]
        given = _given_labels(labels, stems, problems)
        for i, label in enumerate(labels):
            if label.name in here.columns and not FLAGS.labels:
                given[:, i] = label.in_units(rows.values_of(here, label, problems))

        def read(chosen):
            return x[chosen]

    problems.raise_any()
    # A model that learned from examples of which a label was not known can do without it.
    unknown = [
        label
        for label, column in zip(labels, given.T, strict=True)
        if np.isnan(column).any() and not label.missing
    ]
    if unknown and not reads_labels:
        raise InputError(
            f"The model must be told the labels of its input; {', '.join(label.name for label in unknown)} are not "
            f"known. Give --labels=FILE.csv, --labels={unknown[0].name}={unknown[0].text(0.0)}, or "
            "--classifier=RUN, which reads them."
        )
    return stems, read, given


def _files(path):
    """Returns the image files in a folder and those below it, or the one file."""
    from tf_csvae import InputError

    if os.path.isfile(path):
        return [path]
    endings = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
    found = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
        if name.lower().endswith(endings)
    ]
    if not found:
        raise InputError(f"--input={path} is no image and no folder that has any ({', '.join(endings)}).")
    return sorted(found)


def _given_labels(labels, paths, problems):
    """Returns float32 [rows, k], in own units, from --labels: a CSV file with a row per image or values for all."""
    import numpy as np

    from tf_csvae.data import rows

    given = FLAGS.labels or ""
    if not given or "=" in given:
        return client.label_rows(given.split(",") if given else [], labels, len(paths))
    table = rows.read(given)
    found = client.label_rows([], labels, len(paths))
    files = next(iter(table.columns.values()))
    places = {os.path.normpath(file): row for row, file in enumerate(files)}
    chosen = [places.get(os.path.normpath(path), -1) for path in paths]
    for path, row in zip(paths, chosen, strict=True):
        if row < 0:
            problems.append(f"{given} has no row for {path}.")
    for i, label in enumerate(labels):
        if label.name in table.columns:
            column = label.in_units(rows.values_of(table, label, problems))
            found[:, i] = [column[row] if row >= 0 else np.nan for row in chosen]
    return found


def _write_rows(info, labels, x, known):
    """Writes made rows as a CSV file, in the table's own columns and with their labels."""
    import csv
    import io

    import numpy as np

    from tf_csvae import runs

    # x is in the data's own units already; to_columns undoes the scaling of the model's.
    columns = info.to_columns((x - info.offset) / info.scale)
    default = 0.0 if FLAGS.mode == "sample" else np.nan
    wanted = client.label_rows(FLAGS.set, labels, len(x), default)
    given = np.where(np.isnan(wanted), known, wanted) if FLAGS.mode in ("transfer", "sample") else known
    for label, column in zip(labels, given.T, strict=True):
        if not np.isnan(column).all():
            columns[label.name] = [label.text((value - label.mean) / label.scale) for value in column]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    runs.write_text(os.path.join(FLAGS.out, f"{FLAGS.mode}.csv"), text.getvalue())


def _write_codes(stems, outputs):
    """Writes codes as JSON lines, one per example."""
    import json

    from tf_csvae import runs

    lines = [
        json.dumps({"file": stem, **{name: value[row].tolist() for name, value in outputs.items()}})
        for row, stem in enumerate(stems)
    ]
    runs.write_text(os.path.join(FLAGS.out, f"{FLAGS.mode}.jsonl"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(apply, "What was made so far is written.")
