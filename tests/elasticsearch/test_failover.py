"""Nodes die under load and come back: citizens are answered all the while, and no change is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.elasticsearch.failover import run
from tests.elasticsearch.node import Cluster


@pytest.mark.timeout(420)
def test_citizens_are_answered_while_nodes_die_and_no_change_is_lost(
    elasticsearch_cluster: Cluster, tmp_path: Path
) -> None:
    outcome = run(tmp_path, elasticsearch_cluster, phase_seconds=6)
    by_name = {phase.name: phase for phase in outcome.phases}
    assert [phase.errors for phase in outcome.phases] == [0] * len(outcome.phases)
    assert by_name["three nodes"].by_engine["embedded"] == 0
    assert by_name["all killed"].by_engine["embedded"] > 0
    assert by_name["three nodes again"].by_engine["elasticsearch"] > 0
    assert all(phase.degraded == phase.by_engine["embedded"] for phase in outcome.phases), "degrading is told"
    assert outcome.changes > 40
    assert outcome.lost == 0
    assert outcome.report.passed, outcome.report.summary()
