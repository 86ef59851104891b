"""Measures a trained system, generative or classifier, again.

    python -m trainers.evaluate --run_dir=RUN
    python -m trainers.evaluate --run_dir=RUN --classifier=RUN_OF_A_CLASSIFIER

With a classifier it also says what that sees in samples, reconstructions and transfers. The data
are those of the run, unless flags say where else they lie. Numbers, pictures and page of the run
are written anew; the model is not touched.
"""

import sys

import flags
import flags.data
import flags.evaluation
import flags.judge
import flags.labels
import flags.run
import flags.seed
from trainers import measuring, training

FLAGS = flags.FLAGS

GROUPS = (flags.run, flags.seed, flags.data, flags.labels, flags.judge, flags.evaluation)

# What metrics.json says of the training, which no evaluation changes.
OF_TRAINING = ("seconds_training", "examples_per_second", "parameters", "run")


def evaluate():
    """Evaluates the run in --run_dir."""
    from tf_csvae import runs
    from tf_csvae.errors import InputError

    if not FLAGS.run_dir:
        raise InputError("Give --run_dir, the run to evaluate.")
    run = runs.Run(FLAGS.run_dir)
    numbers = run.metrics()  # raises where it is not finished
    with run.locked():
        _evaluate(run, numbers)


def _evaluate(run, numbers):
    from tf_csvae import runs
    from tf_csvae.errors import InputError

    with training.quietly():
        from tf_csvae import load_model
        from tf_csvae.models.labelled import check_same
    dataset = training.load_data()
    model = load_model(run.file(runs.MODEL))
    known, here = ([label.name for label in part.labels] for part in (model, dataset.info))
    if known == here and tuple(model.data_shape) == tuple(dataset.info.shape):
        check_same(model, dataset.info.shape, dataset.info.labels, f"The model of {run.path}")
    else:
        raise InputError(
            f"{run.path} was trained on data of shape {model.data_shape} with the labels {', '.join(known)}. "
            f"--dataset={FLAGS.dataset} has shape {tuple(dataset.info.shape)} and the labels {', '.join(here)}."
        )
    measuring.pictured_labels(dataset.info)  # raises before minutes of measuring
    judge = measuring.load_judge(dataset.info, numbers.get("run", {}).get("helper"))
    with training.data_blamed(dataset):
        measured, figures = measuring.measure(model, dataset, run.history(), judge)
    numbers.setdefault("run", measuring.what_ran(model, dataset.info))  # of a run that kept none
    trained = {name: numbers[name] for name in OF_TRAINING if name in numbers}
    measuring.write(run, model, dataset, trained, measured, figures)


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__, of_run=True)
    training.exit_cleanly(evaluate, "The run is as it was; the same command begins anew.")
