"""The terminal of a person: questions, signals, printing, and the time that somebody has waited."""
