"""A tidied model computes what the converter's own file computes."""

import numpy as np
import pytest
import voices
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

pytest.importorskip("tensorflow")
from tf_melgan.export import tflite
from tf_melgan.export.graph import InferenceGraph
from tf_melgan.export.packing import packed


def test_tidying_leaves_the_sound_and_what_has_a_use():
    graph = InferenceGraph(voices.generator(voices.GEOMETRIES["fourier"]))
    function = {"vocode": tflite.signatures(graph)["vocode"]}
    raw = tflite.convert(graph, function, "float16")
    content = schema.ModelT.InitFromPackedBuf(raw)
    tidy = packed(content)
    assert len(tidy) < len(raw)
    assert not [buffer for buffer in content.buffers[1:] if buffer.data is None]
    graph = content.subgraphs[0]
    named = [index for index, tensor in enumerate(graph.tensors) if tensor.name is not None]
    assert named == sorted([*graph.inputs, *graph.outputs])
    metadata = {entry.name: bytes(content.buffers[entry.buffer].data) for entry in content.metadata}
    before = schema.ModelT.InitFromPackedBuf(raw)
    assert metadata == {x.name: bytes(before.buffers[x.buffer].data) for x in before.metadata}
    mel = voices.mels(40)[None]
    first, second = (
        Interpreter(model_content=model).get_signature_runner("vocode")(mel=mel)["audio"]
        for model in (raw, tidy)
    )
    assert np.array_equal(first, second)
