"""The only place that knows OpenTelemetry, loaded only where tracing is on."""
