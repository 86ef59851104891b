"""What a label is: the vocabulary shared by datasets, models and metrics."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Label:
    """One label of a dataset: one column of ``y``.

    Attributes:
        name: str, unique within the dataset.
        frequency: float in [0, 1], share of the training examples with the value 1.
        kind: str. "binary": the column holds 0 or 1.
    """

    name: str
    frequency: float = 0.5
    kind: str = "binary"

    def __post_init__(self):
        if self.kind != "binary":
            raise ValueError(f"Label kind must be 'binary'. Received: kind={self.kind!r}")
        if not 0 <= self.frequency <= 1:
            raise ValueError(f"Label frequency must lie in [0, 1]. Received: frequency={self.frequency}")

    def to_dict(self):
        """Returns the label as plain values, for JSON and Keras configs."""
        return dataclasses.asdict(self)


def as_labels(labels):
    """Returns a tuple of ``Label``s from ``Label``s, dicts of their fields, or names."""
    makers = {str: Label, dict: lambda fields: Label(**fields)}
    return tuple(label if isinstance(label, Label) else makers[type(label)](label) for label in labels)
