"""Evaluation: what a model is worth, in numbers and pictures.

* ``measure`` -- a generative model and its data -> ``Evaluation``; ``pictures`` draws it
* ``measure_any`` -- both, of a classifier too
* ``evaluate`` -- measures a finished run again and writes its results
* ``compare`` -- several finished runs on one page
* ``report`` -- tables and the page; ``figures`` -- arrays in, figures out
* ``metrics`` -- arrays in, numbers out
"""

from tf_csvae.evaluation.codes import Codes
from tf_csvae.evaluation.compare import compare
from tf_csvae.evaluation.evaluate import (
    evaluate,
    load_judge,
    measure_any,
    pictured_labels,
    summary,
    what_ran,
    write_results,
)
from tf_csvae.evaluation.measure import Evaluation, measure
from tf_csvae.evaluation.pictures import pictures

__all__ = [
    "Codes",
    "Evaluation",
    "compare",
    "evaluate",
    "load_judge",
    "measure",
    "measure_any",
    "pictured_labels",
    "pictures",
    "summary",
    "what_ran",
    "write_results",
]
