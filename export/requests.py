"""Requests to an exported model: examples for each signature, and the file that warms a server up."""

import tempfile

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2


def examples(served, info, rows=1, seed=0):
    """Makes an input for every signature.

    Args:
        served: ``signatures.Served``, or anything with its ``signatures``.
        info: ``Info`` of the model's data.
        rows: int, the batch size.
        seed: int.

    Returns:
        {signature: {input: array}}.
    """
    return {
        name: {spec.name: _example(spec, info, rows, seed) for spec in function.input_signature}
        for name, function in served.signatures.items()
    }


def _example(spec, info, rows, seed):
    random = np.random.default_rng(seed)
    name = spec.name
    if spec.dtype == tf.string:
        pictures = random.integers(0, 256, size=(rows, *info.shape), dtype=np.uint8)
        return np.array([tf.io.encode_png(picture).numpy() for picture in pictures], object)
    if spec.dtype == tf.int32:
        return np.zeros(rows, np.int32)
    shape = (rows, *spec.shape[1:])
    if name.endswith("labels"):
        y = (random.random(shape) < 0.5).astype(np.float32)
        columns = [label.in_units(column) for label, column in zip(info.labels, y.T, strict=True)]
        return np.stack(columns, 1).astype(np.float32)
    if name.endswith("x") and info.is_image:
        return random.random(shape, dtype=np.float32)
    value = random.normal(size=shape)
    return np.float32(info.unscale(value) if name.endswith("x") else value)


def predict(name, signature, inputs):
    """Returns the PredictRequest of a signature's inputs, {name: array}."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def warmup(served, name, info):
    """Asks every signature once, and has the Keras model answer.

    Args:
        served: ``signatures.Served``.
        name: str, the model's name.
        info: ``Info`` of the model's data.

    Returns:
        (tf_serving_warmup_requests, the answers in the same order), TFRecord files as bytes: of
        PredictionLog and of PredictResponse.
    """
    requests, answers = [], []
    for signature, inputs in examples(served, info).items():
        function = served.signatures[signature]
        ordered = [tf.constant(inputs[spec.name]) for spec in function.input_signature]
        answer = predict_pb2.PredictResponse()
        for key, value in function.python_function(*ordered).items():  # eagerly, by the Keras model
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        request = predict(name, signature, inputs)
        log = prediction_log_pb2.PredictLog(request=request)
        requests.append(prediction_log_pb2.PredictionLog(predict_log=log))
        answers.append(answer)
    return _records(requests), _records(answers)


def _records(messages):
    """Returns messages as a TFRecord file; TensorFlow's writer writes to files alone."""
    with tempfile.NamedTemporaryFile() as file:
        with tf.io.TFRecordWriter(file.name) as writer:
            for message in messages:
                writer.write(message.SerializeToString())
        return file.read()
