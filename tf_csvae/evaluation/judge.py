"""What a classifier sees in what a model makes: generation, transfer, Fréchet distance."""

import numpy as np
import tensorflow as tf

from tf_csvae import metrics

# Examples that are made at a time, and of which pairwise distances are taken.
CHUNK, MAX_PAIRED = 250, 500


class Judge:
    """A classifier that judges one model.

    Args:
        classifier: ``Classifier``.
        labels: names of the k labels.
    """

    def __init__(self, classifier, labels):
        self.labels = labels

        @tf.function(reduce_retracing=True, autograph=False)
        def see(x):
            features = classifier.features(x)
            return classifier.head(features) > 0, features

        self._see = see
        k = len(labels)
        self._on, self._real, self._again = (np.zeros(k, np.int64) for _ in range(3))
        self._halves = (metrics.Moments(), metrics.Moments())
        self._made = metrics.Moments()

    def verdicts(self, x):
        """Returns bool [n, k], the labels that it sees."""
        return self._see(x)[0].numpy()

    def see_real(self, x, y, again):
        """Takes in a batch of real data: x, their labels y, and their reconstructions."""
        seen, features = (part.numpy() for part in self._see(x))
        on = y > 0.5
        self._on += on.sum(0)
        self._real += (on & seen).sum(0)
        self._again += (on & self.verdicts(again)).sum(0)
        for half, moments in enumerate(self._halves):
            moments.update(features[half::2])

    def see_made(self, made):
        """Takes in a batch of data made with the labels of the even rows of the real ones."""
        self._made.update(self._see(made)[1].numpy())

    def recalls(self):
        """Returns {label: shares of the real data that have it, and of their reconstructions}."""
        return {
            label: metrics.shares(real_recall=(real, on), reconstruction_recall=(again, on))
            for label, on, real, again in zip(self.labels, self._on, self._real, self._again, strict=True)
            if on
        }

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
            if model.label_width:
                yield labelled(tf.constant(y, tf.float32), tf.constant(one)).numpy()
            else:
                yield model.sample(n=len(y), seed=one).numpy()

    return sampled


def transfers(model, judge, batches, most, seed, scale):
    """Gives each label to test data that lack it, and has the classifier look.

    w_i is drawn from p(w_i|y_i = 1); for systems without subspaces y_i is set.

    Args:
        model: ``GenerativeModel`` that labels can steer.
        judge: ``Judge``.
        batches: iterable of (x, y).
        most: int, examples per label after which to stop.
        seed: int.
        scale: float or float [d], units of the data per unit of x.

    Returns:
        {label: {"accuracy": share that it now sees with it, "others_kept": share of the other
        labels that it sees as it did in the original, "mse": to the original}}, and the interval of
        the accuracy; the other labels of one image are no independent trials.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def transfer(x, y, target, seed):
        return model.transfer(x, y, target, seed)

    k = len(judge.labels)
    count, given, kept, error = (np.zeros(k) for _ in range(4))
    for number, (x, y) in enumerate(batches):
        if np.all(count >= most):
            break
        x, y = np.asarray(x), np.asarray(y)
        before = judge.verdicts(x)
        for i in np.flatnonzero(count < most):
            # The first so many of the batch as they are, in the shape of the batch: of a ragged
            # choice each new size would be another graph.
            off = y[:, i] < 0.5
            off &= np.cumsum(off) <= most - count[i]
            if not off.any():
                continue
            target = y.copy()
            target[:, i] = 1
            made = transfer(x, y, target, tf.constant([seed, number * k + int(i)])).numpy()
            after = judge.verdicts(made)
            count[i] += off.sum()
            given[i] += after[off, i].sum()
            kept[i] += np.delete(after == before, i, 1)[off].sum()
            squares = np.square((made - x)[off].astype(np.float64) * scale)
            error[i] += squares.reshape(len(squares), -1).mean(1).sum()
    found = {}
    for i, label in enumerate(judge.labels):
        if count[i]:
            found[label] = {
                **metrics.shares(accuracy=(given[i], count[i])),
                **({"others_kept": float(kept[i] / (count[i] * (k - 1)))} if k > 1 else {}),
                "mse": float(error[i] / count[i]),
            }
    return found
