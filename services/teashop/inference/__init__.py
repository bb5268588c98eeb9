"""A mock of an LLM server with continuous batching."""
