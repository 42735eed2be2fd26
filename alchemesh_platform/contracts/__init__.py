"""Contracts of output ports: compatibility of changes, notice periods, and ODCS import and export."""
