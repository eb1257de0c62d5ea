"""Any row of any version, in the shapes of the dataset viewer: found by one look-up, read by ranges.

``access`` says who may read how far, ``parquet`` reads, ``cells`` and ``features`` put values and types into JSON,
``filters`` asks the free sample, ``answers`` composes what the calls answer, ``views`` and ``urls`` are the calls.
"""
