"""The handlers that IronForge's workers run in the benchmarks."""
