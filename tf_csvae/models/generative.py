"""The public methods of all generative systems."""

from typing import Any

import numpy as np
import tensorflow as tf

from tf_csvae import editing
from tf_csvae.editing import positive
from tf_csvae.errors import InputError
from tf_csvae.models.game import GameModel
from tf_csvae.networks.distributions import Seed, split_seed, standard_normal
from tf_csvae.objectives.term import Code


class GenerativeModel(GameModel):
    """The base of all generative systems: encode, decode, sample, edit.

    The arguments and what a subclass gives are those of ``GameModel``.
    """

    def call(self, x: Any, y: Any = None) -> tf.Tensor:
        """Reconstructs x."""
        return self.reconstruct(x, y)

    # The public methods.

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Reconstructs x in batches; raises ``InputError`` if the system needs labels of x."""
        if self.label_widths and not self.reads_labels:
            raise InputError(
                f"predict passes no labels, and {type(self).__name__} needs them. "
                "Use reconstruct(x, y), or train with a guide, which predicts labels."
            )
        return super().predict(x, *args, **kwargs)

    def encode(self, x: Any, y: Any = None) -> Code:
        """Returns the posterior of x: q(z|x) or q(z|x, y), and q(w|x, y) of the label subspaces.

        x is float [n, *data_shape], y float [n, k] or [k], its labels, if the system needs them; a
        guide predicts labels that are not given. Without either ``Code.w`` of a CSVAE is None.

        Raises:
            InputError: shapes that do not fit, or labels missing where they are needed.
        """
        x = self.check_x(x, "encode")
        return self.inference(x, self._known(x, y, "encode"))

    def decode(self, z: tf.Tensor, w: tf.Tensor | None = None, x: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the mean of p(x|z, w), float [n, *data_shape], of z, float [n, z_dim].

        Of the row of a table it is the likeliest one, feature by feature.

        w, float [n, sum of label_widths], are the label subspaces, or without them what
        ``label_code`` gives, which for binary labels are the labels. x, float [n, *data_shape], has
        the fixed features of the row of a table, if there are any.

        Raises:
            InputError: w or x missing where it is needed.
        """
        if w is None and self.label_widths:
            kind, width = type(self).__name__, sum(self.label_widths)
            raise InputError(f"decode: {kind} needs w, [n, {width}], such as label_code(y). Received: none.")
        if self.fixed is not None and x is None:
            raise InputError("decode: some features are fixed. Give x, rows that have them.")
        return self.likelihood.point(self.generative(z, w, x))

    def reconstruct(self, x: Any, y: Any = None) -> tf.Tensor:
        """Encodes and decodes x, float [n, *data_shape], by the means, as ``encode`` does."""
        x = self.check_x(x, "reconstruct")
        y = self._known(x, y, "reconstruct")
        code = self.inference(x, y)
        return self.decode(code.z.mean(), self.own_code(code, y), x)

    def sample(self, y: Any = None, n: int = 1, seed: Seed = None) -> tf.Tensor:
        """Samples new examples with the labels y: z ~ p(z), w ~ p(w|y), the mean of p(x|z, w).

        Rows of a table are drawn from p(x|z, w), since its mean would lie between the categories.

        Args:
            y: float [m, k] or [k], rows of labels; a NaN is drawn by the label's frequencies. None
                for a system without labels.
            n: samples per row.
            seed: int or int [2]; the same seed gives the same samples. None: new ones each call.

        Returns:
            float [m n, *data_shape], all n of the first row first.

        Raises:
            InputError: y of the wrong width, missing, or given where it cannot be used.
        """
        n = positive("n", n)
        if y is None and self.label_widths:
            raise InputError("sample: give y, the labels of the new examples. NaN draws a label.")
        if y is not None:
            y = tf.repeat(self.check_steering(y, "sample"), n, axis=0)
            n = tf.shape(y)[0]
        return self.made(self.sample_code(y, n, seed))

    def sample_code(self, y: tf.Tensor | None, n: int | tf.Tensor, seed: Seed) -> dict[str, tf.Tensor]:
        """Draws all that n samples with checked labels y, [n, k], depend on.

        Returns z ~ p(z), [n, z_dim]; w, what the decoder gets for the labels; of rows of a table x,
        with their fixed features, and noise for ``Likelihood.draw``; each only if there is any.
        """
        z_seed, w_seed = tf.unstack(split_seed(seed, 2))
        drawn = {"z": standard_normal(self.z_dim, self.variable_dtype).sample(n, seed=z_seed)}
        if y is not None:
            y = self.space.filled(y, w_seed)
            drawn["w"] = self.label_code(y, w_seed)
        if self.likelihood.noise:
            shape, noise_seed = (n, self.likelihood.noise), split_seed(z_seed, 1)[0]
            drawn["noise"] = tf.random.stateless_uniform(shape, noise_seed, dtype=self.variable_dtype)
        if self.fixed is not None:
            unknown = tf.fill((n, len(self.labels)), tf.constant(np.nan, self.variable_dtype))
            drawn["x"] = self.fixed.draw(unknown if y is None else y, split_seed(w_seed, 1)[0])
        return drawn

    def made(self, drawn: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns the samples, [n, *data_shape], of what ``sample_code`` has drawn."""
        px = self.generative(drawn["z"], drawn.get("w"), drawn.get("x"))
        return self.likelihood.draw(px, drawn.get("noise"))

    transfer = editing.transfer
    edit = editing.edit
    interpolate = editing.interpolate
    style_transfer = editing.style_transfer
    restyle = editing.restyle
    traverse = editing.traverse

    # Labels.

    @property
    def guide_predicts(self) -> bool:
        """Whether the guide predicts labels that are not given."""
        return self.guide is not None and bool(self.label_widths)

    @property
    def reads_labels(self) -> bool:
        """Whether the model predicts labels that are not given; here by its guide."""
        return self.guide_predicts

    def predicted_labels(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the labels that the model predicts from checked x, float [n, k]."""
        return self.guide.read(x)

    def labels_of(self, x: tf.Tensor, y: Any, where: str) -> tf.Tensor:
        """Returns y checked, or without it the labels that the model predicts from x."""
        if y is None and self.reads_labels:
            return self.predicted_labels(x)
        return self.check_steering(y, where, x)

    def own_code(self, code: Code, y: tf.Tensor | None) -> tf.Tensor | None:
        """Returns what the decoder gets beside z to reconstruct x: its own w if there is one."""
        return self.label_code(y) if code.w is None else code.w.mean()

    def check_y(self, y: Any, where: str, rows: Any = None) -> tf.Tensor:
        """Returns y as ``LabelledModel.check_y`` does; raises ``InputError`` if it is None."""
        if y is None:
            self._needs_labels(where)
        return super().check_y(y, where, rows)

    def check_steering(self, y: Any, where: str, rows: Any = None) -> tf.Tensor:
        """Returns y checked; raises ``InputError`` if the system has no labels to steer by."""
        if not self.label_widths:
            raise InputError(
                f"{where}: {type(self).__name__} has no labels in its code, so labels cannot "
                "steer it. sample(n=...) without y samples from the whole distribution."
            )
        return self.check_y(y, where, rows)

    def _known(self, x, y, where) -> tf.Tensor | None:
        """Returns the labels of x as far as they are given or predicted by a guide; or None."""
        if y is None:
            return self.predicted_labels(x) if self.guide_predicts else None
        return self.check_y(y, where, x)

    def _needs_labels(self, where) -> None:
        raise InputError(
            f"{where}: {type(self).__name__} needs the labels y of x. Received: none. Give y, or "
            "train with a guide, which predicts them."
        )
