"""Training: takes of one sound are drawn together, everything else in the scene is pushed away."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from reatrieve.lab.learning.bank import Bank
from reatrieve.lab.learning.model import described, frames_of, new_network, save_weights
from reatrieve.lab.learning.scenes import Scene, SceneEvent, Scenes
from reatrieve.lab.learning.sounds.source import RATE_HZ
from reatrieve.retrieval.learned.bands import BAND_HOP

__all__ = ["train"]

BATCH = 8
NEW_A_STEP = 3
"""Scenes of a batch that were never seen; the others are drawn from those that were."""
KEPT = 1500
"""Scenes remembered."""
TEMPERATURE = 0.1
OTHER_SCENES = -1.5
"""Logarithm of the weight of what happens in other scenes: easily told apart by their beds."""
PEAK_RATE, LAST_RATE = 2e-3, 2e-5
WARM_STEPS = 40
AVERAGING = 0.99
N_VALIDATION = 40
REPORT_STEPS = 100


def train(
    bank: Bank,
    out: Path,
    *,
    n_steps: int,
    seed: int = 1,
    marks: tuple[int, ...] = (),
    tell: Callable[[str], None] = print,
) -> None:
    """Train a network and write its weights to ``out`` (npz).

    The learning rate rises for ``WARM_STEPS``, then falls to next to nothing along a cosine; what is written is the
    moving average of the weights.

    Parameters
    ----------
    n_steps : batches; a step takes one to two seconds on one core.
    marks : steps after which the weights so far are written beside ``out``, the step in their name.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    scenes = Scenes(bank, seed=seed)
    aside = Scenes(bank, seed=seed + 1000, held_out=True)
    validation = [aside.make() for _ in range(N_VALIDATION)]
    network = new_network()
    average = copy.deepcopy(network).eval()
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=1e-2)
    tell(f"{sum(p.numel() for p in network.parameters())} weights; untrained: {_precision(average, validation):.3f}")
    network.train()
    kept: list[Scene] = []
    losses: list[float] = []
    began = time.monotonic()
    for step in range(n_steps):
        rate = PEAK_RATE * min(1.0, (step + 1) / WARM_STEPS) * 0.5 * (1 + np.cos(np.pi * step / n_steps)) + LAST_RATE
        for group in optimiser.param_groups:
            group["lr"] = rate
        new = [scenes.make() for _ in range(NEW_A_STEP if kept else 5 * BATCH)]
        batch = new[:BATCH]
        if kept:
            batch = batch + [kept[int(k)] for k in rng.choice(len(kept), BATCH - len(new), replace=False)]
        kept = (kept + new)[-KEPT:]
        levels, scene, spans_s, classes = _batch([_varied(one, rng) for one in batch], rng)
        description = described(frames_of(network, levels), scene, spans_s, n_parts=6 if step % 3 else 3)
        loss = _loss(description, scene, classes)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        _follow(average, network, min(AVERAGING, step / (step + 10)))
        losses.append(float(loss.detach()))
        if (step + 1) % REPORT_STEPS == 0 or step + 1 == n_steps:
            minutes = (time.monotonic() - began) / 60
            precision = _precision(average, validation)
            lately = np.mean(losses[-REPORT_STEPS:])
            tell(f"step {step + 1}, {minutes:.1f} min: loss {lately:.3f}, held out {precision:.3f}")
        if step + 1 in marks:
            save_weights(out.with_stem(f"{out.stem}-{step + 1}"), average)
    save_weights(out, average)


def _varied(scene: Scene, rng: np.random.Generator) -> Scene:
    """The whole scene heard otherwise: bands shifted and stretched, faster or slower, in more noise."""
    levels, events = scene.levels.astype(np.float32), scene.events
    n_bands, n = levels.shape
    if rng.random() < 0.6:
        at = (np.arange(n_bands) - 32) * rng.uniform(0.88, 1.13) + 32 + rng.uniform(-5, 5)
        levels = _between(levels, at, axis=0)
    if rng.random() < 0.6:
        pace = rng.uniform(0.75, 1.33)
        faster = _between(levels, np.arange(min(n, int(n / pace))) * pace, axis=1)
        end_s = faster.shape[1] * BAND_HOP / RATE_HZ
        events = [SceneEvent(e.start_s / pace, e.end_s / pace, e.class_) for e in events if e.end_s / pace < end_s]
        levels = np.concatenate([faster, faster[:, : n - faster.shape[1]]], axis=1) if faster.shape[1] < n else faster
    if rng.random() < 0.5:
        tilt = np.interp(np.arange(n_bands), [0, 20, 40, n_bands - 1], rng.normal(0, 1.2, 4))
        noise = 0.5 * levels.mean(axis=1) + 0.5 * levels.mean() + rng.uniform(-4, 1) + tilt
        levels = np.logaddexp(levels, noise[:, None] + rng.normal(0, 0.35, levels.shape))
    return scene._replace(levels=levels.astype(np.float32), events=events)


def _between(x: NDArray[np.float32], at: NDArray[np.floating], *, axis: int) -> NDArray[np.float32]:
    """Rows or columns at places between whole numbers."""
    at = np.clip(at, 0, x.shape[axis] - 1.001)
    whole = at.astype(int)
    share = np.expand_dims((at - whole).astype(np.float32), 1 - axis)
    return np.asarray(np.take(x, whole, axis) * (1 - share) + np.take(x, whole + 1, axis) * share)


def _batch(
    scenes: list[Scene], rng: np.random.Generator | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Levels, and of each event its scene, span and class; with ``rng`` spans are marked as roughly as users do."""
    n = min(scene.levels.shape[1] for scene in scenes) // 2 * 2
    levels = torch.from_numpy(np.stack([scene.levels[:, :n].astype(np.float32) for scene in scenes]))
    rows = []
    for number, scene in enumerate(scenes):
        for event in scene.events:
            length_s = event.end_s - event.start_s
            start_s = event.start_s
            if rng is not None:
                start_s += rng.normal(0, min(0.012, 0.08 * length_s))
                length_s *= rng.uniform(0.85, 1.18)
            rows.append((number, event.class_, start_s, start_s + length_s))
    scene_of, classes, starts, ends = zip(*rows, strict=True)
    spans_s = torch.tensor([starts, ends], dtype=torch.float32).T
    return levels, torch.tensor(scene_of), spans_s, torch.tensor(classes)


def _loss(description: torch.Tensor, scene: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Mean over pairs of takes of the cross-entropy of the pair against all that is not the sound."""
    likeness = description @ description.T / TEMPERATURE
    itself = torch.eye(len(classes), dtype=torch.bool)
    same = (classes[:, None] == classes) & (classes[:, None] >= 0)
    here = scene[:, None] == scene
    pairs = same & here & ~itself
    against = (likeness + torch.where(here, 0.0, OTHER_SCENES)).masked_fill(same | itself, -1e9).logsumexp(dim=1)
    losses = (torch.logaddexp(likeness, against[:, None]) - likeness) * pairs
    counts = pairs.sum(dim=1)
    return (losses.sum(dim=1)[counts > 0] / counts[counts > 0]).mean()


def _follow(average: nn.Sequential, network: nn.Sequential, keep: float) -> None:
    """Move the average of the weights a little (state dicts hold them without gradients)."""
    for mine, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.mul_(keep).add_(theirs, alpha=1 - keep)
        else:
            mine.copy_(theirs)


def _precision(network: nn.Sequential, scenes: list[Scene]) -> float:
    """Mean average precision of each event as an example among all others of its scene, 0..1."""
    found = []
    for one in scenes:
        levels, scene, spans_s, classes = _batch([one], None)
        with torch.no_grad():
            description = described(frames_of(network, levels), scene, spans_s, n_parts=6)
        likeness = (description @ description.T).numpy()
        labels = classes.numpy()
        for index in np.flatnonzero(labels >= 0):
            right = np.delete(labels == labels[index], index)
            if right.any():
                order = np.argsort(-np.delete(likeness[index], index), kind="stable")
                ranks = np.flatnonzero(right[order]) + 1
                found.append(np.mean(np.arange(1, ranks.size + 1) / ranks))
    return float(np.mean(found))
