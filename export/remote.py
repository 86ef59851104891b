"""A model that TF Serving serves, with the interface of ``signatures.Served``."""

import re

import numpy as np

from export import steering
from export.servers import GrpcServer, check_answer
from export.signatures import Description
from tf_csvae.data.dataset import Info
from tf_csvae.errors import InputError
from tf_csvae.labels import Label


class Remote:
    """A served model as functions of named arrays.

    Args:
        place: HOST:PORT/NAME, the port that of gRPC.
        labels_file: labels.json of the exported model, which describes it.

    Attributes:
        description: of the model, as the file has it.
        info: describes its data.
        labels: that requests hold.
        signatures: {name: names of its inputs}.

    Raises:
        InputError: no such place or file.
    """

    def __init__(self, place: str, labels_file: str | None) -> None:
        found = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^/:\s]+):(\d{1,5})/([A-Za-z0-9][A-Za-z0-9._-]*)", place)
        if not found:
            raise InputError(f"--model={place}: expected HOST:PORT/NAME, as in localhost:8500/faces.")
        self.description = steering.read_labels_file(labels_file, Description.from_dict)
        host, port, name = found.groups()
        self._server = GrpcServer(host, int(port), name)

    @property
    def info(self) -> Info:
        """Describes the data of the model."""
        return self.description.info

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels that requests hold."""
        return self.description.labels

    @property
    def signatures(self) -> dict[str, list[str]]:
        """What the model can be asked."""
        return self.description.signatures

    def answer(self, name: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns what a signature makes of inputs by name; others are passed over.

        Raises:
            InputError: the server refuses the request, or does not answer.
        """
        asked = {key: given[key] for key in self.signatures[name]}
        answer = self._server.predict(name, asked)
        check_answer(answer, (), len(next(iter(asked.values()))))
        return answer
