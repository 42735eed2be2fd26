"""Tests of the API for authors of components and systems."""
