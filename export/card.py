"""The model card of an exported model."""

from export.signatures import Served
from tf_csvae.evaluation import report
from tf_csvae.labels import Label
from tf_csvae.runs import Run

CARD = """\
# {name}, version {version}

A {system} of tf_csvae, trained on {data} ({examples:,} examples, seed {seed}).

Labels: {labels}.
Signatures: {signatures}.

{numbers}

## Limits

The model represents the kind of data that it was trained on, with their biases, and rare labels
less well than frequent ones. Its outputs are no evidence about a person.

## Data

{terms}

## Flags

```
{flags}
```
"""

CELEBA = (
    "The authors of CelebA allow non-commercial research only. "
    "The same holds for models that were trained on it."
)


def card(name: str, version: int, run: Run, served: Served) -> str:
    """Returns the model card, Markdown.

    Args:
        name: of the model on the server.
        version: its version.
        run: the run of the model.
        served: the model, its data and signatures.
    """
    numbers, info, shown = run.metrics(), served.info, report.markdown
    ran = numbers.get("run", {})
    return CARD.format(
        name=shown(name),
        version=version,
        system=shown(ran.get("system", "model")),
        data=shown(info.name),
        examples=info.counts["train"],
        seed=ran.get("seed", "?"),
        labels="; ".join(map(_described, info.labels)),
        signatures=", ".join(served.signatures),
        numbers=report.as_markdown(report.headline(numbers, ran.get("system"), info.name)),
        terms=CELEBA if info.name == "celeba" else f"{shown(info.name)}.",
        flags=run.flags().rstrip().replace("`", "'"),  # which may end the block
    )


def _described(label: Label) -> str:
    """Returns what a label is, and what its column of a request holds, as Markdown."""
    name = report.markdown(label.name)
    if label.kind == "categorical":
        classes = ", ".join(f"{place}: {report.markdown(each)}" for place, each in enumerate(label.classes))
        return f"{name} (the index of a class; {classes})"
    if label.kind == "real":
        spread = f"{label.mean:.4g} ± {label.scale:.2g} in training"
        return f"{name} (a number in its own units, {spread})"
    return name
