"""Asks a server for samples, transfers and the rest; images in and out as files.

    python -m export.client sample --model=csvae --labels_file=labels.json --set=Smiling=1 --count=16
    python -m export.client transfer --model=csvae --labels_file=labels.json --set=Smiling=1 FACE.jpg ...
    python -m export.client classify --model=judge FACE.jpg ...

Commands: sample, transfer, reconstruct, encode, interpolate, style_transfer, walk, classify. By gRPC, or with
--rest by HTTP. What can succeed later (a busy or restarting server) is tried again, ever more slowly.
"""

import base64
import collections
import json
import math
import os
import random
import re
import sys
import time

import flags
import flags.client
import flags.labels
import flags.seed
import flags.steering
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.client, flags.labels, flags.steering, flags.seed)

COMMANDS = (
    "sample",
    "transfer",
    "reconstruct",
    "encode",
    "interpolate",
    "style_transfer",
    "walk",
    "classify",
)

# What a model without labels can be asked too: then --labels_file is left out.
UNLABELLED = ("sample", "reconstruct", "encode")

# The first pause before a second attempt in seconds; each is twice the one before, and half chance.
PAUSE = 0.2


class Retryable(Exception):
    """A request that may succeed if it is made again."""


class GrpcServer:
    """A server asked by gRPC.

    Args:
        host, port: str and int, where it is.
        model: str, the model's name.
        version: int, its version, or str, a label of one; None for the newest.
        timeout: float, seconds per request.
    """

    def __init__(self, host, port, model, version, timeout):
        import grpc
        from tensorflow_serving.apis import prediction_service_pb2_grpc

        import export.requests  # noqa: F401  TensorFlow, while its greetings are hidden

        self._grpc, self._model, self._version, self._timeout = grpc, model, version, timeout
        # Images are larger than gRPC's default of 4 MiB a message.
        options = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")]
        channel = grpc.insecure_channel(f"{host}:{port}", options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def predict(self, signature, inputs):
        """Returns {output: array}; raises ``Retryable``, or ``InputError`` with the server's sentence."""
        import tensorflow as tf

        from export import requests
        from tf_csvae import InputError

        request = requests.predict(self._model, signature, inputs)
        if isinstance(self._version, int):
            request.model_spec.version.value = self._version
        elif self._version:
            request.model_spec.version_label = self._version
        code = self._grpc.StatusCode
        try:
            answer = self._stub.Predict(request, timeout=self._timeout)
        except self._grpc.RpcError as error:
            told = f"{error.code().name}: {error.details()}"
            if error.code() in (
                code.UNAVAILABLE,
                code.RESOURCE_EXHAUSTED,
                code.ABORTED,
                code.DEADLINE_EXCEEDED,
            ):
                raise Retryable(told) from error
            raise InputError(f"The server refused {signature}: {first_line(told)}") from error
        return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}


class RestServer:
    """A server asked by TF Serving's REST interface; arguments as of ``GrpcServer``."""

    def __init__(self, host, port, model, version, timeout):
        kind = "versions" if isinstance(version, int) else "labels"
        at = f"/{kind}/{version}" if version else ""
        self._url, self._timeout = f"http://{host}:{port}/v1/models/{model}{at}:predict", timeout

    def predict(self, signature, inputs):
        """As of ``GrpcServer``."""
        import numpy as np
        import requests

        from tf_csvae import InputError

        body = {"signature_name": signature, "inputs": {key: _json(value) for key, value in inputs.items()}}
        try:
            # Not by ``json=body``, which refuses NaN: a real label that is left open.
            answer = requests.post(self._url, data=json.dumps(body), timeout=self._timeout)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Retryable(f"{self._url}: {type(error).__name__}") from error
        if answer.status_code in (429, 503):
            raise Retryable(f"{self._url}: HTTP {answer.status_code}")
        content = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
        if answer.status_code != 200:
            told = content.get("error", f"HTTP {answer.status_code}")
            raise InputError(f"The server refused {signature}: {first_line(told)}")
        outputs = content["outputs"]
        if not isinstance(outputs, dict):  # of a single output REST leaves the name out
            outputs = {"x_bytes" if _holds_bytes(outputs) else "x": outputs}
        return {
            name: np.array(_unjson(value), object if _holds_bytes(value) else None)
            for name, value in outputs.items()
        }


def first_line(text):
    """The sentence in a server's message: that of an assertion in the graph, or the first line."""
    asserted = re.search(r"assertion failed: \[(.*?)\]((?: \[[^\]]*\])*)", text, re.DOTALL)
    if asserted:
        return f"{asserted[1]}{asserted[2]}"[:500]
    return text.strip().splitlines()[0][:500] if text.strip() else "no reason given"


def _json(value):
    """An array as REST wants it: bytes in base64."""
    if value.dtype.hasobject:
        return [{"b64": base64.b64encode(file).decode()} for file in value.ravel()]
    return value.tolist()


def _holds_bytes(value):
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, dict) and "b64" in value


def _unjson(value):
    if isinstance(value, list):
        return [_unjson(each) for each in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def patiently(ask, retries, pause=PAUSE):
    """Calls ``ask`` until it succeeds, with growing pauses.

    Args:
        ask: function without arguments that may raise ``Retryable``.
        retries: int, attempts after the first.
        pause: float, seconds before the second attempt.

    Returns:
        what ``ask`` returns.

    Raises:
        InputError: the last attempt failed too.
    """
    from tf_csvae import InputError

    attempt = 0
    while True:
        try:
            return ask()
        except Retryable as error:
            if attempt == retries:
                raise InputError(
                    f"The server did not answer in {retries + 1} attempts: {first_line(str(error))}"
                ) from error
            time.sleep(pause * 2**attempt * random.uniform(0.5, 1.0))
            attempt += 1


def label_values(pairs, labels, default=math.nan):
    """Reads values of labels, in their own words and units, as a server takes them.

    Args:
        pairs: list like ["Smiling=1", "species=virginica", "age=40"].
        labels: the k ``Label``s.
        default: float, of binary labels that are not named. Others, and all where it is NaN, are NaN:
            not known, as they are, or whatever the data have, as the signature says.

    Returns:
        list of k floats: 0 or 1, the index of a class, a number in the label's own units.

    Raises:
        InputError: no such label, or no value of it.
    """
    from tf_csvae import InputError

    names = [label.name for label in labels]
    values = [default if label.kind == "binary" else math.nan for label in labels]
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in names:
            raise InputError(f"No label {name!r}. This model's labels: {', '.join(names)}.")
        label = labels[names.index(name)]
        value = label.value(text)
        if value is None or math.isnan(value):
            example = {"binary": "1", "categorical": (*label.classes, "")[0], "real": "12.5"}[label.kind]
            raise InputError(
                f"{pair!r} gives no value to the label {name}. Expected {label.wanted()}, as in {name}={example}."
            )
        values[names.index(name)] = label.in_units(value)
    return values


def label_rows(pairs, labels, rows, default=math.nan):
    """Returns float32 [rows, k], the same ``label_values`` for each."""
    import numpy as np

    return np.array([label_values(pairs, labels, default)] * rows, np.float32).reshape(rows, len(labels))


def steered(command, labels, known, first):
    """Returns what a request has beside its examples, from --set and --seed.

    Args:
        command: str, one of ``COMMANDS``.
        labels: the k ``Label``s; of a model without labels none.
        known: float32 [rows, k], the labels that the examples have, in their own units, NaN where they
            are to be read.
        first: int, the number of the first row among all that are asked for.

    Returns:
        {input: array of as many rows}.
    """
    import numpy as np

    rows = len(known)
    inputs = {}
    if command == "sample":
        inputs["seed"] = np.arange(first, first + rows, dtype=np.int32) + FLAGS.seed
        if labels:
            inputs["labels"] = label_rows(FLAGS.set, labels, rows, 0.0)
    elif command == "transfer":
        inputs |= {"source_labels": known, "target_labels": label_rows(FLAGS.set, labels, rows)}
    elif labels:
        inputs["labels"] = known
    return inputs


def ask(command, files):
    """Runs a command of the client over files, in batches; writes what comes back.

    Args:
        command: str, one of ``COMMANDS``.
        files: list of paths of images; of none for sample.
    """
    import numpy as np
    from tqdm import tqdm

    from tf_csvae import InputError

    if not FLAGS.model:
        raise InputError("Give --model, the model's name on the server.")
    if (command == "sample") == bool(files):
        raise InputError(f"{command} takes {'no image files' if command == 'sample' else 'image files'}.")
    labels = _labels(command)
    names = [label.name for label in labels]
    known_labels = FLAGS.labels.split(",") if FLAGS.labels else []
    for pairs in (FLAGS.set, known_labels):
        label_values(pairs, labels)
    if command in ("interpolate", "style_transfer", "walk") and FLAGS.label not in names:
        raise InputError(f"Give --label, one of {', '.join(names)}. Received: {FLAGS.label!r}.")
    if command == "style_transfer" and not FLAGS.style:
        raise InputError("Give --style, an image that has the label.")
    for path in files:
        if not os.path.isfile(path):
            raise InputError(f"There is no file {path}.")
    twice = [stem for stem, times in collections.Counter(map(_stem, files)).items() if times > 1]
    if twice:
        raise InputError(f"Several files are named {twice[0]}; what comes back is named after them.")
    kind, port = (RestServer, 8501) if FLAGS.rest else (GrpcServer, 8500)
    version = FLAGS.model_version or FLAGS.version_label
    with training.quietly():
        server = kind(FLAGS.host, FLAGS.port or port, FLAGS.model, version, FLAGS.timeout)
    total = FLAGS.count if command == "sample" else len(files)
    os.makedirs(FLAGS.out, exist_ok=True)
    lines = os.path.join(FLAGS.out, f"{command}.jsonl")
    if os.path.exists(lines):  # of an earlier call
        os.remove(lines)
    for start in tqdm(range(0, total, FLAGS.batch), disable=total <= FLAGS.batch):
        rows = min(FLAGS.batch, total - start)
        stems = [f"sample_{start + row:05d}" for row in range(rows)]
        inputs = {}
        if command != "sample":
            chosen = files[start : start + rows]
            stems = [_stem(path) for path in chosen]
            inputs["x_bytes"] = np.array([_read(path) for path in chosen], object)

        inputs |= steered(command, labels, label_rows(known_labels, labels, rows), start)
        if command in ("interpolate", "style_transfer", "walk"):
            inputs["label"] = np.full(rows, names.index(FLAGS.label), np.int32)
        if command == "style_transfer":
            inputs["style_x_bytes"] = np.array([_read(FLAGS.style)] * rows, object)
            binary = labels[names.index(FLAGS.label)].kind == "binary"
            given = [f"{FLAGS.label}=1"] if binary else []
            inputs["style_labels"] = label_rows(given, labels, rows)
        inputs = {
            name: _left_open(value, labels) if name.endswith("labels") else value
            for name, value in inputs.items()
        }
        signature = f"{command}_bytes"
        outputs = patiently(lambda s=signature, i=inputs: server.predict(s, i), FLAGS.retries)
        write(command, stems, outputs)


def _left_open(rows, labels):
    """Writes what is open as -1 where that is no value of the label: JSON has no NaN, though servers take it."""
    import numpy as np

    real = np.array([label.kind == "real" for label in labels])
    return np.where(np.isnan(rows) & ~real, np.float32(-1), rows)


def _labels(command):
    from tf_csvae import InputError
    from tf_csvae.labels import as_labels

    if command == "classify" or (command in UNLABELLED and FLAGS.labels_file is None):
        return []
    if not FLAGS.labels_file or not os.path.exists(FLAGS.labels_file):
        raise InputError(
            f"--labels_file={FLAGS.labels_file} is not there. It is assets.extra/labels.json of the exported model."
        )
    with open(FLAGS.labels_file, encoding="utf-8") as file:
        return as_labels(json.load(file)["labels"])


def _stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def write(command, stems, outputs):
    """Writes what came back to --out: images as PNG files, numbers as JSON lines.

    Args:
        command: str, which the file of numbers is named after.
        stems: names of the rows, without ending.
        outputs: {output: array}; of images "x_bytes" alone.
    """
    import numpy as np

    from tf_csvae import runs

    if "x_bytes" in outputs:
        for stem, made in zip(stems, outputs["x_bytes"], strict=True):
            many = np.ravel(np.array(made, object))
            for number, file in enumerate(many):
                name = stem if len(many) == 1 else f"{stem}_{number:02d}"
                runs.write_bytes(os.path.join(FLAGS.out, f"{name}.png"), file)
        return
    names = []
    if command == "classify":
        names = [n.decode() if isinstance(n, bytes) else str(n) for n in outputs.pop("labels")[0]]
    for row, stem in enumerate(stems):
        values = {name: np.asarray(value)[row].tolist() for name, value in outputs.items()}
        if names:
            values = dict(zip(names, values["probabilities"], strict=True))
        line = json.dumps({"file": stem, **values})
        print(line)
        with open(os.path.join(FLAGS.out, f"{command}.jsonl"), "a", encoding="utf-8") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    command, *files = flags.parse(sys.argv, GROUPS, __doc__, commands=COMMANDS)
    training.exit_cleanly(lambda: ask(command, files), "What came back so far is written.")
