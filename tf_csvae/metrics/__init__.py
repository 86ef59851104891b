"""Pure functions from arrays to numbers; none knows of models or training."""

from tf_csvae.metrics.attributes import classification
from tf_csvae.metrics.divergence import knn_divergence, label_divergence
from tf_csvae.metrics.diversity import mean_pairwise_distance
from tf_csvae.metrics.frechet import Moments, frechet_distance
from tf_csvae.metrics.latents import active_units
from tf_csvae.metrics.probes import neighbour_probe, probe
from tf_csvae.metrics.reconstruction import Reconstruction
from tf_csvae.metrics.shares import shares
from tf_csvae.metrics.styles import held_out_r2

__all__ = [
    "Moments",
    "Reconstruction",
    "active_units",
    "classification",
    "frechet_distance",
    "held_out_r2",
    "knn_divergence",
    "label_divergence",
    "mean_pairwise_distance",
    "neighbour_probe",
    "probe",
    "shares",
]
