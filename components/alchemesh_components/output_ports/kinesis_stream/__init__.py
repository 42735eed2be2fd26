"""Streaming topics in Kinesis."""
