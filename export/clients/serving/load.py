"""Load test of a server, which also checks each response.

    python load.py http://localhost:8501 models/voice/1 --clients 8

Each client sends its requests one after the other, with mels of 32 to 520 frames. The waveforms of
the server must equal those of the SavedModel on this machine, within 1e-5.
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
    """The numbers of batches and of mels that ray_server.py has computed.

    Empty for other servers, which do not report them.
    """
    with urllib.request.urlopen(f"{url}/v1/models/voice") as response:
        return json.load(response).get("batches", {})


def main() -> None:
    parser = argparse.ArgumentParser(description="Load test of a server.")
    parser.add_argument("url", help="such as http://localhost:8501")
    parser.add_argument("voice", help="the SavedModel that the server runs")
    parser.add_argument("--clients", type=int, default=8, help="clients in parallel (default: 8)")
    parser.add_argument("--requests", type=int, default=10, help="per client (default: 10)")
    options = parser.parse_args()
    voice, client = SavedModelEngine(options.voice), Client(options.url)
    rng = np.random.default_rng(0)
    count = options.clients * options.requests
    lengths = np.exp(rng.uniform(np.log(_FEWEST), np.log(_MOST), count)).astype(int)
    low, high = voice.spec.log_floor, voice.spec.log_floor + 5
    mels = [rng.uniform(low, high, (x, voice.spec.n_mels)).astype(np.float32) for x in lengths]
    bodies = [request("padded", mel=[x.tolist()], lengths=[len(x)]) for x in mels]

    def timed(body: bytes) -> tuple[bytes, float]:
        start = time.perf_counter()
        return client.send(body), time.perf_counter() - start

    client.send(bodies[0])
    before, start = batches(options.url), time.perf_counter()
    with ThreadPoolExecutor(options.clients) as pool:
        responses = list(pool.map(timed, bodies))
    seconds, after = time.perf_counter() - start, batches(options.url)

    largest = 0.0
    for mel, (response, _) in zip(mels, responses, strict=True):
        actual, expected = sound(response), voice.full(mel)
        if actual.shape != expected.shape:
            sys.exit(f"{len(mel)} frames: got {len(actual)} samples, expected {len(expected)}")
        largest = max(largest, float(np.abs(actual - expected).max()))
    p50, p95 = np.percentile([1000 * latency for _, latency in responses], (50, 95))
    audio = lengths.sum() * voice.spec.hop / voice.spec.sample_rate
    print(
        f"{count} requests of {options.clients} clients, {audio:.1f} s of audio in {seconds:.1f} s"
    )
    print(f"audio seconds per second  {audio / seconds:.1f}")
    print(f"latency                   p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    if after:
        mean = (after["mels"] - before["mels"]) / (after["count"] - before["count"])
        print(f"mels per batch            {mean:.2f}")
    print(f"largest difference        {largest:.1e}")
    if largest > _TOLERANCE:
        sys.exit(f"the largest difference is more than {_TOLERANCE:g}")


if __name__ == "__main__":
    main()
