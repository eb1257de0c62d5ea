"""Benchmarks that state ratios, A against B in one run, so that they hold on a busy machine too: ``make bench``."""
