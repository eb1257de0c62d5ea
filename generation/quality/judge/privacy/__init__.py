"""How private a made table is: attacks, each beside the same attack on people who were withheld.

``judge_privacy`` returns the section ``privacy`` of the report. F stands for a figure's JSON (value, interval,
yardsticks ``holdout``, ``copy`` and ``independent``, why)::

    {"closest": {"share": F,            share of made rows nearer to a fitted than to a withheld row; 0.5 tells nothing
                 "distance": F},        median distance of made rows to the closest fitted row, in columns that differ
     "copies": {"share": F,             share of made rows equal to a fitted row
                "surplus": F},          of these, what withheld rows do not explain
     "memorised": {"rare_levels": F,    levels, fewer than ten fitted people hold them, that stand in the made table
                   "repeated": F,       numbers likewise, that it holds far too often
                   "extremes": F,       largest or smallest values of a column likewise, that stand in it
                   "columns": [name…]}, where that cannot be chance
     "membership_area": F,              how often a fitted person is nearer to the made table than a withheld one
     "attacks": [{"attack": name, "column": name or null, "attacks": {"tried": n, "succeeded": n},
                  "control": {…}, "risk": F, "chance": how likely by chance}…],
     "level": "holdout" | "few_people" | "leaks" | "copy" | "unmeasured",
     "findings": [sentence…], "verdict": sentence, "refused": sentence or null, "not_tested": [sentence…]}

The yardstick ``copy`` is the positive control: an attack that does not catch a copy of the fitted rows says nothing.
No value of the tables is in it. All methods are our own, written from the papers that each module names.
"""

from generation.quality.judge.privacy.section import judge_privacy

__all__ = ["judge_privacy"]
