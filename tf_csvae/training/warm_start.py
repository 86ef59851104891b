"""Starting a model from the networks of another."""

from tf_csvae.errors import InputError
from tf_csvae.models import GenerativeModel

# Networks of a model, and the network of another model that each may start from: the encoder of
# the label subspaces starts where that of z does.
_SOURCES = {"trunk": "trunk", "w_trunk": "trunk", "z_head": "z_head", "decoder": "decoder"}


def warm_start(model: GenerativeModel, source: GenerativeModel) -> dict[str, tuple[int, int]]:
    """Copies the encoder and the decoder of a model into another, layer by layer if they fit.

    The layers of each network are paired in order. A pair whose weights have the same shapes is
    copied, with the averages of batch normalisation; every other layer keeps its weights. So a
    decoder that gets labels beside z takes all but its first layer from one that does not.

    Returns {network: (layers copied, layers with weights)}; raises ``InputError`` if nothing fits.
    """
    taken = {}
    for name, of in _SOURCES.items():
        own = getattr(model, name, None)
        if own is None or (name != of and own is getattr(model, of)):
            continue
        targets, sources = _weighted(own), _weighted(getattr(source, of, None))
        pairs = zip(targets, sources, strict=False)
        fitting = [pair for pair in pairs if _shapes(pair[0]) == _shapes(pair[1])]
        for target, other in fitting:
            target.set_weights(other.get_weights())
        taken[name] = (len(fitting), len(targets))
    if not any(count for count, _ in taken.values()):
        raise InputError(
            f"No layer of this {type(model).__name__} fits a layer of the {type(source).__name__}: their "
            "networks differ (hidden, filters, kernel_size, image_size, z_dim)."
        )
    return taken


def _weighted(network) -> list:
    """Returns the layers of a network that have weights; none without a network."""
    return [layer for layer in getattr(network, "layers", ()) if layer.weights]


def _shapes(layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]
