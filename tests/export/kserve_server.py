"""A SavedModel behind KServe's own Python server (the package kserve), by its V1 protocol.

    python kserve_server.py FOLDER NAME PORT

It runs in an environment of its own: kserve needs older packages than tf_csvae.
"""

import base64
import sys

import kserve
import numpy as np
import tensorflow as tf


class SavedModel(kserve.Model):
    """Answers as TensorFlow Serving does: {"signature_name", "inputs"} -> {"outputs"}."""

    def __init__(self, name, folder):
        super().__init__(name)
        self.signatures = tf.saved_model.load(folder).signatures
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        function = self.signatures[payload.get("signature_name", "serving_default")]
        known = function.structured_input_signature[1]
        given = {
            key: tf.constant(_array(value), known[key].dtype) for key, value in payload["inputs"].items()
        }
        try:
            outputs = function(**given)
        except tf.errors.InvalidArgumentError as error:
            raise kserve.errors.InvalidInput(error.message) from error
        return {"outputs": {key: _plain(value.numpy()) for key, value in outputs.items()}}


def _array(value):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([base64.b64decode(each["b64"]) for each in value], object)
    return np.array(value)


def _plain(value):
    if value.dtype != object:
        return value.tolist()
    return [{"b64": base64.b64encode(each).decode()} for each in value.ravel()]


if __name__ == "__main__":
    folder, name, port = sys.argv[1:]
    server = kserve.ModelServer(http_port=int(port), enable_grpc=False, workers=1)
    server.start([SavedModel(name, folder)])
