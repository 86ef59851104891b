"""Runs a SavedModel by TensorFlow's C API, the loader that TensorFlow Serving is built on.

python c_api.py LIBRARY MODEL_DIR REQUEST.json INPUTS.npz OUTPUTS.npz

The request names the tensors: {"inputs": {key: tensor}, "outputs": {key: tensor}}. Neither
TensorFlow's Python nor anything of this project is imported.
"""

import ctypes
import json
import sys

import numpy as np

TYPES = {1: np.float32, 2: np.float64, 3: np.int32, 4: np.uint8, 9: np.int64}
STRING, STRING_BYTES = 7, 24

# Functions that return a pointer; ctypes would cut it to an int.
POINTERS = (
    "TF_NewStatus",
    "TF_NewGraph",
    "TF_NewSessionOptions",
    "TF_LoadSessionFromSavedModel",
    "TF_GraphOperationByName",
    "TF_AllocateTensor",
    "TF_TensorData",
    "TF_StringGetDataPointer",
)


class Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


def main(library, folder, request, inputs, outputs):
    tf = ctypes.CDLL(library)
    for name in POINTERS:
        getattr(tf, name).restype = ctypes.c_void_p
    tf.TF_Message.restype = ctypes.c_char_p
    for name in ("TF_Dim", "TF_TensorByteSize", "TF_StringGetSize"):
        getattr(tf, name).restype = ctypes.c_int64
    status, graph = ctypes.c_void_p(tf.TF_NewStatus()), ctypes.c_void_p(tf.TF_NewGraph())

    def check():
        if tf.TF_GetCode(status):
            sys.exit(f"code {tf.TF_GetCode(status)}: {tf.TF_Message(status).decode()}")

    tags = (ctypes.c_char_p * 1)(b"serve")
    options = ctypes.c_void_p(tf.TF_NewSessionOptions())
    session = ctypes.c_void_p(
        tf.TF_LoadSessionFromSavedModel(options, None, folder.encode(), tags, 1, graph, None, status)
    )
    check()

    def place(tensor):
        name, _, index = tensor.partition(":")
        operation = tf.TF_GraphOperationByName(graph, name.encode())
        assert operation, f"the graph has no {name}"
        return Output(operation, int(index))

    def to_tensor(value):
        dims = (ctypes.c_int64 * max(1, value.ndim))(*value.shape)
        if value.dtype.kind == "S":
            tensor = ctypes.c_void_p(
                tf.TF_AllocateTensor(STRING, dims, value.ndim, ctypes.c_size_t(STRING_BYTES * value.size))
            )
            data = tf.TF_TensorData(tensor)
            for number, text in enumerate(value.ravel()):
                place_of = ctypes.c_void_p(data + STRING_BYTES * number)
                tf.TF_StringInit(place_of)
                tf.TF_StringCopy(place_of, ctypes.c_char_p(bytes(text)), ctypes.c_size_t(len(text)))
            return tensor
        kind = next(number for number, known in TYPES.items() if known == value.dtype)
        tensor = ctypes.c_void_p(tf.TF_AllocateTensor(kind, dims, value.ndim, ctypes.c_size_t(value.nbytes)))
        value = np.ascontiguousarray(value)
        ctypes.memmove(tf.TF_TensorData(tensor), value.ctypes.data, value.nbytes)
        return tensor

    def to_array(tensor):
        tensor = ctypes.c_void_p(tensor)
        shape = [tf.TF_Dim(tensor, axis) for axis in range(tf.TF_NumDims(tensor))]
        kind, data = tf.TF_TensorType(tensor), tf.TF_TensorData(tensor)
        if kind == STRING:
            texts = []
            for number in range(int(np.prod(shape))):
                text = ctypes.c_void_p(data + STRING_BYTES * number)
                texts.append(ctypes.string_at(tf.TF_StringGetDataPointer(text), tf.TF_StringGetSize(text)))
            return np.array(texts).reshape(shape)
        content = ctypes.string_at(data, tf.TF_TensorByteSize(tensor))
        return np.frombuffer(content, TYPES[kind]).reshape(shape)

    with open(request, encoding="utf-8") as file:
        names = json.load(file)
    given = np.load(inputs)
    feeds = [place(tensor) for tensor in names["inputs"].values()]
    values = [to_tensor(given[key]) for key in names["inputs"]]
    fetches = [place(tensor) for tensor in names["outputs"].values()]
    results = (ctypes.c_void_p * len(fetches))()
    tf.TF_SessionRun(
        session,
        None,
        (Output * len(feeds))(*feeds),
        (ctypes.c_void_p * len(values))(*[value.value for value in values]),
        len(feeds),
        (Output * len(fetches))(*fetches),
        results,
        len(fetches),
        None,
        0,
        None,
        status,
    )
    check()
    np.savez(
        outputs,
        **{key: to_array(value) for key, value in zip(names["outputs"], results, strict=True)},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
