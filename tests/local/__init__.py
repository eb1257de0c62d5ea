"""The one-machine stack, seen from outside: processes, ports, files and pages."""
