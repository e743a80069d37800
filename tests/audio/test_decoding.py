"""Sound files are decoded to their end, whatever their headers declare."""

import io
import random
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.damage import damaged

from tf_melgan.audio.decoding import decode
from tf_melgan.errors import UserInputError

RATE = 22050
SOUND = 0.5 * np.sin(np.arange(3 * RATE) / 9) * np.linspace(0.1, 1, 3 * RATE)
OTHER = 0.4 * np.sin(np.arange(2 * RATE) / 5)
# soundfile's names of formats, and of what they hold where that is not the default.
FORMATS = ["WAV", "AIFF", "AU", "W64", "CAF", "RF64", "FLAC", "MP3", "OGG", "OGG OPUS"]
LOSSLESS = ["WAV", "AIFF", "AU", "W64", "CAF", "RF64", "FLAC"]


def encoded(name: str, sound: np.ndarray = SOUND, rate: int = RATE, **options) -> bytes:
    container, *subtype = name.split()
    if subtype:
        rate = 24000
    file = io.BytesIO()
    soundfile.write(file, sound, rate, *subtype, format=container, **options)
    return file.getvalue()


@pytest.fixture
def decoded(tmp_path: Path):
    def write_and_decode(content: bytes):
        (tmp_path / "sound").write_bytes(content)
        return decode(tmp_path / "sound")

    return write_and_decode


def flac_with_length(content: bytes, samples: int) -> bytes:
    """A FLAC whose STREAMINFO declares `samples`, in the last 36 bits of bytes 18 to 25."""
    (fields,) = struct.unpack(">Q", content[18:26])
    return content[:18] + struct.pack(">Q", fields >> 36 << 36 | samples) + content[26:]


def mpeg_frames(content: bytes) -> list[bytes]:
    """The frames of an mp3 of MPEG-2 layer III at 22,050 Hz, by their headers."""
    kbits = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    frames, start = [], 0
    while start < len(content):
        assert content[start] == 0xFF and content[start + 1] & 0xFE == 0xF2
        bits = content[start + 2]
        size = 72 * 1000 * kbits[bits >> 4] // RATE + (bits >> 1 & 1)
        frames.append(content[start : start + size])
        start += size
    return frames


def vbr_mp3(sound: np.ndarray = SOUND) -> bytes:
    return encoded("MP3", sound, bitrate_mode="VARIABLE", compression_level=0.3)


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_file_has_all_its_samples_and_no_remark(decoded, name: str) -> None:
    samples, rate, remark = decoded(encoded(name))
    assert (len(samples), rate, remark) == (len(SOUND), 24000 if "OPUS" in name else RATE, "")
    error = 2**-15 if name in LOSSLESS else 0.05
    assert np.abs(samples[500:-500, 0] - SOUND[500:-500]).max() <= error


@pytest.mark.parametrize(
    ("declared", "remark"),
    [
        (0, ""),
        (1000, "lasts 3.00 s, its header says 0.05 s"),
        (2**36 - 1, "ends early: 3.00 s of 3116529.56 s"),
    ],
)
def test_a_flac_of_another_declared_length(decoded, declared: int, remark: str) -> None:
    samples, _, said = decoded(flac_with_length(encoded("FLAC"), declared))
    np.testing.assert_array_equal(samples, decoded(encoded("FLAC")).samples)
    assert said == remark


def test_an_mp3_of_varying_bit_rate_without_a_header(decoded) -> None:
    header, *frames = mpeg_frames(vbr_mp3())
    assert b"Xing" in header and len({len(frame) for frame in frames}) > 2
    samples, _, remark = decoded(b"".join(frames))
    assert (len(samples), remark) == (576 * len(frames), "")


@pytest.mark.parametrize(
    ("declared", "remark"),
    [(3, "lasts 3.01 s, its header says 0.0"), (9999, "ends early: 3.01 s of 261.1")],
)
def test_an_mp3_of_another_declared_length(decoded, declared: int, remark: str) -> None:
    content = vbr_mp3()
    at = content.index(b"Xing") + 8
    samples, _, said = decoded(content[:at] + declared.to_bytes(4) + content[at + 4 :])
    np.testing.assert_array_equal(samples[: len(SOUND)], decoded(content).samples)
    assert said.startswith(remark)


@pytest.mark.parametrize("name", ["FLAC", "MP3", "OGG", "OGG OPUS"])
def test_joined_streams_are_decoded_whole(decoded, name: str) -> None:
    one, two = encoded(name), encoded(name, OTHER)
    samples, _, remark = decoded(one + two + one)
    parts = [decoded(part).samples for part in (one, two, one)]
    np.testing.assert_array_equal(samples, np.concatenate(parts))
    assert (len(samples), remark) == (2 * len(SOUND) + len(OTHER), "")


def test_joined_streams_without_headers_are_decoded_whole(decoded) -> None:
    flac = flac_with_length(encoded("FLAC"), 0)
    assert len(decoded(flac + flac).samples) == 2 * len(SOUND)
    frames = mpeg_frames(vbr_mp3())[1:]
    assert len(decoded(b"".join(frames + frames)).samples) == 2 * 576 * len(frames)


def test_joined_streams_that_do_not_go_together_are_left_out(decoded) -> None:
    one = encoded("FLAC")
    samples, rate, remark = decoded(one + encoded("FLAC", rate=16000) + one[:50] + one)
    assert (len(samples), rate) == (2 * len(SOUND), RATE)
    assert remark == (
        "2 of 4 streams are left out, being damaged or of another rate or channel count"
    )


@pytest.mark.parametrize("name", ["WAV", "AIFF", "AU", "W64", "RF64", "FLAC", "MP3", "OGG"])
def test_a_file_that_ends_early_is_decoded_up_to_its_end(decoded, name: str) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * RATE)  # many pages of an Ogg
    content = encoded(name, sound)
    whole = decoded(content).samples
    samples, _, remark = decoded(content[: int(0.7 * len(content)) // 2 * 2])
    assert 0.4 < len(samples) / len(whole) < 0.8
    kept = slice(0, len(samples) - 2000)
    np.testing.assert_allclose(samples[kept], whole[kept], rtol=0, atol=1e-6)
    seconds = f"{len(samples) / RATE:.2f} s"
    expected = f"after {seconds}" if name == "OGG" else f"{seconds} of 3.00 s"
    assert remark in (f"ends early: {expected}", f"ends early, {expected}")


def test_damage_in_the_middle_is_said(decoded) -> None:
    content = bytearray(encoded("FLAC"))
    content[len(content) // 2] ^= 0x55
    samples, _, remark = decoded(bytes(content))
    np.testing.assert_array_equal(samples, decoded(encoded("FLAC")).samples[: len(samples)])
    assert remark == f"ends early: {len(samples) / RATE:.2f} s of 3.00 s"
    noise = np.random.default_rng(0).bytes(3000)
    frames = b"".join(mpeg_frames(vbr_mp3())[1:])
    middle = len(frames) // 2
    samples, _, remark = decoded(frames[:middle] + noise + frames[middle + 3000 :])
    assert 0 < len(samples) < len(SOUND)
    seconds = f"after {len(samples) / RATE:.2f} s"
    assert remark in (f"ends early, {seconds}", f"goes on {seconds} with what cannot be decoded")


@pytest.mark.parametrize("unknown", [0, 0xFFFFFFFF])
def test_a_wav_that_was_written_to_a_pipe(decoded, unknown: int) -> None:
    content = encoded("WAV")
    at = content.index(b"data") + 4
    size = unknown.to_bytes(4, "little")
    samples, _, remark = decoded(content[:4] + size + content[8:at] + size + content[at + 4 :])
    np.testing.assert_array_equal(samples, decoded(content).samples)
    assert remark == ""


def test_a_wav_that_declares_too_little_says_that_more_follows(decoded) -> None:
    content = encoded("WAV")
    at = content.index(b"data") + 4
    samples, _, remark = decoded(content[:at] + (RATE).to_bytes(4, "little") + content[at + 4 :])
    assert len(samples) == RATE // 2
    assert remark == "goes on after 0.50 s with what cannot be decoded"


@pytest.mark.parametrize("name", ["FLAC", "MP3"])
def test_tags_around_the_sound_change_nothing(decoded, name: str) -> None:
    size = 70_000
    tag = b"ID3\x04\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(size)
    content = encoded(name)
    samples, _, remark = decoded(tag + tag + content + b"TAG" + b"x" * 125)
    np.testing.assert_array_equal(samples, decoded(content).samples)
    assert remark == ""


@pytest.mark.parametrize("rate", [1, 3999, 384_001])
def test_rates_that_no_speech_has_are_refused(tmp_path: Path, rate: int) -> None:
    (tmp_path / "a.wav").write_bytes(encoded("WAV", rate=rate))
    with pytest.raises(UserInputError) as caught:
        decode(tmp_path / "a.wav")
    expected = f"has a sample rate of {rate} Hz; give one from 4000 to 384000 Hz"
    assert str(caught.value) == f"{tmp_path / 'a.wav'}: {expected}"


@pytest.mark.parametrize("content", [b"", b"\xff\xfb\x90\x00" + bytes(60), b"OggS" + bytes(99)])
def test_what_holds_no_sound_is_refused(decoded, content: bytes) -> None:
    with pytest.raises(UserInputError, match="sound: cannot be decoded"):
        decoded(content)


@pytest.mark.parametrize("name", FORMATS)
def test_damage_is_decoded_or_refused_in_one_line(decoded, name: str, capfd) -> None:
    content, choose = encoded(name, SOUND[:8000]), random.Random(name)
    refused = 0
    for _ in range(60):
        head = choose.randrange(20, 200)  # most of what can go wrong is in the headers
        try:
            samples, rate, _ = decoded(damaged(content[:head], choose) + content[head:])
            assert len(samples) < 1_000_000 and 4000 <= rate <= 384_000
        except UserInputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert 0 < refused < 60
    assert "Traceback" not in capfd.readouterr().err
