"""The child process in which any generator runs, the writer beside it, and the client that holds both."""

from generation.runner.client import Limits, Runner
from generation.runner.errands import drift_of_pairs, drift_of_upload, judge_answers, judge_made, parse_source
from generation.runner.faults import CancelledFault, GeneratorFault, PlatformFault, RunnerFault, SourceFault
from generation.runner.jobs import (
    Checked,
    Description,
    JobSpec,
    Mark,
    Needs,
    Problem,
    Runtime,
    ShardResult,
    StateFile,
    TableFile,
    Usage,
)
from generation.runner.plan import Plan, ShardPlan, SplitPlan, file_path, plan, rows_judged
from generation.runner.seed import commitment, draw_salt, draw_seed

__all__ = [
    "CancelledFault",
    "Checked",
    "Description",
    "GeneratorFault",
    "JobSpec",
    "Limits",
    "Mark",
    "Needs",
    "Plan",
    "PlatformFault",
    "Problem",
    "Runner",
    "RunnerFault",
    "Runtime",
    "ShardPlan",
    "ShardResult",
    "SourceFault",
    "SplitPlan",
    "StateFile",
    "TableFile",
    "Usage",
    "commitment",
    "draw_salt",
    "draw_seed",
    "drift_of_pairs",
    "drift_of_upload",
    "file_path",
    "judge_answers",
    "judge_made",
    "parse_source",
    "plan",
    "rows_judged",
]
