"""IronForge measured beside its peers: `python -m benchmarks --help` explains it, docs/performance.md shows a run."""
