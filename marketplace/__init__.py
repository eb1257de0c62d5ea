"""The project, and the ground that every part stands on."""
