"""Checkpoints of Vocos: the same sound as a network of torch."""

import numpy as np
import pytest
import torch
import yaml
from helpers.torch_vocos import loud_vocos

from tf_melgan import MelSpec, UserInputError
from tf_melgan.interop.importing import import_voice

N_MELS, HOP, WIDTH, HIDDEN, DEPTH = SIZES = (4, 16, 8, 12, 2)


def config(padding: str) -> dict:
    stft = {"n_fft": 4 * HOP, "hop_length": HOP, "padding": padding}
    features = {"sample_rate": 8000, "n_mels": N_MELS, **stft}
    backbone = {"dim": WIDTH, "intermediate_dim": HIDDEN, "num_layers": DEPTH}
    sections = {
        "feature_extractor": ("vocos.feature_extractors.MelSpectrogramFeatures", features),
        "backbone": ("vocos.models.VocosBackbone", {"input_channels": N_MELS, **backbone}),
        "head": ("vocos.heads.ISTFTHead", {"dim": WIDTH, **stft}),
    }
    return {key: {"class_path": x, "init_args": y} for key, (x, y) in sections.items()}


def save(folder, settings: dict, network: torch.nn.Module, **more: torch.Tensor):
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    state = network.state_dict() | {"head.istft.window": torch.hann_window(4 * HOP)} | more
    torch.save(state, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


@pytest.mark.parametrize("padding", ["center", "same"])
def test_vocos_with_either_padding(tmp_path, padding):
    center = padding == "center"
    network = loud_vocos(*SIZES, center=center)
    voice = import_voice(save(tmp_path, config(padding), network))
    assert voice.config.mel == MelSpec(
        8000, 64, 16, 4, 0, 4000, "ln", 1e-7, htk=True, norm="none", center=center
    )
    generator = voice.build_generator()
    for frames in (1, 3, 30):
        mel = np.random.default_rng(frames).uniform(-9, 0, (1, frames, N_MELS)).astype(np.float32)
        with torch.no_grad():
            wanted = network(torch.from_numpy(mel).mT)[0].numpy()
        sound = np.asarray(generator(mel))[0, :, 0]
        assert sound.shape == wanted.shape == (frames * HOP,)
        assert np.abs(sound - wanted).max() <= 1e-5 * np.abs(wanted).max()
    assert wanted.std() > 0.05


def test_a_config_that_does_not_fit_is_refused(tmp_path):
    network = loud_vocos(*SIZES, center=True)
    mel = MelSpec(8000, 64, HOP, N_MELS, 0, 4000, htk=True, norm="none")
    filters = {"feature_extractor.mel_spec.mel_scale.fb": torch.tensor(mel.mel_matrix().T.copy())}
    for section, key, value, line in [
        ("head", "n_fft", 32, "head.init_args.n_fft is 32; .* with 64 alone"),
        ("head", "padding", "same", "the padding of feature_extractor and head differs"),
        ("backbone", "num_layers", 1, "tensors have no place in the network"),
        ("backbone", "num_layers", 3, "the tensor backbone.convnext.2.dwconv.weight is missing"),
        ("backbone", "dim", 16, "backbone.embed.weight has shape"),
        ("backbone", "adanorm_num_embeddings", 4, "adanorm_num_embeddings is 4; .* None alone"),
        ("feature_extractor", "sample_rate", 6000, "mel_scale.fb is not what the config says"),
    ]:
        settings = config("center")
        settings[section]["init_args"][key] = value
        path = save(tmp_path, settings, network, **filters)
        with pytest.raises(UserInputError, match=line):
            import_voice(path)


def test_encodec_features_are_refused(tmp_path):
    settings = config("center")
    settings["feature_extractor"]["class_path"] = "vocos.feature_extractors.EncodecFeatures"
    with pytest.raises(UserInputError, match=r"feature_extractor.class_path is .*codecFeatures"):
        import_voice(save(tmp_path, settings, loud_vocos(*SIZES, center=True)))
