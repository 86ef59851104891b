"""Metrics: pure functions from arrays to numbers, independent of models and training."""

from tf_csvae.evaluation.metrics.attributes import classification
from tf_csvae.evaluation.metrics.disentanglement import disentanglement
from tf_csvae.evaluation.metrics.divergence import knn_divergence, label_divergence
from tf_csvae.evaluation.metrics.diversity import mean_pairwise_distance
from tf_csvae.evaluation.metrics.frechet import Moments, frechet_distance
from tf_csvae.evaluation.metrics.latents import active_units
from tf_csvae.evaluation.metrics.probes import neighbour_probe, probe
from tf_csvae.evaluation.metrics.reconstruction import Reconstruction
from tf_csvae.evaluation.metrics.shares import shares
from tf_csvae.evaluation.metrics.styles import held_out_r2, retrieval, ridge_r2, slope

__all__ = [
    "Moments",
    "Reconstruction",
    "active_units",
    "classification",
    "disentanglement",
    "frechet_distance",
    "held_out_r2",
    "knn_divergence",
    "label_divergence",
    "mean_pairwise_distance",
    "neighbour_probe",
    "probe",
    "retrieval",
    "ridge_r2",
    "shares",
    "slope",
]
