"""Encoders and decoders that users bring: Keras models, or functions that make them."""

import importlib
from collections.abc import Callable, Sequence

import keras

from tf_csvae.errors import InputError

# A Keras model of the functional API or Sequential, a function that makes one, or its config.
Own = keras.Model | Callable[..., keras.Model] | dict


def named(name: str, role: str) -> Callable[..., keras.Model]:
    """Returns the function that a flag names, as in "my_networks:encoder".

    Raises:
        InputError: no such module or function.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"--{role}={name}: expected MODULE:FUNCTION, as in my_networks:{role}. {error}."
        ) from error
    if not callable(found):
        raise InputError(f"--{role}={name} is no function.")
    return found


def network(
    own: Own, role: str, arguments: Sequence, inputs: Sequence[int], outputs: Sequence[int | None]
) -> keras.Model:
    """Returns a copy of a network that is given, and checks its shapes.

    Args:
        own: the network.
        role: "encoder" or "decoder".
        arguments: those of a function.
        inputs: shape of an example that it must take.
        outputs: shape of an example that it must return; None: any.

    Raises:
        InputError: no network of one input and one output with these shapes.
    """
    if isinstance(own, dict):
        own = keras.saving.deserialize_keras_object(own)
    elif not isinstance(own, keras.Model):
        own = own(*arguments)
    ends = getattr(own, "inputs", None), getattr(own, "outputs", None)
    if [len(end or ()) for end in ends] != [1, 1]:
        raise InputError(
            f"The {role} must be a Keras model of the functional API, or a Sequential that begins with "
            f"an Input, with one input and one output. Received: {type(own).__name__}."
        )
    taken, made = (tuple(tensor.shape[1:]) for (tensor,) in ends)
    fits = taken == tuple(inputs) and len(made) == len(outputs)
    if not fits or any(size not in (None, found) for size, found in zip(outputs, made, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in outputs)
        raise InputError(
            f"The {role} must map examples of shape ({', '.join(map(str, inputs))}) to ({wanted}). "
            f"Received: a model from {taken} to {made}."
        )
    copy = keras.models.clone_model(own)
    copy.set_weights(own.get_weights())
    return copy
