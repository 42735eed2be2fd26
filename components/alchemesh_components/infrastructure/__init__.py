"""Components for infrastructure that code needs beyond the ports."""
