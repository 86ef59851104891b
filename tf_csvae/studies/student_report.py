"""Numbers that the student report published, under the names of metrics.json.

Its divergence is at k = 1, and its label of the swiss roll is a function of x. The accuracies of
its classifier (table 1) are of images that "actually possess the required attributes", so they
may be recalls.
"""

Path = tuple[str, ...]

_ATTRIBUTES = ("Eyeglasses", "Heavy_Makeup", "Male", "Smiling", "Wearing_Hat")


def _by_attribute(part: str, *values: float) -> dict[Path, float]:
    names = zip(_ATTRIBUTES, values, strict=True)
    return {(part, attribute, "accuracy"): value for attribute, value in names}


PUBLISHED = {
    "swiss_roll": {
        "CSVAE": {
            ("divergence", "z", "*", "kl"): 0.018,
            ("divergence", "w", "*", "kl"): 1.33,
            ("reconstruction", "mse"): 23.0,
        }
    },
    "celeba": {
        "Classifier": _by_attribute("classification", 0.99, 0.90, 0.97, 0.91, 0.99),
        "CondVAE": _by_attribute("generation", 0.3639, 0.625, 0.754, 0.877, 0.256),
        "CSVAE": _by_attribute("generation", 0.121, 0.444, 0.680, 0.826, 0.097),
    },
}


def published(dataset: str) -> dict[str, dict[Path, float]]:
    """Returns {system: {path in metrics.json: value}} of a data set; empty for an unknown one."""
    return PUBLISHED.get(dataset, {})
