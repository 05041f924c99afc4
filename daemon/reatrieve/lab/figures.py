"""Figures of the experiments, as SVG (extra ``figures``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reatrieve.installation import loaded
from reatrieve.lab.experiments import DEFAULT_LABEL, Experiment

__all__ = ["Figures", "demand_drawing", "draw", "draw_reliability"]

Figures = Mapping[str, Mapping[str, Any]]
"""Label of the setup -> what ``scoring.summary`` gave, with ``interval``."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F")
"""Okabe and Ito's, told apart by the colour-blind too."""

MOST_SHADED = 6
"""With more lines the intervals would hide each other; the tables have them."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SETTINGS = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3,
    "legend.frameon": False, "svg.hashsalt": "reatrieve", "svg.fonttype": "none", "figure.dpi": 100, "savefig.dpi": 200,
}  # fmt: skip


def demand_drawing() -> None:
    """Say before any work that figures cannot be drawn.

    Raises
    ------
    InputError
        matplotlib is not installed, or cannot be loaded.
    """
    _pyplot()


def draw(experiment: Experiment, figures: Figures, random_recall: float, folder: Path) -> list[Path]:
    """Draw one experiment; tables have no figure.

    Returns
    -------
    list of Path
        The SVG file, or nothing.

    Raises
    ------
    InputError
        As ``demand_drawing``.
    """
    if experiment.shape == "table":
        return []
    plt = _pyplot()
    with plt.rc_context(SETTINGS):
        fig, ax = plt.subplots(figsize=(5.4, 3.6), layout="constrained")
        if experiment.shape == "curves":
            _curves(ax, experiment, figures)
        else:
            _lines(ax, experiment, figures)
        ax.axhline(random_recall, color="0.5", linewidth=0.8, linestyle=":")
        ax.annotate("random order", (1.0, random_recall), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                    color="0.4", fontsize=7)  # fmt: skip
        ax.set(xlabel=experiment.x_label, ylabel="recall", ylim=(0.0, 1.02))
        ax.legend(fontsize=7, loc="lower right", ncols=2 if len(ax.get_lines()) > 7 else 1)
        return _saved(plt, fig, folder / experiment.key)


def draw_reliability(bins: Sequence[Sequence[float]], ece: float, path: Path) -> list[Path]:
    """The reliability diagram: share of hits against the mean probability of each equal-mass bin."""
    plt = _pyplot()
    with plt.rc_context(SETTINGS):
        fig, ax = plt.subplots(figsize=(3.6, 3.6), layout="constrained")
        ax.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle="--")
        ax.plot([row[0] for row in bins], [row[1] for row in bins], marker="o", color=COLOURS[0])
        ax.set(xlabel="probability given", ylabel="share of hits", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        ax.set_title(f"{len(bins)} bins of equal mass, ECE {ece:.3f}", fontsize=9)
        return _saved(plt, fig, path)


def _curves(ax: Any, experiment: Experiment, figures: Figures) -> None:
    labels = [(DEFAULT_LABEL, DEFAULT_LABEL), *((point.series, point.setup.label) for point in experiment.points)]
    for index, (name, label) in enumerate(labels):
        curve = figures[label]["curve"]
        pair = list(figures[label]["interval"]["curve"])
        colour = "black" if label == DEFAULT_LABEL else COLOURS[(index - 1) % len(COLOURS)]
        x = range(1, len(curve))
        marker = None if label == DEFAULT_LABEL else MARKERS[(index - 1) % len(MARKERS)]
        style = "--" if name.endswith(" raw") else "-"
        if label.startswith(f"{DEFAULT_LABEL}:"):
            colour, style, marker = "0.4", ":", "o"
        ax.plot(x, curve[1:], style, marker=marker, markersize=3.5, color=colour, label=name, linewidth=1.3)
        if len(labels) <= MOST_SHADED:
            ax.fill_between(x, [p[0] for p in pair[1:]], [p[1] for p in pair[1:]], color=colour, alpha=0.1, linewidth=0)


def _lines(ax: Any, experiment: Experiment, figures: Figures) -> None:
    default = figures[DEFAULT_LABEL]["recall"]
    ax.axhline(default, color="black", linewidth=1.3, label=DEFAULT_LABEL)
    for index, series in enumerate(dict.fromkeys(point.series for point in experiment.points)):
        points = [point for point in experiment.points if point.series == series]
        recalls = [figures[point.setup.label]["recall"] for point in points]
        pairs = [figures[point.setup.label]["interval"]["recall"] for point in points]
        x = [float(point.x) for point in points]
        ax.plot(x, recalls, marker=MARKERS[index], markersize=4, color=COLOURS[index], label=series, linewidth=1.3)
        ax.fill_between(x, [p[0] for p in pairs], [p[1] for p in pairs], color=COLOURS[index], alpha=0.1, linewidth=0)


def _saved(plt: Any, fig: Any, path: Path) -> list[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = path.with_name(f"{path.name}.svg")
    fig.savefig(drawn, metadata={"Date": None})
    plt.close(fig)
    return [drawn]


def _pyplot() -> Any:
    loaded("matplotlib").use("Agg")  # no display needed
    return loaded("matplotlib.pyplot")
