"""The paper's experiments as lists of configurations: what is varied, what is kept, and where the default stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from reatrieve.lab.runner import Setup
from reatrieve.lab.sessions import Conditions
from reatrieve.retrieval.learned.model import BASIC_PITCH

__all__ = ["ALPHAS", "DEFAULT_LABEL", "Experiment", "Point", "all_setups", "experiments"]

REPRESENTATIONS = ("stft", "cqt", "mfcc")
NMF_COMPONENTS = 30
COMPONENTS = (5, 10, 15, 20, 25, 30, 40, 60)
SELECTED = (1, 3, 5, 10, 15, 20, 25, 28, 30)
ALPHAS = (0.1, 1.0, 10.0, 100.0)
L1_RATIOS = (0.0, 0.5, 1.0)
SELECTION_RULES = ("topk", "forward", "fisher", "logistic")
QUERIES = ("greedy", "uncertainty", "random")
KEPT_SHARE = 25 / 30
"""k is "slightly below" the number of components: 25 of 30."""

DEFAULT_LABEL = "default"

Shape: TypeAlias = Literal["curves", "lines", "table"]


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration in one experiment: its line (``series``), its place on it (``x``), its setup."""

    series: str
    x: float | str
    setup: Setup


@dataclass(frozen=True, slots=True)
class Experiment:
    """One figure or table.

    Attributes
    ----------
    key : file name without suffix.
    title : heading.
    shape : "curves": recall against rejections, a line a point; "lines": recall against ``x``, a line a series;
        "table": series against ``x``.
    x_label : what ``x`` is.
    points : configurations, without the default retriever, which stands in every one.
    note : one sentence on what is kept.
    """

    key: str
    title: str
    shape: Shape
    x_label: str
    points: tuple[Point, ...]
    note: str


def experiments(conditions: Conditions, *, learned: Sequence[str] = ()) -> list[Experiment]:
    """All experiments under the same conditions.

    Parameters
    ----------
    learned : learned representations to compare (``basic-pitch`` or TOML files); () for none.
    """

    def paper(**settings: Any) -> Setup:
        return Setup(_label(settings), "paper", settings, conditions)

    def default_on(representation: str) -> Setup:
        settings = {"representation": representation}
        return Setup(f"default:representation={representation}", "default", settings, conditions)

    return [
        Experiment(
            "fig1_representations",
            "Fig. 1: representations, raw and factorised",
            "curves",
            "rejections",
            (
                *_representations(paper, (*REPRESENTATIONS, *learned)),
                *(Point(f"default, {_shown(name)}", "default", default_on(name)) for name in learned),
            ),
            "Raw: nearest accepted excerpt over all rows. NMF: 30 components, 25 selected by Eq. 3.",
        ),
        Experiment(
            "fig2_components",
            "Fig. 2: recall against the number of NMF components",
            "lines",
            "components",
            tuple(
                Point(_shown(name), n, paper(representation=name, components=n, selected=round(n * KEPT_SHARE)))
                for name in ("mfcc", "cqt", "stft")
                for n in COMPONENTS
            ),
            "Five sixths of the components are selected by Eq. 3.",
        ),
        Experiment(
            "fig3_selected",
            "Fig. 3: recall against the number of selected features",
            "lines",
            "selected features (k)",
            tuple(
                Point(f"{_shown(name)}, {n} components", k, paper(representation=name, components=n, selected=k))
                for name, n in (("mfcc", NMF_COMPONENTS), ("cqt", NMF_COMPONENTS), ("mfcc", 20))
                for k in SELECTED
                if k <= n
            ),
            "Eq. 3, independent top-k; the right end selects everything.",
        ),
        Experiment(
            "regularisation",
            "Regularisation of the NMF (MFCC, 30 components, k = 25)",
            "table",
            "L1 ratio",
            (
                *(Point("alpha 0", f"{ratio:g}", paper()) for ratio in L1_RATIOS),
                *(
                    Point(f"alpha {alpha:g}", f"{ratio:g}", paper(alpha=alpha, l1_ratio=ratio))
                    for alpha in ALPHAS
                    for ratio in L1_RATIOS
                ),
            ),
            "alpha as the paper's scikit-learn meant it; without it the L1 ratio has no effect.",
        ),
        Experiment(
            "selection_rules",
            "Selection rules (MFCC, 30 components, k = 25)",
            "curves",
            "rejections",
            (
                *(Point(_RULES[rule], rule, paper(selection=rule)) for rule in SELECTION_RULES),
                Point("no selection", "none", paper(selected=0)),
            ),
            "After every answer; all rows while nothing was rejected.",
        ),
        Experiment(
            "query_strategies",
            "Query strategies (MFCC, 30 components, k = 25)",
            "curves",
            "rejections",
            tuple(Point(query, query, paper(query=query)) for query in QUERIES),
            "Which excerpt is asked about: the nearest, the least certain, or any.",
        ),
    ]


def all_setups(found: Iterable[Experiment], conditions: Conditions) -> list[Setup]:
    """The default retriever and every configuration, each once, the quick ones first."""
    setups: dict[str, Setup] = {DEFAULT_LABEL: Setup(DEFAULT_LABEL, "default", {}, conditions)}
    for experiment in found:
        for point in experiment.points:
            setups.setdefault(point.setup.label, point.setup)
    default = setups.pop(DEFAULT_LABEL)
    return [default, *sorted(setups.values(), key=lambda setup: (_cost(setup.settings), _analysed(setup.settings)))]


def _representations(paper: Any, names: Sequence[str]) -> Iterable[Point]:
    for name in names:
        yield Point(f"{_shown(name)} + NMF", "nmf", paper(representation=name))
        yield Point(f"{_shown(name)} raw", "raw", paper(representation=name, components=0, selected=0))


def _shown(representation: str) -> str:
    return representation.upper() if representation in REPRESENTATIONS else representation


_RULES = {
    "topk": "Eq. 3, top-k",
    "forward": "Eq. 3, forward selection",
    "fisher": "Fisher weights",
    "logistic": "L1 logistic regression",
}

_BASE: Mapping[str, Any] = {
    "representation": "mfcc", "components": NMF_COMPONENTS, "selected": 25, "alpha": 0.0, "l1_ratio": 0.0,
    "selection": "topk", "query": "greedy",
}  # fmt: skip


def _label(settings: Mapping[str, Any]) -> str:
    """One name a configuration, however it was asked for: settings at the paper's values are left out."""
    other = [f"{key}={value}" for key, value in settings.items() if _BASE[key] != value]
    return ":".join(["paper", *other])


def _analysed(settings: Mapping[str, Any]) -> str:
    """What decides the analysis: configurations that share one come in a row, and are factorised once."""
    return str([settings.get(name, _BASE[name]) for name in ("representation", "components", "alpha", "l1_ratio")])


def _cost(settings: Mapping[str, Any]) -> int:
    """Rough order of running time: factorising an STFT takes far longer than anything else."""
    components = max(1, int(settings.get("components", NMF_COMPONENTS)))
    width = {"stft": 1025, "cqt": 84, "mfcc": 20, BASIC_PITCH: 264}.get(
        str(settings.get("representation", "mfcc")), 264
    )
    return width * components
