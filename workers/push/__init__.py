"""Sends jobs to the URLs that their kinds are bound to; loaded by workers that meet such a job."""
