"""What an exported model can be asked: functions of named tensors, with hostile input in mind.

Nothing here is needed to serve: a SavedModel holds these functions as graphs of TensorFlow's own
operations. Vectors travel in the data's own units, images as float32 in [0, 1] or, in the
signatures that end in ``_bytes``, as encoded files.
"""

import numpy as np
import tensorflow as tf

from tf_csvae.data import images

# Points of an interpolation and along each side of a walk: graphs of fixed size.
STEPS, WALK = 8, 7

# Kinds of labels: of a given x, where NaN, or -1 if it is not real, may stand for one that is not known; to
# change to, where it leaves one as it is; and to make something of, where binary ones are all needed
# and others are drawn. A categorical label is the index of a class, a real one in its own units.
LABELS = ("labels", "target", "wanted")


class Served:
    """A trained model as a set of functions of named tensors.

    Args:
        model: ``GenerativeModel`` or ``Classifier``.
        info: ``Info`` of its data.
        classifier: ``Classifier`` that reads labels which a client leaves out (gives as -1 or NaN); None:
            all must be given, unless the model reads them itself.

    Attributes:
        signatures: {name: tf.function with an input signature}.
        holder: tf.Module that holds the variables, and nothing else: what Keras keeps beside them
            has no place in a server.
    """

    def __init__(self, model, info, classifier=None):
        # Half precision is for training: what it rounds depends on the processor, and on how a graph is cut.
        model, classifier = (part and part.in_full_precision() for part in (model, classifier))
        self._model, self._info, self._classifier = model, info, classifier
        self._names = [label.name for label in info.labels]
        self.holder = tf.Module()
        held = [model, *([classifier] if classifier else [])]
        self.holder.held = [variable.value for part in held for variable in part.variables]
        makers = self._of_classifier() if hasattr(model, "classify") else self._of_generator()
        self.signatures = {}
        for name, (inputs, function) in makers.items():
            self.signatures[name] = self._function(name, inputs, function)
            if info.is_image:
                self.signatures[f"{name}_bytes"] = self._function(f"{name}_bytes", inputs, function, True)

    # What each kind of input is: its tensor, and what is wrong with a bad one.

    def _spec(self, name, kind, encoded):
        k, shape = len(self._names), self._info.shape
        if kind == "x":
            if encoded:
                return tf.TensorSpec([None], tf.string, f"{name}_bytes")
            return tf.TensorSpec([None, *shape], tf.float32, name)
        if kind in LABELS:
            return tf.TensorSpec([None, k], tf.float32, name)
        if kind in ("label", "seed"):
            return tf.TensorSpec([None], tf.int32, name)
        return tf.TensorSpec([None, kind], tf.float32, name)  # a code of so many dimensions

    def _function(self, name, inputs, function, encoded=False):
        specs = [self._spec(each, kind, encoded) for each, kind in inputs.items()]

        def served(*tensors):
            checked, guards, rows = {}, [], None
            for (each, kind), tensor in zip(inputs.items(), tensors, strict=True):
                value, guard = self._checked(each, kind, tensor, encoded)
                guards += guard
                with tf.control_dependencies(guard):
                    checked[each] = tf.identity(value)
                # All inputs have rows, even a seed: only such requests can a server join in batches.
                count = tf.shape(checked[each])[0]
                rows = count if rows is None else rows
                sentence = f"{each}: as many rows are needed as of the first input. Received:"
                guards.append(tf.debugging.Assert(tf.equal(count, rows), [sentence, count]))
            with tf.control_dependencies(guards):
                checked = {each: tf.identity(value) for each, value in checked.items()}
            outputs = function(**checked)
            return {
                (f"{each}_bytes" if encoded and each == "x" else each): self._leaving(each, value, encoded)
                for each, value in outputs.items()
            }

        served.__name__ = name
        return tf.function(served, input_signature=specs, autograph=False)

    def _checked(self, name, kind, tensor, encoded):
        """Returns an input as the model wants it, and the assertions that it must pass."""
        # So that the graph does not know the shape that it was declared with, and looks.
        given = tf.compat.v1.placeholder_with_default(tensor, None)
        if kind == "x" and encoded:
            guard = self._shape_guard(name, given, [None])
            with tf.control_dependencies(guard):
                return self._decoded(tf.reshape(given, [-1])), guard
        if kind in ("label", "seed"):
            guard = self._shape_guard(name, given, [None])
            with tf.control_dependencies(guard):
                value = tf.reshape(given, [-1])
            if kind == "label":
                last = len(self._names) - 1
                fine = tf.reduce_all((value >= 0) & (value <= last))
                sentence = f"{name} must lie between 0 and {last}. Received:"
                guard.append(tf.debugging.Assert(fine, [sentence, value]))
            return value, guard
        wanted = [kind]
        if kind == "x":
            wanted = list(self._info.shape)
        elif kind in LABELS:
            wanted = [len(self._names)]
        guard = self._shape_guard(name, given, [None, *wanted])
        with tf.control_dependencies(guard):
            value = tf.ensure_shape(tf.reshape(given, [-1, *wanted]), [None, *wanted])
        if kind in LABELS:
            return self._checked_labels(name, kind, value, guard)
        finite = tf.reduce_all(tf.math.is_finite(value))
        guard.append(tf.debugging.Assert(finite, [f"{name} must be finite numbers."]))
        if kind == "x":
            if self._info.is_image:
                fine = tf.reduce_all((value >= 0) & (value <= 1))
                guard.append(tf.debugging.Assert(fine, [f"{name} must lie between 0 and 1."]))
            else:
                value = (value - self._constant(self._info.offset)) / self._constant(self._info.scale)
        return value, guard

    def _checked_labels(self, name, kind, value, guard):
        """Returns labels as y has them, NaN where they are left open, and the assertions."""
        labels = self._info.labels
        real = np.array([label.kind == "real" for label in labels])
        last = np.array([max(1, len(label.classes) - 1) for label in labels])
        if kind == "labels":
            # A model that learned from examples of which a label was not known can do without it.
            may_miss = np.array([self._reads_labels or label.missing > 0 for label in labels])
        else:
            may_miss = np.array([kind == "target" or label.kind != "binary" for label in labels])
        open_ = tf.math.is_nan(value) | (tf.equal(value, -1) & ~real)
        inside = tf.where(real, tf.math.is_finite(value), (value >= 0) & (value <= last))
        whole = np.array([label.kind == "categorical" for label in labels])
        fine = (inside & (~whole | tf.equal(value, tf.round(value)))) | (open_ & may_miss)
        said = {"labels": "is not known", "target": "stays", "wanted": "is to be as the data have it"}[kind]
        unknown = f", or be -1 where it {said}" if may_miss[~real].any() else ""
        if real.any():
            ranges = ", ".join(
                f"{label.name} {'a number' if label.kind == 'real' else f'0 to {end}'}"
                for label, end in zip(labels, last, strict=True)
            )
            sentence = f"{name}: expected {ranges}{unknown}, of a number NaN. Received:"
        elif whole.any():
            ranges = ", ".join(f"{label.name} 0 to {end}" for label, end in zip(labels, last, strict=True))
            sentence = f"{name}: expected {ranges}{unknown}. Received:"
        else:
            sentence = f"{name}: each must lie between 0 and 1{unknown}. Received:"
        guard.append(tf.debugging.Assert(tf.reduce_all(fine), [sentence, value]))
        offset, scale = (self._constant([getattr(label, of) for label in labels]) for of in ("mean", "scale"))
        return tf.where(open_, np.float32(np.nan), (value - offset) / scale), guard

    @staticmethod
    def _shape_guard(name, tensor, wanted):
        shape = tf.shape(tensor)
        fixed = [(axis, side) for axis, side in enumerate(wanted) if side is not None]
        written = "[" + ", ".join("n" if side is None else str(side) for side in wanted) + "]"
        sentence = f"{name} must have shape {written}, n at least 1. Received:"
        right = tf.equal(tf.rank(tensor), len(wanted))
        # Of a wrong rank there is no side to look at.
        padded = tf.concat([shape, tf.zeros([len(wanted)], tf.int32)], 0)
        for axis, side in fixed:
            right &= tf.equal(padded[axis], side)
        return [tf.debugging.Assert(right & (padded[0] > 0), [sentence, shape])]

    def _decoded(self, files):
        """Reads encoded images as in training: cut, resized, in [0, 1]."""
        side = self._info.shape[0]

        def one(file):
            kind = tf.debugging.Assert(
                images.is_png(file) | images.is_jpeg(file),
                ["An image must be a JPEG or a PNG file. Received bytes:", tf.strings.length(file)],
            )

            with tf.control_dependencies([kind]):
                image = images.decode(tf.identity(file))
            return images.crop_and_resize(image, self._info.crop, side)

        decoded = tf.map_fn(one, files, fn_output_signature=tf.TensorSpec(self._info.shape, tf.uint8))
        return tf.cast(decoded, tf.float32) / 255

    def _leaving(self, name, value, encoded):
        """What a model makes, as the client gets it."""
        if name != "x":
            return value
        if not self._info.is_image:
            return value * self._constant(self._info.scale) + self._constant(self._info.offset)
        if not encoded:
            return value
        pixels = tf.cast(tf.round(255 * tf.clip_by_value(value, 0, 1)), tf.uint8)
        flat = tf.reshape(pixels, [-1, *self._info.shape])
        files = tf.map_fn(tf.io.encode_png, flat, fn_output_signature=tf.string)
        return tf.reshape(files, tf.shape(pixels)[: -len(self._info.shape)])

    @staticmethod
    def _constant(value):
        return tf.constant(value, tf.float32)

    # What the models are asked.

    @property
    def _reads_labels(self):
        return self._classifier is not None or getattr(self._model, "reads_labels", False)

    def _known(self, x, labels):
        """Returns labels, those that are NaN as they are read from x, where something reads them."""

        def read():
            if self._classifier is not None:
                return self._classifier.read(x)
            return self._model.labels_of(x, None, "labels")

        if not self._reads_labels:
            return labels
        # A network reads them only where one is asked for: it may cost as much as all the rest.
        unknown = tf.math.is_nan(labels)
        return tf.cond(tf.reduce_any(unknown), lambda: tf.where(unknown, read(), labels), lambda: labels)

    def _of_classifier(self):
        def classify(x):
            # A row of names for each row of x: a server that joins requests wants rows.
            columns = [name for label in self._info.labels for name in label.feature_names]
            names = tf.repeat(tf.constant([columns]), tf.shape(x)[0], axis=0)
            units = [(label.mean, label.scale) for label in self._info.labels for _ in label.feature_names]
            offset, scale = (self._constant(of) for of in zip(*units, strict=True))
            return {"probabilities": self._model.classify(x) * scale + offset, "labels": names}

        return {"classify": ({"x": "x"}, classify)}

    def _of_generator(self):
        model, width = self._model, sum(self._model.label_widths)
        subspaces = hasattr(model, "subspace")

        if not width:
            return {
                "reconstruct": ({"x": "x"}, lambda x: {"x": model.reconstruct(x)}),
                "encode": ({"x": "x"}, lambda x: self._code(model.encode(x))),
                "decode": ({"z": model.z_dim}, lambda z: {"x": model.decode(z)}),
                "sample": ({"seed": "seed"}, lambda seed: {"x": self._sample(None, seed)}),
            }

        def encode(x, labels):
            return self._code(model.encode(x, self._known(x, labels)))

        def reconstruct(x, labels):
            return {"x": model.reconstruct(x, self._known(x, labels))}

        def sample(labels, seed):
            return {"x": self._sample(labels, seed)}

        def transfer(x, source_labels, target_labels):
            source = self._known(x, source_labels)
            return {"x": model.transfer(x, source, target_labels)}

        def interpolate(x, labels, label):
            known = self._known(x, labels)
            return {"x": model.interpolate(x, label, steps=STEPS, y=known)}

        found = {
            "reconstruct": ({"x": "x", "labels": "labels"}, reconstruct),
            "encode": ({"x": "x", "labels": "labels"}, encode),
            "sample": ({"labels": "wanted", "seed": "seed"}, sample),
            "transfer": ({"x": "x", "source_labels": "labels", "target_labels": "target"}, transfer),
            "interpolate": ({"x": "x", "labels": "labels", "label": "label"}, interpolate),
        }
        if not subspaces:
            found["decode"] = (
                {"z": model.z_dim, "labels": "wanted"},
                lambda z, labels: {"x": model.decode(z, model.label_code(labels))},
            )
            return found

        def style_transfer(x, labels, style_x, style_labels, label):
            known, of_style = self._known(x, labels), self._known(style_x, style_labels)
            return {"x": model.style_transfer(x, style_x, label, known, of_style)}

        def walk(x, labels, label):
            return {"x": model.walk(x, label, self._known(x, labels), steps=WALK)}

        styled = {"x": "x", "labels": "labels", "style_x": "x", "style_labels": "labels", "label": "label"}
        return {
            **found,
            "decode": (
                {"z": model.z_dim, "w": width},
                lambda z, w: {"x": model.decode(z, w)},
            ),
            "style_transfer": (styled, style_transfer),
            "walk": ({"x": "x", "labels": "labels", "label": "label"}, walk),
        }

    def _sample(self, labels, seeds):
        """Samples each row by its own seed; stateless, so it is the same on any host, in any batch."""

        def one(row):
            seed, *of_labels = row
            z, w = self._model.sample_code(*(of_labels or [None]), n=1, seed=seed)
            return z if w is None else (z, w)

        def row_of(width):
            return tf.TensorSpec([1, width], tf.float32)

        model = self._model
        if labels is None:
            z = tf.map_fn(one, (seeds,), fn_output_signature=row_of(model.z_dim))
            return model.decode(z[:, 0])
        signature = (row_of(model.z_dim), row_of(sum(model.label_widths)))
        z, w = tf.map_fn(one, (seeds, labels[:, None]), fn_output_signature=signature)
        return model.decode(z[:, 0], w[:, 0])

    def _code(self, code):
        named = {"z_mean": code.z.mean(), "z_scale": code.z.stddev()}
        if code.w is not None:
            for name in self._names:
                named[f"w_{name}_mean"] = self._model.subspace(code.w.mean(), name)
                named[f"w_{name}_scale"] = self._model.subspace(code.w.stddev(), name)
        if code.y is not None:
            offset, scale = (
                self._constant([getattr(label, of) for label in self._info.labels])
                for of in ("mean", "scale")
            )
            named["labels"] = self._model.space.values(code.y.mean()) * scale + offset
        return named
