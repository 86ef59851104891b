"""The model cards of exported and of published models."""

from export.signatures import Served
from tf_csvae.evaluation import report
from tf_csvae.labels import Label
from tf_csvae.runs import Run, without_paths

CARD = """\
# {name}

A {system} of tf_csvae, trained on {data} ({examples:,} examples, seed {seed}).

Labels: {labels}.
{more}
{numbers}

## Limits

{verdict}

The model represents the kind of data that it was trained on, with their biases, and rare labels
less well than frequent ones. Its outputs are no evidence about a person.

## Data

{terms}

## Flags

```
{flags}
```
"""

HUB = """\
---
license: {license}
library_name: keras
tags: [tf_csvae, {system}, variational-autoencoder, disentanglement]
---
"""

USE = """\
```python
import tf_csvae
model = tf_csvae.load_model("{place}")
{code}
```

`python -m export.explore --run_dir={place}` opens it in the browser.
"""

CELEBA = (
    "The authors of CelebA allow non-commercial research only. "
    "The same holds for models that were trained on it."
)


def card(name: str, version: int, run: Run, served: Served) -> str:
    """Returns the model card of an export, Markdown.

    Args:
        name: of the model on the server.
        version: its version.
        run: the run of the model.
        served: the model, its data and signatures.
    """
    return _card(f"{name}, version {version}", run, f"Signatures: {', '.join(served.signatures)}.\n")


def of_hub(name: str, place: str, run: Run, license_name: str) -> str:
    """Returns the model card of a published run, in the form of the Hugging Face Hub.

    Args:
        name: of the model.
        place: what takes the place of a run.
        run: the run of the model.
        license_name: as the hub writes it.
    """
    system = str(run.metrics().get("run", {}).get("system", "model")).lower()
    arguments = "" if system == "vae" else f"y=[{[0.0] * len(run.info().labels)}], "
    code = "model.classify(x)" if system == "classifier" else f"new = model.sample({arguments}n=8, seed=0)"
    used = USE.format(place=place, code=code)
    return HUB.format(license=license_name, system=system) + "\n" + _card(name, run, f"\n{used}")


def _card(name: str, run: Run, more: str) -> str:
    numbers, info, shown = run.metrics(), run.info(), report.markdown
    ran = numbers.get("run", {})
    return CARD.format(
        name=shown(name),
        system=shown(ran.get("system", "model")),
        data=shown(info.name),
        examples=info.counts["train"],
        seed=ran.get("seed", "?"),
        labels="; ".join(map(_described, info.labels)),
        more=more,
        numbers=report.as_markdown(report.headline(numbers, ran.get("system"), info.name)),
        verdict=_verdict(numbers),
        terms=CELEBA if info.name == "celeba" else f"{shown(info.name)}.",
        flags=without_paths(run.flags()).rstrip().replace("`", "'"),  # which may end the block
    )


def _verdict(numbers: dict) -> str:
    """Returns which labels the model steers, in words."""
    found = {}
    for label, own in numbers.get("verdict", {}).items():
        found.setdefault(own["status"], []).append(report.markdown(label))
    words = {"steered": "Steered", "partly": "Partly steered", "not": "Not steered", "unknown": "Unknown"}
    said = [f"{words[status]}: {', '.join(labels)}." for status, labels in found.items()]
    return " ".join(said) or "Whether the labels are steered was not measured."


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
