"""Kinds of identity that code has on Google Cloud."""

from __future__ import annotations

GOOGLE_SERVICE_ACCOUNT = "google-service-account"
