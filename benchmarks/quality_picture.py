"""The picture of scores that benchmarks.quality_page shows.

A module of benchmarks.quality, without a command of its own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_melgan.evaluation.metrics import Metric
from tf_melgan.files import atomic_file


def draw_scores(result: dict[str, Any], metrics: Sequence[Metric], path: Path) -> None:
    """Writes a PNG with a panel for each metric: means with their intervals, by system.

    Args:
        result: the content of quality.json.
        metrics: to draw.
        path: of the PNG.
    """
    from matplotlib.figure import Figure

    systems = list(next(iter(result["speakers"].values()))["systems"])
    figure = Figure(figsize=(13, 1.6 + 0.45 * len(systems)), layout="constrained")
    axes = figure.subplots(1, len(metrics), sharey=True)
    count = len(result["speakers"])
    for axis, metric in zip(axes, metrics, strict=True):
        for index, (name, speaker) in enumerate(result["speakers"].items()):
            points = [
                (*row["means"][metric.key][:2], systems.index(system))
                for system, row in speaker["systems"].items()
                if metric.key in row["means"]
            ]
            means, halves, places = np.transpose(points)
            places = places + 0.2 * (index - (count - 1) / 2)
            axis.errorbar(means, places, xerr=halves, fmt="o", ms=4, capsize=2, label=name)
        better = "higher" if metric.higher_is_better else "lower"
        unit = f"{metric.unit}, " if metric.unit else ""
        axis.set(title=metric.title, xlabel=f"{unit}{better} is better")
        axis.grid(alpha=0.3)
    axes[0].set_yticks(range(len(systems)), systems)
    axes[0].set_ylim(len(systems) - 0.5, -0.5)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=count)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90)
