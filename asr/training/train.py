"""Train adapters and head on the corpus' shards; resumable from its last checkpoint.

    python -m asr.training.train --shards DIR --model-bin FILE --out DIR --minutes 20
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from asr.training.model import LAYERS, Encoder, Head, attention_mask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--model-bin", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--adapted", type=int, default=2, help="upper layers that adapt")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    options.out.mkdir(parents=True, exist_ok=True)
    encoder = Encoder(options.model_bin, options.rank, options.adapted).eval()
    head = Head()
    saved = options.out / "last.pt"
    if saved.exists():
        state = torch.load(saved)
        head.load_state_dict(state["head"])
        encoder.load_state_dict(state["adapters"], strict=False)
    examples = [example for path in sorted(options.shards.glob("[pt]*[0-9].npz"))
                for example in read_shard(path)]
    print(len(examples), "examples", sum(len(mel) for mel, _ in examples) / 360000, "h", flush=True)
    cached = cache_lower(encoder, examples, LAYERS - options.adapted, options.threads)
    fit(encoder, head, cached, options)


def read_shard(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    with np.load(path) as shard:
        mels, units = shard["mels"], shard["units"]
        mel_ends, unit_ends = np.cumsum(shard["frames"]), np.cumsum(shard["counts"])
    pairs = zip(np.split(mels, mel_ends[:-1]), np.split(units, unit_ends[:-1]), strict=True)
    return [(mel, said) for mel, said in pairs if len(said) * 4 < len(mel) / 1.05]


def batches(lengths, seconds: float, rng: np.random.Generator, rate: int):
    """Index lists of like lengths, ``seconds`` of audio each, in random order."""
    order = np.argsort(np.array(lengths) * rng.uniform(.9, 1.1, len(lengths)))
    found, batch = [], []
    for index in order:
        if batch and (len(batch) + 1) * lengths[index] > seconds * rate:
            found.append(batch)
            batch = []
        batch.append(index)
    found.append(batch)
    rng.shuffle(found)
    return found


@torch.no_grad()
def cache_lower(encoder, examples, upto: int, threads: int):
    """Output of the layers that do not change, float16, once for all."""
    cached = [None] * len(examples)
    began = time.time()
    for batch in batches([len(mel) for mel, _ in examples], 120, np.random.default_rng(0), 100):
        frames = torch.tensor([(len(examples[i][0]) + 1) // 2 for i in batch])
        longest = max(len(examples[i][0]) for i in batch)
        mel = torch.zeros(len(batch), 80, longest)
        for row, i in enumerate(batch):
            mel[row, :, : len(examples[i][0])] = torch.from_numpy(examples[i][0].astype(np.float32)).T
        mask = attention_mask(frames, (longest + 1) // 2)
        with torch.autocast("cpu", torch.bfloat16):
            x = encoder.lower(mel, mask, upto).half()
        for row, i in enumerate(batch):
            cached[i] = (x[row, : frames[row]].clone(), torch.from_numpy(examples[i][1]).long())
    print(f"lower layers: {time.time() - began:.0f} s", flush=True)
    return cached


def fit(encoder, head, cached, options) -> None:
    adapters = [p for p in encoder.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([{"params": head.parameters(), "scale": 1.0},
                                   {"params": adapters, "scale": .5}], weight_decay=.01)
    began, step, epoch, recent = time.time(), 0, 0, []
    limit_s = options.minutes * 60
    rng = np.random.default_rng(int(began))
    while time.time() - began < limit_s:
        for batch in batches([len(x) for x, _ in cached], 120, rng, 50):
            spent = (time.time() - began) / limit_s
            if spent >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = options.rate * group["scale"] * min(1, (step + 1) / 100) * (
                    .02 + .98 * .5 * (1 + np.cos(np.pi * spent)))
            head.train()
            loss = batch_loss(encoder, head, [cached[i] for i in batch], options, rng)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*head.parameters(), *adapters], 1.0)
            optimizer.step()
            recent.append(loss.item())
            step += 1
            if step % 50 == 0:
                print(json.dumps({"epoch": epoch, "step": step, "loss": round(
                    float(np.mean(recent[-50:])), 4), "s": round(time.time() - began)}), flush=True)
        epoch += 1
        save(encoder, head, options)
    save(encoder, head, options)


def batch_loss(encoder, head, rows, options, rng) -> torch.Tensor:
    frames = torch.tensor([len(x) for x, _ in rows])
    x = torch.zeros(len(rows), int(frames.max()), rows[0][0].shape[1])
    for row, (features, _) in enumerate(rows):
        x[row, : len(features)] = features.float()
    with torch.autocast("cpu", torch.bfloat16):
        y = encoder.upper(x, attention_mask(frames, x.shape[1]), LAYERS - options.adapted)
        y = mask_times(y, frames, rng)
        logs = head(y)
    counts = torch.tensor([len(units) for _, units in rows])
    losses = functional.ctc_loss(logs.transpose(0, 1), torch.cat([units for _, units in rows]),
                                 (frames + 1) // 2, counts, reduction="none", zero_infinity=True)
    return losses.sum() / counts.sum().clamp(min=1)


def mask_times(y, frames, rng):
    """Blanks one or two short stretches: the head must use what is around."""
    keep = torch.ones(y.shape[:2], dtype=y.dtype)
    for row, count in enumerate(frames.tolist()):
        for _ in range(rng.integers(0, 3)):
            start = rng.integers(0, max(count - 1, 1))
            keep[row, start: start + rng.integers(1, 6)] = 0
    return y * keep[..., None]


def save(encoder, head, options) -> None:
    adapters = {name: value for name, value in encoder.state_dict().items()
                if name.endswith((".up", ".down"))}
    partial = options.out / "partial.pt"
    torch.save({"head": head.state_dict(), "adapters": adapters,
                "adapted": options.adapted, "rank": options.rank}, partial)
    partial.rename(options.out / "last.pt")


if __name__ == "__main__":
    main()
