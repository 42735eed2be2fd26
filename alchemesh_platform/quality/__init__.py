"""Technical quality of rows: the counts of a model in one statement of SQL, and the measures that follow from them."""
