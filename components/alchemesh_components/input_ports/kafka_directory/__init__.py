"""Kafka topics, landed as files of this machine."""
