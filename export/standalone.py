"""Runs an exported model where nothing of this project can be imported; export.check starts it.

    python export/standalone.py MODEL_DIR

Prints one JSON object a line: for each request in the model's warm-up file the signature, the largest
absolute difference from the outputs that were expected, and the milliseconds that it took.
"""

import json
import os
import sys
import time

for _name in ("tf_csvae", "trainers", "flags", "export"):
    sys.modules[_name] = None  # an import of it raises ImportError
sys.path = [path for path in sys.path if path != os.path.dirname(os.path.abspath(__file__))]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(folder):
    """Loads the model and answers its requests."""
    import numpy as np
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    def records(name):
        path = os.path.join(folder, "assets.extra", name)
        return [record.numpy() for record in tf.data.TFRecordDataset(path)]

    loaded = tf.saved_model.load(folder)
    logs = records("tf_serving_warmup_requests")
    for log, expected in zip(logs, records("expected_outputs"), strict=True):
        request = prediction_log_pb2.PredictionLog.FromString(log).predict_log.request
        response = predict_pb2.PredictResponse.FromString(expected)
        call = loaded.signatures[request.model_spec.signature_name]
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        call(**inputs)  # the first builds
        start = time.perf_counter()
        outputs = call(**inputs)
        seconds = time.perf_counter() - start
        worst = 0.0 if set(outputs) == set(response.outputs) else float("inf")
        for name, value in response.outputs.items():
            wanted, got = tf.make_ndarray(value), outputs[name].numpy()
            if wanted.shape != got.shape:
                worst = float("inf")
            elif wanted.dtype == object:  # strings: encoded images, names; images by their pixels
                pairs = zip(wanted.ravel(), got.ravel(), strict=True)
                differences = [0.0 if a == b else pixels_apart(a, b) for a, b in pairs]
                worst = float(np.max([worst, *differences]))
            else:  # by NumPy, whose maximum keeps NaN
                worst = float(np.max([worst, np.abs(wanted - got).max()]))
        print(
            json.dumps(
                {"signature": request.model_spec.signature_name, "difference": worst, "ms": 1000 * seconds}
            )
        )


def pixels_apart(a, b):
    """Largest difference of two images in [0, 1], less the half step that rounding may take."""
    import numpy as np
    import tensorflow as tf

    try:
        a, b = (tf.io.decode_png(file).numpy().astype(int) for file in (a, b))
    except tf.errors.OpError:
        return float("inf")
    return max(0.0, float(np.abs(a - b).max() - 1) / 255)


if __name__ == "__main__":
    main(sys.argv[1])
