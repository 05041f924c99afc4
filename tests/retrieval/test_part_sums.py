"""Sums over the parts of excerpts, against one excerpt after the other."""

import numpy as np
import pytest

from reatrieve.retrieval.part_sums import part_products, running_sums, sums_over_parts, values_at


def overlap(low: float, high: float, frame: int) -> float:
    return max(0.0, min(high, frame + 1.0) - max(low, float(frame)))


@pytest.mark.parametrize(
    "edges", [(0.0, 3.0, 6.0), (0.0, 7.0 / 3.0, 14.0 / 3.0, 7.0), (0.25, 1.5, 1.75, 9.125), (0.0, 0.4), (2.0, 5.0)]
)
@pytest.mark.parametrize("n", [1, 2, 40])
def test_each_row_counts_over_its_own_part(edges: tuple[float, ...], n: int) -> None:
    rows = np.random.default_rng(3).standard_normal((len(edges) - 1, n + 10)).astype(np.float32)
    expected = [
        sum(
            float(row[frame]) * overlap(start + begin, start + end, frame)
            for row, begin, end in zip(rows, edges[:-1], edges[1:], strict=True)
            for frame in range(rows.shape[1])
        )
        for start in range(n)
    ]
    np.testing.assert_allclose(sums_over_parts(rows, np.array(edges), n), expected, atol=1e-9)


def test_nothing_adds_up_over_an_hour() -> None:
    """A constant difference of steps would grow: silence after an hour of noise is 0 again."""
    rows = np.random.default_rng(4).standard_normal((3, 155_100)).astype(np.float32)
    rows[:, -200:] = 0.0
    sums = sums_over_parts(rows, np.linspace(0.0, 50.0, 4), 155_050)
    assert abs(sums[-1]) < 1e-8


def test_running_sums_between_frames_in_proportion() -> None:
    sums = running_sums(np.array([1.0, 2.0, 4.0]))
    assert sums.tolist() == [0.0, 1.0, 3.0, 7.0]
    assert values_at(sums, 0.5, 2).tolist() == [0.5, 2.0]
    assert values_at(sums, 1.0, 2).tolist() == [1.0, 3.0]


@pytest.mark.parametrize("m", [1, 2047, 2048, 5000])
def test_products_in_chunks_are_the_product(m: int) -> None:
    rng = np.random.default_rng(5)
    template, frames = rng.standard_normal((3, 7)).astype(np.float32), rng.standard_normal((7, m)).astype(np.float16)
    np.testing.assert_allclose(
        part_products(template, frames), template @ frames.astype(np.float32), rtol=1e-4, atol=1e-4
    )
