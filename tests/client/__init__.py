"""The Python SDK and the conformance kit, against real servers."""
