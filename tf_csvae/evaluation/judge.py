"""What a classifier sees in what a model makes: generation, transfer, Fréchet distance."""

import numpy as np
import tensorflow as tf

from tf_csvae import metrics
from tf_csvae.models.label_space import LabelSpace

# Examples that are made at a time, and of which pairwise distances are taken.
CHUNK, MAX_PAIRED = 250, 500

# What is asked for of a real label, and by how much it may move, standardised, and count as kept.
QUANTILES, TOLERANCE = (0.1, 0.5, 0.9), 0.5


class Judge:
    """A classifier that judges one model.

    Args:
        classifier: ``Classifier``.
        labels: tuple of ``Label``.
    """

    def __init__(self, classifier, labels):
        self.labels = labels
        space = LabelSpace(labels)

        @tf.function(reduce_retracing=True, autograph=False)
        def see(x):
            features = classifier.features(x)
            return space.decided(space.means(classifier.head(features))), features

        self._see = see
        self._seen = []
        self._halves = (metrics.Moments(), metrics.Moments())
        self._made = metrics.Moments()

    def verdicts(self, x):
        """Returns float [n, k], the labels that it sees: 0 or 1, a class, a number."""
        return self._see(x)[0].numpy()

    def see_real(self, x, y, again):
        """Takes in a batch of real data: x, their labels y, and their reconstructions."""
        seen, features = (part.numpy() for part in self._see(x))
        self._seen.append((y, seen, self.verdicts(again)))
        for half, moments in enumerate(self._halves):
            moments.update(features[half::2])

    def see_made(self, made):
        """Takes in a batch of data made with the labels of the even rows of the real ones."""
        self._made.update(self._see(made)[1].numpy())

    def recalls(self):
        """Returns {label: how it sees the label in real data, and in their reconstructions}.

        Of a binary label the shares of those that have it, of a categorical one the mean over its
        classes of such shares, of a real one R^2.
        """
        found = {}
        columns = [np.concatenate(parts).T for parts in zip(*self._seen, strict=True)]
        for label, y, *seen in zip(self.labels, *columns, strict=True):
            known = ~np.isnan(y)
            y, seen = (
                y[known],
                {name: column[known] for name, column in zip(("real", "reconstruction"), seen, strict=True)},
            )
            if label.kind == "real":
                if len(np.unique(y)) > 1:
                    found[label.name] = {f"{name}_r2": _r2(y, column) for name, column in seen.items()}
            elif label.kind == "categorical":
                found[label.name] = {
                    f"{name}_recall": float(np.mean([np.mean(of[y == v] == v) for v in np.unique(y)]))
                    for name, of in seen.items()
                    if len(y)
                }
            elif (y > 0.5).any():
                on = y > 0.5
                hits = {f"{name}_recall": ((on & (of > 0.5)).sum(), on.sum()) for name, of in seen.items()}
                found[label.name] = metrics.shares(**hits)
        return found

    def frechet(self):
        """Returns the distance of made data from half of the real ones, and of the other half.

        Both from equally many examples, so that the second is what a perfect generator would have.
        Empty where there are too few.
        """
        even, odd = self._halves
        if min(even.count, odd.count, self._made.count) < 2:
            return {}
        return {
            "frechet": metrics.frechet_distance(self._made, odd),
            "frechet_real": metrics.frechet_distance(even, odd),
        }


def sampler(model):
    """Returns a function (rows of labels, seed) -> iterator over samples, float32 [m, *shape] a chunk.

    They have the labels in the rows; of a system that knows none they are as many.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def labelled(y, seed):
        return model.sample(y, seed=seed)

    def sampled(rows, seed):
        for number, start in enumerate(range(0, len(rows), CHUNK)):
            y, one = rows[start : start + CHUNK], [seed, number]
            if model.label_widths:
                yield labelled(tf.constant(y, tf.float32), tf.constant(one)).numpy()
            else:
                yield model.sample(n=len(y), seed=one).numpy()

    return sampled


def _r2(asked, seen):
    """R^2 of numbers that are seen, against those that are asked for."""
    return float(1 - np.mean((seen - asked) ** 2) / np.var(asked))


def wishes(label, column, count):
    """Returns the values that are asked for of a label, float [count].

    Of a binary label 1; of a categorical one each class in turn; of a real one in turn the 10 %, 50 %
    and 90 % quantiles of a column of its values.
    """
    values = np.ones(1)
    if label.kind == "categorical":
        values = np.arange(len(label.classes))
    if label.kind == "real":
        values = np.nanquantile(column, QUANTILES)
    return values[np.arange(count) % len(values)].astype(np.float32)


def granted(label, asked, seen):
    """Scores what is seen of a label in what was made for the values asked, float [n] each.

    Returns:
        {"accuracy"} and its interval; of a real label {"r2", "mean_absolute_error" in its own units}.
    """
    if label.kind == "real":
        error = float(label.scale * np.mean(np.abs(seen - asked)))
        return {"r2": _r2(asked, seen), "mean_absolute_error": error} if np.ptp(asked) else {}
    return metrics.shares(accuracy=(int((seen == asked).sum()), len(asked)))


def transfers(model, judge, batches, rows, most, seed, scale):
    """Gives each label to test data that lack it, and has the classifier look.

    A categorical label is changed to another class, each in turn; a real one to one of three
    quantiles. w_i is drawn from p(w_i|y_i); for systems without subspaces y_i is set.

    Args:
        model: ``GenerativeModel`` that labels can steer.
        judge: ``Judge``.
        batches: iterable of (x, y).
        rows: float32 [n, k], the labels of all of them.
        most: int, examples per label after which to stop.
        seed: int.
        scale: float or float [d], units of the data per unit of x.

    Returns:
        {label: {"accuracy": share that it now sees with it, "others_kept": share of the other
        labels that it sees as it did in the original, "mse": to the original}}, and the interval of
        the accuracy; the other labels of one image are no independent trials. A real label has "r2"
        and "mean_absolute_error" in place of the accuracy, and is kept where it moves by less than
        ``TOLERANCE``.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def transfer(x, y, target, seed):
        return model.transfer(x, y, target, seed)

    labels, k = judge.labels, len(judge.labels)
    tolerance = np.array([TOLERANCE if label.kind == "real" else 0.5 for label in labels])
    count, kept, error = (np.zeros(k) for _ in range(3))
    seen, wanted = ([[] for _ in labels] for _ in range(2))
    for number, (x, y) in enumerate(batches):
        if np.all(count >= most):
            break
        x, y = np.asarray(x), np.asarray(y)
        before = judge.verdicts(x)
        for i in np.flatnonzero(count < most):
            # The first so many of the batch as they are, in the shape of the batch: of a ragged
            # choice each new size would be another graph.
            target = y.copy()
            target[:, i] = asked = _others(labels[i], y[:, i], rows[:, i])
            chosen = y[:, i] < 0.5 if labels[i].kind == "binary" else ~np.isnan(y[:, i])
            chosen &= np.cumsum(chosen) <= most - count[i]
            if not chosen.any():
                continue
            made = transfer(x, y, target, tf.constant([seed, number * k + int(i)])).numpy()
            after = judge.verdicts(made)
            count[i] += chosen.sum()
            seen[i].append(after[chosen, i])
            wanted[i].append(asked[chosen])
            kept[i] += np.delete(np.abs(after - before) < tolerance, i, 1)[chosen].sum()
            squares = np.square((made - x)[chosen].astype(np.float64) * scale)
            error[i] += squares.reshape(len(squares), -1).mean(1).sum()
    found = {}
    for i, label in enumerate(labels):
        if count[i]:
            found[label.name] = {
                **granted(label, np.concatenate(wanted[i]), np.concatenate(seen[i])),
                **({"others_kept": float(kept[i] / (count[i] * (k - 1)))} if k > 1 else {}),
                "mse": float(error[i] / count[i]),
            }
    return found


def _others(label, column, whole):
    """Returns the values to change a label to from those in a column, a part of the whole; float [n]."""
    if label.kind != "categorical":
        return wishes(label, whole, len(column))
    classes = len(label.classes)
    steps = 1 + np.arange(len(column)) % (classes - 1)
    return ((np.nan_to_num(column) + steps) % classes).astype(np.float32)
