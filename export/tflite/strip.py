"""Removes data from a converted model that no engine reads.

These are the names of intermediate signals and, for each, an empty buffer and an empty table of
scales: about 0.1 MB for a voice with five signatures.
"""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


def strip_model(content: schema.ModelT) -> bytes:
    """Strips a model and serializes it.

    Args:
        content: the unpacked model; changed in place.

    Returns:
        The bytes of the `.tflite` file.
    """
    # The format requires buffer 0 to be empty.
    buffers = [content.buffers[0]]
    new_indices = {}
    for graph in content.subgraphs:
        needs_name = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            if index not in needs_name:
                tensor.name = None
            if tensor.quantization is not None and tensor.quantization.scale is None:
                tensor.quantization = None
            if tensor.buffer not in new_indices:
                new_indices[tensor.buffer] = _place(buffers, content.buffers[tensor.buffer])
            tensor.buffer = new_indices[tensor.buffer]
    for entry in content.metadata or ():
        entry.buffer = _place(buffers, content.buffers[entry.buffer])
    content.buffers = buffers
    builder = flatbuffers.Builder()
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _place(buffers: list[schema.BufferT], buffer: schema.BufferT) -> int:
    """Appends a buffer and returns its index; an empty buffer has index 0."""
    if buffer.data is None:
        return 0
    buffers.append(buffer)
    return len(buffers) - 1
