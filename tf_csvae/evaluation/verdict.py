"""The verdict on each label: whether it is steered, why not, and what to do next.

It is a function of the numbers in metrics.json and of the settings of the run. The criteria and
the words are documented in docs/evaluation.md.
"""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Any

from tf_csvae.labels import Label
from tf_csvae.settings import Settings

STEERED, PARTLY, NOT, UNKNOWN = "steered", "partly", "not", "unknown"

# A judge sees a label if its balanced accuracy on real data, or its R², is so far above chance.
VISIBLE = 0.2

# What generation, transfer, and the share of unchanged other labels must reach; the first two as
# shares of what the judge sees in real data. A label is not steered if one of these is below LEAST.
GENERATION, TRANSFER, KEPT, LEAST = 0.9, 0.85, 0.9, 0.5

# The most that z may tell about a label: AUC of a probe (or what two standard deviations of its
# null are above chance), and R² of a real label.
LEAK_AUC, LEAK_R2 = 0.6, 0.1

# Fewer test examples of all values, or of one value, leave the verdict unknown; fewer training
# examples of a value are too few to learn it from.
TEST_EXAMPLES, TEST_EXAMPLES_OF_VALUE, TRAINING_EXAMPLES = 20, 5, 20

# A subspace holds its label if a probe finds it there with this AUC or R².
HOLDS_AUC, HOLDS_R2 = 0.6, 0.1

REASONS = {
    "no_judge": "no judge measured it",
    "few_test_examples": "too few test examples of a value to tell",
    "judge_cannot_see": "the judge cannot see it in real data",
    "few_training_examples": "too few training examples of a value",
    "goes_with": "it goes together with another label or feature",
    "training_too_short": "the training ended while it still improved",
    "lost_in_reconstruction": "reconstructions lose it",
    "subspace_unused": "its subspace does not hold it",
    "subspace_holds_others": "its subspace holds another label",
    "no_guide": "no guide took part in the training",
    "label_in_z": "z still tells it",
    "others_change": "its change changes other labels",
    "exchange_too_weak": "its exchange shows too little",
}
"""The words for why a label is not steered, in the order of importance, and what they mean."""


@dataclasses.dataclass(frozen=True)
class Sight:
    """What the judge sees of a label, as the criteria use it.

    Attributes:
        real: mean recall on real examples over the values of the label, or R² of a real label.
        chance: that of a judge that cannot see the label.
        generation, transfer, reconstruction: of samples, of changed examples and of
            reconstructions, as shares of what it sees in real examples with the same other labels:
            of a binary label the smaller share of its two values, of others the mean; None where it
            is not measured.
    """

    real: float
    chance: float
    generation: float | None
    transfer: float | None
    reconstruction: float | None

    @property
    def visible(self) -> bool:
        """Whether the judge sees the label in real data."""
        return self.real >= self.chance + VISIBLE

    @property
    def agreement(self) -> float:
        """How often the judge gives two real examples with the same value the same answer."""
        if not self.chance:
            return 1.0  # a real label
        return self.real**2 + (1 - self.real) ** 2 * self.chance / (1 - self.chance)


def verdict(numbers: dict[str, Any], labels: tuple[Label, ...], settings: Settings) -> dict[str, dict]:
    """Judges each label of a run that is steered by labels.

    Args:
        numbers: the content of metrics.json.
        labels: those of the data.
        settings: of the run; what to do next is given relative to them.

    Returns:
        {label: {"status": "steered", "partly", "not" or "unknown"; "reasons": keys of ``REASONS``,
        empty if it is steered; "next": flags to copy}}.
    """
    return {label.name: _verdict(numbers, label, labels, settings) for label in labels}


def sight(numbers: dict[str, Any], label: Label) -> Sight | None:
    """Returns what the judge sees of a label; None without a judge or test examples."""
    if label.kind == "real":
        seen = numbers.get("generation", {}).get(label.name, {})
        if "real_r2" not in seen:
            return None
        real = seen["real_r2"]
        after = numbers.get("transfer", {}).get(label.name, {}).get("r2")
        shares = [_share(value, real) for value in (seen.get("r2"), after, seen.get("reconstruction_r2"))]
        return Sight(real, 0.0, *shares)
    values = [each for each in numbers.get("by_value", {}).get(label.name, {}).values() if "real" in each]
    if not values:
        return None
    real = statistics.fmean(each["real"] for each in values)
    together = min if label.kind == "binary" else statistics.fmean
    shares = []
    for name in ("generation", "transfer", "reconstruction"):
        found = [
            _share(each[name], each.get(f"{name}_real", each["real"])) for each in values if name in each
        ]
        found = [share for share in found if share is not None]
        shares.append(together(found) if found else None)
    return Sight(real, 1 / len(label.points[0]), *shares)


def _share(value: float | None, of: float) -> float | None:
    return None if value is None or of <= 0 else value / of


def leak_limit(numbers: dict[str, Any], label: Label) -> tuple[float | None, float]:
    """Returns what a probe finds of a label in z, and the most that is no leak.

    The null of an AUC is that of the Mann-Whitney statistic of as many test examples. The AUC of a
    categorical label is a mean over its c classes, of which c - 1 are independent.
    """
    found = numbers.get("probe", {}).get("z", {}).get(label.name, {})
    if label.kind == "real":
        return found.get("r2"), LEAK_R2
    counts = [each["examples"] for each in numbers.get("by_value", {}).get(label.name, {}).values()]
    total, sds = sum(counts), []
    for count in counts:
        if 0 < count < total:
            sds.append(math.sqrt((total + 1) / (12 * count * (total - count))))
    null = statistics.fmean(sds) / math.sqrt(len(counts) - 1) if sds else 0.0
    return found.get("auc"), max(LEAK_AUC, 0.5 + 2 * null)


def others_kept(numbers: dict[str, Any], label: Label, labels: Sequence[Label]) -> tuple[float | None, float]:
    """Returns the share of unchanged other labels after the label was changed, and the least of it.

    Only other labels that the judge sees in real data count: of the rest it changes its answer by
    chance. None: there are none, or they are not measured. A judge that errs may change its answer
    for an edit that is right. So no more is asked than its ``agreement`` about real examples.
    """
    kept = numbers.get("kept", {}).get(label.name, {})
    seen = {other.name: sight(numbers, other) for other in labels if other.name in kept}
    seen = {name: each for name, each in seen.items() if each is not None and each.visible}
    if not seen:
        return None, KEPT
    least = statistics.fmean(min(KEPT, each.agreement) for each in seen.values())
    return statistics.fmean(kept[name] for name in seen), least


def _verdict(numbers, label, labels, settings) -> dict:
    seen = sight(numbers, label)
    if seen is None:
        word = "few_test_examples" if "judge" in numbers else "no_judge"
        return _result(UNKNOWN, [word], settings)
    values = numbers.get("by_value", {}).get(label.name, {})
    examples = [each["examples"] for each in values.values()]
    if values and (sum(examples) < TEST_EXAMPLES or min(examples) < TEST_EXAMPLES_OF_VALUE):
        return _result(UNKNOWN, ["few_test_examples", *_of_data(numbers, label)], settings)
    if not seen.visible:
        return _result(UNKNOWN, ["judge_cannot_see", *_of_data(numbers, label)], settings)
    kept, least_kept = others_kept(numbers, label, labels)
    leak, limit = leak_limit(numbers, label)
    found = []
    moved = [share for share in (seen.generation, seen.transfer) if share is not None]
    leaks = leak is not None and leak > limit
    criteria = (seen.generation, GENERATION), (seen.transfer, TRANSFER)
    if any(share is not None and share < least for share, least in criteria):
        found.append("exchange_too_weak")
    if leaks:
        found.append("label_in_z")
    if kept is not None and kept < least_kept:
        found.append("others_change")
    if not found:
        return _result(STEERED, [], settings)
    found += [*_of_data(numbers, label), *_of_model(numbers, label, seen)]
    return _result(NOT if moved and min(moved) < LEAST else PARTLY, found, settings)


def _of_data(numbers, label) -> list[str]:
    """Returns the reasons that lie in the data."""
    found = []
    if label.kind != "real":
        count = numbers["run"]["counts"]["train"] * (1 - label.missing)
        if min(label.points[1]) * count < TRAINING_EXAMPLES:
            found.append("few_training_examples")
    if numbers.get("goes_with", {}).get(label.name):
        found.append("goes_with")
    return found


def _of_model(numbers, label, seen) -> list[str]:
    """Returns the reasons that lie in the model and its training."""
    found = []
    if numbers.get("training", {}).get("improving"):
        found.append("training_too_short")
    if seen.reconstruction is not None and seen.reconstruction < GENERATION:
        found.append("lost_in_reconstruction")
    own = numbers.get("probe", {}).get("w", {}).get(label.name, {})
    if own.get("auc", 1.0) < HOLDS_AUC or own.get("r2", 1.0) < HOLDS_R2:
        found.append("subspace_unused")
    elif numbers.get("leak") and _holds_others(numbers, label.name):
        found.append("subspace_holds_others")
    if "guide" not in numbers["run"]:
        found.append("no_guide")
    return found


def _holds_others(numbers, name) -> bool:
    """Returns whether another label is found in a subspace beyond what goes with its own label.

    Labels that occur together are always found in each other's subspaces; the other subspace of
    the pair then tells as much of this label.
    """
    for other, scores in numbers["leak"].get(name, {}).items():
        back = numbers["leak"].get(other, {}).get(name, {})
        if other != name and "auc" in scores and scores["auc"] > max(0.75, back.get("auc", 0.5) + 0.1):
            return True
    return False


def _result(status: str, words: list[str], settings: Settings) -> dict:
    """Returns one entry of the verdict; the reasons are in the order of ``REASONS``.

    "next" has no flag that the run already has.
    """
    reasons = [word for word in REASONS if word in words]
    has = settings.flagfile().splitlines()
    answers = [answer.split() for word in reasons for answer in _next(word, settings)]
    new = [" ".join(flag for flag in answer if flag not in has) for answer in answers]
    return {"status": status, "reasons": reasons, "next": list(dict.fromkeys(filter(None, new)))}


def _next(word: str, settings: Settings) -> list[str]:
    """Returns the flags that answer a reason, spelled as in flags.txt."""
    model, training = settings.model, settings.training

    def times(name: str, factor: float, least: float) -> str:
        return f"--{name}={max(factor * getattr(model, name), least):g}"

    longer = f"--steps={2 * training.steps}" if training.steps else f"--epochs={2 * training.epochs}"
    subspaces = hasattr(model, "w_prior")
    answers = {
        "no_judge": ["--judge=auto"],
        "few_test_examples": ["--split=0.6,0.1,0.3"] if settings.data.dataset in ("folder", "table") else [],
        "few_training_examples": ["--balanced_batches"],
        "training_too_short": [longer],
        "lost_in_reconstruction": [longer],
        "subspace_unused": ["--w_prior=fixed --w_separation=3.0 --w_posterior=residual --beta2=1.0"],
        "no_guide": ["--guide=auto"] if training.guide == "none" else [],
    }
    if subspaces:
        weights = f"{times('mmd_weight', 2, 600)} {times('beta4', 2, 200)}"
        if not (model.erase_labels and model.erase_covariance):
            # Samples lose variety by the covariance, and get it back by the aggregate weight.
            weights = f"--erase_labels --erase_covariance {times('aggregate_weight', 4, 1)} {weights}"
        answers["label_in_z"] = [weights]
        answers["subspace_holds_others"] = ["--noabsent_style"]
    if hasattr(model, "consistency_weight"):
        # Where an exchange goes no further than real examples, it may; else it gets more weight.
        most = type(model).exchange_least
        further = model.exchange_target and model.exchange_least < most
        more = f"--exchange_least={most:g}" if further else times("consistency_weight", 2, 40)
        answers["exchange_too_weak"] = [more]
    if not getattr(model, "counterfactual", True):
        answers["others_change"] = ["--counterfactual"]
    return answers.get(word, [])
