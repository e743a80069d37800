"""Models that were changed, one field each, are refused before LiteRT reads them."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from helpers.bad_input import assert_user_error

from tf_melgan import voices
from tf_melgan.errors import UserInputError
from tf_melgan.inference.engines import litert
from tf_melgan.inference.engines.litert import LiteRTEngine
from tf_melgan.inference.vocoder import Vocoder
from tf_melgan.voices import voice_file
from tf_melgan.voices.model_check import check_model

PATH = voices.voice_path("lj-lite")
INFO = voice_file.read(PATH)
MODEL = PATH.read_bytes()[: INFO.size]


def operator(content, name, graph=0):
    """The first operator of a kind in a graph."""
    kind = getattr(schema.BuiltinOperator, name)
    codes = [code.builtinCode for code in content.operatorCodes]
    return next(x for x in content.subgraphs[graph].operators if codes[x.opcodeIndex] == kind)


def put(holder, name, value):
    """A change of the field `name` of what `holder` finds in a model."""
    return lambda content: setattr(holder(content), name, value)


def constant(content, kind):
    """The buffer of a constant of a type, and its tensor."""
    for tensor in content.subgraphs[0].tensors:
        data = content.buffers[tensor.buffer].data
        if tensor.type == kind and data is not None and len(data) > 4:
            return content.buffers[tensor.buffer], tensor
    raise AssertionError("no such constant")


def write_number(kind, number):
    def change(content):
        buffer, _ = constant(content, kind)
        buffer.data = buffer.data.copy()
        buffer.data[: number.nbytes] = np.frombuffer(number.tobytes(), np.uint8)

    return change


def cut_constant(content):
    buffer, _ = constant(content, schema.TensorType.FLOAT16)
    buffer.data = buffer.data[:-2]


def name_twice(content):
    first, second, *_ = next(x.inputs for x in content.signatureDefs if len(x.inputs) > 1)
    first.name = second.name


def read_itself(content):
    concatenation = operator(content, "CONCATENATION")
    concatenation.inputs = np.repeat(concatenation.outputs, 2)


FLOAT16, INT32 = schema.TensorType.FLOAT16, schema.TensorType.INT32
CHANGES = {
    "it has version 7, not 3": put(lambda content: content, "version", 7),
    "it cannot be read, ValueError": lambda content: content.buffers.extend(
        schema.BufferT() for _ in range(10_000)
    ),
    "it has operator 119": put(
        lambda content: content.operatorCodes[0], "builtinCode", schema.BuiltinOperator.WHILE
    ),
    "it has other signatures": lambda content: content.signatureDefs.pop(),
    "its signatures have other graphs": put(
        lambda content: content.signatureDefs[0], "subgraphIndex", 255
    ),
    "names and tensors differ": put(
        lambda content: content.signatureDefs[0].outputs[0], "tensorIndex", 1000
    ),
    "a name twice": name_twice,
    "a tensor of type 5": put(
        lambda content: content.subgraphs[0].tensors[0], "type", schema.TensorType.STRING
    ),
    "a tensor of the shape [-5]": lambda content: setattr(
        constant(content, INT32)[1], "shape", np.array([-5], np.int32)
    ),
    "a constant of another size": cut_constant,
    "a buffer that is not there": put(
        lambda content: content.subgraphs[0].tensors[0], "buffer", 99_999
    ),
    "weights that are NaN or infinite": write_number(FLOAT16, np.float16(np.nan)),
    "a number that is too large": write_number(INT32, np.int32(2**24)),
    "an operator that is not there": put(
        lambda content: operator(content, "CONV_2D"), "opcodeIndex", 99
    ),
    "an operator 3 of 0 inputs": put(lambda content: operator(content, "CONV_2D"), "inputs", None),
    "an operator that writes elsewhere": put(
        lambda content: operator(content, "CONV_2D"), "outputs", np.array([0], np.int32)
    ),
    "an operator that reads what is not there yet": read_itself,
    "an option strideH of 0": put(
        lambda content: operator(content, "CONV_2D").builtinOptions, "strideH", 0
    ),
    "an operator without options": put(
        lambda content: operator(content, "CONV_2D"), "builtinOptions", None
    ),
}


def forged(change):
    content = schema.ModelT.InitFromPackedBuf(MODEL)
    change(content)
    builder = flatbuffers.Builder()
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("line", CHANGES)
def test_each_change_is_refused_in_one_line(tmp_path, line):
    path = tmp_path / "voice.tflite"
    voice_file.write(path, forged(CHANGES[line]), INFO)
    assert_user_error(
        lambda: Vocoder.load(path),
        f"{path}: is not a model of tf-melgan: {line}; export it again",
    )


def test_a_shipped_model_is_checked_where_it_is_not_the_packages(tmp_path, monkeypatch):
    """A file that lies in the package is as safe as the code beside it."""
    checked = []
    monkeypatch.setattr(litert, "check_model", checked.append)
    LiteRTEngine(PATH)
    assert checked == []
    copy = tmp_path / PATH.name
    copy.write_bytes(PATH.read_bytes())
    LiteRTEngine(copy)
    assert checked == [MODEL]


@pytest.mark.parametrize("name", voices.names())
def test_shipped_models_pass(name):
    path = voices.voice_path(name)
    check_model(path.read_bytes()[: voice_file.read(path).size])


def test_a_model_that_is_cut_is_refused():
    for size in (0, 7, 8, 100, len(MODEL) // 2):
        with pytest.raises(ValueError, match="it cannot be read"):
            check_model(MODEL[:size])


def test_a_model_of_another_geometry_fails_in_one_line(tmp_path):
    """The metadata say 40 bands; the model has 80."""
    from dataclasses import replace

    path = tmp_path / "voice.tflite"
    voice_file.write(path, MODEL, replace(INFO, mel=replace(INFO.mel, n_mels=40)))
    mel = np.full((20, 40), -2, np.float32)
    line = f"{path}: its signature vocode fails ({{…}}); export it again"
    assert_user_error(lambda: Vocoder.load(path).vocode(mel), line)
    voice_file.write(path, MODEL, replace(INFO, mel=replace(INFO.mel, hop=128)))
    mel = np.full((20, 80), -2, np.float32)
    line = (
        f"{path}: its signature vocode gives float32 (1, 5120), not float32 (1, 2560); export it "
        "again"
    )
    assert_user_error(lambda: Vocoder.load(path).vocode(mel), line)


def test_a_model_of_a_later_litert_is_refused(tmp_path):
    path = tmp_path / "voice.tflite"
    later = put(lambda content: content.operatorCodes[0], "version", 127)
    voice_file.write(path, forged(later), INFO)
    with pytest.raises(UserInputError) as caught:
        Vocoder.load(path)
    start = f"{path}: this LiteRT cannot run it (Didn't find op for builtin opcode"
    assert str(caught.value).startswith(start) and str(caught.value).isprintable()
