"""Requests that warm a server up: an example for each signature, and the expected answers."""

import json
import tempfile
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from export.servers import predict_request
from export.signatures import Served
from tf_csvae.data import images
from tf_csvae.data.dataset import Info

# Names in assets.extra; a server looks for the first.
REQUESTS, EXPECTED, UNITS = "tf_serving_warmup_requests", "expected_outputs", "units.json"


def examples(served: Served, rows: int = 1, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Makes an example of every input, by signature, with so many rows."""
    return {
        name: {spec.name: _example(spec, served.info, rows, seed) for spec in function.input_signature}
        for name, function in served.signatures.items()
    }


def _example(spec: tf.TensorSpec, info: Info, rows: int, seed: int) -> np.ndarray:
    random, shape = np.random.default_rng(seed), (rows, *spec.shape[1:])
    if spec.dtype == tf.string:
        sides = np.maximum(info.shape[:2], images.least_sides(info.crop))
        pixels = random.integers(0, 256, size=(rows, *sides, info.shape[2]), dtype=np.uint8)
        return np.array([tf.io.encode_png(image).numpy() for image in pixels], object)
    if spec.dtype == tf.int32:
        return np.zeros(rows, np.int32)
    if spec.name.endswith("labels"):
        y = (random.random(shape) < 0.5).astype(np.float64)
        columns = [label.in_units(of) for label, of in zip(info.labels, y.T, strict=True)]
        return np.stack(columns, 1).astype(spec.dtype.as_numpy_dtype)
    if not spec.name.endswith("x"):  # a code
        return np.float32(random.normal(size=shape))
    if info.is_image:
        return random.random(shape, dtype=np.float32)
    return info.unscale(random.normal(size=shape))


def files(served: Served, name: str) -> dict[str, bytes]:
    """Asks the Keras model an example of every signature.

    Args:
        served: the model.
        name: of the model on the server.

    Returns:
        two TFRecord files in the same order: ``REQUESTS``, of PredictionLog, and ``EXPECTED``, of
        PredictResponse; and ``UNITS``: {output: what a difference in it is divided by}, so that a
        column in metres and one in seconds are compared alike.
    """
    requests, answers = [], []
    for signature, inputs in examples(served).items():
        function = served.signatures[signature]
        ordered = [tf.constant(inputs[spec.name]) for spec in function.input_signature]
        answer = predict_pb2.PredictResponse()
        for key, value in function.python_function(*ordered).items():  # eager: the Keras model
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        log = prediction_log_pb2.PredictLog(request=predict_request(name, signature, inputs))
        requests.append(prediction_log_pb2.PredictionLog(predict_log=log))
        answers.append(answer)
    units = {"x": _units(served.info), "labels": [label.scale for label in served.info.labels]}
    units["probabilities"] = [label.scale for label in served.info.labels for _ in label.feature_names]
    plain = {name: np.asarray(scale).tolist() for name, scale in units.items()}
    return {REQUESTS: _records(requests), EXPECTED: _records(answers), UNITS: json.dumps(plain).encode()}


def _units(info: Info) -> np.ndarray:
    """Returns what a difference in x is divided by: the scale of each feature, or of all."""
    spreads = [
        np.ones(len(column.categories)) if column.categories else [np.ptp(column.knots) or 1.0]
        for column in info.columns
    ]
    return np.concatenate(spreads) if spreads else np.asarray(info.scale)


def _records(messages: Iterable) -> bytes:
    """Returns messages as a TFRecord file; TensorFlow's writer can only write to files."""
    with tempfile.NamedTemporaryFile() as file:
        with tf.io.TFRecordWriter(file.name) as writer:
            for message in messages:
                writer.write(message.SerializeToString())
        return file.read()
