"""Where jobs are kept. `base` says what a store can do; `redis` does it. No Django below this point."""
