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

Refused is a copy, rows of people beyond chance, and a value of fewer than ten people that was carried over: a level
where the made table has no words of its own or hits on no stranger's, a number that is repeated where no stranger's
is, an extreme that cannot be chance. A number drawn from an interval may coincide with one; that alone is told only.
The yardstick ``copy`` is the positive control: an attack that does not catch a copy of the fitted rows says nothing.
No value of the tables is in it. All methods are our own, written from the papers that each module names.
"""

from generation.quality.judge.privacy.everybody import PEOPLE, Census, Everybody, people_of
from generation.quality.judge.privacy.section import ATTACKS, QUERIES, REFERENCES, judge_privacy

__all__ = ["ATTACKS", "PEOPLE", "QUERIES", "REFERENCES", "Census", "Everybody", "judge_privacy", "people_of"]
