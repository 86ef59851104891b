"""What the trainers of generative systems do alike: build, start, compile."""

import flags
import flags.data
import flags.distribute
import flags.evaluation
import flags.helper
import flags.judge
import flags.labels
import flags.networks
import flags.run
import flags.seed
import flags.training
from trainers import measuring, training

FLAGS = flags.FLAGS


def trainer(name, system, usage, own=(), subspaces=False):
    """Returns the ``Trainer`` of a generative system.

    Args:
        name: str, the module below ``trainers``.
        system: str, the class of the model.
        usage: str, what --help says first.
        own: flag modules that only it has; each of their flags is an argument of the class.
        subspaces: bool, it has label subspaces, of --w_dim dimensions each. Without them z takes
            their place, so that the codes of all systems are equally large.
    """

    def build(info):
        import tf_csvae

        groups = (flags.helper, *own)
        options = {flag.name: flag.value for group in groups for flag in FLAGS.get_flags_for_module(group)}
        z_dim = FLAGS.z_dim
        if options["helper"]:
            options["helper"], _ = measuring.load_classifier("helper", info)
        else:  # the presets' weights are of trainings that have one
            without = {"consistency_weight", "perceptual_weight"} & set(options)
            options |= dict.fromkeys(without, 0.0)
        if subspaces:
            options["w_dim"] = FLAGS.w_dim
        else:
            z_dim += len(info.labels) * FLAGS.w_dim
        return getattr(tf_csvae, system)(**_options(info), z_dim=z_dim, **options)

    return training.Trainer(
        name,
        (
            flags.run,
            flags.seed,
            flags.data,
            flags.labels,
            flags.networks,
            flags.helper,
            *own,
            flags.training,
            flags.distribute,
            flags.judge,
            flags.evaluation,
        ),
        build,
        usage,
        compile_model,
        start,
    )


def _options(info):
    return {
        "data_shape": info.shape,
        "labels": info.labels,
        "beta1": FLAGS.beta1,
        "beta3": FLAGS.beta3,
        "networks": {
            "hidden": FLAGS.hidden,
            "filters": FLAGS.filters,
            "kernel_size": FLAGS.kernel_size,
            "activation": FLAGS.activation,
            "batch_norm": FLAGS.batch_norm,
        },
        "likelihood": FLAGS.likelihood,
        "likelihood_scale": FLAGS.likelihood_scale,
        "aggregate_weight": FLAGS.aggregate_weight,
        "counterfactual": FLAGS.counterfactual,
        "bounded": info.value_range == (0.0, 1.0),
        "seed": FLAGS.seed,
    }


def start(model):
    """Gives a new model the weights of the run in --init_from, as far as they fit."""
    if FLAGS.init_from is None:
        return
    from tf_csvae import load_model, models, runs

    run = runs.Run(FLAGS.init_from)
    run.metrics()  # raises where it is not finished
    source = load_model(run.file(runs.MODEL))
    taken = models.warm_start(model, source)
    print(
        f"Started from the {type(source).__name__} in {run.path}: "
        + ", ".join(f"{took} of {of} layers of {network}" for network, (took, of) in taken.items()),
        flush=True,
    )


def compile_model(model, dataset, rate_factor):
    """Compiles a generative system: two learning rates, and the KL terms' warm-up."""
    steps = dataset.steps_per_epoch * FLAGS.epochs
    rate, adversary_rate = FLAGS.learning_rate, FLAGS.adversary_learning_rate
    adversary_rate = rate if adversary_rate is None else adversary_rate
    model.compile(
        training.optimizer(rate * rate_factor, steps),
        training.optimizer(adversary_rate * rate_factor, steps),
        kl_warmup_steps=round(FLAGS.kl_warmup * steps),
        **training.compile_options(dataset),
    )
