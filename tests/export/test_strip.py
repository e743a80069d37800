"""A stripped model computes the same as the file from the converter."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from helpers import generators

pytest.importorskip("tensorflow")
from tf_melgan.export.inference_graph import InferenceGraph
from tf_melgan.export.tflite import exporter
from tf_melgan.export.tflite.strip import strip_model


@pytest.mark.parametrize("weights", ["float32", "float16"])
def test_stripping_keeps_the_output_metadata_and_used_names(weights):
    graph = InferenceGraph(generators.generator(generators.GEOMETRIES["fourier"]))
    raw = exporter.convert(graph, exporter.signatures(graph), weights)
    before = schema.ModelT.InitFromPackedBuf(raw)
    stripped = strip_model(schema.ModelT.InitFromPackedBuf(raw))
    after = schema.ModelT.InitFromPackedBuf(stripped)
    assert len(stripped) < len(raw) - 40 * sum(len(graph.tensors) for graph in after.subgraphs)
    assert not [buffer for buffer in after.buffers[1:] if buffer.data is None]
    for graph in after.subgraphs:
        named = [index for index, tensor in enumerate(graph.tensors) if tensor.name is not None]
        assert named == sorted({*graph.inputs, *graph.outputs})
    assert _metadata(after) == _metadata(before) != {}
    mel = generators.mels(40)[None]
    first, second = (
        Interpreter(model_content=model).get_signature_runner("vocode")(mel=mel)["audio"]
        for model in (raw, stripped)
    )
    assert np.array_equal(first, second)


def _metadata(model: schema.ModelT) -> dict[bytes, bytes]:
    return {entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata}
