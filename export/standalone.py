"""Runs an exported model where nothing of this project can be imported; export.check starts it.

    python export/standalone.py MODEL_DIR

Prints one JSON object per line: for each warm-up request of the model the signature, the largest
absolute difference from the expected outputs, in standardised units, and the milliseconds that the
answer took.
"""

import json
import os
import sys
import time

for _name in ("tf_csvae", "trainers", "flags", "export"):
    sys.modules[_name] = None  # an import of it raises ImportError
sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2  # noqa: E402


def main(folder: str) -> None:
    """Loads the model and answers its requests."""
    loaded, units = tf.saved_model.load(folder), {}
    logs, answers = (
        list(tf.data.TFRecordDataset(os.path.join(folder, "assets.extra", name)).as_numpy_iterator())
        for name in ("tf_serving_warmup_requests", "expected_outputs")
    )
    path = os.path.join(folder, "assets.extra", "units.json")
    if os.path.exists(path):  # an older export has none
        with open(path, encoding="utf-8") as file:
            units = json.load(file)
    for log, answer in zip(logs, answers, strict=True):
        request = prediction_log_pb2.PredictionLog.FromString(log).predict_log.request
        expected = predict_pb2.PredictResponse.FromString(answer).outputs
        name = request.model_spec.signature_name
        given = {key: tf.constant(tf.make_ndarray(each)) for key, each in request.inputs.items()}
        loaded.signatures[name](**given)  # the first call builds
        start = time.perf_counter()
        outputs = loaded.signatures[name](**given)
        ms = 1000 * (time.perf_counter() - start)
        same = outputs.keys() == expected.keys()
        parts = [
            difference(tf.make_ndarray(value), outputs[key].numpy(), units.get(key, 1.0))
            for key, value in (expected.items() if same else ())
        ]
        worst = float(np.max(parts)) if same else np.inf  # by NumPy, whose maximum keeps NaN
        print(json.dumps({"signature": name, "difference": worst, "ms": ms}))


def difference(a: np.ndarray, b: np.ndarray, unit: float | list[float] = 1.0) -> float:
    """Returns the largest difference of two outputs, in a unit; images and names are strings."""
    if a.shape != b.shape:
        return np.inf
    if a.dtype != object:
        return (np.abs(a - b) / unit).max()
    pairs = zip(a.ravel(), b.ravel(), strict=True)
    return max(0.0 if x == y else pixel_difference(x, y) for x, y in pairs)


def pixel_difference(a: bytes, b: bytes) -> float:
    """Returns the largest difference of two images in [0, 1], less one step of rounding."""
    try:
        a, b = (tf.io.decode_png(file).numpy().astype(int) for file in (a, b))
    except tf.errors.OpError:
        return np.inf
    return max(0.0, float(np.abs(a - b).max() - 1) / 255)


if __name__ == "__main__":
    main(sys.argv[1])
