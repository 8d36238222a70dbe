"""What lies under `deploy/` fits what the programs really take and tell."""
