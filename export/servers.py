"""Servers that speak TensorFlow Serving's gRPC or REST interface, and when they are asked again."""

import abc
import base64
import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import requests
import tenacity
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from export.inputs import sentence_in
from tf_csvae.errors import InputError

# Images are larger than gRPC's default of 4 MiB per message.
CHANNEL = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]

# Answers after which the same request may succeed.
GRPC_RETRIED = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "DEADLINE_EXCEEDED")
HTTP_RETRIED = (429, 503)

# Seconds before the second attempt, doubled for each further one; a random part is as long.
PAUSE, LONGEST_PAUSE = 0.2, 60.0


class Retryable(Exception):
    """A request failed that may succeed if it is repeated."""


@dataclasses.dataclass
class Server(abc.ABC):
    """A server, and one of its models.

    Attributes:
        host: name or address.
        port: of the interface.
        model: name of the model.
        version: its number, or a label of a version; None: the newest.
        timeout: seconds per attempt.
        retries: attempts after the first.
        pause: seconds before the second attempt.
    """

    host: str
    port: int
    model: str
    version: int | str | None = None
    timeout: float = 30.0
    retries: int = 4
    pause: float = PAUSE

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Asks a signature, repeatedly while the server is busy or not reachable.

        Raises:
            InputError: the request was refused, or the last attempt failed too.
        """
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Retryable),
            stop=tenacity.stop_after_attempt(1 + self.retries),
            wait=tenacity.wait_exponential_jitter(self.pause, LONGEST_PAUSE, jitter=self.pause),
            reraise=True,
        )
        try:
            return attempts(self._ask, signature, inputs)
        except Retryable as error:
            raise InputError(
                f"The server did not answer in {1 + self.retries} attempts: {sentence_in(str(error))}"
            ) from error

    @abc.abstractmethod
    def _ask(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Makes one attempt; raises ``Retryable``, or ``InputError`` with the server's reason."""


class GrpcServer(Server):
    """A server asked by gRPC."""

    @functools.cached_property
    def _stub(self) -> prediction_service_pb2_grpc.PredictionServiceStub:
        channel = grpc.insecure_channel(f"{self.host}:{self.port}", CHANNEL)
        return prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def _ask(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        request = predict_request(self.model, signature, inputs)
        if isinstance(self.version, int):
            request.model_spec.version.value = self.version
        elif self.version:
            request.model_spec.version_label = self.version
        try:
            answer = self._stub.Predict(request, timeout=self.timeout)
        except grpc.RpcError as error:
            reason = f"{error.code().name}: {error.details()}"
            if error.code().name in GRPC_RETRIED:
                raise Retryable(reason) from error
            raise InputError(f"The server refused {signature}: {sentence_in(reason)}") from error
        try:
            return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}
        except (TypeError, ValueError) as error:
            raise InputError(f"{_STRANGE} It is no tensor: {str(error).splitlines()[0][:200]}") from error


def predict_request(
    model: str, signature: str, inputs: Mapping[str, np.ndarray]
) -> predict_pb2.PredictRequest:
    """Returns the gRPC message that asks a signature of a model."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request


class RestServer(Server):
    """A server asked by REST: HTTP and JSON."""

    def _ask(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        kind = "versions" if isinstance(self.version, int) else "labels"
        version = f"/{kind}/{self.version}" if self.version else ""
        url = f"http://{self.host}:{self.port}/v1/models/{self.model}{version}:predict"
        # requests' own json= refuses NaN, which stands for a real label that is left out.
        body = json.dumps({"signature_name": signature, "inputs": inputs}, default=_plain)
        try:
            answer = requests.post(url, data=body, timeout=self.timeout)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Retryable(f"{url}: {type(error).__name__}") from error
        if answer.status_code in HTTP_RETRIED:
            raise Retryable(f"{url}: HTTP {answer.status_code}")
        content = _content(answer)
        if answer.status_code != 200:
            told = content.get("error") if isinstance(content, dict) else None
            reason = told if isinstance(told, str) and told else f"HTTP {answer.status_code}"
            raise InputError(f"The server refused {signature}: {sentence_in(reason)}")
        if not isinstance(content, dict) or "outputs" not in content:
            raise InputError(
                f"{_STRANGE} {url} gives {_shown(answer)} in place of a JSON object with outputs."
            )
        outputs = content["outputs"]
        if not isinstance(outputs, dict):  # REST gives no name to a single output
            outputs = {"x_bytes" if signature.endswith("_bytes") else "x": outputs}
        try:
            return {
                name: np.array(value, object if name.endswith("_bytes") else None)
                for name, value in outputs.items()
            }
        except (ValueError, OverflowError) as error:  # rows of several lengths
            raise InputError(f"{_STRANGE} An output is no array: {error}.") from error


# How a sentence about an answer of something else begins.
_STRANGE = "This is no answer of TensorFlow Serving: is it another server, or another model?"


def _content(answer: requests.Response) -> Any:
    """Returns the JSON of an answer, bytes decoded; None if it has none."""
    try:
        return json.loads(answer.content, object_hook=_decoded)
    except (ValueError, TypeError, RecursionError):  # ValueError: no JSON, no UTF-8, no base 64
        return None


def _shown(answer: requests.Response) -> str:
    """Returns the beginning of an answer, for a message."""
    text = answer.content[:60].decode(errors="replace")
    return repr(text) if text else "an empty answer"


def check_answer(outputs: Mapping[str, np.ndarray], expected: Sequence[str], rows: int) -> None:
    """Raises ``InputError`` unless an answer has the outputs that are expected, with so many rows.

    Images must be PNG files, names of labels texts, and all else finite or infinite numbers.
    """
    for name in expected:
        if name not in outputs:
            raise InputError(f"{_STRANGE} It has no {name}, but {', '.join(outputs) or 'nothing'}.")
    for name, value in outputs.items():
        if not value.ndim or len(value) != rows:
            shape = list(value.shape)
            raise InputError(f"{_STRANGE} {name} has the shape {shape}; {rows} rows were asked for.")
        if name.endswith("_bytes"):
            valid = all(isinstance(each, bytes) and each.startswith(b"\x89PNG") for each in value.ravel())
        elif name == "labels" and "probabilities" in outputs:
            named, probabilities = value, outputs["probabilities"]
            valid = all(isinstance(each, (str, bytes)) for each in named.ravel())
            valid = valid and named.ndim == 2 and named.shape == probabilities.shape
        else:
            valid = np.issubdtype(value.dtype, np.number)
        if not valid or not value.size:
            raise InputError(f"{_STRANGE} {name} holds no {_held(name)}.")


def _held(name: str) -> str:
    return "PNG files" if name.endswith("_bytes") else "names" if name == "labels" else "numbers"


def _plain(value: np.ndarray | bytes) -> Any:
    """Returns what JSON has for an array, and for bytes in it."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value.tolist()


def _decoded(found: dict) -> dict | bytes:
    """Returns the bytes that a JSON object holds, or the object; raises ``ValueError``."""
    return base64.b64decode(found["b64"], validate=True) if found.keys() == {"b64"} else found
