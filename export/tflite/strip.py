"""The file of a converted model, without what the converter leaves in it and no engine reads.

For a voice of five signatures that is a tenth of a megabyte: the names of signals in between, and
for each of them an empty buffer and an empty table of scales.
"""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema


def strip_model(content: schema.ModelT) -> bytes:
    """A model's file; `content` is tidied on the way."""
    buffers = [content.buffers[0]]  # the empty one, by the format's rule
    places = {}
    for graph in content.subgraphs:
        named = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            if index not in named:
                tensor.name = None
            if tensor.quantization is not None and tensor.quantization.scale is None:
                tensor.quantization = None
            if tensor.buffer not in places:
                places[tensor.buffer] = _place(buffers, content.buffers[tensor.buffer])
            tensor.buffer = places[tensor.buffer]
    for entry in content.metadata or ():
        entry.buffer = _place(buffers, content.buffers[entry.buffer])
    content.buffers = buffers
    builder = flatbuffers.Builder()
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _place(buffers: list[schema.BufferT], buffer: schema.BufferT) -> int:
    """Where a buffer is among those that stay; it is put behind them, unless it is empty."""
    if buffer.data is None:
        return 0
    buffers.append(buffer)
    return len(buffers) - 1
