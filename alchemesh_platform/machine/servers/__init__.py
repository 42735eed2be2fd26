"""Servers of this machine: supervisors, processes, TCP ports, and limits on memory."""
