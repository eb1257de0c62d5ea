"""``make bench-tabular``: the synthesizer beside its peers on real tables, by the judge's measures."""
