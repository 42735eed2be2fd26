"""Tests of the parts that authors of components and systems import."""
