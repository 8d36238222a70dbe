"""One file a measure; `benchmarks.catalogue` lists them."""
