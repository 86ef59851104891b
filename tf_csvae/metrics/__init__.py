"""Pure functions from arrays to numbers; none knows of models or training."""

from tf_csvae.metrics.attributes import classification
from tf_csvae.metrics.divergence import knn_divergence, label_divergence
from tf_csvae.metrics.latents import active_units
from tf_csvae.metrics.probes import probe
from tf_csvae.metrics.reconstruction import Reconstruction

__all__ = [
    "Reconstruction",
    "active_units",
    "classification",
    "knn_divergence",
    "label_divergence",
    "probe",
]
