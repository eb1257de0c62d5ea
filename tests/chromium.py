"""A pytest plugin: the Chromium of the journeys, and what is said where there is none.

Journeys are then skipped and named in the very last line of the output; in CI they fail, so that nobody takes a run
without them for a whole one.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from marketplace.local.bootstrap import find_chromium

_MISSED = "missed for want of Chromium"
_REMEDY = "Set LOOKALIKE_CHROMIUM to a Chromium or Chrome."


@functools.cache
def chromium() -> Path | None:
    """The browser to drive, or ``None``."""
    return find_chromium(Path(sys.executable))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before anything is started for a journey, see that there is a browser."""
    if item.get_closest_marker("journey") is None or chromium() is not None:
        return
    item.user_properties.append((_MISSED, item.name))
    words = f"There is no Chromium for this journey. {_REMEDY}"
    if _in_ci():
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Name the journeys that were missed, after everything else is said."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    ended = [report for kind in ("skipped", "error") for report in reporter.stats.get(kind, [])]
    reports = [report for report in ended if isinstance(report, pytest.TestReport)]  # of collecting there are others
    missed = sorted(value for report in reports for name, value in report.user_properties if name == _MISSED)
    if missed:
        verb = "Failed" if _in_ci() else "Skipped"
        reporter.write_line(f"{verb} for want of Chromium: {', '.join(missed)}. {_REMEDY}")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}
