"""What an exported model can be asked: functions of named tensors.

A SavedModel holds these functions as graphs of TensorFlow's own operations; a server needs nothing
of this project. For images each function is there a second time, its name ending in ``_bytes``: it
takes and gives encoded files.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import tensorflow as tf

from export import inputs
from export.configs import STEPS, TRAVERSAL
from export.inputs import Input
from tf_csvae.data.dataset import Info
from tf_csvae.errors import InputError
from tf_csvae.labels import Label
from tf_csvae.models import Classifier, Code, GenerativeModel, check_same
from tf_csvae.runs import Run, load_classifier

# The inputs in order, and a function of their values: to x, or to named outputs.
Signature = tuple[dict[str, Input], Callable[..., tf.Tensor | dict[str, tf.Tensor]]]


@dataclasses.dataclass(frozen=True)
class Description:
    """What a client must know of a model that a server answers for.

    Attributes:
        system: such as "CSVAE".
        info: describes its data.
        labels: that requests hold; none of a VAE and a classifier.
        predicts_labels: whether labels that are left out are predicted.
        counterfactual: whether edits keep what the model cannot reconstruct.
        style: dimensions of the w_i that ``restyle`` takes; 0: there is no such signature.
        signatures: {name: names of its inputs}.
    """

    system: str
    info: Info
    labels: tuple[Label, ...]
    predicts_labels: bool
    counterfactual: bool
    style: int
    signatures: dict[str, list[str]]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, for JSON; labels.json of an exported model."""
        labels = [label.to_dict() for label in self.info.labels]
        return {**vars(self), "info": self.info.to_dict(), "labels": labels, "steered": bool(self.labels)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Returns the description whose ``to_dict`` gave these values, maybe by somebody else.

        Raises:
            InputError: they describe no model.
        """
        try:
            info = Info.from_dict(plain["info"])
            signatures = {str(name): list(map(str, taken)) for name, taken in plain["signatures"].items()}
            return cls(
                str(plain["system"]),
                info,
                info.labels if plain["steered"] else (),
                bool(plain["predicts_labels"]),
                bool(plain["counterfactual"]),
                int(plain["style"]),
                signatures,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"This describes no exported model: {error!r}.") from error


class Served:
    """A trained model as functions of named tensors.

    Args:
        model: a generative system or a classifier.
        info: describes its data.
        judge: predicts labels that a client leaves out (gives as -1 or NaN). Without one all
            labels must be given, unless the model predicts them itself.

    Attributes:
        model: the model, in full precision.
        info: describes its data.
        signatures: {name: tf.function with an input signature}.
        holder: has the variables for the SavedModel, without the rest of the Keras model.
    """

    def __init__(
        self, model: GenerativeModel | Classifier, info: Info, judge: Classifier | None = None
    ) -> None:
        # Rounding in half precision depends on the processor and on how the graph is optimised.
        self.model, self.info = model.in_full_precision(), info
        self._judge = judge and judge.in_full_precision()
        self.holder = tf.Module()
        parts = [self.model, *([self._judge] if judge else [])]
        self.holder.held = [variable.value for part in parts for variable in part.variables]
        self.signatures = self._functions(inputs.example(info))
        if info.is_image:
            self.signatures |= self._functions(inputs.image_file(info), "_bytes")

    @classmethod
    def of_run(cls, run: Run, judge: str | None = None) -> Self:
        """Returns the model of a finished run; ``judge`` is the path of a classifier's run."""
        model, info = run.model(), run.info()
        check_same(model, info.shape, info.labels, f"The model of {run.path}")
        return cls(model, info, load_classifier(judge, info, "judge")[0] if judge else None)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels that requests hold; a VAE and a classifier take none."""
        takes_labels = not isinstance(self.model, Classifier) and self.model.label_widths
        return self.info.labels if takes_labels else ()

    @property
    def predicts_labels(self) -> bool:
        """Whether labels that are left out are predicted from x."""
        return self._judge is not None or self.model.reads_labels

    @property
    def description(self) -> Description:
        """What a client must know that the server does not tell."""
        model = self.model
        generative = not isinstance(model, Classifier)
        taken = {name: [spec.name for spec in each.input_signature] for name, each in self.signatures.items()}
        return Description(
            system=type(model).__name__,
            info=self.info,
            labels=self.labels,
            predicts_labels=generative and self.predicts_labels,
            counterfactual=generative and model.config.counterfactual,
            style=model.config.w_dim if "restyle" in self.signatures else 0,
            signatures=taken,
        )

    def answer(self, name: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns what a signature makes of inputs by name; others are passed over.

        Raises:
            InputError: inputs that do not fit.
        """
        function = self.signatures[name]
        ordered = [tf.constant(given[spec.name]) for spec in function.input_signature]
        try:
            return {key: value.numpy() for key, value in function(*ordered).items()}
        except tf.errors.InvalidArgumentError as error:
            raise InputError(inputs.sentence_in(error.message)) from error

    def _functions(self, x: Input, ending: str = "") -> dict[str, Callable]:
        """Returns all signatures with examples in one form, which adds an ending to names."""
        return {
            f"{name}{ending}": _function(
                f"{name}{ending}",
                {f"{key}{ending * (kind is x)}": kind for key, kind in taken.items()},
                function,
                x.output,
            )
            for name, (taken, function) in self._signatures(x).items()
        }

    def _signatures(self, x: Input) -> dict[str, Signature]:
        model, known, labels = self.model, self._known, self.info.labels
        if isinstance(model, Classifier):
            return {"classify": ({"x": x}, self._classify)}
        z, seed = Input((model.z_dim,), conditions=inputs.finite), Input(dtype=tf.int32)
        fixed = {} if model.fixed is None else {"x": x}  # what decode gets beside the code
        if not self.labels:
            return {
                "reconstruct": ({"x": x}, model.reconstruct),
                "encode": ({"x": x}, lambda x: self._parameters(model.encode(x))),
                "decode": ({"z": z, **fixed}, lambda z, x=None: model.decode(z, x=x)),
                "sample": ({"seed": seed}, lambda seed: self._sample(None, seed)),
            }
        # A model that was trained on examples without a label can do without it.
        optional = [self.predicts_labels or label.missing > 0 for label in labels]
        y = inputs.label_values(labels, optional, "it is not known")
        target = inputs.label_values(labels, [True] * len(labels), "it stays as it is")
        drawn = [label.kind != "binary" for label in labels]
        requested = inputs.label_values(labels, drawn, "it is drawn as in the data")
        given, label = {"x": x, "labels": y}, inputs.label_index(labels)
        found = {
            "reconstruct": (given, lambda x, y: model.reconstruct(x, known(x, y))),
            "encode": (given, self._encode),
            "decode": (
                {"z": z, "labels": requested, **fixed},
                lambda z, y, x=None: model.decode(z, model.label_code(y), x),
            ),
            "sample": ({"labels": requested, "seed": seed}, self._sample),
            "transfer": (
                {"x": x, "source_labels": y, "target_labels": target},
                lambda x, source, target: model.transfer(x, known(x, source), target),
            ),
            "interpolate": (
                {**given, "label": label},
                lambda x, y, label: model.interpolate(x, label, steps=STEPS, y=known(x, y)),
            ),
        }
        if model.has_subspaces and model.config.w_prior != "joint":
            style = Input((model.config.w_dim,), conditions=inputs.finite)
            found["restyle"] = (
                {**given, "label": label, "w": style},
                lambda x, y, label, w: model.restyle(x, label, w, known(x, y)),
            )
        if model.has_subspaces:
            w = Input((sum(model.label_widths),), conditions=inputs.finite)
            found |= {
                "decode": ({"z": z, "w": w, **fixed}, model.decode),
                "style_transfer": (
                    {**given, "style_x": x, "style_labels": y, "label": label},
                    lambda x, y, style, y_style, label: model.style_transfer(
                        x, style, label, known(x, y), known(style, y_style)
                    ),
                ),
                "traverse": (
                    {**given, "label": label},
                    lambda x, y, label: model.traverse(x, label, known(x, y), steps=TRAVERSAL),
                ),
            }
        return found

    def _known(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Returns y, with predictions from x where it is NaN, if anything predicts them."""
        if not self.predicts_labels:
            return y

        def predict() -> tf.Tensor:
            if self._judge is not None:
                return self._judge.read(x)
            return self.model.labels_of(x, None, "labels")

        unknown = tf.math.is_nan(y)
        if not self.info.is_image:  # the network is small, and OpenVINO errs in such branches
            return tf.where(unknown, predict(), y)
        # Only if a label is left out: the prediction may cost as much as all the rest.
        return tf.cond(tf.reduce_any(unknown), lambda: tf.where(unknown, predict(), y), lambda: y)

    def _classify(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        columns = [(name, label) for label in self.info.labels for name in label.feature_names]
        names, labels = zip(*columns, strict=True)
        offset, scale = inputs.units(labels)
        # The names are in each row: a server that joins requests to batches needs rows.
        repeated = tf.repeat(tf.constant([names]), tf.shape(x)[0], axis=0)
        probabilities = tf.cast(self.model.classify(x), scale.dtype) * scale + offset
        return {"probabilities": probabilities, "labels": repeated}

    def _sample(self, y: tf.Tensor | None, seeds: tf.Tensor) -> tf.Tensor:
        """Samples each row by its own seed, so that it is the same on any host, in any batch."""
        model = self.model
        rows = (seeds,) if y is None else (seeds, y[:, None])

        @tf.autograph.experimental.do_not_convert  # which takes seconds, and nothing needs it
        def code(row: tuple) -> dict[str, tf.Tensor]:
            return model.sample_code(*(row[1:] or [None]), n=1, seed=row[0])

        like = code((tf.zeros(2, tf.int32), *(part[0] for part in rows[1:])))
        specs = {name: tf.TensorSpec([1, *part.shape[1:]], part.dtype) for name, part in like.items()}
        parts = tf.map_fn(code, rows, fn_output_signature=specs)
        return model.made({name: part[:, 0] for name, part in parts.items()})

    def _encode(self, x: tf.Tensor, y: tf.Tensor) -> dict[str, tf.Tensor]:
        y = self._known(x, y)
        found = self._parameters(self.model.encode(x, y))
        return found if "labels" in found or not self.predicts_labels else {**found, "labels": self._units(y)}

    def _units(self, y: tf.Tensor) -> tf.Tensor:
        """Returns labels as they stand in y, [n, k], in their own units."""
        offset, scale = inputs.units(self.info.labels)
        return tf.cast(y, scale.dtype) * scale + offset

    def _parameters(self, code: Code) -> dict[str, tf.Tensor]:
        """Returns means and scales of a code, and the labels that the model predicts."""
        found = {"z_mean": code.z.mean(), "z_scale": code.z.stddev()}
        if code.w is not None:
            for label in self.info.labels:
                name = label.name
                found[f"w_{name}_mean"] = self.model.subspace(code.w.mean(), name)
                found[f"w_{name}_scale"] = self.model.subspace(code.w.stddev(), name)
        if code.y is not None:
            found["labels"] = self._units(self.model.space.values(code.y.mean()))
        return found


def _function(
    name: str, taken: dict[str, Input], function: Callable, output: Callable
) -> tf.types.experimental.PolymorphicFunction:
    """Returns a function of tensors that are asserted to fit.

    Args:
        name: of the signature.
        taken: its inputs by name, in the order of the function's arguments.
        function: from values for the model to x or named outputs.
        output: from x to a named output.
    """

    def served(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        values, asserted = [], []
        for (key, kind), tensor in zip(taken.items(), tensors, strict=True):
            value, of_value = kind.read(key, tensor)
            values.append(value)
            # All inputs have rows, even a seed: only such requests can a server join to batches.
            rows, of_first = (tf.shape(each)[0] for each in (value, values[0]))
            sentence = f"{key} must have as many rows as the first input. Received:"
            same = tf.debugging.Assert(tf.equal(rows, of_first), [sentence, rows])
            asserted += [*of_value, same]
        with tf.control_dependencies(asserted):
            values = [tf.identity(value) for value in values]
        made = function(*values)
        return made if isinstance(made, dict) else output(made)

    served.__name__ = name
    specs = [tf.TensorSpec([None, *kind.sides], kind.dtype, key) for key, kind in taken.items()]
    return tf.function(served, input_signature=specs, autograph=False)
