"""The models of runs: one file each."""

from generation.runs.models.drift_check import DriftCheck
from generation.runs.models.generator import Generator, GeneratorVersion, Runtime
from generation.runs.models.making import Making
from generation.runs.models.probe import Probe
from generation.runs.models.run import Run, RunEvent, Shard, StateFile
from generation.runs.models.source import Source, SourceFile

__all__ = [
    "DriftCheck",
    "Generator",
    "GeneratorVersion",
    "Making",
    "Probe",
    "Run",
    "RunEvent",
    "Runtime",
    "Shard",
    "Source",
    "SourceFile",
    "StateFile",
]
