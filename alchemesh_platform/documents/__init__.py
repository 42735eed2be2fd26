"""Parts that all documents share: base models, validation, and readable errors."""
