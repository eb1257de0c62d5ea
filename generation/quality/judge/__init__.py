"""The judge: how good a made table is, how private, how fair, and where it fails. Arrow in, report out."""
