"""Asks a server for samples, transfers and more; images are files.

    python -m export.client sample --model=NAME --labels_file=labels.json --set=Smiling=1 --count=9
    python -m export.client transfer --model=NAME --labels_file=labels.json --set=Smiling=1 A.jpg
    python -m export.client classify --model=NAME A.jpg B.jpg

Commands: sample, reconstruct, encode, transfer, interpolate, style_transfer, traverse, classify.
They use gRPC, or with --rest HTTP. A request to a server that is busy or restarts is repeated,
with growing pauses.
"""

import collections
import contextlib
import dataclasses
import os
import sys
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

import flags.command
from export import outputs, steering
from export.configs import STEPS, TRAVERSAL, SteeringConfig
from tf_csvae.errors import InputError
from tf_csvae.files import check_folder
from tf_csvae.labels import Label, Labels, as_labels
from tf_csvae.options import option

# Commands that a model without labels has too; they do not need --labels_file.
UNLABELLED = ("sample", "reconstruct", "encode")

# Commands about one label, --label.
OF_A_LABEL = ("interpolate", "style_transfer", "traverse")

COMMANDS = (*UNLABELLED, "transfer", *OF_A_LABEL, "classify")

# Outputs that the answer to a command must have; the others have "x_bytes".
EXPECTED = {"encode": ("z_mean", "z_scale"), "classify": ("labels", "probabilities")}


@dataclasses.dataclass(frozen=True)
class ClientConfig(SteeringConfig):
    """Client: the server, its model, and what is asked."""

    host: str = option("localhost", "The server.")
    port: int | None = option(
        None, "Port of the server. Default: 8500, or 8501 with --rest.", low=1, high=65535
    )
    rest: bool = option(False, "Use REST (HTTP and JSON) in place of gRPC.")
    model: str | None = option(None, "Name of the model on the server.")
    model_version: int | None = option(
        None, "Version of the model. Default: the newest on the server.", low=1
    )
    version_label: str | None = option(
        None,
        "Label of a version in models.config, such as stable; in place of --model_version.",
    )
    labels_file: str | None = option(
        None, "The file assets.extra/labels.json of the model, with its labels in order."
    )
    label: str | None = option(None, "The label of interpolate, style_transfer and traverse.")
    style: str | None = option(None, "style_transfer: the image whose style of --label the other images get.")
    timeout: float = option(30.0, "Seconds that one attempt may take.", low=0.001)
    retries: int = option(4, "Attempts after the first, if a request may yet succeed.", low=0)


def ask(config: ClientConfig, command: str, files: Sequence[str] = ()) -> None:
    """Asks the server about image files, in batches, and writes the answers to ``config.out``.

    Images come back as PNG files, named after the files asked about; numbers are printed and
    written to COMMAND.jsonl. No file is written over unless config.overwrite is set.

    Args:
        config: the server, the model and what is asked.
        command: one of ``COMMANDS``.
        files: the image files; none for "sample".

    Raises:
        InputError: a mistake in the arguments, a refused request, or no answer.
    """
    labels = _checked_labels(config, command, files)
    check_folder(config.out, "--out")
    with flags.command.quietly():
        from export import servers

    kind, port = (servers.RestServer, 8501) if config.rest else (servers.GrpcServer, 8500)
    version = config.model_version or config.version_label
    place = (config.host, config.port or port, config.model, version)
    server = kind(*place, timeout=config.timeout, retries=config.retries)

    names = outputs.names_of([os.path.basename(file) for file in files])
    names = names or steering.sample_names(config.count)
    made = [f"{command}.jsonl"]
    if command not in ("encode", "classify"):
        several = {"interpolate": STEPS, "traverse": TRAVERSAL**2}.get(command, 1)
        made = [file for name in names for file in steering.image_names(name, several)]
    own = [*files, *(path for path in (config.style, config.labels_file) if path)]
    outputs.check_free(config.out, made, config.overwrite, own)
    lines = os.path.join(config.out, f"{command}.jsonl")
    if made == [os.path.basename(lines)]:
        with contextlib.suppress(FileNotFoundError):
            os.remove(lines)  # of an earlier call
    starts = range(0, len(names), config.batch)
    for start in tqdm(starts, unit="batch", disable=len(starts) == 1):
        rows = slice(start, start + config.batch)
        inputs = _request(config, command, labels, files[rows], start)
        answer = server.predict(f"{command}_bytes", inputs)
        servers.check_answer(answer, EXPECTED.get(command, ("x_bytes",)), len(names[rows]))
        if "x_bytes" in answer:
            steering.write_images(config.out, names[rows], answer["x_bytes"])
            continue
        if command == "classify":
            columns = [n.decode(errors="replace") if isinstance(n, bytes) else n for n in answer["labels"][0]]
            answer = dict(zip(columns, answer["probabilities"].T, strict=True))
        made = "\n".join(steering.json_lines(names[rows], answer))
        print(made)
        with open(lines, "a", encoding="utf-8") as file:
            file.write(made + "\n")


def _labels_of_requests(content: dict) -> Labels:
    """Returns the labels that a request takes, of a labels.json; a VAE takes none."""
    return as_labels(content["labels"] if content.get("steered", True) else ())


def _checked_labels(config: ClientConfig, command: str, files: Sequence[str]) -> Sequence[Label]:
    """Returns the labels of the model; raises ``InputError`` for mistakes in the arguments."""
    if not config.model:
        raise InputError("Give --model, the name of the model on the server.")
    if (command == "sample") == bool(files):
        taken = "no image files" if command == "sample" else "image files"
        raise InputError(f"{command} takes {taken}.")
    labels, path = [], config.labels_file
    if command != "classify" and (path or command not in UNLABELLED):
        labels = steering.read_labels_file(path, _labels_of_requests)
    names = [label.name for label in labels]
    for pairs in (config.set, config.known):
        steering.label_values(pairs, labels)
    if command in OF_A_LABEL and config.label not in names:
        raise InputError(f"Give --label, one of {', '.join(names)}. Received: {config.label!r}.")
    if command == "style_transfer" and not config.style:
        raise InputError("Give --style, an image that has the label.")
    for path in files:
        if not os.path.isfile(path):
            raise InputError(f"There is no file {path}.")
    names = collections.Counter(os.path.basename(path) for path in files)
    for name, times in names.items():
        if times > 1:
            raise InputError(f"Several files are named {name}. The answers are named after them.")
    if config.labels_are_a_file:
        raise InputError(
            f"--labels={config.labels}: expected values for all images, as in --labels=A=1,B=0. "
            "export.apply takes a file."
        )
    return labels


def _request(
    config: ClientConfig, command: str, labels: Sequence[Label], files: Sequence[str], first: int
) -> dict[str, np.ndarray]:
    """Returns the inputs of one request: about files, or for samples from number ``first`` on."""
    rows = len(files) or min(config.batch, config.count - first)
    known = steering.label_rows(config.known, labels, rows)
    inputs = steering.request(config, command, labels, known, first)
    if files:
        inputs["x_bytes"] = np.array([_content(path) for path in files], object)
    if command in OF_A_LABEL:
        place = [label.name for label in labels].index(config.label)
        inputs["label"] = np.full(rows, place, np.int32)
    if command == "style_transfer":
        inputs["style_x_bytes"] = np.array([_content(config.style)] * rows, object)
        has_it = [f"{config.label}=1"] if labels[place].kind == "binary" else []
        inputs["style_labels"] = steering.label_rows(has_it, labels, rows)
    # JSON has no NaN, though servers read it, so -1 is sent where that is no value of a label.
    real = np.array([label.kind == "real" for label in labels], bool)
    for name in [name for name in inputs if name.endswith("labels")]:
        inputs[name] = np.where(np.isnan(inputs[name]) & ~real, np.float32(-1), inputs[name])
    return inputs


def _content(path: str) -> bytes:
    """Returns the content of an image file, of a format that a served model reads."""
    from tf_csvae.data import images

    try:
        return images.content(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    parsed = flags.parse(argv or sys.argv, (ClientConfig,), __doc__, commands=COMMANDS)
    config, (command, *files) = parsed.config(ClientConfig), parsed.words
    flags.command.run(lambda: ask(config, command, files), "The answers so far are written.")


if __name__ == "__main__":
    main()
