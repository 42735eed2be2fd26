"""The LEGO: what components there are, and what each takes and gives."""
