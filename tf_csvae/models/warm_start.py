"""Starting a model from the networks of another."""

from tf_csvae.errors import InputError

# Networks of the generative systems that read or make x, and whose of another model they may
# take: the label subspaces' encoder starts where that of z does.
_SOURCES = {"trunk": "trunk", "w_trunk": "trunk", "z_head": "z_head", "decoder": "decoder"}


def warm_start(model, source):
    """Copies the encoder and the decoder of a model into another, layer by layer where they fit.

    The layers of each network are paired in order; a pair whose weights have the same shapes is
    copied, batch normalisation's averages included, and every other layer keeps its own. A decoder
    that reads labels beside z, say, takes all but its first layer from one that does not.

    Args:
        model: ``GenerativeModel`` to start.
        source: ``GenerativeModel`` to take from, such as a trained VAE.

    Returns:
        {network: (layers copied, layers that have weights)}.

    Raises:
        InputError: nothing fits.
    """
    taken = {}
    for name, of in _SOURCES.items():
        if not hasattr(model, name) or (name != of and getattr(model, name) is getattr(model, of)):
            continue
        targets, sources = _weighted(model, name), _weighted(source, of)
        fitting = [
            pair for pair in zip(targets, sources, strict=False) if _shapes(pair[0]) == _shapes(pair[1])
        ]
        for target, other in fitting:
            target.set_weights(other.get_weights())
        taken[name] = (len(fitting), len(targets))
    if not any(took for took, _ in taken.values()):
        raise InputError(
            f"No layer of this {type(model).__name__} fits one of the {type(source).__name__} that it should "
            "start from: their networks differ (hidden, filters, kernel_size, image_size, z_dim)."
        )
    return taken


def _weighted(model, network):
    """The layers of a network that have weights; none where the model has no such network."""
    return [layer for layer in getattr(getattr(model, network, None), "layers", ()) if layer.weights]


def _shapes(layer):
    return [tuple(weight.shape) for weight in layer.weights]
