"""The embedded platform: each replica a process on loopback."""
