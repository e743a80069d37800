"""Puts a server under load, and checks each of its answers.

    python load.py http://localhost:8501 models/voice/1 --clients 8

Every client sends its requests one after the other, mels of 32 to 520 frames. What a server says
must be what the SavedModel says here, to 1e-5.
"""

import argparse
import json
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from client import Client, request, sound

from tf_melgan.inference.engines.saved_model import SavedModelEngine

_FEWEST, _MOST = 32, 520
_TOLERANCE = 1e-5


def batches(url: str) -> dict[str, int]:
    """How many batches ray_server.py has computed, and of how many mels; others do not say."""
    with urllib.request.urlopen(f"{url}/v1/models/voice") as response:
        return json.load(response).get("batches", {})


def main() -> None:
    parser = argparse.ArgumentParser(description="Puts a server under load.")
    parser.add_argument("url", help="such as http://localhost:8501")
    parser.add_argument("voice", help="the SavedModel that it serves")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=10, help="of each client")
    options = parser.parse_args()
    voice, client = SavedModelEngine(options.voice), Client(options.url)
    rng = np.random.default_rng(0)
    count = options.clients * options.requests
    lengths = np.exp(rng.uniform(np.log(_FEWEST), np.log(_MOST), count)).astype(int)
    low, high = voice.spec.log_floor, voice.spec.log_floor + 5
    mels = [rng.uniform(low, high, (x, voice.spec.n_mels)).astype(np.float32) for x in lengths]
    bodies = [request("padded", mel=[x.tolist()], lengths=[len(x)]) for x in mels]

    def timed(body: bytes) -> tuple[bytes, float]:
        begin = time.perf_counter()
        return client.send(body), time.perf_counter() - begin

    client.send(bodies[0])
    before, begin = batches(options.url), time.perf_counter()
    with ThreadPoolExecutor(options.clients) as pool:
        answers = list(pool.map(timed, bodies))
    seconds, after = time.perf_counter() - begin, batches(options.url)

    worst = 0.0
    for mel, (answer, _) in zip(mels, answers, strict=True):
        served, expected = sound(answer), voice.full(mel)
        if served.shape != expected.shape:
            sys.exit(f"{len(mel)} frames: {len(served)} samples came, not {len(expected)}")
        worst = max(worst, float(np.abs(served - expected).max()))
    half, most = np.percentile([1000 * latency for _, latency in answers], (50, 95))
    audio = lengths.sum() * voice.spec.hop / voice.spec.sample_rate
    print(
        f"{count} requests of {options.clients} clients, {audio:.1f} s of audio in {seconds:.1f} s"
    )
    print(f"audio seconds per second  {audio / seconds:.1f}")
    print(f"latency                   p50 {half:.0f} ms, p95 {most:.0f} ms")
    if after:
        mean = (after["mels"] - before["mels"]) / (after["count"] - before["count"])
        print(f"mels per batch            {mean:.2f}")
    print(f"largest difference        {worst:.1e}")
    if worst > _TOLERANCE:
        sys.exit(f"more than {_TOLERANCE:g}")


if __name__ == "__main__":
    main()
