"""The view of a terminal: what an operator sees and does without a browser. Loaded by its command alone."""
