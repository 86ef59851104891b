"""A server on this machine that speaks TensorFlow Serving's gRPC and REST, with SavedModels."""

import base64
import contextlib
import http.server
import json
import re
import threading
from concurrent import futures

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from export import servers


class Models:
    """Loaded models by name; ``busy`` counts the requests that are turned away first."""

    def __init__(self, folders, busy=0):
        self.signatures = {name: tf.saved_model.load(folder).signatures for name, folder in folders.items()}
        self.busy, self.asked = busy, 0

    def turned_away(self):
        self.asked += 1
        return self.asked <= self.busy

    def predict(self, name, signature, inputs):
        function = self.signatures[name][signature or "serving_default"]
        known = function.structured_input_signature[1]
        return function(**{key: tf.constant(value, known[key].dtype) for key, value in inputs.items()})


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models):
        self.models = models

    def Predict(self, request, context):  # noqa: N802  gRPC's name
        if self.models.turned_away():
            context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
        spec = request.model_spec
        if spec.name not in self.models.signatures:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec.name}")
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        try:
            outputs = self.models.predict(spec.name, spec.signature_name, inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse()
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response


@contextlib.contextmanager
def grpc_server(models, port=0):
    """Serves by gRPC while the block runs; gives the port. As TF Serving it takes any message."""
    server = grpc.server(futures.ThreadPoolExecutor(2), options=servers.CHANNEL)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(models), server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


class Quiet(http.server.BaseHTTPRequestHandler):
    """Answers over HTTP, without a log; a subclass says in ``post`` what."""

    def do_POST(self):
        self.post()

    def send(self, code, kind, body):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def served(handler):
    """Serves by HTTP while the block runs; gives the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def rest_server(models):
    """Serves by HTTP, in the columnar form of TF Serving's REST interface; gives the port."""

    class Handler(Quiet):
        def post(self):
            if models.turned_away():
                return self.answer(503, {"error": "busy"})
            name = re.fullmatch(r"/v1/models/(\w+)(?:/versions/\d+)?:predict", self.path)[1]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            inputs = {key: array(value) for key, value in body["inputs"].items()}
            try:
                outputs = models.predict(name, body.get("signature_name"), inputs)
            except tf.errors.InvalidArgumentError as error:
                return self.answer(400, {"error": error.message})
            values = {key: plain(value.numpy(), key.endswith("_bytes")) for key, value in outputs.items()}
            # As TF Serving: of a single output the name is left out.
            return self.answer(200, {"outputs": next(iter(values.values())) if len(values) == 1 else values})

        def answer(self, code, content):
            self.send(code, "application/json", json.dumps(content).encode())

    with served(Handler) as port:
        yield port


def array(value):
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([base64.b64decode(each["b64"]) for each in value], object)
    return np.array(value)


def plain(value, encoded):
    if value.dtype != object:
        return value.tolist()
    if value.ndim > 1:
        return [plain(row, encoded) for row in value]
    return [{"b64": base64.b64encode(text).decode()} if encoded else text.decode() for text in value]
