"""``python -m bench.failover``: what citizens and clerks notice while Elasticsearch nodes die and come back."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.machine import describe, percentile
from tests.elasticsearch.failover import CHANGES_A_SECOND, GUIDES, SEARCHES_A_SECOND, run
from tests.elasticsearch.node import start_cluster


def main() -> None:
    """Play the scenario and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.failover", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="length of each phase")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="banshi-failover-") as folder:
        cluster = start_cluster(Path(folder) / "cluster")
        try:
            (Path(folder) / "site").mkdir()
            outcome = run(Path(folder) / "site", cluster, phase_seconds=arguments.seconds)
        finally:
            cluster.stop()
    table = Table(
        title=f"{describe()}; 3 nodes, 1 replica, {len(GUIDES)} guides, {SEARCHES_A_SECOND} searches/s, "
        f"{CHANGES_A_SECOND} changes/s"
    )
    for column in ("phase", "s", "searches", "by elasticsearch", "by standby", "errors", "p50 ms", "p95 ms", "max ms"):
        table.add_column(column, justify="left" if column == "phase" else "right")
    for phase in outcome.phases:
        table.add_row(
            phase.name,
            f"{phase.seconds:.0f}",
            str(phase.searches),
            str(phase.by_engine["elasticsearch"]),
            str(phase.by_engine["embedded"]),
            str(phase.errors),
            *(f"{percentile(phase.milliseconds, share):.0f}" for share in (0.5, 0.95, 1.0)),
        )
    console = Console(width=130)
    console.print(table)
    console.print(
        f"changes {outcome.changes}, lost {outcome.lost}; after the nodes were started: "
        f"answers by Elasticsearch after {outcome.seconds_until_engine_answers:.1f} s, "
        f"fresh after {outcome.seconds_until_fresh:.1f} s; index against database: {outcome.report.summary()}"
    )


if __name__ == "__main__":
    main()
