"""The acoustic model in torch: Whisper-base's encoder, its layers adapted at low rank, and a head."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from asr.ear.ct2 import read_encoder
from asr.grammars.units import UNITS

WIDTH, HEADS, LAYERS = 512, 8, 6
DILATIONS = (1, 2, 4, 1)


class Adapted(nn.Module):
    """A linear map that stays as it is, plus a product of two thin ones that is learnt."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, rank: int):
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.down = nn.Parameter(torch.randn(rank, weight.shape[1]) / weight.shape[1] ** .5) if rank else None
        self.up = nn.Parameter(torch.zeros(weight.shape[0], rank)) if rank else None

    def forward(self, x):
        y = functional.linear(x, self.weight, self.bias)
        return y if self.down is None else y + functional.linear(functional.linear(x, self.down), self.up)


class Layer(nn.Module):
    """Pre-norm self-attention and feed-forward, GELU."""

    def __init__(self, weights: dict, number: int, rank: int):
        super().__init__()
        part = f"layer_{number}"
        tensor = lambda name: torch.from_numpy(weights[f"{part}/{name}"].copy())
        linear = lambda name: Adapted(tensor(f"{name}/weight"), tensor(f"{name}/bias"), rank)
        self.qkv, self.out = linear("self_attention/linear_0"), linear("self_attention/linear_1")
        self.rise, self.fall = linear("ffn/linear_0"), linear("ffn/linear_1")
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
        for norm, name in zip(self.norms, ("self_attention", "ffn"), strict=True):
            norm.weight.data, norm.bias.data = tensor(f"{name}/layer_norm/gamma"), tensor(
                f"{name}/layer_norm/beta")
            norm.requires_grad_(False)

    def forward(self, x, mask):
        batch, frames, _ = x.shape
        q, k, v = self.qkv(self.norms[0](x)).view(batch, frames, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, frames, WIDTH))
        return x + self.fall(functional.gelu(self.rise(self.norms[1](x))))


class Encoder(nn.Module):
    """(batch, 80, 2·frames) log-mel → (batch, frames, 512), 50 frames/s."""

    def __init__(self, model_bin: Path, rank: int = 0):
        super().__init__()
        weights = read_encoder(model_bin)
        self.convs = nn.ModuleList([nn.Conv1d(80, WIDTH, 3, padding=1),
                                    nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)])
        for number, conv in enumerate(self.convs, 1):
            conv.weight.data = torch.from_numpy(weights[f"conv{number}/weight"].copy())
            conv.bias.data = torch.from_numpy(weights[f"conv{number}/bias"].copy())
        self.convs.requires_grad_(False)
        self.register_buffer("places", torch.from_numpy(weights["position_encodings/encodings"].copy()))
        self.layers = nn.ModuleList(Layer(weights, n, rank) for n in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.norm.weight.data = torch.from_numpy(weights["layer_norm/gamma"].copy())
        self.norm.bias.data = torch.from_numpy(weights["layer_norm/beta"].copy())
        self.norm.requires_grad_(False)

    def forward(self, mel, mask):
        x = functional.gelu(self.convs[0](mel))
        x = functional.gelu(self.convs[1](x)).transpose(1, 2)
        x = x + self.places[: x.shape[1]]
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)


class Head(nn.Module):
    """(batch, frames, 512) at 50/s → (batch, frames / 2, units) log probabilities at 25/s."""

    def __init__(self, width: int = 320, dilations=DILATIONS, dropout: float = .1):
        super().__init__()
        self.first = nn.Conv1d(WIDTH, width, 3, stride=2, padding=1)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(len(dilations) + 1))
        self.convs = nn.ModuleList(nn.Conv1d(width, width, 3, padding=d, dilation=d) for d in dilations)
        self.last = nn.Linear(width, len(UNITS))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = functional.gelu(self.first(x.transpose(1, 2))).transpose(1, 2)
        for norm, conv in zip(self.norms, self.convs, strict=False):
            y = functional.gelu(conv(norm(x).transpose(1, 2))).transpose(1, 2)
            x = x + self.dropout(y)
        return self.last(self.norms[-1](x)).float().log_softmax(-1)


def attention_mask(frames: torch.Tensor, longest: int) -> torch.Tensor:
    """True where a key is real: (batch, 1, 1, longest)."""
    return (torch.arange(longest)[None] < frames[:, None])[:, None, None]
