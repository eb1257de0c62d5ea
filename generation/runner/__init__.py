"""The child process in which any generator runs, and the writer beside it."""
