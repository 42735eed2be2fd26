"""What an output port promises: how a change of it is judged, when it may pass, and how it is told in ODCS."""
