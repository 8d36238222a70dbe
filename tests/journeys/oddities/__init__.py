"""An app with handlers that do to their worker what machines do to workers."""
