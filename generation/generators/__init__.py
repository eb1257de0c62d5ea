"""The house's own generators; they know the sdk only."""
