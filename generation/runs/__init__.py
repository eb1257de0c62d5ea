"""The registry of generators, runs and their shards, sources, replay."""
