"""The hub protocol: the HTTP calls by which ``datasets``, ``huggingface_hub`` and ``hf://`` paths load a dataset.

A dataset is a repository, its newest version on the shelf the branch ``main``, each version a commit. The clients'
source is the final word on what is asked and answered here.
"""
