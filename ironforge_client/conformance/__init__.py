"""The conformance kit: drives a worker program in any language through what can go wrong."""
