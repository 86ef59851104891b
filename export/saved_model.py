"""Writes a trained model as a SavedModel that TensorFlow Serving loads.

    python -m export.saved_model --run_dir=RUN --export_dir=models

It goes to models/NAME/VERSION, which appears whole or not at all, with requests to warm it up, its labels,
and a card that says what it is; models/models.config lists all that are there. With --classifier a
client may leave labels out (give -1): the classifier reads them from the image.
"""

import json
import os
import re
import shutil
import sys

import flags
import flags.export
import flags.judge
import flags.run
from trainers import measuring, training

FLAGS = flags.FLAGS

GROUPS = (flags.run, flags.judge, flags.export)

WARMUP, EXPECTED = "tf_serving_warmup_requests", "expected_outputs"
CONFIG, CARD, LABELS = "models.config", "README.md", "labels.json"


def load(run):
    """Loads what is exported.

    Args:
        run: ``Run``.

    Returns:
        (model, ``Info``, metrics.json as a dict).

    Raises:
        InputError: not finished, or written by a version that kept no info.json.
    """
    from tf_csvae import InputError, load_model, runs
    from tf_csvae.data.dataset import Info

    numbers = run.metrics()
    if not os.path.exists(run.file(runs.INFO)):
        raise InputError(
            f"{run.path} has no {runs.INFO}. python -m trainers.evaluate --run_dir={run.path} writes it."
        )
    info = Info.from_dict(runs.read_json(run.file(runs.INFO)))
    return load_model(run.file(runs.MODEL)), info, numbers


def write(served, name, export_dir, version, extra):
    """Writes a version of a model, whole, by rename.

    Args:
        served: ``signatures.Served``.
        name: str, the model's name.
        export_dir: str, the server's folder.
        version: int.
        extra: {file name: bytes} to lie beside the graph, in assets.extra.

    Returns:
        str, the version's folder.

    Raises:
        InputError: the version is there.
    """
    import tensorflow as tf

    from tf_csvae import InputError

    folder = os.path.join(export_dir, name)
    final = os.path.join(folder, str(version))
    os.makedirs(folder, exist_ok=True)
    # A server takes folders whose names are numbers; this one is none until it is complete.
    temporary = os.path.join(folder, f".{os.getpid()}.{version}")
    try:
        signatures = dict(served.signatures)
        signatures["serving_default"] = signatures[next(iter(signatures))]
        tf.saved_model.save(served.holder, temporary, signatures)
        for file, content in extra.items():
            path = os.path.join(temporary, "assets.extra", file)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as opened:
                opened.write(content)
        _flushed(temporary)
        try:
            os.rename(temporary, final)
        except OSError:
            if not os.path.isdir(final):
                raise
            raise InputError(
                f"{final} is there, and a version is never written over. Give another --version, or none for the next."
            ) from None
    except tf.errors.OpError as error:  # such as a full disk
        raise OSError(f"{final} cannot be written: {error.message.splitlines()[0]}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return final


def _flushed(folder):
    """Has the disk hold all files of a folder before its name appears."""
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                os.fsync(file.fileno())


def models_config(text, name, version):
    """Returns a server's models.config in which one model has a new version, the label "stable" on it.

    What had that label gets "previous"; whatever else the file says, such as another model that was
    rolled back, stays.

    Args:
        text: str, the file as it is; empty for none.
        name: str, the model's name.
        version: int, the new version.

    Returns:
        str.

    Raises:
        InputError: a file that is no models.config.
    """
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    from tf_csvae import InputError

    config = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(text, config)
    except text_format.ParseError as error:
        raise InputError(f"{CONFIG} cannot be read ({error}). Mend or remove it.") from None
    models = config.model_config_list.config
    entry = next((model for model in models if model.name == name), None)
    if entry is None:
        entry = models.add(name=name, base_path=f"/models/{name}", model_platform="tensorflow")
    previous = entry.version_labels.get("stable")
    entry.version_labels["stable"] = version
    served = [version]
    if previous and previous != version:
        entry.version_labels["previous"] = previous
        served.insert(0, previous)
    entry.model_version_policy.specific.versions[:] = served
    return text_format.MessageToString(config)


def versions_of(folder):
    """Returns the numbers of a model's versions, in order."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(name) for name in names if name.isdecimal())


def card(name, version, run, info, numbers, signatures):
    """Returns the model card, Markdown."""
    from tf_csvae import report

    ran = numbers.get("run", {})
    lines = [
        f"# {name}, version {version}",
        "",
        f"A {ran.get('system', 'model')} of tf_csvae, trained on {info.name} ({info.counts['train']:,} examples, seed "
        f"{ran.get('seed', '?')}).",
        "",
        f"Labels: {'; '.join(_described(label) for label in info.labels)}.",
        f"Signatures: {', '.join(signatures)}.",
        "",
        *_markdown(report.headline(numbers, ran.get("system"), info.name)),
        "",
        "## Limits",
        "",
        "It knows the kind of data that it was trained on and no other, with whatever that has too much or too little "
        "of; rare labels least. What it makes is no evidence about a person.",
        "",
        "## Data",
        "",
        "CelebA is for non-commercial research only, by its authors' terms, and so is what was trained on it."
        if info.name == "celeba"
        else f"{info.name}.",
        "",
        "## Flags",
        "",
        "```",
        run.flags().rstrip().replace("```", ""),  # which would end the block
        "```",
    ]
    return "\n".join(lines) + "\n"


def _described(label):
    """Says what a label is, and what its column of a request holds."""
    if label.kind == "categorical":
        classes = ", ".join(f"{place}: {name}" for place, name in enumerate(label.classes))
        return f"{label.name} (the index of a class; {classes})"
    if label.kind == "real":
        return f"{label.name} (a number in its own units, {label.mean:.4g} ± {label.scale:.2g} in training)"
    return label.name


def _markdown(table):
    first, *rows = (f"| {' | '.join(row)} |" for row in table.rows)
    return [first, "|" + " --- |" * len(table.rows[0]), *rows]


def export():
    """Exports the run in --run_dir."""
    from tf_csvae import InputError, runs

    if not FLAGS.run_dir:
        raise InputError("Give --run_dir, the run to export.")
    run = runs.Run(FLAGS.run_dir)
    run.metrics()  # raises where it is not finished, before the seconds that TensorFlow takes
    name = FLAGS.model_name or os.path.basename(os.path.abspath(run.path))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(f"--model_name={name!r}: letters, digits, '.', '_' and '-' are served.")
    there = versions_of(os.path.join(FLAGS.export_dir, name))
    version = FLAGS.version or 1 + max(there, default=0)
    with training.quietly():
        from export import requests, signatures
    model, info, numbers = load(run)
    judge = measuring.load_judge(info)
    served = signatures.Served(model, info, judge[0] if judge else None)
    labels = {"labels": [label.to_dict() for label in info.labels]}
    asked, answered = requests.warmup(served, name, info)
    extra = {
        WARMUP: asked,
        EXPECTED: answered,
        LABELS: (json.dumps(labels, indent=2) + "\n").encode(),
        CARD: card(name, version, run, info, numbers, served.signatures).encode(),
    }
    config = os.path.join(FLAGS.export_dir, CONFIG)
    there_text = ""
    if os.path.exists(config):
        with open(config, encoding="utf-8") as file:
            there_text = file.read()
    listed = models_config(there_text, name, version)  # raises, while nothing is written
    path = write(served, name, FLAGS.export_dir, version, extra)
    runs.write_text(config, listed)
    print(f"{path}: {', '.join(served.signatures)}\nServer's list of models: {config}")


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(export, "Nothing was written; the same command begins anew.")
