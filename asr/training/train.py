"""Train adapters and head on the corpus' shards; stopped and started again, it goes on.

    python -m asr.training.train --shards DIR --model-bin FILE --out DIR --minutes 45

What is shipped is the running mean of the weights, which is steadier than the last of them.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from asr.training.export_head import learnt
from asr.training.model import Encoder, Head, attention_mask
from asr.training.splice import Splices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--model-bin", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--begin", type=Path, help="a checkpoint, or an ear.npz, whose weights to begin with")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    options.out.mkdir(parents=True, exist_ok=True)
    encoder = Encoder(options.model_bin, options.rank).eval()
    run = Run(encoder, Head(), options)
    shards = [path for path in sorted(options.shards.glob("*[0-9].npz"))
              if not path.name.startswith("partial")]
    examples = [example for path in shards for example in read_shard(path)]
    print(len(examples), "examples", sum(len(mel) for mel, _ in examples) / 360000, "h", flush=True)
    run.fit(examples)


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


class Run:
    """Weights, optimizer and how far the schedule has come."""

    def __init__(self, encoder: Encoder, head: Head, options):
        self._encoder, self._head, self._options = encoder, head, options
        self._learnt = {**{f"head.{name}": each for name, each in head.named_parameters()},
                        **{f"adapters.{name}": each for name, each in encoder.named_parameters()
                           if each.requires_grad}}
        adapters = [each for name, each in self._learnt.items() if name.startswith("adapters.")]
        self._optimizer = torch.optim.AdamW([{"params": list(head.parameters()), "scale": 1.0},
                                             {"params": adapters, "scale": .5}], weight_decay=.01)
        self._spent_s, self._step = 0.0, 0
        if options.begin and not (options.out / "last.pt").exists():
            known = options.begin.suffix == ".npz"
            self._begin(learnt(options.begin) if known else torch.load(options.begin)["mean"])
        self._mean = {name: each.detach().clone() for name, each in self._learnt.items()}
        if (options.out / "last.pt").exists():
            self._resume(torch.load(options.out / "last.pt"))

    def fit(self, examples) -> None:
        limit_s, recent, saved = self._options.minutes * 60, [], time.time()
        rng, last = np.random.default_rng(self._step + 1), time.time()
        splices = Splices(examples)
        while self._spent_s < limit_s:
            for batch in batches([len(mel) for mel, _ in examples], 120, rng, 100):
                spent = self._spent_s / limit_s
                if spent >= 1:
                    break
                recent.append(self._learn([splices.example(i, rng) for i in batch], spent, splices))
                self._spent_s, last = self._spent_s + time.time() - last, time.time()
                if self._step % 50 == 0:
                    print(json.dumps({"step": self._step, "loss": round(float(np.mean(recent[-50:])), 4),
                                      "s": round(self._spent_s)}), flush=True)
                if time.time() - saved > 180:
                    self._save()
                    saved = time.time()
        self._save()

    def _learn(self, rows, spent: float, splices) -> float:
        rate = self._options.rate * min(1, (self._step + 1) / 100) * (
            .02 + .98 * .5 * (1 + math.cos(math.pi * spent)))
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self._head.train()
        loss, logs, frames = batch_loss(self._encoder, self._head, rows)
        splices.learn(rows, logs, frames)
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._learnt.values(), 1.0)
        self._optimizer.step()
        self._step += 1
        keep = min(.998, self._step / (self._step + 10))
        with torch.no_grad():
            for name, each in self._learnt.items():
                self._mean[name].lerp_(each, 1 - keep)
        return loss.item()

    def _begin(self, weights: dict[str, torch.Tensor]) -> None:
        """As learnt before, maybe with fewer adapters or thinner ones: what is new begins as nothing."""
        with torch.no_grad():
            for name, known in weights.items():
                self._learnt[name][tuple(map(slice, known.shape))] = known

    def _put(self, weights: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, each in self._learnt.items():
                each.copy_(weights[name])

    def _resume(self, state: dict) -> None:
        self._put(state["learnt"])
        self._mean = state["mean"]
        self._optimizer.load_state_dict(state["optimizer"])
        self._spent_s, self._step = state["spent_s"], state["step"]

    def _save(self) -> None:
        partial = self._options.out / "partial.pt"
        torch.save({"mean": self._mean, "learnt": {n: e.detach() for n, e in self._learnt.items()},
                    "optimizer": self._optimizer.state_dict(), "spent_s": self._spent_s,
                    "step": self._step}, partial)
        partial.rename(self._options.out / "last.pt")


def batch_loss(encoder, head, rows):
    """Mean CTC loss a unit; the log probabilities and how many frames of each row are real."""
    lengths = torch.tensor([len(mel) for mel, *_ in rows])
    mels = torch.zeros(len(rows), 80, int(lengths.max()))
    for row, (mel, *_) in enumerate(rows):
        mels[row, :, : len(mel)] = torch.from_numpy(mel).T
    frames = (lengths + 1) // 2
    mask = attention_mask(frames, (mels.shape[2] + 1) // 2)
    with torch.autocast("cpu", torch.bfloat16):
        logs = head(encoder(mels, mask))
    counts = torch.tensor([len(units) for _, units, _ in rows])
    said = torch.from_numpy(np.concatenate([units for _, units, _ in rows])).long()
    frames = (frames + 1) // 2
    losses = functional.ctc_loss(logs.transpose(0, 1), said, frames, counts,
                                 reduction="none", zero_infinity=True)
    return losses.sum() / counts.sum().clamp(min=1), logs.detach().numpy(), frames.numpy()


if __name__ == "__main__":
    main()
