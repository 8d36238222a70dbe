"""An app whose handlers run in child processes, and do to them what handlers do."""
