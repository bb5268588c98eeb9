"""What every service shares: ASGI wiring, the outgoing client, telemetry, lifecycle, settings."""
