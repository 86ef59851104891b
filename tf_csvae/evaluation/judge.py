"""What the judge sees in generated examples: the labels of samples, the Fréchet distance."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score

from tf_csvae.evaluation import metrics
from tf_csvae.evaluation.metrics.attributes import mean_recall
from tf_csvae.labels import Label
from tf_csvae.models import Classifier, GenerativeModel
from tf_csvae.networks.label_space import LabelSpace

# A label's true or requested values, and those that the judge sees, [n] each.
Pair = tuple[np.ndarray, np.ndarray]

# Examples generated at a time.
CHUNK = 250

# Quantiles of a real label that are requested.
QUANTILES = (0.1, 0.5, 0.9)


class Judge:
    """Collects what a classifier, the judge, sees in real and generated examples."""

    def __init__(self, classifier: Classifier) -> None:
        self.labels = classifier.labels
        space = LabelSpace(self.labels)

        @tf.function(reduce_retracing=True, autograph=False)
        def see(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            features = classifier.embed(x)
            return space.decided(space.means(classifier.head(features))), features

        self._see = see
        self._seen = []
        self._halves = (metrics.Moments(), metrics.Moments())
        self._samples = metrics.Moments()

    def read(self, x: tf.Tensor | np.ndarray) -> np.ndarray:
        """Returns the labels it sees, float [n, k]: 0 or 1, a class, a standardised number."""
        return self._see(x)[0].numpy()

    def features(self, x: tf.Tensor | np.ndarray) -> np.ndarray:
        """Returns the features from which it decides, float [n, d], ``CHUNK`` rows at a time."""
        parts = [x[start : start + CHUNK] for start in range(0, len(x), CHUNK)]
        return np.concatenate([self._see(part)[1].numpy() for part in parts])

    def add_real(self, x: tf.Tensor, y: np.ndarray, reconstruction: tf.Tensor) -> None:
        """Adds a batch of real examples x with the labels y, and their reconstructions."""
        seen, features = (part.numpy() for part in self._see(x))
        self._seen.append((y, seen, self.read(reconstruction)))
        for half, moments in enumerate(self._halves):
            moments.update(features[half::2])

    def add_samples(self, x: np.ndarray) -> None:
        """Adds samples with the labels of the even rows of each batch of real examples."""
        self._samples.update(self.features(x))

    def real(self) -> Pair:
        """Returns the labels of all real examples and those that it sees in them, [n, k] each."""
        y, seen, _ = (np.concatenate(parts) for parts in zip(*self._seen, strict=True))
        return y, seen

    def seen(self) -> dict[str, dict[str, Pair]]:
        """Returns {label: {"real": pair, "reconstruction": pair}} of the known labels."""
        columns = [np.concatenate(parts).T for parts in zip(*self._seen, strict=True)]
        found = {}
        for label, y, real, reconstruction in zip(self.labels, *columns, strict=True):
            known = ~np.isnan(y)
            pairs = {"real": (y[known], real[known]), "reconstruction": (y[known], reconstruction[known])}
            found[label.name] = pairs
        return found

    def frechet(self) -> dict[str, float]:
        """Returns the Fréchet distances of samples and of real examples from other real examples.

        Both are of as many examples, so the second is that of a perfect generator. Empty for fewer
        than two examples.
        """
        even, odd = self._halves
        if min(even.count, odd.count, self._samples.count) < 2:
            return {}
        return {
            "frechet": metrics.frechet_distance(self._samples, odd),
            "frechet_real": metrics.frechet_distance(even, odd),
        }


Sampler = Callable[[np.ndarray, int], Iterator[np.ndarray]]


def sampler(model: GenerativeModel) -> Sampler:
    """Returns a function (labels [n, k], seed) -> iterator of chunks of n samples.

    The samples have these labels, or are only as many if the system cannot be steered by labels.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def labelled(y: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return model.sample(y, seed=seed)

    def sampled(y: np.ndarray, seed: int) -> Iterator[np.ndarray]:
        for number, start in enumerate(range(0, len(y), CHUNK)):
            rows, own_seed = y[start : start + CHUNK], [seed, number]
            if model.label_widths:
                yield labelled(tf.constant(rows, tf.float32), tf.constant(own_seed)).numpy()
            else:
                yield model.sample(n=len(rows), seed=own_seed).numpy()

    return sampled


def recalls(label: Label, seen: dict[str, Pair]) -> dict:
    """Returns how well the judge sees a label in real examples and in reconstructions.

    {"real_recall", "reconstruction_recall"}: of a binary label the share of examples with it in
    which it is seen, with intervals; of a categorical label the mean of the shares over its
    classes. Of a real label {"real_r2", "reconstruction_r2"}.
    """
    y = seen["real"][0]
    if label.kind == "real":
        varies = len(np.unique(y)) > 1
        return {f"{name}_r2": _r2(*pair) for name, pair in seen.items()} if varies else {}
    if label.kind == "categorical":
        return {f"{name}_recall": mean_recall(*pair) for name, pair in seen.items() if len(y)}
    return metrics.shares(**{f"{name}_recall": _hits(pair, 1) for name, pair in seen.items()})


def by_value(
    labels: Sequence[Label], i: int, real: Pair, seen: dict[str, Pair], made: dict[str, Pair]
) -> dict[str, dict]:
    """Returns what the judge sees by value of label i, if it is binary or categorical.

    Args:
        labels: all k labels.
        i: the index of the label.
        real: the labels of all real examples, and those that the judge sees, [n, k] each.
        seen: {name: pair} of this label.
        made: {name: (all labels that were requested, [n, k], those of this label that the judge
            sees, [n])}.

    Returns:
        {value: {name: share in which the judge sees the value, with its interval; "examples": the
        number of real ones; name + "_real" of what was made: the share in which it sees the value
        in real examples with the same other labels}}.
    """
    label, found = labels[i], {}
    seen = seen | {name: (asked[:, i], shown) for name, (asked, shown) in made.items()}
    for value in () if label.kind == "real" else label.points[0]:
        entry = metrics.shares(**{name: _hits(pair, value) for name, pair in seen.items()})
        entry["examples"] = int((real[0][:, i] == value).sum())
        for name, (asked, _) in made.items():
            asked = asked[asked[:, i] == value]
            if len(asked) and entry["examples"]:
                entry[f"{name}_real"] = _matched_recall(labels, i, value, real, asked)
        found[label.text(value)] = entry
    return found


def _matched_recall(labels: Sequence[Label], i: int, value: float, real: Pair, asked: np.ndarray) -> float:
    """Returns how often the judge sees a value of label i in real examples like those asked for.

    Labels go together: a judge of survival on the Titanic sees it in 0.74 of the women who survived
    and in 0.30 of the men. So a man who is changed into a survivor is compared with men. A logistic
    regression on the other labels takes the place of counting, since many combinations are rare.
    """
    y, seen = (part[real[0][:, i] == value] for part in real)
    hits = seen[:, i] == value
    if len(labels) == 1 or hits.all() or not hits.any():
        return float(hits.mean())
    others = LabelSpace([label for j, label in enumerate(labels) if j != i])
    own, wanted = (others.features(np.delete(part, i, 1).astype(np.float32)) for part in (y, asked))
    return float(LogisticRegression().fit(own, hits).predict_proba(wanted)[:, 1].mean())


def _hits(pair: Pair, value: float) -> tuple[int, int]:
    true, seen = pair
    return int(((true == value) & (seen == value)).sum()), int((true == value).sum())


def requested_values(label: Label, column: np.ndarray, count: int) -> np.ndarray:
    """Returns the values that are requested of a label, float32 [count].

    They are in turn 1 and 0 for a binary label, each class of a categorical one, and for a real one
    the 10 %, 50 % and 90 % quantiles of its ``column`` of values.
    """
    values = np.array([1.0, 0.0])
    if label.kind == "categorical":
        values = np.arange(len(label.classes))
    if label.kind == "real":
        known = column[~np.isnan(column)]
        values = np.quantile(known, QUANTILES) if len(known) else np.full_like(QUANTILES, np.nan)
    return values[np.arange(count) % len(values)].astype(np.float32)


def achieved(label: Label, requested: np.ndarray, seen: np.ndarray) -> dict:
    """Compares what the judge sees of a label with the values that were requested, [n] each.

    Returns {"accuracy"} with its interval, of a binary label where 1 was requested. Of a real label
    it returns {"r2", "mean_absolute_error" in its own units}, or {} if one value was requested.
    """
    if label.kind == "real":
        error = float(label.scale * np.mean(np.abs(seen - requested)))
        varies = np.ptp(requested) > 0  # not where the label is known in no test row
        return {"r2": _r2(requested, seen), "mean_absolute_error": error} if varies else {}
    if label.kind == "binary":
        return metrics.shares(accuracy=_hits((requested, seen), 1))
    return metrics.shares(accuracy=((seen == requested).sum(), len(requested)))


def _r2(true: np.ndarray, seen: np.ndarray) -> float:
    return float(r2_score(true.astype(np.float64), seen))
