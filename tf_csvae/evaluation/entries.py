"""Which numbers of metrics.json the tables of the report show, in what words and order."""

import dataclasses
import math

from tf_csvae.studies.student_report import Path

# The best of several numbers: the highest, the lowest; or the nearest to a finite value.
HIGH, LOW = math.inf, -math.inf


@dataclasses.dataclass(frozen=True)
class Entry:
    """A number of metrics.json that tables show, and its words and format.

    ``place`` has the names down to it, separated by dots; "*" stands for each label, or for the
    mean over the labels. ``best`` is its best value; None: no value is better than another.
    ``spread`` is the name of a standard deviation beside it that is written too.
    """

    place: str
    words: str
    best: float | None = None
    form: str = "{:.3f}"
    spread: str = ""

    def path(self, label: str = "*") -> Path:
        """Returns the names down to the number of a label, or of the mean over all labels."""
        return tuple(label if name == "*" else name for name in self.place.split("."))


HEADLINE = (
    Entry("mean_accuracy", "accuracy, mean over the labels", HIGH),
    Entry("mean_balanced_accuracy", "balanced accuracy, mean over the labels", HIGH),
    Entry("mean_r2", "R² of real labels, mean over the labels", HIGH),
    Entry("generation.*.accuracy", "samples in which the judge sees the requested label", HIGH),
    Entry("generation.*.real_recall", "real examples in which the judge sees their label"),
    Entry("generation.*.reconstruction_recall", "reconstructions in which it sees the label", HIGH),
    Entry("generation.*.r2", "R² of requested real labels, by the judge, in samples", HIGH),
    Entry("generation.*.real_r2", "R² of real labels, by the judge, in real examples"),
    Entry("generation.*.reconstruction_r2", "R² of real labels in reconstructions", HIGH),
    Entry("transfer.*.accuracy", "transfers in which the judge sees the requested label", HIGH),
    Entry("transfer.*.r2", "R² of requested real labels, by the judge, after transfer", HIGH),
    Entry("transfer.*.others_kept", "other labels that a transfer leaves as they were", HIGH),
    Entry("frechet", "Fréchet distance of samples from real examples", LOW, "{:.4g}"),
    Entry("frechet_real", "Fréchet distance of other real examples", None, "{:.4g}"),
    Entry("diversity_overall", "diversity of samples (the data: 1)", 1.0),
    Entry("diversity.*", "diversity of samples with one label set", 1.0),
    Entry("divergence.z.*.kl", "divergence of the label's values in z, nats"),
    Entry("divergence.z.*.null_mean", "the same of shuffled labels", spread="null_sd"),
    Entry("divergence.w.*.kl", "divergence of the label's values in w, nats", HIGH),
    Entry("probe.z.*.auc", "AUC of a probe that predicts the label from z", 0.5),
    Entry("probe.w.*.auc", "AUC of a probe that predicts the label from w", HIGH),
    Entry("probe.z.*.r2", "R² of a probe that predicts a real label from z", LOW),
    Entry("probe.w.*.r2", "R² of a probe that predicts a real label from w", HIGH),
    Entry("style.*.own", "R² of a label's known style, predicted from its w", HIGH),
    Entry("style.*.z", "R² of the style, predicted from z", LOW),
    Entry("style.*.others", "R² of the style, predicted from the w of other labels", LOW),
    Entry("style_leak.*.r2", "R² of w predicted from z, of examples with the label", LOW),
    Entry("style_leak.*.null_mean", "the same of shuffled w"),
    Entry("style_retrieval.*.top1", "given styles of which the donor is found first", HIGH),
    Entry("style_retrieval.*.chance_top1", "the same by chance"),
    Entry("style_transfer.*.slope", "given styles, read off the pixels: slope on the donor's", 1.0),
    Entry("style_transfer.*.r", "the same: correlation", HIGH),
    Entry("style_diversity.*", "ways in which one example gets a label (real ones: 1)", 1.0),
    Entry("composition.ten_times.l1", "change by ten edits that change nothing (L1)", LOW, "{:.3g}"),
    Entry("minimality.*.l1", "size of an edit (L1)", None, "{:.3g}"),
    Entry("identity.*", "edited faces that are still the same person", HIGH),
    Entry("reversibility.*.share", "what is left of an edit there and back", LOW),
    Entry("disentanglement.dci_disentanglement", "DCI disentanglement", HIGH),
    Entry("disentanglement.dci_completeness", "DCI completeness", HIGH),
    Entry("disentanglement.dci_informativeness", "DCI informativeness", HIGH),
    Entry("disentanglement.sap", "SAP", HIGH),
    Entry("disentanglement.mig", "MIG", HIGH),
    Entry("reconstruction.mse", "reconstruction error (mean square)", LOW, "{:.4g}"),
    Entry("reconstruction.r2", "share of the features' variance in reconstructions (R²)", HIGH),
    Entry("reconstruction.psnr", "reconstruction PSNR, dB", HIGH, "{:.3g}"),
    Entry("reconstruction.ssim", "reconstruction SSIM", HIGH, "{:.3g}"),
    Entry("active_units.z", "active dimensions of z", None, "{:.0f}"),
    Entry("parameters", "parameters", None, "{:,.0f}"),
    Entry("seconds_training", "seconds of training", LOW, "{:.1f}"),
    Entry("examples_per_second", "training examples per second", HIGH, "{:.0f}"),
)

BY_LABEL = (
    Entry("classification.*.accuracy", "accuracy", HIGH),
    Entry("classification.*.balanced_accuracy", "balanced accuracy", HIGH),
    Entry("classification.*.recall", "recall", HIGH),
    Entry("classification.*.auc", "AUC", HIGH),
    Entry("classification.*.r2", "R²", HIGH),
    Entry("classification.*.mean_absolute_error", "mean absolute error", LOW, "{:.3g}"),
    Entry("generation.*.accuracy", "seen in samples", HIGH),
    Entry("generation.*.real_recall", "in real examples"),
    Entry("generation.*.reconstruction_recall", "in reconstructions", HIGH),
    Entry("generation.*.r2", "R² in samples", HIGH),
    Entry("generation.*.mean_absolute_error", "error in samples", LOW, "{:.3g}"),
    Entry("generation.*.real_r2", "R² in real examples"),
    Entry("generation.*.reconstruction_r2", "R² in reconstructions", HIGH),
    Entry("transfer.*.accuracy", "seen after transfer", HIGH),
    Entry("transfer.*.r2", "R² after transfer", HIGH),
    Entry("transfer.*.mean_absolute_error", "error after transfer", LOW, "{:.3g}"),
    Entry("transfer.*.others_kept", "other labels kept", HIGH),
    Entry("diversity.*", "diversity", 1.0),
    Entry("probe.z.*.auc", "AUC from z", 0.5),
    Entry("probe.w.*.auc", "AUC from its w", HIGH),
    Entry("probe.z.*.r2", "R² from z", LOW),
    Entry("probe.w.*.r2", "R² from its w", HIGH),
    Entry("style_retrieval.*.top1", "donor found", HIGH),
    Entry("style_transfer.*.slope", "style given, slope", 1.0),
    Entry("style_transfer.*.r", "style given, r", HIGH),
    Entry("style_diversity.*", "ways to have it", 1.0),
    Entry("style_leak.*.r2", "w from z, R²", LOW),
    Entry("identity.*", "same person", HIGH),
    Entry("reversibility.*.share", "left there and back", LOW),
    Entry("style.*.own", "style R² from its w", HIGH),
    Entry("style.*.z", "style R² from z", LOW),
    Entry("style.*.others", "style R² from other w", LOW),
)

# Tables by label of several systems: a number, a caption, and a number of the data beside it.
LABEL_TABLES = (
    (
        "generation.*.accuracy",
        "Generation: share of samples in which the judge sees the requested label (table 3.2.3 of "
        "the student report), beside its recall on real examples.",
        "generation.*.real_recall",
    ),
    (
        "generation.*.r2",
        "Generation: R² of real labels in samples, by the judge, beside that in real examples.",
        "generation.*.real_r2",
    ),
    (
        "generation.*.reconstruction_recall",
        "Recall of the judge on reconstructions: what is lost to blur alone.",
        "generation.*.real_recall",
    ),
    ("transfer.*.accuracy", "Transfer: share of results in which the judge sees the requested label."),
    ("transfer.*.r2", "Transfer: R² of requested real labels in the results, by the judge."),
    ("transfer.*.others_kept", "Transfer: share of other labels that are as before, by the judge."),
    ("diversity.*", "Mean pairwise distance of samples with a label, over that of real examples."),
    ("probe.z.*.auc", "How well each label can be predicted from z: AUC of a probe."),
    ("probe.z.*.r2", "How well each real label can be predicted from z: R² of a probe."),
)
