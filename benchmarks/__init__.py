"""Measurements of redpoll beside the real servers.  `python -m benchmarks --help`; how to read them: README.md."""
