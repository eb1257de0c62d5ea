"""A state machine is declared in one place and checks itself when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Set


def graph(
    following: Mapping[str, Set[str]], *, first: str, ends: Set[str], states: Set[str]
) -> dict[str, frozenset[str]]:
    """Return, for each state, those that may follow it.

    Raises ValueError when a state has no line, cannot be reached from ``first``, or leads nowhere and is none of
    ``ends``.
    """
    lines = {str(state): frozenset(str(after) for after in following[state]) for state in following}
    if set(lines) != set(states):
        raise ValueError(f"states without a line in the graph: {set(lines) ^ set(states)}")
    reached, frontier = {str(first)}, [str(first)]
    while frontier:
        new = lines[frontier.pop()] - reached
        reached |= new
        frontier.extend(new)
    if reached != set(states):
        raise ValueError(f"states that nothing can reach: {set(states) - reached}")
    if dead := {state for state, after in lines.items() if not after} - set(ends):
        raise ValueError(f"states that nothing can leave: {dead}")
    return lines
