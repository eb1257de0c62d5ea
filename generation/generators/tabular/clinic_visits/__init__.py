"""Patients of a made-up clinic and their visits."""

from generation.generators.tabular.clinic_visits.maker import clinic_visits as generator

__all__ = ["generator"]
