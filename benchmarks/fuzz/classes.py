"""The classes of inputs, by name."""

from benchmarks.fuzz import forged, targets

CLASSES: dict[str, type[targets.Target]] = {
    "mel .npy": targets.Mels,
    "config .yaml": targets.Configs,
    "prepared folder": targets.Prepared,
    "weights .npz": targets.Weights,
    "weights .npz, forged": forged.ForgedWeights,
    "voice .tflite": targets.TFLite,
    "voice .tflite, forged": forged.ForgedTFLite,
    "voice .keras": targets.Keras,
    "voice .keras, forged": forged.ForgedKeras,
    "SavedModel": targets.SavedModel,
    "run folder": targets.Run,
    "checkpoint": targets.Checkpoint,
}
