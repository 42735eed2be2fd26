"""Runs the code of a component: with stand-ins for the engine, and in processes of its own."""
